"""Cross-validation and learning curves."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ase_mag import fitting, models
from ase_mag.fitting.trainable import TrainableParts

from .conftest import labelled, structures


@pytest.fixture
def data(linear_model):
    """Thirty frames with noise."""
    return fitting.read(labelled(structures(30), linear_model, noise=0.02))


def test_folds_by_hand(linear_model, data):
    """The table is that of single fits to the folds, and the potential stays as it was."""
    before = TrainableParts(linear_model).parameters
    report = fitting.cross_validate(linear_model, data, folds=3, rng=1)
    np.testing.assert_array_equal(TrainableParts(linear_model).parameters, before)
    assert report.labels == ("energy", "forces", "stress", "magforces")
    for fold, (train, test) in enumerate(data.folds(3, rng=1)):
        errors = fitting.fit(linear_model, train, test=test).test
        for k, name in enumerate(report.labels):
            assert report.rmse[k, fold] == pytest.approx(errors[name].rmse, rel=1e-9)
            assert report.mae[k, fold] == pytest.approx(errors[name].mae, rel=1e-9)
    mean, error = report["forces"]
    rmse = report.rmse[1]
    assert mean == rmse.mean() and error == pytest.approx(rmse.std(ddof=1) / np.sqrt(3))
    # Noise of 0.02 eV/angstrom is what is left of the forces: 20 meV/angstrom, 360 numbers.
    assert abs(mean - 20.0) < 4 * 20.0 / np.sqrt(2 * 360)
    text = str(report)
    assert text.startswith("Test errors, 3-fold cross-validation of 30 frames")
    assert f"{mean:.4g} +- {error:.2g}" in text and "magforces (meV/mu_B)" in text


def test_the_same_again_and_on_any_executor(linear_model, data):
    first = fitting.cross_validate(linear_model, data, folds=4, rng=1)
    with ThreadPoolExecutor(2) as pool:
        second = fitting.cross_validate(linear_model, data, folds=4, rng=1, executor=pool)
    np.testing.assert_array_equal(first.rmse, second.rmse)
    other = fitting.cross_validate(linear_model, data, folds=4, rng=2)
    assert not np.array_equal(first.rmse, other.rmse)


def test_labels_that_are_not_fitted_are_judged(linear_model, data):
    report = fitting.cross_validate(
        models.Landau("Fe", a=0.0, b=0.0), data, folds=3, rng=1, weights={"magforces": 1.0}
    )
    assert report["energy"][0] > 1e3 and report.labels[2] == "stress"


def test_learning_curve(linear_model, data):
    curve = fitting.learning_curve(linear_model, data, [3, 8, 20], folds=3, rng=1)
    assert curve.sizes.tolist() == [3, 8, 20] and curve.rmse.shape == (3, 4, 3)
    again = fitting.learning_curve(linear_model, data, [3, 8, 20], folds=3, rng=1)
    np.testing.assert_array_equal(curve.rmse, again.rmse)
    forces = curve.mean[:, 1]
    assert forces[0] > forces[1] > forces[2]  # seven parameters and noise
    whole = fitting.cross_validate(linear_model, data, folds=3, rng=1)
    np.testing.assert_allclose(curve.rmse[2], whole.rmse, rtol=1e-9)
    assert "20" in str(curve).splitlines()[-1] and "+-" in str(curve)


def test_learning_curve_takes_whole_groups(linear_model, data):
    grouped = data.grouped(np.arange(30) // 5)
    curve = fitting.learning_curve(linear_model, grouped, [3, 12], folds=3, rng=1)
    assert curve.sizes.tolist() == [5, 15]


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (fitting.cross_validate, {"folds": 31}, "from 2 to the number of groups, 30, got 31"),
        (fitting.cross_validate, {"rng": None}, "give rng"),
        (fitting.cross_validate, {"patience": 2}, "patience has no meaning in repeated fits"),
        (fitting.learning_curve, {"sizes": [5, 5]}, r"increasing positive integers, got \[5, 5\]"),
        (
            fitting.learning_curve,
            {"sizes": [50]},
            "20 training frames in fold 0, fewer",
        ),
    ],
)
def test_bad_arguments(linear_model, data, function, arguments, message):
    options = {"folds": 3, "rng": 1} | ({"sizes": [5]} if "curve" in function.__name__ else {})
    with pytest.raises(ValueError, match=message):
        function(linear_model, data, **(options | arguments))
