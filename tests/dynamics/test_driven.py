"""Fields that change in time, subsets, time steps."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import models, units
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics, suggest_timestep

fs = ase_units.fs


def lone(moment=(2.0, 0, 0), model=None):
    atoms = Atoms("Fe", positions=[(0, 0, 0)])
    ase_mag.set_moments(atoms, [moment])
    atoms.calc = ase_mag.MagneticCalculator(model or models.Zeeman("Fe", (0, 0, 0)))
    return atoms


def test_a_pulse_turns_by_its_area():
    """A Gaussian pulse along z: the angle is gamma times the integral of B(t)."""
    atoms = lone()
    center, width, peak = 100 * fs, 20 * fs, 50.0
    dyn = SpinDynamics(
        atoms, 0.5 * fs, field=lambda t: (0, 0, peak * np.exp(-(((t - center) / width) ** 2) / 2))
    )
    dyn.run(400)
    area = peak * np.sqrt(2 * np.pi) * 20e-15
    angle = units.gamma_SI * area
    expected = 2.0 * np.array([np.cos(angle), np.sin(angle), 0])
    np.testing.assert_allclose(ase_mag.get_moments(atoms)[0], expected, atol=1e-5)


def test_a_resonant_rotating_field_inverts_the_moment():
    """Rabi: B0 along z and B1 rotating at gamma B0 turn +z to -z in the time pi/(gamma B1)."""
    b0, b1 = 100.0, 5.0
    omega = units.gamma * b0 * units.tesla
    atoms = lone((0, 0, 2.0))
    dyn = SpinDynamics(
        atoms,
        0.5 * fs,
        field=lambda t: (b1 * np.cos(omega * t), b1 * np.sin(omega * t), b0),
    )
    duration = np.pi / (units.gamma * b1 * units.tesla)
    dyn.run(round(duration / (0.5 * fs)))
    assert ase_mag.get_moments(atoms)[0, 2] / 2.0 < -0.9999


def test_energy_and_log_see_the_present_field(tmp_path):
    atoms = lone()
    dyn = SpinDynamics(
        atoms,
        1.0 * fs,
        field=lambda t: (10.0 * t / fs, 0, 0),
        logfile=tmp_path / "log",
        loginterval=5,
    )
    dyn.run(10)
    expected = -2.0 * 100.0 * units.tesla
    assert abs(dyn.get_potential_energy() - expected) < 1e-12
    last = (tmp_path / "log").read_text().splitlines()[-1].split()
    assert abs(float(last[2]) - expected) < 1e-6


def test_driven_spins_and_lattice():
    atoms = bulk("Fe", a=2.86, cubic=True)
    ase_mag.set_moments(atoms, [[2.0, 0, 0]] * 2)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    SpinLatticeDynamics(atoms, 0.5 * fs, field=lambda t: (0, 0, 20.0), spin_timestep=0.02 * fs).run(
        100
    )
    angle = units.gamma_SI * 20.0 * 50e-15
    direction = ase_mag.get_moments(atoms)[0] / 2.0
    np.testing.assert_allclose(direction, [np.cos(angle), np.sin(angle), 0], atol=1e-6)


@pytest.mark.parametrize("method", ["midpoint", "implicit", "depondt", "heun", "sequential"])
@pytest.mark.parametrize("as_mask", [True, False])
def test_only_a_subset_moves(method, as_mask):
    atoms = bulk("Fe", a=2.86, cubic=True) * 2
    rng = np.random.default_rng(1)
    start = [0, 0, 2.0] + 0.5 * rng.normal(size=(16, 3))
    ase_mag.set_moments(atoms, start)
    exchange = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))
    atoms.calc = ase_mag.MagneticCalculator(exchange)
    chosen = [1, 5, 6]
    moving = np.isin(np.arange(16), chosen) if as_mask else chosen
    bath = {} if method == "sequential" else {"temperature_K": 300, "damping": 0.1}
    SpinDynamics(atoms, 0.5 * fs, moving=moving, method=method, rng=1, **bath).run(20)
    changed = (ase_mag.get_moments(atoms) != start).any(axis=1)
    assert np.flatnonzero(changed).tolist() == chosen


def test_a_subset_with_sizes():
    atoms = bulk("Fe", a=2.86, cubic=True) * 2
    ase_mag.set_moments(atoms, 2.0)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    SpinDynamics(atoms, 0.5 * fs, moving=[3], temperature_K=300, longitudinal=True, rng=1).run(20)
    changed = (ase_mag.get_moments(atoms) != [0, 0, 2.0]).any(axis=1)
    assert np.flatnonzero(changed).tolist() == [3]


def test_suggested_time_steps():
    """0.25 rad of the fastest moment, or noise 0.02, whichever is shorter."""
    atoms = lone(model=models.Zeeman("Fe", (0, 0, 1000.0)))
    dyn = SpinDynamics(atoms, 0.1 * fs)
    expected = 0.25 / (units.gamma * 1000 * units.tesla)
    assert abs(suggest_timestep(dyn) / expected - 1) < 1e-12
    dyn = SpinDynamics(lone(), 0.1 * fs, temperature_K=300, damping=0.5)
    expected = 0.02 * 2.0 / (2 * 0.5 * units.kB * 300 * units.gamma)
    assert abs(suggest_timestep(dyn) / expected - 1) < 1e-12
    # A Landau term exerts no torque.
    landau = models.Landau("Fe", -0.15, 0.0192)
    atoms = lone((3.0, 0, 0), landau + models.Zeeman("Fe", (0, 0, 1000.0)))
    other = SpinDynamics(atoms, 0.1 * fs)
    assert abs(suggest_timestep(other) * units.gamma * 1000 * units.tesla / 0.25 - 1) < 1e-12
    hidden = landau + models.Zeeman("Fe", (0, 0, 1000.0))
    hidden.bilinear = lambda graph: None
    generic = SpinDynamics(lone((3.0, 0, 0), hidden), 0.1 * fs)
    assert abs(suggest_timestep(generic) / suggest_timestep(other) - 1) < 1e-9


def test_a_time_step_that_is_too_long_is_announced():
    atoms = lone(model=models.Zeeman("Fe", (0, 0, 1000.0)))
    with pytest.warns(UserWarning, match=r"turns by 1\.8 rad per 10 fs; use 1\.4 fs or less"):
        SpinDynamics(atoms, 10.0 * fs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"field": lambda t: (1, 2)}, r"field\(0\) must be three finite numbers in tesla"),
        ({"moving": [7]}, "moving names atom 7, but there are 1 atoms"),
        ({"moving": [0.5]}, r"moving must be a bool array of shape \(1,\)"),
        ({"method": "euler"}, "method 'euler' is unknown"),
        ({"method": "sequential", "damping": 0.1}, "method='sequential' has no bath"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpinDynamics(lone(), fs, **arguments)
