"""Trajectory, log and checkpoint of runs on several processes; accidents."""

import json

import ase.io
import numpy as np
import pytest
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, models
from ase_mag.dynamics import SpinLatticeDynamics


def serial_run(folder):
    """Make the run of ``programs/files.py`` with the serial class."""
    atoms = bulk("Fe", a=2.86, cubic=True) * (4, 4, 4)
    rng = np.random.default_rng(2)
    atoms.set_masses(np.linspace(40.0, 60.0, len(atoms)))
    masses = atoms.get_masses()[:, None]
    atoms.set_momenta(np.sqrt(units.kB * 1800 * masses) * rng.normal(size=atoms.positions.shape))
    ase_mag.set_moments(atoms, rng.normal(scale=0.4, size=(len(atoms), 3)) + [0.0, 0.0, 2.1])
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    dynamics = SpinLatticeDynamics(
        atoms,
        units.fs,
        temperature_K=900,
        friction=0.01 / units.fs,
        damping=0.1,
        pressure=1.0 * units.GPa,
        rng=5,
        trajectory=folder / "serial.traj",
        logfile=folder / "serial.log",
        loginterval=5,
    )
    dynamics.run(40)


def assert_equal_to_serial(folder):
    serial_run(folder)
    ours, theirs = (ase.io.read(folder / f"{name}.traj", ":") for name in ("run", "serial"))
    assert len(ours) == len(theirs) == 9
    for a, b in zip(ours, theirs, strict=True):
        for get in ("get_positions", "get_momenta", "get_forces", "get_stress"):
            np.testing.assert_allclose(getattr(a, get)(), getattr(b, get)(), atol=1e-10)
        np.testing.assert_allclose(a.cell, b.cell, atol=1e-10)
        np.testing.assert_allclose(a.get_magnetic_moments(), b.get_magnetic_moments(), atol=1e-10)
        magforces = [f.calc.results["magforces"] for f in (a, b)]
        np.testing.assert_allclose(*magforces, atol=1e-10)
        temperatures = [f.info["spin_temperature_K"] for f in (a, b)]
        np.testing.assert_allclose(*temperatures, atol=1e-6)
        assert a.get_potential_energy() == pytest.approx(b.get_potential_energy(), abs=1e-9)
        energies = [f.get_potential_energy(force_consistent=True) for f in (a, b)]
        assert energies[0] == pytest.approx(energies[1], abs=1e-9)
        assert a.get_magnetic_moment() == pytest.approx(b.get_magnetic_moment(), abs=1e-9)
    logs = [np.loadtxt(folder / f"{name}.log", skiprows=1) for name in ("run", "serial")]
    np.testing.assert_allclose(*logs, atol=1.1e-5)  # the last digit printed
    assert_dump(folder)
    run = analysis.read(folder / "run.traj")
    assert run.time_fs[-1] == pytest.approx(40.0)


def assert_dump(folder):
    """Check that LAMMPS' dump holds the trajectory (between two moves of the cell)."""
    dumped = ase_mag.io.read_lammps_spin(folder / "run.dump", slice(None))
    assert [frame.info["step"] for frame in dumped] == list(range(0, 41, 5))
    for a, b in zip(dumped, ase.io.read(folder / "run.traj", ":"), strict=True):
        if a.info["step"] % 10:  # others are before a move of the cell
            np.testing.assert_allclose(a.positions, b.positions, atol=1e-10)
            np.testing.assert_allclose(a.get_velocities(), b.get_velocities(), atol=1e-10)
            np.testing.assert_allclose(a.get_masses(), b.get_masses(), rtol=1e-15)
            np.testing.assert_allclose(a.cell, b.cell, atol=1e-10)
        np.testing.assert_allclose(ase_mag.get_moments(a), b.get_magnetic_moments(), atol=1e-10)


def test_files_equal_those_of_the_serial_class(ranks, tmp_path):
    assert ranks(2, "files", 40, "-", "anew") == "done"
    assert_equal_to_serial(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
@pytest.mark.parametrize("accident", ["fail", "die", "end"])
def test_a_run_that_ended_in_an_accident_is_resumed_by_another_number_of_processes(
    ranks, tmp_path, before, after, accident
):
    done = ranks(before, "files", 40, accident, "anew", check=False)
    assert done.returncode != 0
    if accident == "fail":
        assert "ArithmeticError: the model has failed" in done.stderr
        if before > 1:
            assert "process 1 of 2 failed at step 25" in done.stderr
    elif accident == "end":
        with np.load(tmp_path / "run.npz", allow_pickle=False) as checkpoint:
            assert json.loads(checkpoint["header"].tobytes())["nsteps"] == 25
    else:
        assert "BAD TERMINATION" in done.stdout + done.stderr
    assert ranks(after, "files", 40, "-", "resume") == "done"
    assert_equal_to_serial(tmp_path)


def test_a_failing_model_ends_all_processes(ranks, tmp_path):
    done = ranks(2, "files", 40, "fail", "anew", check=False)
    assert done.returncode != 0
    assert "ArithmeticError: the model has failed" in done.stderr
    assert "process 1 of 2 failed at step 25" in done.stderr
    with np.load(tmp_path / "run.npz", allow_pickle=False) as checkpoint:
        assert np.isfinite(checkpoint["positions"]).all()


def test_a_checkpoint_of_step_0_goes_on_with_all_frames(ranks, tmp_path):
    assert ranks(1, "files", 0, "-", "unmoved") == "done"
    assert ranks(1, "files", 40, "-", "resume") == "done"
    assert_equal_to_serial(tmp_path)


def test_groups_of_processes_have_files_of_their_own(ranks, tmp_path):
    # Frames beyond the checkpoint of step 20 are made again.
    for steps in (25, 30):
        assert ranks(2, "groups", steps) == "done"
        frames = [ase.io.read(tmp_path / f"{group}.traj", ":") for group in (0, 1)]
        assert len(frames[0]) == len(frames[1]) == steps // 5 + 1
        for a, b in zip(*frames, strict=True):
            np.testing.assert_array_equal(a.get_magnetic_moments(), b.get_magnetic_moments())
        logs = [np.loadtxt(tmp_path / f"{group}.log", skiprows=1) for group in (0, 1)]
        np.testing.assert_array_equal(*logs)
        np.testing.assert_allclose(1000 * logs[0][:, 0], range(0, steps + 1, 5))


def test_another_loginterval_counts_from_the_checkpoint_on(ranks):
    first = [0, 5, 10, 15, 20]
    expected = [
        [*first, 25],
        [*first, 22, 24, 26],
        [*first, 21, 24, 27, 30],
        [*first, 21, 24, 27, 30, 40, 50],
    ]
    assert ranks(1, "intervals") == [[steps, len(steps), steps] for steps in expected]
