"""Moment tensor potentials wherever models go: calculators, dynamics, adiabatic surfaces."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics
from ase_mag.models import MomentTensorPotential, NoncollinearMomentTensorPotential

OPTIONS = {"level": 8, "cutoff": 4.5, "r_min": 1.8, "max_moment": 4.0, "rng": 2}


def iron():
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.rattle(0.02, seed=1)
    return atoms


def test_energy_is_conserved_by_spins_alone_and_with_the_lattice():
    atoms, rng = iron(), np.random.default_rng(0)
    directions = rng.normal(size=(16, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    ase_mag.set_moments(atoms, 2 * directions)
    atoms.calc = ase_mag.MagneticCalculator(NoncollinearMomentTensorPotential("Fe", **OPTIONS))
    start = atoms.get_potential_energy()
    SpinDynamics(atoms, timestep=0.2 * units.fs, method="implicit", progress=False).run(200)
    turned = ase_mag.get_moments(atoms)
    assert np.abs(turned - 2 * directions).max() > 0.05
    assert atoms.get_potential_energy() == pytest.approx(start, abs=1e-7)
    start = atoms.get_total_energy()
    SpinLatticeDynamics(atoms, timestep=0.5 * units.fs, progress=False).run(100)
    assert np.abs(atoms.get_momenta()).max() > 0.1
    assert atoms.get_total_energy() == pytest.approx(start, abs=1e-6)


def test_adiabatic_surface_of_a_collinear_potential():
    """Moments relax along the axis until their magnetic forces vanish."""
    potential = MomentTensorPotential("Fe", onsite=2, **OPTIONS)
    parameters = potential.parameters
    parameters[-2:] = [-3.0, 3.0]  # -3 x + 3 x^2 of x = (m/4)^2: minimum near 2.83 mu_B
    potential.parameters = parameters
    atoms = iron()
    ase_mag.set_moments(atoms, 1.0)
    atoms.calc = ase_mag.MagneticCalculator(potential, moments="relaxed")
    relaxed = atoms.get_magnetic_moments()
    assert not relaxed[:, :2].any()
    np.testing.assert_allclose(relaxed[:, 2], np.sqrt(8.0), atol=0.2)
    ase_mag.set_moments(atoms, relaxed)
    atoms.calc = ase_mag.MagneticCalculator(potential)
    assert np.abs(atoms.calc.get_property("magforces", atoms)).max() < 1e-3
