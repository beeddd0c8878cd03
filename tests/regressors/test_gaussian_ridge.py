"""Kernel ridge regression with the Gaussian kernel of standardized features."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.kernel_ridge import KernelRidge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from ase_mag.core import storage
from ase_mag.regressors import GaussianKernelRidge


def data(n, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)) * [1, 10, 0.1, 3, 2] + [0, 5, -2, 1e3, 0]
    return X, np.column_stack([X[:, 0] ** 2 + 7.0, np.sin(X[:, 4])])


def test_a_pipeline_of_scikit_learn_gives_the_same():
    X, y = data(60)
    new, _ = data(20, 1)
    mine = GaussianKernelRidge(2.0, 1e-3).fit(X, y)
    twin = make_pipeline(
        StandardScaler(), KernelRidge(alpha=1e-3, kernel="rbf", gamma=0.5 / (5 * 2.0**2))
    ).fit(X, y - y.mean(axis=0))
    np.testing.assert_allclose(mine.predict(new), twin.predict(new) + y.mean(axis=0), atol=1e-9)


def test_units_and_constant_features_do_not_matter():
    X, y = data(40)
    new, _ = data(10, 1)
    expected = GaussianKernelRidge(2.0).fit(X, y).predict(new)
    scale = np.array([1e3, 1, 1e-4, 2, 5.0])
    other = GaussianKernelRidge(2.0).fit(np.c_[X * scale, np.full(40, 3.3)], y)
    np.testing.assert_allclose(
        other.predict(np.c_[new * scale, np.full(10, 9)]), expected, rtol=1e-7
    )


def test_far_away_the_mean_is_predicted():
    X, y = data(40)
    ridge = GaussianKernelRidge(1.0).fit(X, y)
    np.testing.assert_allclose(ridge.predict(X[:1] + 1e6)[0], y.mean(axis=0), rtol=1e-12)


def test_copies_and_files_predict_the_same(tmp_path):
    X, y = data(30)
    ridge = GaussianKernelRidge((1.0, 2.0)).fit(X, y)
    expected = ridge.predict(X, return_std=True)
    storage.save(ridge, tmp_path / "ridge.npz")
    for other in (pickle.loads(pickle.dumps(ridge)), storage.load(tmp_path / "ridge.npz")[0]):
        for mine, theirs in zip(expected, other.predict(X, return_std=True), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_estimator_contract_of_scikit_learn():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(GaussianKernelRidge())


def test_bad_input_is_explained():
    X, y = data(10)
    with pytest.raises(ValueError, match="width must be finite and positive, got 0"):
        GaussianKernelRidge(0).fit(X, y)
    with pytest.raises(ValueError, match="give one regularization, or one for each target"):
        GaussianKernelRidge(1.0, (1, 2, 3)).fit(X, y)
