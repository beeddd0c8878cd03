"""Displaced and magnetically disordered frames to compute landscapes for."""

import numpy as np

from ase_mag.core import get_moments, set_moments
from ase_mag.lsf.ideal import ideal_lattice, in_cell_of, set_ideal_lattice


def snapshots(atoms, displacement, directions="random", count=1, rng=None, sizes=None):
    """Return displaced copies of ``atoms`` with new moment directions.

    x_i = X_i + displacement * g_i, M_i = m_i e_i, with independent normal numbers g_i (three per
    atom) and unit vectors e_i.

    Parameters
    ----------
    atoms : ase.Atoms
        The ideal structure; X_i are the sites of its ideal lattice in its present cell where it has
        one (see :func:`set_ideal_lattice`), else ``atoms.positions``.
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
        Each keeps the ideal lattice as ``arrays['ideal_positions']`` and ``info['ideal_cell']``,
        which the extended xyz format stores. (ASE's traj files hold no such arrays; predictors
        then use their own reference.)

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
    ideal = ideal_lattice(atoms, atoms)
    sites = in_cell_of(ideal, atoms)
    moments = _moment_sizes(atoms, sizes)[:, None] * _unit_vectors(directions, count, atoms, rng)
    frames = []
    for k in range(count):
        frame = atoms.copy()
        frame.calc = None
        frame.positions = sites + rng.normal(0.0, displacement, sites.shape)
        set_ideal_lattice(frame, ideal)
        set_moments(frame, moments[k])
        frames.append(frame)
    return frames


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
