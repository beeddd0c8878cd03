"""Functions of features: the linear one against least squares, and what all of them share."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from ase_mag import testing
from ase_mag.core import storage
from ase_mag.regressors import LinearFunction


def data(n=30, k=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, k))
    return X, X @ rng.normal(size=k) + 0.3 + 0.1 * rng.normal(size=n)


@pytest.mark.parametrize("intercept", [True, False])
def test_contract(intercept):
    testing.check_regressor(LinearFunction(4, intercept))


@pytest.mark.parametrize("intercept", [True, False])
def test_fit_against_scikit_learn(intercept):
    X, y = data()
    ours = LinearFunction(3, intercept).fit(X, y)
    theirs = LinearRegression(fit_intercept=intercept).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-12)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-12)


def test_parameter_gradient_against_differences():
    rng = np.random.default_rng(1)
    X, w, t = rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=(5, 3))
    function = LinearFunction(3, parameters=rng.normal(size=4))
    actual, start = function.parameter_gradient(X, w, t), function.parameters
    for k in range(4):
        sides = []
        for sign in (1, -1):
            changed = start.copy()
            changed[k] += sign * 0.5
            function.parameters = changed
            values, slopes = function.evaluate(X)
            sides.append(w @ values + (t * slopes).sum())
        assert sides[0] - sides[1] == pytest.approx(actual[k], rel=1e-12)


def test_saved_and_loaded(tmp_path):
    function = LinearFunction(3, parameters=[1.0, 2.0, 3.0, 4.0])
    storage.save(function, tmp_path / "f.npz")
    loaded = storage.load(tmp_path / "f.npz")[0]
    np.testing.assert_array_equal(loaded.parameters, function.parameters)
    assert loaded.predict(np.array([[1.0, 1.0, 2.0]])) == pytest.approx([1 + 2 + 3 + 8])
    assert loaded.coef_.tolist() == [2.0, 3.0, 4.0] and loaded.intercept_ == 1.0


def test_coefficients_follow_the_parameters():
    function = LinearFunction(3).fit(*data())
    function.parameters = [4.0, 3.0, 2.0, 1.0]
    assert function.coef_.tolist() == [3.0, 2.0, 1.0] and function.intercept_ == 4.0


def test_bad_input():
    with pytest.raises(ValueError, match="n_features must be a positive integer, got 0"):
        LinearFunction(0)
    with pytest.raises(ValueError, match=r"parameters must be 4 finite numbers, got .*\(3,\)"):
        LinearFunction(3, parameters=[1.0, 2.0, 3.0])
    with pytest.raises(NotFittedError, match="call fit"):
        LinearFunction(3).predict(np.zeros((2, 3)))
    fitted = LinearFunction(3).fit(*data())
    with pytest.raises(ValueError, match=r"shape \(n, 3\), got \(2, 5\)"):
        fitted.predict(np.zeros((2, 5)))
