"""Alternating signs of neighbors and of layers."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from ase_mag.build.arguments import unit_vector
from ase_mag.core import PairGraph

#: Atoms of one layer are at most this far apart along its normal, angstrom.
SAME_LAYER = 0.1
#: Neighbors up to this many times the shortest distance of an atom count as nearest.
NEAREST = 1.1


def alternating(atoms, present, cutoff=None):
    """Return signs (N,) that differ between neighbors, see :func:`set_antiferromagnetic`."""
    i, j, distances = _pairs(atoms, _reach(atoms, cutoff))
    keep = present[i] & present[j]
    i, j, distances = i[keep], j[keep], distances[keep]
    if cutoff is None:
        nearest = np.full(len(atoms), np.inf)
        np.minimum.at(nearest, i, distances)
        keep = distances < NEAREST * np.minimum(nearest[i], nearest[j])
        i, j = i[keep], j[keep]
    graph = coo_matrix((np.ones(len(i)), (i, j)), shape=(len(atoms),) * 2).tocsr()
    signs = np.zeros(len(atoms))
    _, part = connected_components(graph, directed=False)
    for first in np.unique(part, return_index=True)[1]:
        order, before = breadth_first_order(graph, first, directed=False)
        signs[first] = 1.0
        for atom in order[1:]:
            signs[atom] = -signs[before[atom]]
    equal = np.flatnonzero(signs[i] == signs[j])
    if len(equal):
        a, b = i[equal[0]], j[equal[0]]
        raise ValueError(
            f"not all neighbors can have opposite moments: atoms {a} and {b} are neighbors and "
            "would be parallel (frustrated lattices such as fcc, or an odd number of cells in a "
            "periodic box): take another box, or layers=(0, 0, 1)"
        )
    return signs


def _pairs(atoms, reach):
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, reach)
    return graph.centers, graph.neighbors, graph.distances


def _reach(atoms, cutoff):
    if cutoff is not None:
        if not (np.isfinite(cutoff) and cutoff > 0):
            raise ValueError(f"cutoff must be a positive length in angstrom, got {cutoff!r}")
        return float(cutoff)
    # Wide enough for the nearest neighbor of every atom.
    reach = 3.0
    while len(atoms) > 1 or atoms.pbc.any():
        near = np.unique(_pairs(atoms, reach)[0])
        if len(near) == len(atoms) or reach > 50:
            break
        reach *= 1.5
    return NEAREST * reach


def layered(atoms, direction, pattern):
    """Return signs (N,) of successive layers across a direction."""
    signs = np.asarray(pattern, dtype=float)
    if signs.ndim != 1 or not len(signs) or not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"pattern must be a sequence of 1, -1 and 0, got {pattern!r}")
    normal = unit_vector(direction, "layers")
    heights = atoms.positions @ normal
    periods = atoms.cell.array[atoms.pbc] @ normal
    period = min((abs(p) for p in periods if abs(p) > 1e-6), default=None)
    if period is not None:
        # Layers of one periodic image; the lowest atom is the start.
        heights = (heights - heights.min() + 1e-6) % period
    order = np.argsort(heights, kind="stable")
    number = np.zeros(len(atoms), dtype=int)
    number[order[1:]] = np.cumsum(np.diff(heights[order]) > SAME_LAYER)
    count = int(number.max(initial=-1)) + 1
    if period is not None:
        ends = heights[order[0]] + period - heights[order[-1]]
        if count > 1 and ends < SAME_LAYER:
            number[number == count - 1] = 0
            count -= 1
        steps = periods / (period / count)
        if abs(steps - np.rint(steps)).max() > 0.05 or (np.rint(steps) % len(signs)).any():
            raise ValueError(
                f"the periodic box holds {np.round(abs(steps), 2).tolist()} layers across "
                f"{np.asarray(direction).tolist()} along its cell vectors, which must be multiples "
                f"of the {len(signs)} of the pattern: repeat the cell"
            )
    return signs[number % len(signs)]
