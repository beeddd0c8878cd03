"""What tests of spin densities share: graphs, and angular momenta without Racah's formula."""

import numpy as np
from scipy.special import factorial, lpmv

from ase_mag.core import PairGraph


def graph_of(atoms, descriptor):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, descriptor.cutoff
    )


def ladder_states(l1, l2):
    """{(l, m): (2 l1 + 1, 2 l2 + 1) array of <l1 m1; l2 m2|l m>} by lowering operators."""

    def lower(degree):
        m = np.arange(degree, -degree, -1)
        return np.diag(np.sqrt((degree + m) * (degree - m + 1.0)), -1)  # rows and columns: m down

    both = np.kron(lower(l1), np.eye(2 * l2 + 1)) + np.kron(np.eye(2 * l1 + 1), lower(l2))
    totals = np.add.outer(np.arange(l1, -l1 - 1, -1), np.arange(l2, -l2 - 1, -1)).ravel()
    states = {}
    for degree in range(l1 + l2, abs(l1 - l2) - 1, -1):
        # The highest state of l is orthogonal to those of the larger ones; <l1 l1; l2 l - l1> > 0.
        space = np.eye(len(totals))[:, totals == degree]
        for larger in range(degree + 1, l1 + l2 + 1):
            state = states[larger, degree].ravel()
            space = space - np.outer(state, state @ space)
        top = space[:, np.argmax(np.abs(space).sum(axis=0))]
        top = top / np.linalg.norm(top)
        for m in range(degree, -degree - 1, -1):
            shaped = top.reshape(2 * l1 + 1, 2 * l2 + 1)
            if m == degree:
                shaped = shaped * np.sign(shaped[0, l1 + l2 - degree])
                top = shaped.ravel()
            states[degree, m] = shaped
            top = both @ top / np.sqrt(max((degree + m) * (degree - m + 1.0), 1e-300))
    return states


def harmonics(degree, vector):
    """Y_lm for m = l .. -l."""
    x, y, z = vector / np.linalg.norm(vector)
    m = np.arange(degree + 1)
    norms = (2 * degree + 1) / (4 * np.pi) * factorial(degree - m) / factorial(degree + m)
    values = np.sqrt(norms) * lpmv(m, degree, z) * np.exp(1j * m * np.arctan2(y, x))
    return np.concatenate([values[:0:-1], ((-1.0) ** m * values.conj())])
