"""What holds for every class of dynamics: threads do not matter, killed runs go on exactly."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from ase.io import read

import ase_mag
from ase_mag.core import set_threads
from ase_mag.dynamics.checkpoint import Checkpoint

from .kinds import KINDS, dynamics, iron, state

every_kind = pytest.mark.parametrize("kind", KINDS)


def equal(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


@every_kind
def test_neither_threads_nor_a_restart_with_others_matter(kind, tmp_path, monkeypatch):
    """1 and 2 threads, and 1 thread to a checkpoint and 2 from there: equal bit for bit."""
    monkeypatch.setattr("ase_mag.core.threads._WORTH_A_THREAD", 1)
    results = []
    try:
        for threads in ([1, 1], [2, 2], [1, 2]):
            path = tmp_path / f"{threads}.npz"
            for part, count in enumerate(threads):
                set_threads(count)
                dyn = dynamics(
                    kind, iron(3), checkpoint=path, checkpoint_interval=3, restart=part == 1
                )
                dyn.run_to(3 * (part + 1))
            results.append(state(dyn))
    finally:
        set_threads(None)
    assert equal(results[0], results[1])
    assert equal(results[0], results[2])
    assert not np.array_equal(results[0][2], ase_mag.get_moments(iron(3)))


SCRIPT = """
    import importlib.util, sys
    spec = importlib.util.spec_from_file_location("kinds", {kinds!r})
    kinds = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kinds)
    dyn = kinds.dynamics(
        {kind!r}, kinds.iron(), trajectory="run.traj", logfile="run.log", loginterval=20,
        checkpoint="run.npz", checkpoint_interval=50, restart=True,
    )
    print("ready", flush=True)
    dyn.run_to({steps})
"""


def start(folder, environment, kind, steps):
    kinds = str(Path(__file__).with_name("kinds.py"))
    script = textwrap.dedent(SCRIPT).format(kinds=kinds, kind=kind, steps=steps)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    first = process.stdout.readline()
    assert first == "ready\n", process.stderr.read()
    return process


#: Steps of about a second.
STEPS = {"ASD-AIMD": 300, "heat bath": 10_000, "Metropolis": 10_000, "tempering": 2000}
LONG = ("midpoint", "implicit", "depondt", "heun", "sequential", "longitudinal")


@pytest.mark.slow
@every_kind
def test_killed_at_ten_random_instants(kind, tmp_path, tree_environment):
    """kill -9 ten times; checkpoint, trajectory and log equal those of the uninterrupted run."""
    steps = STEPS.get(kind, 5000 if kind in LONG else 1000)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    with start(whole, tree_environment, kind, steps) as process:
        began = time.monotonic()
        assert process.wait() == 0
        duration = time.monotonic() - began
    rng = np.random.default_rng(5)
    killed = 0
    for _ in range(10):
        with start(cut, tree_environment, kind, steps) as process:
            time.sleep(rng.uniform(0, 0.15) * duration)
            killed += process.poll() is None
            process.send_signal(signal.SIGKILL)
    assert killed >= 5
    with start(cut, tree_environment, kind, steps) as process:
        assert process.wait() == 0
    assert (whole / "run.log").read_text() == (cut / "run.log").read_text()
    one, two = read(whole / "run.traj", ":"), read(cut / "run.traj", ":")
    assert len(one) == len(two) == steps // 20 + 1
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a.positions, b.positions)
        assert np.array_equal(ase_mag.get_moments(a), ase_mag.get_moments(b))
        assert a.get_potential_energy() == b.get_potential_energy()
    ours, theirs = (np.load(folder / "run.npz") for folder in (whole, cut))
    assert sorted(ours.files) == sorted(theirs.files)
    for name in ours.files:
        assert np.array_equal(ours[name], theirs[name]), name


@pytest.mark.skipif(os.name != "posix", reason="signals")
@every_kind
def test_sigterm_leaves_a_checkpoint(kind, tmp_path, monkeypatch):
    """The signal comes in the middle of a run; that step is written and the run ends with 143."""
    path = tmp_path / "run.npz"
    dyn = dynamics(kind, iron(), checkpoint=path, checkpoint_interval=1000)
    dyn.attach(lambda: os.kill(os.getpid(), signal.SIGTERM) if dyn.nsteps == 7 else None, 7)
    with pytest.raises(SystemExit) as info:
        dyn.run(100)
    assert info.value.code == 143
    assert 7 <= dyn.nsteps <= 8
    resumed = dynamics(kind, iron(), checkpoint=path, restart=True)
    assert resumed.nsteps == dyn.nsteps
    assert equal(state(resumed), state(dyn))


@every_kind
def test_checkpoints_of_another_model_are_refused(kind, tmp_path):
    path = tmp_path / "run.npz"
    dyn = dynamics(kind, iron(), checkpoint=path, checkpoint_interval=5)
    Checkpoint.write(dyn.checkpoint)
    other = iron()
    other.calc = ase_mag.MagneticCalculator(
        other.calc.model + ase_mag.models.Landau("Fe", 1e-6, 0.0)
    )
    with pytest.raises(ValueError, match=r"written with another model"):
        dynamics(kind, other, checkpoint=path, restart=True)
