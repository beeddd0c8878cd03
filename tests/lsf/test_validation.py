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
    assert abs(report.standard_error[3, 2] - spread) < 1e-9
    assert report.errors.shape == (4, 3, 4) and report.n_samples == 64
    zero = np.abs(table.relaxed - table.minimum).mean()
    assert abs(report["0 K moment", "minimum"] - zero) < 1e-12
    assert np.isnan(report["0 K moment", "a"])
    np.testing.assert_array_equal(report.truth[:, :2], y)
    off = np.abs(report.predictions[3, :, 0] - y[:, 0]).mean()
    assert abs(off - report["descriptor 3", "a"]) < 1e-12


def test_the_report_is_a_table_with_units(table):
    text = str(lsf.cross_validate(lsf.LsfPredictor(), table, folds=5, rng=1))
    for part in ("5-fold", "64 landscapes", "eV/mu_B^2", "eV/mu_B^4", "(mu_B)", "+-"):
        assert part in text
    assert [line.split("  ")[0] for line in text.splitlines()[2:]] == [
        "mean landscape",
        "Voronoi volume",
        "0 K moment",
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
    assert report.unbounded.tolist() == [0, 0, 0, 64]
    assert np.isnan(report["descriptor 3", "minimum"])
    assert np.isfinite(report["descriptor 3", "a"])
    assert "(64 predicted landscapes are unbounded)" in str(report)


def test_bad_input_is_explained(table):
    for folds in (1, 65, 2.5):
        with pytest.raises(ValueError, match=f"from 2 to .* 64, got {folds}"):
            lsf.cross_validate(lsf.LsfPredictor(), table, folds=folds)
    with pytest.raises(ValueError, match="give rng"):
        lsf.cross_validate(lsf.LsfPredictor(), table, folds=3, rng=None)
    with pytest.raises(ValueError, match=r"from 2 to the number of frames, 4, got 5"):
        lsf.cross_validate(lsf.LsfPredictor(), table, folds=5, groups="frame")
    with pytest.raises(ValueError, match="groups is 'atom'; use None"):
        lsf.cross_validate(lsf.LsfPredictor(), table, folds=3, groups="atom")
    with pytest.raises(ValueError, match="called descriptor 3, descriptor 3: compare those"):
        lsf.cross_validate([lsf.LsfPredictor(), lsf.LsfPredictor(width=2)], table, folds=3)


def test_several_predictors_share_their_folds(table):
    predictors = [lsf.LsfPredictor(), lsf.LsfPredictor(2, shells=2), lsf.LsfPredictor("invariant")]
    report = lsf.cross_validate(predictors, table, folds=4, rng=2)
    assert report.methods[3:] == ("descriptor 3", "descriptor 2, 2 shells", "invariants")
    for predictor, name in zip(predictors, report.methods[3:], strict=True):
        alone = lsf.cross_validate(predictor, table, folds=4, rng=2)
        for quantity in ("a", "b", "minimum"):
            assert alone[name, quantity] == report[name, quantity]


def test_frames_stay_together(table):
    """Four frames, four folds: each frame is predicted from the three other ones."""
    predictor = lsf.LsfPredictor()
    report = lsf.cross_validate(predictor, table, folds=4, rng=1, groups="frame")
    for k in range(4):
        train = table[table.frame != k]
        a, b = predictor.fit(train).predict(table.frames[k])
        np.testing.assert_allclose(report.predictions[3, table.frame == k, 0], a, atol=1e-12)
        np.testing.assert_allclose(report.predictions[3, table.frame == k, 1], b, atol=1e-12)
