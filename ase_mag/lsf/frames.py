"""Displaced and magnetically disordered frames to compute landscapes for."""

import numpy as np
from ase import Atoms

from ase_mag.core import get_moments, set_moments

#: Name of the array that holds the ideal lattice sites of displaced atoms, angstrom.
IDEAL = "ideal_positions"


def snapshots(atoms, displacement, directions="random", count=1, rng=None, sizes=None):
    """Return displaced copies of ``atoms`` with new moment directions.

    x_i = X_i + displacement * g_i, M_i = m_i e_i, with independent normal numbers g_i (three per
    atom) and unit vectors e_i.

    Parameters
    ----------
    atoms : ase.Atoms
        The ideal structure; X_i is ``atoms.arrays['ideal_positions']`` where that array exists,
        else ``atoms.positions``.
    displacement : float, standard deviation of each Cartesian component, angstrom.
    directions : 'random', 'ferro' or array
        'random': independent and uniform on the sphere; 'ferro': all along z; or an array (N, 3)
        for all frames, or (count, N, 3); vectors are normalized, zero vectors give zero moments.
    count : int, number of frames.
    rng : int or numpy.random.Generator
    sizes : float or (N,) array, moment sizes in mu_B; those of ``atoms`` if not given.

    Returns
    -------
    list of ase.Atoms
        Each keeps X_i as ``arrays['ideal_positions']``, which the extended xyz format stores.
        (ASE's traj files hold no such arrays; predictors then use their own reference.)

    Raises
    ------
    ValueError
        For a negative displacement, a count below 1, directions of another name or shape, and
        when neither ``sizes`` nor ``atoms`` have moments, or without ``rng``.
    """
    if not (np.isfinite(displacement) and displacement >= 0):
        raise ValueError(
            f"the displacement must be a finite length that is not negative, got {displacement} "
            "angstrom"
        )
    if int(count) != count or count < 1:
        raise ValueError(f"count must be a positive integer, got {count!r}")
    if rng is None:
        raise ValueError("snapshots are random: give rng, an integer seed or a numpy Generator")
    count = int(count)
    rng = np.random.default_rng(rng)
    ideal = np.array(atoms.arrays.get(IDEAL, atoms.positions), dtype=float)
    moments = _moment_sizes(atoms, sizes)[:, None] * _unit_vectors(directions, count, atoms, rng)
    frames = []
    for k in range(count):
        frame = atoms.copy()
        frame.calc = None
        frame.positions = ideal + rng.normal(0.0, displacement, ideal.shape)
        frame.arrays.pop(IDEAL, None)
        frame.set_array(IDEAL, ideal)
        set_moments(frame, moments[k])
        frames.append(frame)
    return frames


def ideal_lattice(atoms, known=None):
    """Return the ideal lattice of ``atoms``, a reference of the same atoms or their own sites.

    The sites are ``atoms.arrays['ideal_positions']``, else those of the reference ``known``, atom
    by atom. A reference with the same sites also says which cell they belong to, so that the cell
    of ``atoms`` may have changed since.

    Raises
    ------
    ValueError
        If there is neither, or the reference has other atoms.
    """
    sites = atoms.arrays.get(IDEAL)
    same = known is not None and np.array_equal(known.numbers, atoms.numbers)
    if same and (sites is None or np.allclose(sites, known.positions, atol=1e-6)):
        return known
    if sites is not None:
        return Atoms(atoms.numbers, sites, cell=atoms.cell, pbc=atoms.pbc)
    if known is None:
        raise ValueError(
            "the ideal lattice is unknown: atoms have no array 'ideal_positions' "
            "(lsf.snapshots sets it), so give LsfPredictor(reference=ideal_atoms)"
        )
    raise ValueError(
        f"atoms ({atoms.get_chemical_formula()}) and the reference lattice "
        f"({known.get_chemical_formula()}) differ in number or order of atoms: give atoms the "
        "array 'ideal_positions', or the predictor a reference of this size"
    )


def _moment_sizes(atoms, sizes):
    n = len(atoms)
    if sizes is None:
        sizes = np.linalg.norm(get_moments(atoms), axis=1)
        if not sizes.any():
            raise ValueError(
                "atoms have no moments, so their sizes are unknown: call "
                "ase_mag.set_moments(atoms, 2.2) before, or give sizes=..."
            )
        return sizes
    sizes = np.asarray(sizes, dtype=float)
    if sizes.shape not in ((), (n,)) or not (np.isfinite(sizes) & (sizes >= 0)).all():
        raise ValueError(
            f"sizes must be a number or ({n},) numbers in mu_B, finite and not negative, got an "
            f"array of shape {sizes.shape}: {sizes}"
        )
    return np.broadcast_to(sizes, n)


def _unit_vectors(directions, count, atoms, rng):
    """Return unit vectors (count, N, 3)."""
    shape = (count, len(atoms), 3)
    if isinstance(directions, str):
        if directions == "random":
            vectors = rng.normal(size=shape)
        elif directions == "ferro":
            vectors = np.broadcast_to([0.0, 0.0, 1.0], shape)
        else:
            raise ValueError(
                f"directions {directions!r} are unknown; use 'random', 'ferro' or an array of "
                f"shape {shape[1:]} or {shape}"
            )
    else:
        vectors = np.asarray(directions, dtype=float)
        if vectors.shape not in (shape, shape[1:]):
            raise ValueError(
                f"directions have shape {vectors.shape}; allowed are {shape[1:]} (the same for all "
                f"frames) and {shape} (frames, atoms, 3)"
            )
        if not np.isfinite(vectors).all():
            raise ValueError("directions contain NaN or infinity; give finite vectors")
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.broadcast_to(vectors / np.where(norms > 0, norms, 1.0), shape)
