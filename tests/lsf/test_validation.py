"""Cross-validation beside simpler approximations."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

from ase_mag import lsf


def test_errors_are_those_of_a_loop_over_folds(table):
    predictor = lsf.LsfPredictor(width=8.0)
    report = lsf.cross_validate(predictor, table, folds=4, rng=3)
    X, y = predictor.training_data(table)
    seed = int(np.random.default_rng(3).integers(2**31))
    expected = {"mean landscape": [], "Voronoi volume": [], "descriptor 3": []}
    minima = []
    for train, test in KFold(4, shuffle=True, random_state=seed).split(X):
        mean = np.tile(y[train].mean(axis=0), (len(test), 1))
        line = LinearRegression().fit(X[train, :1], y[train]).predict(X[test, :1])
        ridge = KernelRidge(alpha=1e-4, kernel="laplacian", gamma=1 / 8.0).fit(X[train], y[train])
        learned = ridge.predict(X[test])
        for name, values in zip(expected, (mean, line, learned), strict=True):
            expected[name].append(np.abs(values - y[test]).mean(axis=0))
        guess = np.sqrt(-learned[:, 0] / (2 * learned[:, 1]))
        minima.append(np.abs(guess - table.minimum[test]).mean())
    for name, values in expected.items():
        assert abs(report[name, "a"] - np.mean(values, axis=0)[0]) < 1e-11
        assert abs(report[name, "b"] - np.mean(values, axis=0)[1]) < 1e-11
    assert abs(report["descriptor 3", "minimum"] - np.mean(minima)) < 1e-9
    spread = np.std(minima, ddof=1) / 2
    assert abs(report.standard_error[2, 2] - spread) < 1e-9
    assert report.errors.shape == (3, 3, 4) and report.n_samples == 64


def test_the_report_is_a_table_with_units(table):
    text = str(lsf.cross_validate(lsf.LsfPredictor(), table, folds=5, rng=1))
    for part in ("5-fold", "64 landscapes", "eV/mu_B^2", "eV/mu_B^4", "(mu_B)", "+-"):
        assert part in text
    assert [line.split("  ")[0] for line in text.splitlines()[2:]] == [
        "mean landscape",
        "Voronoi volume",
        "descriptor 3",
    ]


def test_seeds_reproduce_and_the_predictor_is_not_changed(table):
    predictor = lsf.LsfPredictor()
    first = lsf.cross_validate(predictor, table, folds=3, rng=1)
    again = lsf.cross_validate(predictor, table, folds=3, rng=np.random.default_rng(1))
    other = lsf.cross_validate(predictor, table, folds=3, rng=2)
    np.testing.assert_array_equal(first.errors, again.errors)
    assert not np.allclose(first.errors, other.errors)
    assert not hasattr(predictor, "regressor_")


def test_predictions_without_a_minimum_are_counted(table):
    report = lsf.cross_validate(lsf.LsfPredictor(width=1e-4), table, folds=4, rng=1)
    assert report.unbounded.tolist() == [0, 0, 64]
    assert np.isnan(report["descriptor 3", "minimum"])
    assert np.isfinite(report["descriptor 3", "a"])
    assert "(64 predicted landscapes are unbounded)" in str(report)


def test_bad_input_is_explained(table):
    for folds in (1, 65, 2.5):
        with pytest.raises(ValueError, match=f"from 2 to .* 64, got {folds}"):
            lsf.cross_validate(lsf.LsfPredictor(), table, folds=folds)
    with pytest.raises(ValueError, match="give rng"):
        lsf.cross_validate(lsf.LsfPredictor(), table, folds=3, rng=None)
