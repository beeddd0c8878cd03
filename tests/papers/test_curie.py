"""Curie temperatures of the classical Heisenberg model with nearest neighbors.

kB Tc / J with each pair counted once: simple cubic 1.4429, body-centered 2.0542, face-centered
3.177 (K. Chen, A. M. Ferrenberg, D. P. Landau, Phys. Rev. B 48, 3249 (1993) for the first two; the
third confirmed by an independent cluster algorithm), and the Binder cumulant 0.622 there.
"""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import models, units
from ase_mag.analysis import curie_temperature

J = 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lattice", "sizes", "expected"),
    [
        ("sc", (8, 12, 16), 1.4429),
        ("bcc", (6, 8, 12), 2.0542),
        ("fcc", (6, 8, 12), 3.177),
    ],
)
def test_nearest_neighbors(lattice, sizes, expected, record_property):
    atoms = bulk("Fe", lattice, a=2.8, cubic=True)
    ase_mag.set_moments(atoms, 1.0)
    model = models.Heisenberg("Fe", models.shells([J], reference=atoms))
    exact = expected * J / units.kB
    found = curie_temperature(
        atoms,
        model,
        sizes=sizes,
        temperatures_K=(0.85 * exact, 1.2 * exact),
        sweeps=4000,
        rng=1,
        progress=False,
    )
    record_property("kB Tc/J", np.array([found.value, found.error]) * units.kB / J)
    assert found.error < 0.0015 * exact
    assert abs(found.value - exact) < 0.005 * exact
    assert abs(found.value - exact) < 4 * found.error
    assert abs(found.binder - 0.622) < 0.006


@pytest.mark.slow
def test_errors_are_those_of_repetitions(record_property):
    """30 searches: spread over root-mean-square error 1 within 3 standard errors, 0.13 each.

    The mean is the crossing of the sizes 4 and 8, 0.9959(4) T_c (40 long searches).
    """
    atoms = bulk("Fe", "sc", a=1.0)
    ase_mag.set_moments(atoms, 1.0)
    model = models.Heisenberg("Fe", models.shells([J], reference=atoms))
    exact = 1.4429 * J / units.kB
    values, errors = np.transpose(
        [
            (found.value / exact, found.error / exact)
            for found in (
                curie_temperature(
                    atoms,
                    model,
                    sizes=(4, 8),
                    temperatures_K=(0.85 * exact, 1.2 * exact),
                    sweeps=300,
                    rng=seed,
                    progress=False,
                )
                for seed in range(100, 130)
            )
        ]
    )
    spread, error = values.std(ddof=1), np.sqrt((errors**2).mean())
    record_property("spread/error", spread / error)
    assert abs(spread / error - 1) < 3 * 0.13
    assert abs(values.mean() - 0.9959) < 3 * np.hypot(spread / np.sqrt(30), 0.0004)
