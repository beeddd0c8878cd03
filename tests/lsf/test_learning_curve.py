"""Learning curves."""

import numpy as np
import pytest

from ase_mag import lsf
from ase_mag.lsf.folds import splits


def test_all_training_rows_give_the_cross_validated_errors(table):
    predictor = lsf.LsfPredictor()
    curve = lsf.learning_curve(predictor, table, sizes=[8, 48], folds=4, rng=3)
    rng = np.random.default_rng(3)
    parts = splits(table, 4, rng)
    X, y = predictor.training_data(table)
    for k, (train, test) in enumerate(parts):
        order = rng.permutation(train)
        for s, size in enumerate((8, 48)):
            ridge = predictor.regressor().fit(X[order[:size]], y[order[:size]])
            expected = np.abs(ridge.predict(X[test]) - y[test]).mean(axis=0)
            np.testing.assert_allclose(curve.errors[s, :2, k], expected, rtol=1e-7)
    report = lsf.cross_validate(predictor, table, folds=4, rng=3)
    np.testing.assert_allclose(curve.mean[1, 0], report["descriptor 3", "a"], rtol=1e-7)
    assert curve.mean[0, 0] > curve.mean[1, 0]
    assert curve.errors.shape == (2, 3, 4) and curve.standard_error.shape == (2, 3)


def test_default_sizes_and_text(table):
    curve = lsf.learning_curve(lsf.LsfPredictor("invariant"), table, folds=4, rng=1)
    assert curve.sizes[0] == 2 and curve.sizes[-1] == 48
    assert (np.diff(curve.sizes) > 0).all()
    text = str(curve)
    assert "invariants, 4 folds" in text and len(text.splitlines()) == 2 + len(curve.sizes)


def test_plots_share_a_figure(table, tmp_path):
    figure = None
    for descriptor in (2, 3):
        predictor = lsf.LsfPredictor(descriptor)
        curve = lsf.learning_curve(predictor, table, [10, 20, 40], folds=3, rng=1)
        figure = curve.plot(figure)
    left = figure.axes[0]
    assert [text.get_text() for text in left.get_legend().get_texts()] == [
        "descriptor 2",
        "descriptor 3",
    ]
    drawn = left.containers[1].lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, curve.mean[:, 0])
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5000


def test_bad_input_is_explained(table):
    predictor = lsf.LsfPredictor()
    for sizes in ([0, 10], [10, 49], [2.5]):
        with pytest.raises(ValueError, match=r"integers from 1 to 48, the smallest training set"):
            lsf.learning_curve(predictor, table, sizes=sizes, folds=4)
    with pytest.raises(ValueError, match="give rng"):
        lsf.learning_curve(predictor, table, folds=4, rng=None)
