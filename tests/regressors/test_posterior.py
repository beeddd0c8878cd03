"""Uncertainty of kernel ridge regression."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel

from ase_mag.regressors import GaussianKernelRidge, LaplacianKernelRidge, Posterior, kernel_matrix


def smooth(n, seed, noise=0.0):
    """Rows of four features and two smooth targets with means."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], 3.0 + np.cos(X[:, 2]) * X[:, 3]])
    return X, y + noise * rng.normal(size=y.shape)


@pytest.mark.parametrize("ridge", [LaplacianKernelRidge(5.0, 1e-2), GaussianKernelRidge(1.5, 1e-2)])
def test_errors_of_leaving_one_out_are_those_of_a_loop(ridge):
    X, y = smooth(30, 0)
    ridge.fit(X, y)
    ridge.error_rows(X)
    ((_, posterior),) = ridge._posteriors.items()
    rows, offset = ridge.X_fit_, ridge.offset_
    for i in (0, 11, 29):
        rest = np.delete(np.arange(30), i)
        K = kernel_matrix(ridge.kernel, rows[rest], rows[rest], ridge.width)
        alpha = np.linalg.solve(K + 1e-2 * np.eye(29), y[rest] - offset)
        k = kernel_matrix(ridge.kernel, rows[[i]], rows[rest], ridge.width)
        np.testing.assert_allclose(
            posterior.left_out[i], (y[i] - offset) - (k @ alpha)[0], rtol=1e-9, atol=1e-12
        )


def test_variance_is_that_of_a_gaussian_process_plus_the_pull_of_the_mean():
    X, y = smooth(40, 1)
    new, _ = smooth(9, 2)
    ridge = GaussianKernelRidge(1.2, 1e-3).fit(X, y[:, 0])
    errors = ridge.predict(new, return_std=True)[1]
    ((_, posterior),) = ridge._posteriors.items()
    scale = posterior.scales[0] ** 2
    twin = GaussianProcessRegressor(
        ConstantKernel(scale, "fixed") * RBF(1.2, "fixed"), alpha=1e-3 * scale, optimizer=None
    )
    twin.fit(ridge.X_fit_, y[:, 0] - ridge.offset_)
    mean, std = twin.predict(ridge._map(new), return_std=True)
    np.testing.assert_allclose(ridge.predict(new), mean + ridge.offset_, atol=1e-9)
    ones = GaussianProcessRegressor(RBF(1.2, "fixed"), alpha=1e-3, optimizer=None)
    pull = 1 - ones.fit(ridge.X_fit_, np.ones(40)).predict(ridge._map(new))
    expected = np.sqrt(std**2 + scale * 1e-3 + (posterior.means[0] * pull) ** 2)
    np.testing.assert_allclose(errors, expected, rtol=1e-6)


@pytest.mark.parametrize("ridge", [LaplacianKernelRidge(5.0, 1e-2), GaussianKernelRidge(1.5, 1e-2)])
def test_errors_are_those_of_new_data(ridge):
    """1000 new rows, 400 training rows, noise 0.1, 10 seeds: <(error/predicted error)^2> = 1.

    One seed spreads by 0.12, mostly the calibration by 400 heavy-tailed errors, so that the mean
    of 10 has a standard error of 0.04; a systematic error of 0.1 is granted to the pull term.
    """
    squares = []
    for seed in range(10):
        X, y = smooth(400, 100 + 2 * seed, noise=0.1)
        new, truth = smooth(1000, 101 + 2 * seed, noise=0.1)
        values, errors = ridge.fit(X, y).predict(new, return_std=True)
        squares.append((((values - truth) / errors) ** 2).mean(axis=0))
    squares = np.array(squares)
    error = squares.std(axis=0, ddof=1) / np.sqrt(10)
    assert (error < 0.06).all()
    assert (np.abs(squares.mean(axis=0) - 1.0) < 0.1 + 2 * error).all()
    # The larger half of the predicted errors belongs to larger true ones.
    off = np.abs(values - truth)
    for k in range(2):
        large = errors[:, k] > np.median(errors[:, k])
        assert off[large, k].mean() > off[~large, k].mean()


def test_far_away_the_error_is_that_of_knowing_nothing():
    X, y = smooth(100, 5)
    ridge = LaplacianKernelRidge(5.0, 1e-3).fit(X, y)
    near = ridge.predict(X[:5], return_std=True)[1]
    value, far = ridge.predict(np.full((1, 4), 1e4), return_std=True)
    np.testing.assert_allclose(value, 0.0, atol=1e-12)
    ((_, posterior),) = ridge._posteriors.items()
    expected = np.sqrt(posterior.scales**2 * 1.001 + posterior.means**2)
    np.testing.assert_allclose(far[0], expected, rtol=1e-9)
    assert far[0, 1] > 2.0 and (near < 0.3 * far).all()


def test_one_target_and_separate_parameters():
    X, y = smooth(50, 6)
    new, _ = smooth(7, 7)
    both = LaplacianKernelRidge((2.0, 7.0), (1e-3, 1e-2)).fit(X, y)
    values, errors = both.predict(new, return_std=True)
    for k, (width, regularization) in enumerate(((2.0, 1e-3), (7.0, 1e-2))):
        one = LaplacianKernelRidge(width, regularization).fit(X, y[:, k])
        value, error = one.predict(new, return_std=True)
        assert error.shape == (7,)
        np.testing.assert_allclose(values[:, k], value, atol=1e-11)
        np.testing.assert_allclose(errors[:, k], error, rtol=1e-9)


def test_a_singular_kernel_is_explained():
    with pytest.raises(ValueError, match=r"regularization 0 .*not positive definite"):
        Posterior(np.ones((3, 3)), np.ones((3, 1)), 0.0)
