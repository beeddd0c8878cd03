"""ase-mag run --engine lammps: the frames of the serial run, on one and two processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.io import read as read_frames

from ase_mag.cli import main

#: Job files by name, as replacements in that of the other tests.
CASES = {
    "baths": [],
    "constant energy": [
        ("temperature_K = 300\ndamping = 0.1\nfriction_per_fs = 0.01", 'method = "implicit"')
    ],
    "pressure": [("damping = 0.1", "damping = 0.1\npressure_GPa = 1.0\nfull_cell = true")],
    "field, inertial sizes": [
        (
            "damping = 0.1",
            'damping = 0.1\nfield_T = [10, 20, 30]\nlongitudinal = "inertial"\ninertia = 6.0',
        )
    ],
    # A potential without bilinear form: all engines turn moments by the midpoint rule.
    "moment sizes": [
        ("damping = 0.1", "longitudinal = true"),
        ('"FeHL-1"', '"Fe-MSLP-FeHL1"'),
    ],
}


@pytest.fixture
def job_on(mpirun, tmp_path, tree_environment):
    """A function that runs ``ase-mag`` on n processes in a fresh folder."""

    def run(n, *arguments, program=("-m", "ase_mag.cli"), status=0, before=()):
        done = subprocess.run(
            [*before, mpirun, "-n", str(n), sys.executable, *program, *arguments],
            cwd=tmp_path,
            env=tree_environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


def assert_same_frames(folder, first, second, count=7):
    first, second = (read_frames(folder / name, ":") for name in (first, second))
    assert len(first) == len(second) == count
    for a, b in zip(first, second, strict=True):
        for name in ("positions", "momenta", "initial_magmoms"):
            np.testing.assert_allclose(a.arrays[name], b.arrays[name], rtol=0, atol=1e-10)
        np.testing.assert_allclose(a.cell.array, b.cell.array, rtol=0, atol=1e-10)
        np.testing.assert_allclose(a.get_forces(), b.get_forces(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(a.get_stress(), b.get_stress(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(a.get_stresses(), b.get_stresses(), rtol=0, atol=1e-10)
        each = [frame.get_potential_energies() for frame in (a, b)]
        np.testing.assert_allclose(*each, rtol=0, atol=1e-10)
        assert a.get_potential_energy() == pytest.approx(b.get_potential_energy(), abs=1e-10)


@pytest.mark.parametrize(
    ("n", "case"),
    [
        (2, "baths"),
        *(pytest.param(n, case, marks=pytest.mark.slow) for n in (1, 2) for case in CASES),
    ],
)
def test_the_same_job_gives_the_same_frames(n, case, job_on, write_job, tmp_path):
    text = write_job(replacements=CASES[case])
    assert main(["run", text, "--quiet"]) == 0
    write_job(replacements=CASES[case], name="many.toml")
    done = job_on(n, "run", "many.toml", "--engine", "lammps")
    on = " on 2 processes" if n == 2 else ""
    assert done.stdout.count("60 steps in ") == done.stdout.count(f"ms per step{on}; 60 in") == 1
    assert done.stdout.count("trajectory ") == 1  # one process speaks
    assert done.stderr == ""  # and no progress bar without a terminal
    assert_same_frames(tmp_path, "job.traj", "many.traj")
    assert (tmp_path / "job.log").read_text() == (tmp_path / "many.log").read_text()


def test_a_stopped_job_goes_on_with_another_number_of_processes(job_on, write_job, tmp_path):
    job = write_job(name="whole.toml")
    job_on(1, "run", job, "--engine", "lammps", "--quiet")
    job = write_job(replacements=[("steps = 60", "steps = 35")])
    first = job_on(2, "run", job, "--engine", "lammps", "--quiet")
    assert first.stdout == first.stderr == ""
    write_job()
    refused = job_on(2, "run", job, "--engine", "lammps", status=2)
    assert refused.stderr.count("exist already: go on with --resume") == 1
    assert "Traceback" not in refused.stderr
    job_on(1, "run", job, "--engine", "lammps", "--resume", "--quiet")
    assert_same_frames(tmp_path, "job.traj", "whole.traj")
    assert main(["run", job, "--resume"]) == 2  # a run keeps its engine


@pytest.mark.slow
def test_a_job_with_a_killed_process_ends_and_goes_on(mpirun, job_on, write_job, tmp_path):
    job = write_job(replacements=[("steps = 60", "steps = 1000000000")])
    command = [mpirun, "-n", "2", sys.executable, "-m", "ase_mag.cli", "run", job]
    process = subprocess.Popen(
        [*command, "--engine", "lammps"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    log, end = tmp_path / "job.log", time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") > 9) and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(_workers(process.pid)[-1], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KILLED" in (out + err).upper()
    steps = 10 * (len(log.read_text().splitlines()) - 2)
    for name, options in (("job", ["--resume"]), ("whole", [])):
        job = write_job(replacements=[("steps = 60", f"steps = {steps}")], name=f"{name}.toml")
        job_on(2, "run", job, "--engine", "lammps", "--quiet", *options)
    assert_same_frames(tmp_path, "job.traj", "whole.traj", steps // 10 + 1)


def _workers(pid):
    """Return the Python processes among the descendants of a process."""
    children = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, parent = path.read_text().rpartition(")")[::2]
        except OSError:  # it has ended
            continue
        children.setdefault(int(parent.split()[1]), []).append((int(path.parent.name), name))
    found, stack = [], [pid]
    while stack:
        for child, name in children.get(stack.pop(), []):
            stack.append(child)
            if "python" in name:
                found.append(child)
    return sorted(found)


#: A job whose first process fails at the first checkpoint, or one of whose models fails.
FAILING = """
import sys
from mpi4py import MPI
from ase_mag.bridges.checkpoint import Checkpoint
from ase_mag.cli import main, processes
from ase_mag.models.fehl1 import FeHL1

def full(self):
    raise OSError("no space left on the disk")

def broken(self, *arguments, **options):
    raise ArithmeticError("the model fails")

if sys.argv[1] == "checkpoint":
    Checkpoint.write = full
elif MPI.COMM_WORLD.rank == 1:
    FeHL1.gradients = FeHL1.evaluate = broken
processes.PATIENCE = 0.5
sys.exit(main(["run", "job.toml", "--engine", "lammps"]))
"""


@pytest.mark.parametrize(
    ("where", "message", "rank"),
    [
        ("checkpoint", "OSError: no space left on the disk", 0),
        pytest.param("model", "ArithmeticError: the model fails", 1, marks=pytest.mark.slow),
    ],
)
def test_an_error_in_one_process_ends_all(where, message, rank, job_on, write_job, tmp_path):
    write_job()
    (tmp_path / "failing.py").write_text(FAILING)
    done = job_on(2, where, program=["failing.py"], status=1)
    assert done.stderr.count("Traceback") == done.stderr.count(message) == 1
    assert f"process {rank} of 2 failed" in done.stderr
    assert "all processes end" in done.stderr.replace("\n", " ")


def test_more_processes_than_cores_are_refused(job_on, write_job):
    job = write_job(replacements=[("steps = 60", "steps = 2")])
    one_core = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
    command = ("run", job, "--engine", "lammps")
    refused = job_on(2, *command, before=one_core, status=2).stderr
    assert refused.count("2 processes share 1 core of one machine") == 1
    job_on(2, *command, "--oversubscribe", before=one_core)


@pytest.mark.slow
def test_a_dry_run_on_processes_writes_nothing(job_on, write_job, tmp_path):
    done = job_on(2, "run", write_job(), "--engine", "lammps", "--dry-run")
    start = "LammpsSimulation: 16 atoms (Fe16), 2 processes, 300 K, 60 steps of 1 fs = 0.06 ps"
    assert done.stdout.startswith(start)
    assert done.stdout.count("nothing was run or written") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["job.toml"]


def test_one_process_says_that_a_job_was_stopped(mpirun, write_job, tmp_path, tree_environment):
    job = write_job(replacements=[("steps = 60", "steps = 1000000000")])
    command = [mpirun, "-n", "2", sys.executable, "-m", "ase_mag.cli", "run", job]
    process = subprocess.Popen(
        [*command, "--engine", "lammps"],
        env=tree_environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    log, end = tmp_path / "job.log", time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") > 3) and time.monotonic() < end:
        time.sleep(0.05)
    os.kill(_workers(process.pid)[-1], signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert errors.count("stopped after ") == errors.count("steps; go on with --resume") == 1
