"""Search of neighbor pairs."""

import matscipy.neighbours
import numpy as np

from ase_mag import _kernels
from ase_mag.core.threads import threads_for

_PIECE = 2**16


class PairSearch:
    """Finds the pairs of moving atoms within a radius.

    Pairs are listed by matscipy out to ``radius + room``; as long as no atom has moved by more than
    room/2 since, a new search picks those within ``radius`` from that list, which takes a tenth of
    the time.

    Parameters
    ----------
    pbc : (3,) bool array.
    radius : float, angstrom, positive.
    room : float, angstrom; 0: nothing is kept between searches.
    """

    def __init__(self, pbc, radius, room):
        self.pbc, self.radius, self.room = pbc, radius, room
        self._wide = self._positions = self._cell = None

    def pairs(self, positions, cell):
        """Return the pairs within ``radius``, as :func:`search_pairs` does.

        Raises
        ------
        ValueError
            If the cell has no extent along a periodic direction.
        """
        reach = self.radius + self.room
        if self._wide is None or escaped(
            positions, cell, self._positions, self._cell, self.radius, reach
        ):
            check_cell(cell, self.pbc)
            origin, box = enclosing_box(positions, cell, self.pbc)
            wide = search_pairs(positions, box, self.pbc, reach, origin)
            if self.room == 0:
                return wide
            self._wide, self._positions, self._cell = wide, positions.copy(), cell.copy()
        return self._picked(positions, cell)

    def get_state(self):
        """Return where pairs were listed last, a dict of arrays."""
        if self._wide is None:
            return {}
        return {"wide_positions": self._positions.copy(), "wide_cell": self._cell.copy()}

    def set_state(self, state):
        """List pairs where another search did, so that all later pairs come in the same order."""
        self._wide = None
        if "wide_positions" in state:
            self.pairs(
                np.array(state["wide_positions"], float), np.array(state["wide_cell"], float)
            )

    def _picked(self, positions, cell):
        offsets, neighbors, translations, translation = self._wide
        distances = np.empty(len(neighbors))
        rows = np.pad(translations @ cell, ((0, 0), (0, 1))), np.pad(positions, ((0, 0), (0, 1)))
        _kernels.graph.pair_distances(
            offsets, neighbors, translation, *rows, rows[1], distances, threads_for(len(neighbors))
        )
        near = distances < self.radius
        before = np.zeros(len(near) + 1, np.intc)
        np.cumsum(near, out=before[1:], dtype=np.intc)
        return before[offsets], neighbors[near], translations, translation[near]


def escaped(positions, cell, old_positions, old_cell, cutoff, reach):
    """Return whether a pair within ``cutoff`` may be missing from an older list out to ``reach``.

    With x = x0 F + u since then (F: strain of the cell), a pair at a distance below rc has been at
    |F^-1| (rc + 2 max|u|) at most, which must lie within the reach.
    """
    stretch, moved = 1.0, positions - old_positions
    if not np.array_equal(cell, old_cell):
        if np.linalg.matrix_rank(old_cell) < 3 or np.linalg.matrix_rank(cell) < 3:
            return True
        strain = np.linalg.solve(old_cell, cell)
        stretch = np.linalg.norm(np.linalg.inv(strain), 2)
        moved = positions - old_positions @ strain
    farthest = np.sqrt(np.einsum("ij,ij->i", moved, moved).max(initial=0.0))
    return stretch * (cutoff + 2 * farthest) > reach


def check_cell(cell, pbc):
    """Raise ValueError for a cell without extent along a periodic direction."""
    sizes = np.linalg.svd(cell[pbc], compute_uv=False)
    if len(sizes) and sizes[-1] <= 1e-10 * sizes[0]:
        raise ValueError(
            f"the cell {cell.tolist()} has no extent along a periodic direction "
            f"(pbc={pbc.tolist()}): set a cell, or pbc=False there"
        )


def enclosing_box(positions, cell, pbc):
    """Return an origin and a non-degenerate cell that encloses the non-periodic directions."""
    if pbc.all():
        return np.zeros(3), cell
    box = cell.copy()
    periodic = box[pbc]
    # Directions without periodicity get vectors orthogonal to all the periodic ones.
    basis = np.linalg.svd(periodic)[2] if len(periodic) else np.eye(3)
    normals = basis[len(periodic) :]
    origin = np.zeros(3)
    for index, normal in zip(np.flatnonzero(~pbc), normals, strict=True):
        along = positions @ normal
        low, high = along.min() - 1.0, along.max() + 1.0
        box[index] = (high - low) * normal
        origin += low * normal
    return origin, box


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
    translations, translation = distinct_rows(shifts)
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


def distinct_rows(shifts):
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
