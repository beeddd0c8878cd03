"""Fitted to 16 atoms, judged by 16 and by 54 atoms (Fig. 3)."""

import numpy as np
from accuracy import energy_errors, fitted, most_likely, rmse
from conditions import CASES, TRANSFERS
from heisenberg import configurations, iron, pairs, thermal

from ase_mag import fitting


def training_and_test(transfer, seed, sizes):
    """Return training data, and test data of 16 and 54 atoms."""
    case, rng = CASES[transfer.case], np.random.default_rng([seed, 300])
    if transfer.temperature_K is None:
        train, left = None, sizes.train
        for k, cells in enumerate(transfer.cells):
            count = left // (len(transfer.cells) - k)
            left -= count
            part = configurations(case, count, rng, cells)
            train = part if train is None else train + part
        return train, [configurations(case, sizes.large_test, rng, n) for n in (2, 3)]
    hot = (transfer.temperature_K, seed)
    small = thermal(case, sizes.train + sizes.large_test, 2, *hot)
    large = thermal(case, sizes.large_test, 3, *hot)
    return configurations(case, sizes.train, rng, units=small), [
        configurations(case, sizes.large_test, rng, units=small[sizes.train :]),
        configurations(case, sizes.large_test, rng, 3, units=large),
    ]


def portability(name, seed, sizes):
    """Return the RMSE of energies of 16 and of 54 atoms, meV/atom, and the spreads of both."""
    transfer = TRANSFERS[name]
    train, tests = training_and_test(transfer, seed, sizes)
    options = {"cutoff": transfer.cutoff, "n_radial": transfer.n_radial}
    if transfer.decay == "evidence":
        potential = most_likely(train, "linear", **options)
    else:
        potential = fitted(train, "linear", decay=transfer.decay, **options)
    errors = []
    for cells, data in zip((2, 3), tests, strict=True):
        found = energy_errors(potential, data)
        if transfer.temperature_K is not None:
            found = found - energy_errors(potential, _ferromagnet(CASES[transfer.case], cells))
        errors.append(rmse(found))
    spreads = [
        1e3 * float(np.std([frame.labels["energy"] / len(frame) for frame in data]))
        for data in tests
    ]
    out = {"errors": errors, "spreads": spreads, "shells": shells_told_apart(transfer)}
    if transfer.temperature_K is None:
        posterior = fitting.LinearPosterior(potential, train, {"energy": 1.0})
        large = [frame.atoms for frame in tests[1][: max(sizes.large_test // 5, 1)]]
        deviations = [
            posterior.uncertainty(atoms, noise=False).energy / len(atoms) for atoms in large
        ]
        out["predicted"] = 1e3 * rmse(deviations)
        out["undetermined"] = float(np.mean([posterior.undetermined(atoms) for atoms in large]))
    return out


def shells_told_apart(transfer):
    """Return how many sums of exchange constants energies hold, and the number of shells.

    On perfect sites the energy of a cell is sum_c J_c sum_{ij in c} e_i.e_j with one J_c = sum_s
    n_cs J_s for each class c of pairs of atoms, of which n_cs images are in the shell s. The rank
    of all n_cs is what any number of labels can tell; images of an atom itself (e.e = 1) count for
    nothing.
    """
    rows = []
    for cells in transfer.cells:
        graph = pairs(iron(cells), transfer.cutoff)
        radii, shells = np.unique(np.round(graph.distances, 6), return_inverse=True)
        own = slice(graph.offsets[0], graph.offsets[1])
        counts = np.zeros((graph.n_atoms, len(radii)))
        np.add.at(counts, (graph.neighbors[own], shells[own]), 1.0)
        rows.append(counts[1:])
    return int(np.linalg.matrix_rank(np.vstack(rows))), len(radii)


def _ferromagnet(case, cells):
    """Return the collinear configuration of a cell, a Dataset of one frame."""
    units = np.tile([0.0, 0.0, 1.0], (len(iron(cells)), 1))
    return configurations(case, 1, np.random.default_rng(0), cells, units=[units])
