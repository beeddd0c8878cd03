import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.io import read

import ase_mag
from ase_mag import models, units
from ase_mag.dynamics import AsdAimd
from ase_mag.lsf import mean_moment

fs = ase_units.fs


class ConstantLandscapes:
    """A predictor that gives every atom the same landscape."""

    def __init__(self, a=-0.15, b=0.0192):
        self.a, self.b = a, b

    def prepare(self, atoms):
        n = len(atoms)
        return lambda positions, cell, moments: (np.full(n, self.a), np.full(n, self.b))


def iron(n=2, size=2.2, rng=3):
    atoms = bulk("Fe", a=2.877, cubic=True) * n
    rng = np.random.default_rng(rng)
    moments = rng.normal(size=(len(atoms), 3))
    moments *= size / np.linalg.norm(moments, axis=1, keepdims=True)
    ase_mag.set_moments(atoms, moments)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    widths = np.sqrt(atoms.get_masses() * units.kB * 300)
    atoms.set_momenta(widths[:, None] * rng.normal(size=(len(atoms), 3)))
    return atoms


def test_energy_is_conserved_when_forces_and_fields_come_from_one_model():
    """No baths, sizes fixed: the splitting conserves FeHL-1's energy to second order in dt."""
    changes = []
    for timestep in (2.0, 1.0):
        atoms = iron()
        start = atoms.get_total_energy()
        dyn = AsdAimd(
            atoms,
            timestep * fs,
            exchange=models.named("FeHL-1"),
            spin_timestep=0.01 * timestep * fs,
            damping=0.0,
        )
        worst = 0.0
        for _ in dyn.irun(round(60 / timestep)):
            worst = max(worst, abs(atoms.get_total_energy() - start))
        changes.append(worst)
    assert changes[1] < 1e-2  # eV, of 16 atoms
    assert abs(np.log2(changes[0] / changes[1]) - 2) < 0.3


@pytest.mark.slow
def test_lattice_and_spins_reach_the_bath_temperature():
    """Kinetic and transverse spin temperature at 600 K, each within 3 standard errors (< 1.5 %)."""
    atoms = iron(4)
    ase_mag.set_moments(atoms, 2.2)
    dyn = AsdAimd(
        atoms,
        1.0 * fs,
        exchange=models.named("FeHL-1"),
        temperature_K=600,
        spin_timestep=0.1 * fs,
        damping=0.3,
        friction=0.02 / fs,
        rng=5,
    )
    dyn.run(1000)
    values = []
    for _ in range(90):
        dyn.run(60)
        values.append((atoms.get_temperature(), dyn.get_spin_temperature()))
    mean, error = np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(90)
    assert (error < 0.015 * 600).all()
    assert (np.abs(mean - 600) < 3 * error).all(), (mean, error)


def test_one_force_evaluation_per_step_at_the_current_moments():
    seen = []

    class Recorder(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            seen.append((atoms.positions.copy(), ase_mag.get_moments(atoms)))
            self.results = {"energy": 0.0, "forces": 0.01 * np.ones((len(atoms), 3))}

    atoms = iron()
    atoms.calc = Recorder()
    lsf = ConstantLandscapes()
    size = mean_moment(-0.15, 0.0192, 1043, 2)
    dyn = AsdAimd(
        atoms,
        fs,
        exchange=models.named("FeHL-1"),
        lsf=lsf,
        temperature_K=1043,
        friction=0.01,
        rng=1,
    )
    np.testing.assert_allclose(np.linalg.norm(ase_mag.get_moments(atoms), axis=1), size, rtol=1e-12)
    dyn.run(7)
    assert len(seen) == 8
    for _, moments in seen:
        np.testing.assert_allclose(np.linalg.norm(moments, axis=1), size, rtol=1e-12)
    np.testing.assert_array_equal(seen[-1][0], atoms.positions)
    np.testing.assert_array_equal(seen[-1][1], ase_mag.get_moments(atoms))
    assert not np.array_equal(seen[-1][1], seen[-2][1])
    assert set(dyn.timings) == {"forces", "spins", "sizes", "other"}
    assert all(seconds > 0 for seconds in dyn.timings.values())


def test_sizes_follow_temperature_and_measure():
    for temperature, measure in ((300, 0), (1043, 1), (1043, 2)):
        atoms = iron()
        AsdAimd(atoms, fs, lsf=ConstantLandscapes(), temperature_K=temperature, measure=measure)
        np.testing.assert_allclose(
            np.linalg.norm(ase_mag.get_moments(atoms), axis=1),
            mean_moment(-0.15, 0.0192, temperature, measure),
            rtol=1e-12,
        )


def test_directions_do_not_depend_on_lattice_noise_streams():
    """Same seed, same run; another seed, another run."""
    runs = []
    for seed in (1, 1, 2):
        atoms = iron()
        dyn = AsdAimd(
            atoms,
            fs,
            exchange=models.named("FeHL-1"),
            temperature_K=500,
            friction=0.01,
            spin_timestep=0.1 * fs,
            rng=seed,
        )
        dyn.run(10)
        runs.append((atoms.positions.copy(), ase_mag.get_moments(atoms)))
    assert np.array_equal(runs[0][0], runs[1][0])
    assert np.array_equal(runs[0][1], runs[1][1])
    assert not np.allclose(runs[0][0], runs[2][0])
    assert not np.allclose(runs[0][1], runs[2][1])


def test_frozen_moments_give_plain_molecular_dynamics():
    """Without exchange and lsf the run is ASE's velocity Verlet at fixed moments."""
    from ase.md.verlet import VelocityVerlet

    ours, theirs = iron(), iron()
    moments = ase_mag.get_moments(ours)
    AsdAimd(ours, fs).run(20)
    VelocityVerlet(theirs, fs).run(20)
    np.testing.assert_allclose(ours.positions, theirs.positions, atol=1e-11)
    np.testing.assert_allclose(ours.get_momenta(), theirs.get_momenta(), atol=1e-10)
    assert np.array_equal(ase_mag.get_moments(ours), moments)


def test_trajectory_holds_everything(tmp_path):
    atoms = iron()
    path, log = tmp_path / "tc.traj", tmp_path / "tc.log"
    dyn = AsdAimd(
        atoms,
        fs,
        exchange=models.named("FeHL-1"),
        lsf=ConstantLandscapes(),
        temperature_K=500,
        friction=0.01 / fs,
        rng=1,
        trajectory=path,
        logfile=log,
        loginterval=2,
    )
    dyn.run(6)
    frames = read(path, ":")
    assert len(frames) == 4
    for frame in frames:
        assert {"energy", "forces", "stress", "magmoms", "magforces"} <= set(frame.calc.results)
        np.testing.assert_array_equal(frame.get_magnetic_moments(), ase_mag.get_moments(frame))
        fresh = frame.copy()
        fresh.calc = atoms.calc
        np.testing.assert_allclose(fresh.get_forces(), frame.get_forces(), atol=1e-12)
    lines = log.read_text().splitlines()
    assert len(lines) == 5
    time, total, potential, kinetic, temperature, mean, size, spin = map(float, lines[-1].split())
    assert time == 0.006
    assert abs(total - atoms.get_total_energy()) < 1e-5
    assert abs(kinetic + potential - total) < 2e-6
    assert abs(temperature - 2 * kinetic / (3 * len(atoms) * units.kB)) < 0.05
    assert abs(size - mean_moment(-0.15, 0.0192, 500, 2)) < 1e-6
    assert 0 < mean < size
    assert spin != 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"spin_timestep": 0.0}, r"spin_timestep must be a positive number.*got 0\.0"),
        ({"friction": -0.1, "temperature_K": 300}, r"friction must be finite and not negative"),
        ({"temperature_K": -5.0, "friction": 0.1}, r"temperature_K must be finite.*got -5\.0"),
        ({"friction": 0.1}, "friction is 0.1 but temperature_K is None"),
        ({"temperature_K": 300}, "temperature_K is 300 but nothing uses it"),
        ({"lsf": ConstantLandscapes()}, "lsf needs temperature_K"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        AsdAimd(iron(), fs, **arguments)


def test_zero_moments_and_wrong_species():
    atoms = iron()
    atoms.arrays["initial_magmoms"][5] = 0.0
    with pytest.raises(ValueError, match="atom 5 has no moment"):
        AsdAimd(atoms, fs, lsf=ConstantLandscapes(), temperature_K=300)
    exchange = models.Heisenberg("Co", models.cubic(0.1, cutoff=3.0))
    with pytest.raises(ValueError, match=r"holds Fe, but the model describes only Co"):
        AsdAimd(iron(), fs, exchange=exchange)
