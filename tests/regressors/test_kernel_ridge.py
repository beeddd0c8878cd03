"""Kernel ridge regression with the Laplacian kernel."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import check_estimator

from ase_mag.core import get_threads, set_threads, storage
from ase_mag.regressors import LaplacianKernelRidge


def data(n, n_features, n_targets=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_features)), rng.normal(size=(n, n_targets))


def test_prediction_computed_by_hand():
    ridge = LaplacianKernelRidge(width=2.0, regularization=1e-4)
    ridge.fit([[0, 0], [1, 0], [3, -1]], [1, 2, 0])
    assert abs(ridge.predict([[2, 0.5]])[0] - 0.859587950118) < 1e-12


@pytest.mark.parametrize("n, n_features", [(1, 1), (7, 3), (64, 4), (130, 26), (300, 9)])
def test_scikit_learn_gives_the_same(n, n_features):
    X, y = data(n, n_features)
    rows, _ = data(40, n_features, seed=1)
    mine = LaplacianKernelRidge(3.0, 1e-3).fit(X, y)
    twin = KernelRidge(alpha=1e-3, kernel="laplacian", gamma=1 / 3.0).fit(X, y)
    np.testing.assert_allclose(mine.dual_coef_, twin.dual_coef_, rtol=1e-9)
    scale = np.abs(mine.dual_coef_).sum()
    np.testing.assert_allclose(mine.predict(rows), twin.predict(rows), atol=1e-12 * scale)


def test_each_target_may_have_its_width():
    X, y = data(90, 5)
    rows, _ = data(33, 5, seed=1)
    both = LaplacianKernelRidge((2.0, 7.0), 1e-2).fit(X, y)
    for k, width in enumerate((2.0, 7.0)):
        one = LaplacianKernelRidge(width, 1e-2).fit(X, y[:, k])
        np.testing.assert_allclose(both.predict(rows)[:, k], one.predict(rows), atol=1e-12)


def test_distant_rows_get_zero_without_overflow():
    X, y = data(20, 2)
    ridge = LaplacianKernelRidge(1e-3).fit(X, y)
    np.testing.assert_allclose(ridge.predict(np.full((2, 2), 1e9)), 0.0, atol=1e-290)


def test_predictions_do_not_depend_on_the_number_of_threads():
    X, y = data(200, 4)
    rows, _ = data(5000, 4, seed=1)
    ridge = LaplacianKernelRidge(1.0).fit(X, y)
    before = get_threads()
    try:
        set_threads(1)
        one = ridge.predict(rows)
        set_threads(3)
        three = ridge.predict(rows)
    finally:
        set_threads(before)
    np.testing.assert_array_equal(one, three)


def test_copies_and_files_predict_the_same(tmp_path):
    X, y = data(30, 4)
    ridge = LaplacianKernelRidge((1.0, 2.0)).fit(X, y)
    expected = ridge.predict(X)
    storage.save(ridge, tmp_path / "ridge.npz")
    loaded, _ = storage.load(tmp_path / "ridge.npz")
    for other in (pickle.loads(pickle.dumps(ridge)), copy.deepcopy(ridge), loaded):
        np.testing.assert_array_equal(other.predict(X), expected)


def test_estimator_contract_of_scikit_learn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(LaplacianKernelRidge())


def test_bad_input_is_explained():
    X, y = data(10, 3)
    with pytest.raises(ValueError, match="width must be finite and positive, got -1"):
        LaplacianKernelRidge(-1.0).fit(X, y)
    with pytest.raises(ValueError, match="there are 2 targets: give one width, or one for each"):
        LaplacianKernelRidge((1.0, 2.0, 3.0)).fit(X, y)
    with pytest.raises(ValueError, match="regularization must be finite and not negative, got -1"):
        LaplacianKernelRidge(1.0, -1).fit(X, y)
    with pytest.raises(ValueError, match="contains NaN"):
        LaplacianKernelRidge().fit(X, y).predict(np.full((1, 3), np.nan))
