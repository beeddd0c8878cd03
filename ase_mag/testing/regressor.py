"""The contract of a regressor of energies per site."""

import numpy as np

from ase_mag.testing.comparison import assert_close, assert_identical
from ase_mag.testing.differences import derivative


def check_regressor(regressor, n_features=4, *, rng=0, n_samples=40, rtol=1e-7):
    """Check a regressor e(x) of features with scikit-learn's manners and a gradient.

    Needs: ``fit(X, y)`` with X (n, n_features) and y (n,), which returns the regressor and
    stores what it learned in attributes that end in ``_``; ``predict(X)`` -> (n,);
    ``gradient(X)`` -> (n, n_features), de/dx of every row.

    Checked: shapes and finiteness; gradient against two-sided differences of fourth order; one
    row at a time equals all at once; fit again gives identical bits; inputs are not changed;
    ``predict`` before ``fit`` raises (for an object that has not been fitted).

    Parameters
    ----------
    regressor : the object described above, not fitted yet.
    n_features, n_samples : int; rng : int; rtol : float, relative to the largest gradient.
    """
    rng = np.random.default_rng(rng)
    features = rng.normal(size=(n_samples, n_features))
    targets = np.sin(features @ rng.normal(size=n_features)) + 0.1 * features[:, 0]
    kept = features.copy(), targets.copy()
    try:
        regressor.predict(features)
    except (AttributeError, ValueError, RuntimeError):
        pass
    else:
        raise AssertionError("predict before fit must raise (scikit-learn's NotFittedError)")
    if regressor.fit(features, targets) is not regressor:
        raise AssertionError("fit must return the regressor itself")
    assert_identical(features, kept[0], "the features were changed by fit")
    assert_identical(targets, kept[1], "the targets were changed by fit")
    if not any(name.endswith("_") and not name.endswith("__") for name in vars(regressor)):
        raise AssertionError("fit must store what it learned in attributes that end in '_'")
    points = rng.normal(size=(7, n_features))
    predicted = _shaped(regressor.predict(points), (7,), "predict")
    gradient = _shaped(regressor.gradient(points), points.shape, "gradient")
    single = np.concatenate([regressor.predict(point[None]) for point in points])
    assert_close(single, predicted, "predict row by row", rtol=1e-12, atol=1e-12)
    expected = np.empty_like(gradient)
    for c, unit in enumerate(np.eye(n_features)):
        expected[:, c] = derivative(lambda x, unit=unit: regressor.predict(points + x * unit), 1e-3)
    what = "gradient against differences of predict"
    assert_close(gradient, expected, what, rtol=rtol, atol=1e-10)
    again = regressor.fit(features, targets).predict(points)
    assert_identical(again, predicted, "predictions after a second fit to the same data")


def _shaped(value, shape, what):
    value = np.asarray(value)
    if value.shape != shape or not np.isfinite(value).all():
        raise AssertionError(
            f"{what} must return a finite array of shape {shape}, got shape {value.shape}"
        )
    return value
