import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.constraints import FixBondLength
from ase.io import read

import ase_mag
from ase_mag import models, units
from ase_mag.dynamics import SpinDynamics
from ase_mag.models import Heisenberg, Zeeman, cubic

fs = ase_units.fs


@pytest.fixture
def iron():
    atoms = bulk("Fe", a=2.8665, cubic=True) * 2
    ase_mag.set_moments(atoms, 2.2)
    atoms.calc = ase_mag.MagneticCalculator(Heisenberg("Fe", cubic(0.191248, cutoff=3.75)))
    return atoms


def tilt(atoms, rng=1, angle=0.3):
    moments = ase_mag.get_moments(atoms)
    moments += angle * 2.2 * np.random.default_rng(rng).normal(size=moments.shape)
    moments *= 2.2 / np.linalg.norm(moments, axis=1, keepdims=True)
    ase_mag.set_moments(atoms, moments)


def test_field_argument_precesses_like_the_closed_form():
    atoms = bulk("Fe", a=2.8665)
    theta = np.pi / 3
    ase_mag.set_moments(atoms, 2.2 * np.array([[np.sin(theta), 0, np.cos(theta)]]))
    atoms.calc = ase_mag.MagneticCalculator(Zeeman("Fe", (0, 0, 0)))
    SpinDynamics(atoms, 1.0 * fs, damping=0.1, field=(0, 0, 10)).run(1000)
    expected = [-0.1348866508, 0.7735897931, 0.6191642944]
    np.testing.assert_allclose(ase_mag.get_moments(atoms)[0] / 2.2, expected, atol=1e-6)


def test_uniform_precession_does_not_feel_exchange(iron):
    """The Goldstone mode of 16 coupled moments, 20 T for 200 fs: exact to second order in dt."""
    angle = units.gamma_SI * 20 * 200e-15
    expected = 2.2 * np.array([np.cos(angle), np.sin(angle), 0])
    errors = []
    for timestep in (0.04, 0.02, 0.01):
        ase_mag.set_moments(iron, np.tile([2.2, 0, 0], (len(iron), 1)))
        SpinDynamics(iron, timestep * fs, field=(0, 0, 20)).run(round(200 / timestep))
        errors.append(np.abs(ase_mag.get_moments(iron) - expected).max())
    assert errors[-1] < 1e-5
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4, rtol=0.02)


def test_trajectory_log_and_observers(iron, tmp_path):
    tilt(iron)
    path, log = tmp_path / "spins.traj", tmp_path / "spins.log"
    dyn = SpinDynamics(
        iron,
        fs,
        temperature_K=300,
        damping=0.1,
        rng=1,
        trajectory=path,
        logfile=log,
        loginterval=50,
    )
    calls = []
    dyn.attach(lambda: calls.append(dyn.nsteps), interval=30)
    assert dyn.run(200)
    assert calls == [0, 30, 60, 90, 120, 150, 180]
    frames = read(path, ":")
    assert len(frames) == 5
    assert frames[0].calc.results["magforces"].shape == (16, 3)
    for frame in frames:
        fresh = frame.copy()
        fresh.calc = iron.calc
        assert abs(frame.get_potential_energy() - fresh.get_potential_energy()) < 1e-12
        np.testing.assert_array_equal(frame.get_magnetic_moments(), ase_mag.get_moments(fresh))
    np.testing.assert_array_equal(ase_mag.get_moments(frames[-1]), ase_mag.get_moments(iron))
    lines = log.read_text().splitlines()
    assert len(lines) == 6
    assert "Tspin[K]" in lines[0]
    time, total, potential, kinetic, *_ = map(float, lines[-1].split())
    assert (time, kinetic) == (0.2, 0.0)
    assert total == potential
    assert abs(potential - iron.get_potential_energy()) < 1e-6


def test_run_in_one_call_equals_irun(iron):
    results = []
    for stepwise in (False, True):
        atoms = iron.copy()
        atoms.calc = iron.calc
        tilt(atoms)
        dyn = SpinDynamics(atoms, fs, temperature_K=300, damping=0.1, rng=4)
        if stepwise:
            assert [done for done in dyn.irun(40)][-1]
        else:
            dyn.run(40)
        assert dyn.nsteps == 40
        results.append(ase_mag.get_moments(atoms))
    np.testing.assert_allclose(results[1], results[0], atol=1e-13)


def test_changes_between_runs_are_kept(iron):
    tilt(iron)
    dyn = SpinDynamics(iron, fs, damping=0.1)
    dyn.run(5)
    ase_mag.set_moments(iron, 2.2)
    dyn.run(5)
    np.testing.assert_allclose(ase_mag.get_moments(iron)[:, 2], 2.2, rtol=1e-14)


def test_generic_models_take_the_other_path(iron, tmp_path):
    """The same run through ``evaluate`` only, and through an ASE calculator only."""

    class Opaque(type(iron.calc.model)):
        def bilinear(self, graph):
            return None

    class Foreign(ase_mag.MagneticCalculator):
        model = property(lambda self: None, lambda self, value: None)

    results = []
    for model in (iron.calc.model, Opaque("Fe", cubic(0.191248, cutoff=3.75))):
        atoms = iron.copy()
        atoms.calc = ase_mag.MagneticCalculator(model)
        tilt(atoms)
        SpinDynamics(atoms, 0.01 * fs, temperature_K=300, damping=0.1, rng=4).run(20)
        results.append(ase_mag.get_moments(atoms))
    np.testing.assert_allclose(results[1], results[0], atol=1e-4)


def test_spin_temperature_in_equilibrium(iron):
    """sum |M x B|^2 / (2 kB sum M.B) averages to the bath temperature.

    At 0.25 fs, where gamma B dt = 0.12; at 1 fs the midpoint scheme is 2.5 % too cold.
    """
    atoms = bulk("Fe", a=2.8665, cubic=True) * 6
    ase_mag.set_moments(atoms, 2.2)
    atoms.calc = iron.calc
    dyn = SpinDynamics(atoms, 0.25 * fs, temperature_K=300, damping=0.1, rng=2)
    dyn.run(8000)
    values = []
    for _ in range(40):
        dyn.run(240)
        values.append(dyn.get_spin_temperature())
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert error < 3.0
    assert abs(np.mean(values) - 300) < 3 * error


def test_spin_temperature_of_the_first_script():
    """FeHL-1 at 1 fs and 300 K, sizes off their minimum: within 3 % (scheme) and 3 errors."""
    atoms = bulk("Fe", a=2.85, cubic=True) * 3
    ase_mag.set_moments(atoms, 2.2)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    dyn = SpinDynamics(atoms, 1.0 * fs, temperature_K=300, damping=0.1, rng=1)
    dyn.run(2000)
    values, sizes = [], []
    for _ in range(150):
        dyn.run(60)
        values.append(dyn.get_spin_temperature())
        sizes.append(np.linalg.norm(ase_mag.get_moments(atoms).mean(axis=0)) / 2.2)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert error < 5
    assert abs(np.mean(values) - 300) < 3 * error + 9
    assert 0.88 < np.mean(sizes) < 0.95


def test_added_calculator_uses_only_the_magnetic_model(iron):
    class Counting(LennardJones):
        calls = 0

        def calculate(self, *args, **kwargs):
            Counting.calls += 1
            super().calculate(*args, **kwargs)

    tilt(iron)
    iron.calc = ase_mag.add(Counting(sigma=2.2, rc=4.0), iron.calc.model)
    SpinDynamics(iron, fs, damping=0.1).run(50)
    assert Counting.calls <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timestep": 0.0}, r"timestep must be a positive number.*got 0\.0"),
        ({"temperature_K": -1.0}, r"temperature_K must be finite and not negative.*got -1\.0"),
        ({"damping": -0.1}, r"damping must be finite and not negative.*got -0\.1"),
        ({"damping": [0.1, 0.2]}, r"shape \(16,\), got \(2,\)"),
        ({"temperature_K": 300, "damping": 0}, "without damping there is no bath"),
    ],
)
def test_bad_numbers(arguments, message, iron):
    with pytest.raises(ValueError, match=message):
        SpinDynamics(iron, **({"timestep": fs, "damping": 0.1} | arguments))


def test_bad_atoms(iron):
    dyn = SpinDynamics(iron, fs)
    with pytest.raises(ValueError, match=r"steps must be an integer >= 0, got -3"):
        dyn.run(-3)
    iron.set_constraint(FixBondLength(0, 1))
    with pytest.raises(ValueError, match=r"FixBondLengths is not supported: only FixAtoms"):
        SpinDynamics(iron, fs)
    iron.set_constraint()
    iron.calc = None
    with pytest.raises(ValueError, match="atoms have no calculator"):
        SpinDynamics(iron, fs)
    iron.calc = LennardJones()
    with pytest.raises(ValueError, match=r"LennardJones gives no magnetic forces"):
        SpinDynamics(iron, fs)
    iron.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    iron.arrays["initial_magmoms"][3] = np.nan
    with pytest.raises(ValueError, match="the moment of atom 3 is not a finite number"):
        SpinDynamics(iron, fs)
