"""Search of neighbor pairs."""

import matscipy.neighbours
import numpy as np

from ase_mag import _kernels

_PIECE = 2**16


def search_pairs(positions, box, pbc, cutoff, origin=(0.0, 0.0, 0.0)):
    """Find all pairs with |r_ij| < cutoff, in both orders and with all periodic images (matscipy).

    Parameters
    ----------
    positions : (n, 3) float array, angstrom; n > 0.
    box : (3, 3) float array, rows are cell vectors, not degenerate; in directions without
        periodicity it encloses the atoms.
    pbc : (3,) bool array.
    cutoff : float, angstrom, positive.
    origin : (3,) float array, corner of the box.

    Returns
    -------
    offsets : (n + 1,) int32 array, pairs of atom i are ``offsets[i]:offsets[i + 1]``.
    neighbors : (n_pairs,) int32 array, j, sorted for each i.
    translations : (n_translations, 3) int32 array, cell translations that occur.
    translation : (n_pairs,) int32 array, the row of ``translations`` of every pair.
    """
    n = len(positions)
    centers, neighbors, shifts = matscipy.neighbours.neighbour_list(
        "ijS",
        positions=positions,
        cell=box,
        pbc=pbc,
        numbers=np.zeros(n, np.intc),
        cell_origin=np.asarray(origin, dtype=float),
        cutoff=cutoff,
    )
    translations, translation = _distinct(shifts)
    del shifts
    # The transposed list, with opposite translations, is the same list with every row in order.
    offsets, pairs = np.zeros(n + 1, np.intc), np.empty(len(centers), np.intc)
    _kernels.graph.incoming_pairs(neighbors, offsets, pairs)
    del neighbors
    return offsets, _at(centers, pairs), -translations, _at(translation, pairs)


def _at(values, places):
    """Return ``values[places]`` in pieces: numpy makes places of 64 bits of them."""
    out = np.empty(len(places), np.intc)
    for start in range(0, len(places), _PIECE):
        piece = slice(start, start + _PIECE)
        out[piece] = values[places[piece]]
    return out


def _distinct(shifts):
    """Return the distinct rows of ``shifts`` (n, 3) and the place of every row among them."""
    if not len(shifts):
        return np.zeros((0, 3), np.intc), np.zeros(0, np.intc)
    low = shifts.min(axis=0)
    extent = shifts.max(axis=0) - low + 1
    if extent.prod(dtype=float) > 1e6:
        rows, places = np.unique(shifts, axis=0, return_inverse=True)
        return rows.astype(np.intc), places.ravel().astype(np.intc)
    codes = np.zeros(len(shifts), np.intc)
    for axis in range(3):
        codes *= extent[axis]
        codes += shifts[:, axis]
        codes -= low[axis]
    present = np.zeros(extent.prod(), bool)
    for start in range(0, len(codes), _PIECE):
        present[codes[start : start + _PIECE]] = True
    rows = low + np.stack(np.unravel_index(np.flatnonzero(present), extent), axis=1)
    ranks = (np.cumsum(present) - 1).astype(np.intc)
    return rows.astype(np.intc), _at(ranks, codes)
