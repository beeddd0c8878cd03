"""Search of neighbor pairs."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core.threads import threads_for

#: Room for rounding, relative to a length.
_MARGIN = 1e-9


def search_pairs(positions, box, pbc, cutoff, origin=(0.0, 0.0, 0.0)):
    """Find all pairs with |r_ij| < cutoff, in both orders and with all periodic images.

    Atoms are put into bins half as wide as the cutoff; the time grows linearly with their number.

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

    Raises
    ------
    ValueError
        For more pairs than int32 can number, or positions many thousand cells apart.
    """
    n = len(positions)
    inverse = np.linalg.inv(box)
    wrapped = (positions - np.asarray(origin)) @ inverse
    wraps = np.floor(wrapped)
    wraps[:, ~pbc] = 0.0
    wrapped -= wraps
    # Distances between opposite faces.
    heights = 1.0 / np.linalg.norm(inverse, axis=0)
    bins_along = np.maximum(1, np.floor(heights / (0.5 * cutoff * (1 + _MARGIN))))
    # No more bins than atoms, roughly: empty space costs nothing.
    crowd = max(1.0, bins_along.prod() / (2.0 * n + 64.0))
    bins_along = np.maximum(1, np.floor(bins_along / np.cbrt(crowd)))
    reach = np.ceil(cutoff * (1 + _MARGIN) * bins_along / heights)
    images = np.where(pbc, np.ceil(reach / bins_along) + 1, 0)
    span = wraps.max(axis=0) - wraps.min(axis=0)
    low, extent = -images - span, 2 * (images + span) + 1
    if extent.prod() >= 2**31:
        raise ValueError(
            f"the atoms lie in cells up to {int(span.max())} cell vectors apart, too far for a "
            "neighbor search: wrap them into one cell (atoms.wrap())"
        )
    grid = np.ascontiguousarray([bins_along, reach, pbc, low, extent], dtype=np.intc)
    place = np.clip((wrapped * bins_along).astype(np.intc), 0, grid[0] - 1)
    bins = (place[:, 0] * grid[0, 1] + place[:, 1]) * grid[0, 2] + place[:, 2]
    starts, order = np.zeros(grid[0].prod() + 1, np.intc), np.empty(n, np.intc)
    _kernels.graph.incoming_pairs(bins, starts, order)
    arguments = (
        np.ascontiguousarray((wrapped[order] @ box).T),
        order,
        bins[order],
        starts,
        wraps[order].astype(np.intc),
        np.ascontiguousarray(box, dtype=float),
        grid,
        cutoff,
    )
    del wrapped, wraps, place, bins
    threads = threads_for(100 * n)
    counts = np.empty(n, np.intc)
    _kernels.neighbors.count(*arguments, counts, threads)
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    if offsets[-1] >= 2**31:
        raise ValueError(
            f"{n} atoms have {offsets[-1]} neighbor pairs within {cutoff:g} angstrom, more than "
            "2147483647: use a shorter cutoff or fewer atoms"
        )
    offsets = offsets.astype(np.intc)
    neighbors, codes = np.empty(offsets[-1], np.intc), np.empty(offsets[-1], np.intc)
    keys = np.empty((threads, max(1, counts.max())), np.int64)
    _kernels.neighbors.fill(*arguments, offsets, keys, neighbors, codes, threads)
    rows = np.empty(int(extent.prod()), np.intc)
    _kernels.neighbors.renumber(codes, rows, threads)
    present = np.unravel_index(np.flatnonzero(rows >= 0), extent.astype(int))
    translations = (low + np.stack(present, axis=1)).astype(np.intc)
    return offsets, neighbors, translations, codes
