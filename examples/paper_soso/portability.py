"""Fitted to 16 atoms, judged by 16 and by 54 atoms (Fig. 3)."""

import numpy as np
from accuracy import energy_errors, fitted, rmse
from ase import units
from conditions import CASES, MOMENT, TRANSFERS
from heisenberg import configurations, exchange, iron

import ase_mag
from ase_mag.core import get_moments
from ase_mag.dynamics import SpinDynamics

#: fs; thermal configurations are so many steps apart.
TIMESTEP, INTERVAL, START = 1.0, 200, 2000


def thermal(case, count, cells, temperature, seed):
    """Return directions of the Hamiltonian at a temperature, a list of (N, 3) arrays."""
    atoms = iron(cells)
    ase_mag.set_moments(atoms, MOMENT)
    atoms.calc = ase_mag.MagneticCalculator(exchange(case))
    dynamics = SpinDynamics(
        atoms,
        timestep=TIMESTEP * units.fs,
        temperature_K=temperature,
        damping=0.5,
        rng=np.random.default_rng([seed, len(atoms)]),
    )
    dynamics.run(START)
    out = []
    for _ in range(count):
        dynamics.run(INTERVAL)
        out.append(get_moments(atoms) / MOMENT)
    return out


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
    potential = fitted(train, "linear", cutoff=transfer.cutoff, n_radial=transfer.n_radial)
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
    return {"errors": errors, "spreads": spreads}


def _ferromagnet(case, cells):
    """Return the collinear configuration of a cell, a Dataset of one frame."""
    units = np.tile([0.0, 0.0, 1.0], (len(iron(cells)), 1))
    return configurations(case, 1, np.random.default_rng(0), cells, units=[units])
