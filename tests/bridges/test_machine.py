"""Simulations in scripts on their machines: threads, cores and launchers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "machine.py"


@pytest.fixture
def cores():
    """The numbers of the first two cores of this machine, with a command that binds to cores."""
    if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
        pytest.skip("this system does not bind processes to cores")
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one core only")
    return sorted(os.sched_getaffinity(0))[:2]


def test_two_cores_are_divided_between_two_processes(ranks, cores):
    binding = ["taskset", "-c", ",".join(map(str, cores))]
    found = ranks(2, "machine", "-", before=binding, environment={"OMP_NUM_THREADS": None})
    assert found == [[2, 1, None]] * 2
    # What the user has set stays.
    found = ranks(2, "machine", "-", before=binding, environment={"OMP_NUM_THREADS": "2"})
    assert found == [[2, 2, None]] * 2


def test_more_processes_than_cores_are_refused_unless_asked_for(ranks, cores):
    binding = ["taskset", "-c", str(cores[0])]
    for _, _, error in ranks(2, "machine", "-", before=binding):
        assert error.startswith("2 processes share 1 core of one machine, but those that wait")
        assert error.endswith("start at most 1 there, or insist with oversubscribe=True")
    found = ranks(2, "machine", "oversubscribe", before=binding)
    assert found == [[1, 1, None]] * 2


@pytest.mark.usefixtures("ranks")
def test_the_launcher_of_another_library_is_refused():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", PROGRAM, "-"],
        env=os.environ | {"OMPI_COMM_WORLD_SIZE": "4"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "4 processes were started (says OMPI_COMM_WORLD_SIZE), but mpi4py, " in done.stdout
    assert "start with its own one" in done.stdout
