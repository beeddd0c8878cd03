"""In how many directions a network of couplings runs through a crystal."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components


@dataclass(frozen=True)
class Network:
    """Atoms of a cell that couplings connect, directly or through others.

    Attributes
    ----------
    atoms : (n,) int array, atoms of the cell.
    rank : int, number of independent lattice translations that connect an atom with its images:
        3 for a bulk, 2 for a layer, 1 for a chain, 0 for a molecule.
    directions : (3,) bool array, cell vectors along which those translations go.
    """

    atoms: np.ndarray
    rank: int
    directions: np.ndarray


def networks(graph, coupled):
    """Return the networks of the coupled atoms, a list of :class:`Network`.

    Parameters
    ----------
    graph : ase_mag.core.PairGraph of the cell.
    coupled : (n_pairs,) bool array, which pairs count (both orders alike).
    """
    n = graph.n_atoms
    first, second = graph.centers[coupled], graph.neighbors[coupled]
    shifts = graph.topology.shifts[coupled]
    bonds = coo_array((np.ones(len(first)), (first, second)), (n, n)).tocsr()
    count, labels = connected_components(bonds, directed=False)
    # One bond from every atom to each of its neighbors, for the paths along trees.
    keys, where = np.unique(first.astype(np.int64) * n + second, return_index=True)
    found = []
    for label in range(count):
        atoms = np.flatnonzero(labels == label)
        inside = labels[first] == label
        if not inside.any():
            continue
        cells = np.zeros((n, 3), dtype=int)
        order, before = breadth_first_order(bonds, atoms[0], directed=False)
        for atom in order[1:]:
            bond = where[np.searchsorted(keys, np.int64(before[atom]) * n + atom)]
            cells[atom] = cells[before[atom]] + shifts[bond]
        loops = np.unique(cells[first[inside]] + shifts[inside] - cells[second[inside]], axis=0)
        found.append(
            Network(atoms, int(np.linalg.matrix_rank(loops)), np.asarray(loops.any(axis=0)))
        )
    return found
