"""Landscapes of iron from constrained density-functional theory (ABINIT), where present."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read

import ase_mag
from ase_mag import lsf

FILE = (
    Path(__file__).parents[3] / "shared" / "data" / "fe_lsf_landscapes" / "fe_lsf_landscapes.extxyz"
)


@pytest.fixture(scope="module")
def table():
    """25 landscapes of atom 0 in two-atom cells, neighbors parallel or antiparallel."""
    if not FILE.exists():
        pytest.skip(f"{FILE.name} is not beside this tree")
    return lsf.landscapes_from_frames(
        read(FILE, ":"), reference=bulk("Fe", a=2.85, cubic=True), largest_error=0.03
    )


def test_shapes(table):
    """Parallel neighbors: a deep minimum at 2.1-2.5 mu_B; antiparallel ones: none."""
    assert len(table) == 25 and table.bounded.all() and not table.failures
    parallel = np.array([ase_mag.get_moments(f)[:, 2].prod() > 0 for f in table.frames])
    assert parallel.sum() == 16
    assert ((table.a > -0.20) & (table.a < -0.145))[parallel].all()
    assert ((table.b > 0.0145) & (table.b < 0.0185))[parallel].all()
    assert ((table.minimum > 2.05) & (table.minimum < 2.51))[parallel].all()
    assert (table.minimum == 0)[~parallel].all()
    assert (table.error > 0.009).all() and (table.error < 0.021).all()
    # A sixth order halves the residual, and makes deep landscapes unbounded (c < 0).
    again = table.refit(order=6)
    assert again.error.mean() < 0.55 * table.error.mean() and again.error.max() < 0.0105
    np.testing.assert_array_equal(again.bounded, ~parallel)


def test_errors_of_predictors(table):
    """Leave one out: a 0.0091 +- 0.0015 and 0.0078 +- 0.0015 (mean landscape 0.100 +- 0.007)."""
    predictors = [lsf.LsfPredictor(), lsf.LsfPredictor("invariant")]
    report = lsf.cross_validate(predictors, table, folds=len(table))
    for method, a, b in (("descriptor 3", 0.0091, 0.00062), ("invariants", 0.0078, 0.00056)):
        assert abs(report[method, "a"] / a - 1) < 0.02
        assert abs(report[method, "b"] / b - 1) < 0.02
        assert report[method, "a"] < 0.15 * report["mean landscape", "a"]
