"""Errors of one process, in scripts that nobody else looks after (no ``-m mpi4py``)."""

import json

import numpy as np
import pytest


def checkpoint_of(folder):
    with np.load(folder / "run.npz", allow_pickle=False) as file:
        assert np.isfinite(file["moments"]).all()
        assert np.isfinite(file["momenta"]).all()
        return json.loads(file["header"].tobytes())["nsteps"]


def test_an_error_in_the_script_of_one_process_ends_all(ranks, tmp_path):
    done = ranks(2, "accidents", "script", check=False, alone=True, timeout=120)
    assert done.returncode != 0
    assert done.stderr.count("LookupError: an error in the script") == 1
    assert "process 1 of 2 failed with the error above: all processes end" in done.stderr
    assert checkpoint_of(tmp_path) == 20


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_without_errors_nothing_is_said(ranks, n):
    done = ranks(n, "accidents", "none", check=False, alone=True)
    assert done.returncode == 0
    assert done.stdout == '"done"\n'
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("accident", "message"),
    [
        ("unconverged", "RuntimeError: the implicit midpoint did not converge in 1 of 1 steps"),
        pytest.param("nan", "RuntimeError: the implicit midpoint did not", marks=pytest.mark.slow),
    ],
)
def test_moments_of_one_process_that_do_not_converge_end_all(ranks, tmp_path, accident, message):
    done = ranks(2, "accidents", accident, check=False, alone=True, timeout=120)
    assert done.returncode != 0
    assert message in done.stderr
    assert "of 2 failed at step 2" in done.stderr
    assert checkpoint_of(tmp_path) == 20
