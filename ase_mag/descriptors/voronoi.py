"""Exact Voronoi volumes in periodic cells."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core.threads import threads_for

_COINCIDENT, _FULL, _INCONSISTENT = 1, 2, 3
#: Cost of one Voronoi cell in inner-loop visits, for the choice of the number of threads.
_VISITS = 400


def voronoi_volumes(positions, cell, pbc=True):
    """Return the volume of the Voronoi cell of every atom.

    V_i = volume of {x : |x - x_i| <= |x - x_j - S| for all atoms j and lattice translations S},

    so that sum_i V_i is the cell volume. Exact for any cell, with images of an atom itself:
    one-atom and strongly skewed cells are right, and ties of perfect lattices are harmless.

    Parameters
    ----------
    positions : (N, 3) array, angstrom; atoms may lie outside the cell.
    cell : (3, 3) array, rows are cell vectors, angstrom.
    pbc : bool or three bool; all three directions have to be periodic.

    Returns
    -------
    (N,) array, angstrom^3. It does not depend on the number of threads.

    Raises
    ------
    ValueError
        For a non-periodic or flat cell, wrong shapes, NaN, or two atoms in the same place.

    Notes
    -----
    Convex-cell clipping by the bisector planes of the neighbors in order of distance, until the
    next one is farther than twice the farthest vertex (C. H. Rycroft, Chaos 19, 041111 (2009)).
    """
    check_periodic(pbc)
    positions = np.ascontiguousarray(positions, dtype=float)
    cell = np.ascontiguousarray(cell, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise ValueError(f"positions must have shape (N, 3), got {positions.shape}")
    if cell.shape != (3, 3):
        raise ValueError(f"the cell must have shape (3, 3), got {cell.shape}")
    if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
        raise ValueError("positions or cell contain NaN or infinity: Voronoi volumes need numbers")
    lengths = np.sqrt(np.einsum("ij,ij->i", cell, cell))
    volume = abs(np.linalg.det(cell))
    if not volume > 1e-12 * lengths.prod():
        raise ValueError(
            f"the cell {cell.tolist()} has no volume: Voronoi volumes need three cell vectors that "
            "are not in one plane"
        )
    return _volumes(positions, cell, lengths, volume)


def check_periodic(pbc):
    """Raise ValueError unless all three directions are periodic."""
    if not np.all(pbc):
        raise ValueError(
            f"non-periodic cell where periodicity is needed: pbc is {np.asarray(pbc).tolist()}, "
            "but Voronoi volumes exist in three periodic directions only; set pbc=True (with "
            "vacuum around a molecule or slab)"
        )


def _volumes(positions, cell, lengths, volume):
    n = len(positions)
    inverse = np.linalg.inv(cell)
    fractions = positions @ inverse
    fractions -= np.floor(fractions)
    positions = fractions @ cell
    heights = 1.0 / np.sqrt(np.einsum("ij,ij->j", inverse, inverse))
    spacing = (volume / max(n, 1)) ** (1 / 3)
    bins = np.maximum(1, np.rint(heights / spacing)).astype(np.intc)
    # No point of a Voronoi cell is farther from its atom than half the sum of the cell vectors.
    half = 0.5 * lengths.sum()
    tolerance = 1e-12 * spacing + 1e-15 * half
    starts = np.zeros(bins.prod() + 1, np.intc)
    members = np.empty(n, np.intc)
    volumes = np.empty(n)
    status = np.empty(n, np.intc)
    partners = np.empty(n, np.intc)
    planes, room = 64, 512
    while True:
        _kernels.voronoi.volumes(
            cell,
            heights,
            bins,
            fractions,
            positions,
            half,
            1.9 * spacing,
            tolerance,
            planes,
            room,
            starts,
            members,
            volumes,
            status,
            partners,
            threads_for(_VISITS * n),
        )
        if not status.any():
            return volumes
        _check(status, partners)
        if planes > 16 * n + 4096:
            raise MemoryError(f"no room for the Voronoi cells of {n} atoms with {planes} planes")
        planes, room = 2 * planes, 4 * room
        starts[:] = 0


def _check(status, partners):
    bad = np.flatnonzero(status == _COINCIDENT)
    if len(bad):
        i, j = int(bad[0]), int(partners[bad[0]])
        raise ValueError(
            f"atoms {min(i, j)} and {max(i, j)} are in the same place (closer than 1e-6 angstrom, "
            "periodic images counted): Voronoi volumes need distinct positions; remove one of them"
        )
    bad = np.flatnonzero(status == _INCONSISTENT)
    if len(bad):
        raise RuntimeError(
            f"the Voronoi cell of atom {bad[0]} could not be closed in double precision: are there "
            "atoms almost on top of each other?"
        )
