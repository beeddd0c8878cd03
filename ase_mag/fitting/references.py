"""Energies of the atoms, which carry most of a total energy and none of its physics."""

import numpy as np
from ase.data import atomic_numbers, chemical_symbols


def atomic_references(data):
    """Return the energies per species that are closest to the energies of the frames.

    min over e of sum_k (E_k - sum_s n_ks e_s)^2 / n_k^2, with n_ks atoms of species s among the
    n_k of frame k. Where the composition does not tell species apart (one composition only), the
    smallest such energies (minimal norm) are returned; differences within that composition are
    right all the same.

    Parameters
    ----------
    data : Dataset

    Returns
    -------
    dict from symbol to float, eV.

    Raises
    ------
    ValueError
        If no frame has an energy.
    """
    frames = [frame for frame in data if frame.has("energy")]
    if not frames:
        raise ValueError("atomic references need energies, but no frame has one")
    numbers = np.unique(np.concatenate([frame.atoms.numbers for frame in frames]))
    counts = np.array([[(f.atoms.numbers == z).sum() for z in numbers] for f in frames])
    sizes = counts.sum(axis=1)
    energies = np.array([float(frame.labels["energy"]) for frame in frames])
    values = np.linalg.lstsq(counts / sizes[:, None], energies / sizes, rcond=None)[0]
    return {chemical_symbols[z]: float(value) for z, value in zip(numbers, values, strict=True)}


def reference_energy(numbers, references):
    """Return the sum of the references over atoms with these atomic numbers, eV."""
    values = {atomic_numbers[symbol]: value for symbol, value in references.items()}
    missing = sorted({chemical_symbols[z] for z in np.unique(numbers)} - set(references))
    if missing:
        raise ValueError(
            f"references name {', '.join(references)}, but the data also hold "
            f"{', '.join(missing)}: give their energies too"
        )
    return float(sum(values[z] for z in np.asarray(numbers).tolist()))
