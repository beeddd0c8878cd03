"""The energy of bonds as other codes state it: a plain loop over cells and bonds."""

import itertools

import numpy as np


def energy(e, repeats, n_sites, bonds):
    """Return sum_bonds e_i.T.e_j over all cells of a periodic repetition (unit of the tensors).

    Parameters
    ----------
    e : (N, 3) float array in the order of ``atoms.repeat`` (z fastest). repeats : three int.
    n_sites : int. bonds : list of (i, j, (a, b, c), (3, 3) array), each counted as listed.
    """
    spins = np.reshape(e, (*repeats, n_sites, 3))
    total = 0.0
    for cell in itertools.product(*map(range, repeats)):
        for i, j, shift, tensor in bonds:
            other = tuple((np.array(cell) + shift) % repeats)
            total += spins[cell][i] @ tensor @ spins[other][j]
    return total


def random_directions(n, rng):
    e = np.random.default_rng(rng).normal(size=(n, 3))
    return e / np.linalg.norm(e, axis=1)[:, None]


def cross(d):
    """Return T with d.(a x b) = a.T.b."""
    return np.array([[0, d[2], -d[1]], [-d[2], 0, d[0]], [d[1], -d[0], 0]])
