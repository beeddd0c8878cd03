"""Published and closed-form numbers of Landau-Lifshitz-Gilbert dynamics."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.build import bulk

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


def test_spin_waves_of_bcc_iron():
    """E(q) = (2 g/m) sum_j J_0j (1 - cos q.R) of a cone in bcc iron, from the dynamics.

    Four shells of the UppASD example; the cone along [100] of a 6 x 4 x 4 supercell, q = 2 pi/6a
    and 4 pi/6a, precesses rigidly with the angular frequency E(q) cos(theta) / hbar.
    """
    model = models.named("Fe-UppASD")
    shell = np.array([1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658])
    theta, size, a = 0.2, 2.23, 2.8665
    atoms = bulk("Fe", a=a, cubic=True) * (6, 4, 4)
    atoms.calc = ase_mag.MagneticCalculator(model)
    for n_waves in (1, 2):
        q = 2 * np.pi * n_waves / (6 * a)
        phase = q * atoms.positions[:, 0]
        cone = [
            np.sin(theta) * np.cos(phase),
            np.sin(theta) * np.sin(phase),
            0 * phase + np.cos(theta),
        ]
        ase_mag.set_moments(atoms, size * np.transpose(cone))
        # sum of 1 - cos q x over the shells 8 (111)/2, 6 (100), 12 (110), 24 (311)/2.
        half, one, three = (1 - np.cos(q * a * x) for x in (0.5, 1.0, 1.5))
        sums = np.array([8 * half, 2 * one, 8 * one, 8 * three + 16 * half])
        energy = 2 * units.g_electron / size * 1e-3 * units.Ry * (shell * sums).sum()
        duration = 20.0
        SpinDynamics(atoms, 0.01 * fs).run(round(duration / 0.01))
        m = ase_mag.get_moments(atoms)
        turned = np.arctan2(m[:, 1], m[:, 0]) - phase
        expected = energy / units.hbar_eV_s * 1e-15 * duration * np.cos(theta)
        difference = (turned - expected + np.pi) % (2 * np.pi) - np.pi
        assert np.abs(difference).max() < 1e-4 * expected


@pytest.mark.parametrize(("waves", "energy_meV"), [(1, 2.666729), (5, 54.485884), (10, 108.971768)])
def test_spin_waves_of_the_chain(waves, energy_meV):
    """E = (2g/m) sum_j J (1 - cos ka), J = 0.5 mRy (UppASD form), m = 1, from the dynamics.

    A cone of opening angle theta that winds along the chain precesses rigidly with the angular
    frequency E cos(theta) / hbar, exactly. To 1e-6.
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
    assert np.abs(difference).max() < 1e-6 * expected
    np.testing.assert_allclose(moments[:, 2], np.cos(theta), atol=1e-9)
