"""Search of parameters."""

import numpy as np
import pytest

from ase_mag import lsf


def test_errors_are_those_of_cross_validation(table):
    grid = {"width": [2.0, 20.0], "regularization": [1e-4, 1e-1], "descriptor": [2, 3]}
    found = lsf.grid_search(lsf.LsfPredictor(), table, grid, folds=4, rng=5)
    assert len(found.rows) == 8
    for row in found.rows:
        parameters = {name: row[name] for name in grid}
        predictor = lsf.LsfPredictor(**parameters)
        report = lsf.cross_validate(predictor, table, folds=4, rng=5)
        for q, quantity in enumerate("ab"):
            error = report.errors[-1, q]
            assert abs(row[quantity] - error.mean()) < 1e-12
            assert abs(row[f"{quantity}_error"] - error.std(ddof=1) / 2) < 1e-12


def test_the_best_parameters_are_chosen_for_a_and_b(table):
    grid = {"width": [2.0, 20.0, 200.0], "shells": [1, 2]}
    found = lsf.grid_search(lsf.LsfPredictor(), table, grid, folds=4, rng=5)
    best = found.best
    rows = [found.best_row(quantity, shells=best.shells) for quantity in "ab"]
    assert best.width == tuple(row["width"] for row in rows)
    other = [found.best_row(quantity, shells=3 - best.shells) for quantity in "ab"]
    mean = [np.abs(v - v.mean()).mean() for v in (table.a, table.b)]

    def total(pair):
        return sum(row[q] / mean[k] for k, (row, q) in enumerate(zip(pair, "ab", strict=True)))

    assert total(rows) < total(other)
    assert not hasattr(best, "regressor_")
    report = lsf.cross_validate(best, table, folds=4, rng=5)
    for row, quantity in zip(rows, "ab", strict=True):
        assert abs(report[report.methods[-1], quantity] - row[quantity]) < 1e-12
    assert "best: LsfPredictor(" in str(found) and "+-" in str(found)


def test_bad_input_is_explained(table):
    predictor = lsf.LsfPredictor()
    for grid in ({}, {"sigma": [1.0]}, {"width": []}):
        with pytest.raises(ValueError, match="give lists of values, not empty, for some of width"):
            lsf.grid_search(predictor, table, grid, folds=3)
    found = lsf.grid_search(predictor, table, {"width": [1.0]}, folds=3)
    with pytest.raises(ValueError, match="no grid point has"):
        found.best_row("a", width=2.0)
