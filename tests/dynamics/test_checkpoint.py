"""Runs that were killed go on exactly."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.io import read

import ase_mag
from ase_mag import lsf, models, reference
from ase_mag.dynamics import AsdAimd, OnTheFlyLearning, SpinDynamics, SpinLatticeDynamics

fs = ase_units.fs


def iron(n=2, rng=1):
    atoms = bulk("Fe", a=2.86, cubic=True) * n
    rng = np.random.default_rng(rng)
    ase_mag.set_moments(atoms, [0, 0, 2.1] + 0.3 * rng.normal(size=(len(atoms), 3)))
    atoms.set_momenta(2.0 * rng.normal(size=(len(atoms), 3)))
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    return atoms


KINDS = {
    "spins": (SpinDynamics, {"temperature_K": 300, "damping": 0.1}),
    "NVE": (SpinLatticeDynamics, {}),
    "inertial": (
        SpinLatticeDynamics,
        {"temperature_K": 300, "longitudinal": "inertial", "longitudinal_friction": 0.1}
        | {"friction": 0.01, "account": True},
    ),
    "NPT": (
        SpinLatticeDynamics,
        {
            "temperature_K": 900,
            "friction": 0.01,
            "longitudinal": True,
            "pressure": 0.0,
            "full_cell": True,
            "account": True,
        },
    ),
}


def learning_run(atoms, timestep, **options):
    """ASD-AIMD of everything at once: sampled sizes, NPT, and a predictor that learns."""
    atoms.calc = reference.ConstrainedModel(models.named("FeHL-1"))
    frames = lsf.snapshots(bulk("Fe", a=2.86, cubic=True) * 2, 0.1, count=1, rng=1, sizes=2.0)
    table = lsf.landscapes(frames, atoms.calc, progress=False)
    return AsdAimd(
        atoms,
        timestep,
        exchange=models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75)),
        lsf=lsf.LsfPredictor(descriptor="invariant").fit(table),
        sizes="sampled",
        size_time=3 * fs,
        learning=OnTheFlyLearning(table, threshold=0.004, budget=100, per_frame=3),
        temperature_K=700,
        spin_timestep=0.1 * fs,
        friction=0.02 / fs,
        pressure=1 * ase_units.GPa,
        full_cell=True,
        **options,
    )


KINDS["learning"] = (learning_run, {})


@pytest.mark.filterwarnings("ignore:the predictor extrapolates", "ignore:all 100 landscapes")
@pytest.mark.parametrize("kind", KINDS)
def test_resumed_run_is_the_uninterrupted_run(kind, tmp_path):
    cls, options = KINDS[kind]
    results = []
    for cuts in ((300,), (130, 270, 300)):
        folder = tmp_path / str(len(cuts))
        folder.mkdir()
        previous = 0
        for last in cuts:
            atoms = iron()
            dyn = cls(
                atoms,
                fs,
                rng=1,
                trajectory=folder / "run.traj",
                logfile=folder / "run.log",
                loginterval=10,
                checkpoint=folder / "run.npz",
                checkpoint_interval=50,
                restart=True,
                **options,
            )
            # The run dies somewhere after its last checkpoint; that part is done again.
            assert dyn.nsteps == 50 * (previous // 50)
            dyn.run_to(last)
            previous = last
        results.append((atoms, dyn, read(folder / "run.traj", ":"), folder / "run.log"))
    (one, first, frames, log), (two, second, others, other_log) = results
    assert np.array_equal(one.positions, two.positions)
    assert np.array_equal(one.get_momenta(), two.get_momenta())
    assert np.array_equal(one.cell.array, two.cell.array)
    assert np.array_equal(ase_mag.get_moments(one), ase_mag.get_moments(two))
    if kind == "NPT":
        assert first.heat == second.heat
    if kind == "learning":
        mine, other = first.learning, second.learning
        assert mine.computed == other.computed > 20
        assert [x.atoms for x in mine.history] == [x.atoms for x in other.history]
        assert np.array_equal(mine.table.a, other.table.a)
        # Something was learned in each of the three pieces.
        assert len({x.step // 130 for x in mine.history}) == 3
        assert one.get_volume() != iron().get_volume()
    assert len(frames) == len(others) == 31
    for frame, other in zip(frames, others, strict=True):
        assert np.array_equal(frame.positions, other.positions)
        assert frame.get_potential_energy() == other.get_potential_energy()
    assert log.read_text() == other_log.read_text()
    assert len(log.read_text().splitlines()) == 32


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
def test_learning_resumed_from_the_first_step(tmp_path):
    """The first frame is not looked at again."""
    histories = []
    for steps in (3, 12):
        dyn = learning_run(iron(), fs, rng=1, checkpoint=tmp_path / "run.npz", restart=True)
        dyn.run_to(steps)
        histories.append([lesson.step for lesson in dyn.learning.history])
    assert histories == [[0], [0, 10]]


def test_resumed_from_the_first_step(tmp_path):
    """A run that died before its second checkpoint: no frame or line is written twice."""
    for steps in (7, 12):
        atoms = iron()
        dyn = SpinDynamics(
            atoms,
            fs,
            temperature_K=300,
            damping=0.1,
            rng=1,
            trajectory=tmp_path / "run.traj",
            logfile=tmp_path / "run.log",
            loginterval=3,
            checkpoint=tmp_path / "run.npz",
            checkpoint_interval=50,
            restart=True,
        )
        assert dyn.nsteps == 0
        dyn.run_to(steps)
        frames = read(tmp_path / "run.traj", ":")
        assert len(frames) == 1 + steps // 3
        assert len((tmp_path / "run.log").read_text().splitlines()) == 2 + steps // 3
        moments = [ase_mag.get_moments(frame) for frame in frames]
        assert not any(np.array_equal(a, b) for a, b in pairwise(moments))


SCRIPT = """
    import sys
    sys.path.insert(0, {tests!r})
    from test_checkpoint import fs, iron
    from ase_mag.dynamics import SpinLatticeDynamics

    atoms = iron()
    dyn = SpinLatticeDynamics(
        atoms, fs, temperature_K=500, friction=0.01, damping=0.1, rng=1, trajectory="run.traj",
        loginterval=5, checkpoint="run.npz", checkpoint_interval=20, restart=True,
    )
    print("ready", flush=True)
    dyn.run_to({steps})
    print("done", flush=True)
"""


def start(folder, environment, steps):
    script = textwrap.dedent(SCRIPT).format(tests=str(Path(__file__).parent), steps=steps)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_killed_at_ten_random_instants(tmp_path, tree_environment):
    """kill -9 ten times; the resumed run equals the uninterrupted one bit for bit."""
    steps = 3000
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    with start(whole, tree_environment, steps) as process:
        assert process.wait() == 0
    rng = np.random.default_rng(5)
    for _ in range(10):
        with start(cut, tree_environment, steps) as process:
            time.sleep(rng.uniform(0.02, 0.25))
            process.send_signal(signal.SIGKILL)
    with start(cut, tree_environment, steps) as process:
        assert process.wait() == 0
    one, two = read(whole / "run.traj", ":"), read(cut / "run.traj", ":")
    assert len(one) == len(two) == steps // 5 + 1
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.positions, b.positions)
        assert np.array_equal(ase_mag.get_moments(a), ase_mag.get_moments(b))
        assert a.get_potential_energy() == b.get_potential_energy()


def test_sigterm_writes_a_checkpoint(tmp_path, tree_environment):
    with start(tmp_path, tree_environment, 10**6) as process:
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
    atoms = iron()
    dyn = SpinLatticeDynamics(
        atoms,
        fs,
        temperature_K=500,
        friction=0.01,
        damping=0.1,
        rng=1,
        loginterval=5,
        checkpoint=tmp_path / "run.npz",
        checkpoint_interval=20,
        restart=True,
        trajectory=tmp_path / "run.traj",
    )
    assert dyn.nsteps > 0
    assert len(read(tmp_path / "run.traj", ":")) == dyn.nsteps // 5 + 1


def checkpoint(path, atoms=None, **options):
    return SpinDynamics(
        atoms or iron(),
        **({"timestep": fs, "temperature_K": 300, "damping": 0.1, "rng": 1} | options),
        checkpoint=path,
        checkpoint_interval=5,
        restart=True,
    )


def test_foreign_checkpoints_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    checkpoint(path).run(10)
    assert checkpoint(path).nsteps == 10
    with pytest.raises(ValueError, match=r"other settings \(temperature_K 300 -> 400\)"):
        checkpoint(path, temperature_K=400)
    with pytest.raises(ValueError, match=r"other settings \(seed 1 -> 2\)"):
        checkpoint(path, rng=2)
    with pytest.raises(ValueError, match=r"checkpoint of another system \(16 atoms\)"):
        checkpoint(path, iron(3))
    with pytest.raises(ValueError, match="a checkpoint of SpinDynamics, not of SpinLattice"):
        SpinLatticeDynamics(iron(), fs, checkpoint=path, restart=True)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="is not a checkpoint, or it is damaged"):
        checkpoint(path)
    with pytest.raises(ValueError, match="restart needs the file of the checkpoint"):
        SpinDynamics(iron(), fs, restart=True)


def test_checkpoint_of_a_newer_version(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    monkeypatch.setattr("ase_mag.dynamics.checkpoint.FORMAT", 2)
    checkpoint(path).run(5)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="has format 2, but this version of ase_mag reads up to 1"):
        checkpoint(path)


@pytest.mark.parametrize("name", ["positions", "momenta", "moments", "cell"])
def test_numbers_that_are_not_finite_are_refused(name, tmp_path):
    path = tmp_path / "run.npz"
    checkpoint(path).run(10)
    with np.load(path) as file:
        arrays = dict(file)
    arrays[name][2, 1] = np.nan
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=f"its {name} contain NaN or infinity .first bad row: 2"):
        checkpoint(path)


def test_the_file_is_replaced_atomically(tmp_path):
    checkpoint(tmp_path / "run.npz").run(20)
    assert os.listdir(tmp_path) == ["run.npz"]


def written(tmp_path, **options):
    """Make a run with a checkpoint, and return its path and a function that goes on with it."""
    path = tmp_path / "run.npz"

    def resume(atoms=None, **others):
        settings = {"temperature_K": 300, "damping": 0.1, "rng": 1, "progress": False}
        settings |= {"checkpoint": path, "restart": True} | options | others
        return SpinLatticeDynamics(atoms or iron(), fs, **settings)

    dynamics = resume()
    dynamics.run(2)
    dynamics.checkpoint.write()
    return path, resume


def test_numbers_of_numpy_are_settings_like_others(tmp_path):
    numbers = {"temperature_K": np.int64(300), "friction": np.float32(0.01)}
    _, resume = written(tmp_path, **numbers)
    assert resume().nsteps == 2
    assert resume(temperature_K=300.0, friction=float(np.float32(0.01))).nsteps == 2
    with pytest.raises(ValueError, match=r"other settings .*temperature_K 300 -> 400"):
        resume(temperature_K=np.int64(400))
    with pytest.raises(ValueError, match=r"other settings .*compressibility"):
        resume(compressibility=1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda arrays: arrays.pop("moments"), r"its moments should have .* \(16, 3\), found miss"),
        (
            lambda arrays: arrays.update(positions=arrays["positions"][:5]),
            r"its positions should have shape \(16, 3\), found \(5, 3\); delete it",
        ),
    ],
)
def test_damaged_arrays_are_named(change, message, tmp_path):
    path, resume = written(tmp_path)
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=message):
        resume()


def test_other_masses_are_refused(tmp_path):
    _, resume = written(tmp_path)
    atoms = iron()
    masses = atoms.get_masses()
    masses[3] = 60.0
    atoms.set_masses(masses)
    with pytest.raises(ValueError, match=r"other masses \(atom 3: 55.845 -> 60 amu\)"):
        resume(atoms)


@pytest.mark.parametrize("name", ["loginterval", "checkpoint_interval"])
@pytest.mark.parametrize("value", [2.5, 0, True])
def test_intervals_are_whole_steps(name, value):
    message = f"{name} must be a positive number of steps .*, got {value}"
    with pytest.raises(ValueError, match=message):
        SpinLatticeDynamics(iron(), fs, **{name: value})


def test_the_folder_of_a_checkpoint_has_to_exist(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing' of the checkpoint .* make it first"):
        SpinLatticeDynamics(iron(), fs, checkpoint=tmp_path / "missing" / "run.npz")


def test_another_loginterval_counts_from_the_checkpoint_on(tmp_path):
    trajectory, log = tmp_path / "run.traj", tmp_path / "run.log"
    files = {"trajectory": trajectory, "logfile": str(log), "checkpoint_interval": 10}

    def go_on(steps, interval):
        settings = {"temperature_K": 300, "damping": 0.1, "friction": 0.01, "rng": 1}
        settings |= {"checkpoint": tmp_path / "run.npz", "restart": True, "progress": False}
        # As after kill -9: without a checkpoint at the end.
        with SpinLatticeDynamics(iron(), fs, loginterval=interval, **settings, **files) as dynamics:
            dynamics.run_to(steps)
        times = np.loadtxt(log, skiprows=1)[:, 0]
        frames = read(trajectory, ":")
        assert len(frames) == len(times)
        kinetic = [frame.get_kinetic_energy() for frame in frames]
        np.testing.assert_allclose(kinetic, np.loadtxt(log, skiprows=1)[:, 3], atol=1e-6)
        return np.rint(1000 * times).astype(int).tolist()

    first = [0, 5, 10, 15, 20]
    assert go_on(29, 5) == [*first, 25]
    assert go_on(27, 2) == [*first, 22, 24, 26]
    assert go_on(31, 3) == [*first, 21, 24, 27, 30]
    assert go_on(50, 10) == [*first, 21, 24, 27, 30, 40, 50]
