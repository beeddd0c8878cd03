"""Published and closed-form numbers of Landau-Lifshitz-Gilbert dynamics."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units

import ase_mag
from ase_mag import models, units
from ase_mag.dynamics import SpinDynamics

fs = ase_units.fs


def test_gyromagnetic_ratio_and_larmor_period():
    assert abs(units.gamma_SI / 1.760859631e11 - 1) < 1e-9
    assert abs(2 * np.pi / units.gamma_SI * 1e12 - 35.682488) < 1e-6
    # g = 2, fields in eV/mu_B, ASE time: 30.9338
    assert abs(units.gamma * 2 / units.g_electron - 30.9338) < 1e-4
    assert abs(1 / units.tesla - 17276) < 0.1


@pytest.mark.parametrize(("waves", "energy_meV"), [(1, 2.666729), (5, 54.485884), (10, 108.971768)])
def test_spin_waves_of_the_chain(waves, energy_meV):
    """E = (2g/m) sum_j J (1 - cos ka), J = 0.5 mRy (UppASD form), m = 1, from the dynamics.

    A cone of opening angle theta that winds along the chain precesses rigidly with the angular
    frequency E cos(theta) / hbar, exactly.
    """
    n, theta = 20, 0.2
    chain = Atoms(f"Fe{n}", positions=[(0, 0, i) for i in range(n)], cell=(9, 9, n), pbc=True)
    phase = 2 * np.pi * waves * np.arange(n) / n
    cone = np.stack(
        [np.sin(theta) * np.cos(phase), np.sin(theta) * np.sin(phase), 0 * phase + np.cos(theta)],
        axis=1,
    )
    ase_mag.set_moments(chain, cone)
    reference = Atoms("Fe", cell=(9, 9, 1), pbc=True)
    exchange = models.shells(
        [0.5], reference=reference, unit="mRy", convention="UppASD", moment=1.0
    )
    chain.calc = ase_mag.MagneticCalculator(models.Heisenberg("Fe", exchange))
    duration = 50.0
    SpinDynamics(chain, 0.002 * fs).run(round(duration / 0.002))
    moments = ase_mag.get_moments(chain)
    turned = np.unwrap(np.arctan2(moments[:, 1], moments[:, 0]) - phase)
    omega = energy_meV * 1e-3 / units.hbar_eV_s * 1e-15 * np.cos(theta)  # rad / fs
    expected = omega * duration
    difference = (turned - expected + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(difference).max() < 2e-6 * expected
    np.testing.assert_allclose(moments[:, 2], np.cos(theta), atol=1e-9)
