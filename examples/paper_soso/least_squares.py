"""Least squares in exchange constants: what energies of perfect cells say of them.

E = E_0 - sum_s J_s S_s with S_s = sum of e_i.e_j over the ordered pairs of shell s: no descriptor
and no kernel, and exact for fixed moments.
"""

import numpy as np
from accuracy import rmse
from conditions import LATTICE, MOMENT
from heisenberg import SHELLS, iron, pairs
from portability import training_and_test

from ase_mag import models
from ase_mag.core import get_moments


def shell_sums(data, cutoff):
    """Return S_s per atom of perfect crystals for all shells within a cutoff, (n, n_shells)."""
    rows = []
    for frame in data:
        graph = pairs(frame.atoms, cutoff)
        moments = get_moments(frame.atoms)
        units = moments / np.linalg.norm(moments, axis=1)[:, None]
        cosines = np.einsum("pc,pc->p", units[graph.centers], units[graph.neighbors])
        shells = np.unique(np.round(graph.distances, 6), return_inverse=True)[1]
        rows.append(np.bincount(shells, cosines) / len(frame))
    return np.array(rows)


def least_squares(transfer, seed, sizes):
    """Return the RMSE (meV/atom) in 16 and 54 atoms of the shortest solution, and the rank.

    Parameters
    ----------
    transfer : Transfer, whose training and test data these are.
    """
    train, tests = training_and_test(transfer, seed, sizes)

    def system(data):
        sums = shell_sums(data, transfer.cutoff)
        energies = np.array([frame.labels["energy"] / len(frame) for frame in data])
        return np.column_stack([np.ones(len(sums)), sums]), energies

    rows, energies = system(train)
    # Energies are exact to 1e-13: what is smaller by 1e-9 than the largest direction is no data.
    solution, _, rank, _ = np.linalg.lstsq(rows, energies, rcond=1e-9)
    errors = []
    for data in tests:
        rows, energies = system(data)
        errors.append(1e3 * rmse(rows @ solution - energies))
    return {"errors": errors, "rank": int(rank)}


def twins(directions):
    """Return RMS differences (meV/atom) of two Hamiltonians, per list of configurations.

    One has the four shells of the UppASD example, the other J_1 + 3 J_4, J_2, J_3 and no fourth
    shell. In 16 atoms the three fourth neighbors in a direction are one first neighbor.

    Parameters
    ----------
    directions : list of lists of (N, 3) float arrays, unit vectors.
    """
    one, two, three, four = SHELLS
    reference = iron(1)
    options = {"reference": reference, "unit": "mRy", "convention": "UppASD", "moment": MOMENT}
    pair = [
        models.Heisenberg("Fe", models.shells(values, **options))
        for values in (SHELLS, [one + 3 * four, two, three])
    ]
    out = []
    for part in directions:
        cells = round((len(part[0]) / 2) ** (1 / 3))
        graph = pairs(iron(cells), 2 * LATTICE)
        energies = [
            [model.evaluate(graph, MOMENT * units, lattice=False).energy for units in part]
            for model in pair
        ]
        out.append(1e3 * rmse(np.subtract(*energies)) / len(part[0]))
    return out
