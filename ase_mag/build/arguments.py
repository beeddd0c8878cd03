"""Arguments of builders: moment sizes, directions."""

import numpy as np

from ase_mag.core import as_moments, get_moments


def sizes_of(atoms, sizes):
    """Return moment sizes as (N,) array, mu_B; ``None``: those of the atoms, dict: by symbol."""
    if sizes is None:
        if "initial_magmoms" not in atoms.arrays:
            raise ValueError(
                "the atoms have no moments whose sizes could be kept: give sizes, a number, one "
                "for each atom, or a dict such as {'Fe': 2.2}, in mu_B"
            )
        return np.linalg.norm(get_moments(atoms), axis=1)
    if isinstance(sizes, dict):
        missing = sorted(set(atoms.symbols) - set(sizes))
        if missing:
            raise ValueError(
                f"sizes has no moment for {', '.join(missing)}: name every species (0: none)"
            )
        sizes = [sizes[symbol] for symbol in atoms.symbols]
    if np.ndim(sizes) > 1:
        raise ValueError(
            f"sizes must be a number or one for each atom, got shape {np.shape(sizes)}"
        )
    found = as_moments(sizes, len(atoms))[:, 2]
    if (found < 0).any():
        raise ValueError(f"sizes must not be negative, got {found.min()} mu_B")
    return found


def three_numbers(values, name):
    """Return three finite numbers as an array, or raise ValueError."""
    array = np.asarray(values, dtype=float)
    if array.shape != (3,) or not np.isfinite(array).all():
        raise ValueError(f"{name} must be three finite numbers, got {values!r}")
    return array


def unit_vector(values, name):
    """Return a vector of length one along three numbers, or raise ValueError."""
    array = three_numbers(values, name)
    if not array.any():
        raise ValueError(f"{name} must not be zero, got {values!r}")
    return array / np.linalg.norm(array)
