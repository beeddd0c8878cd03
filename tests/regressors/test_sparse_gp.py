"""Sparse Gaussian processes and ridge regression against scikit-learn and differences."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from ase_mag import testing
from ase_mag.core import storage
from ase_mag.regressors import LinearFunction, SparseGaussianProcess
from ase_mag.regressors.smooth_kernels import PolynomialKernel
from ase_mag.regressors.sparse_gp import pivots

CASES = [
    LinearFunction(4, regularization=1e-3),
    SparseGaussianProcess(4, n_sparse=30),
    SparseGaussianProcess(4, n_sparse=30, power=1, intercept=False),
    SparseGaussianProcess(4, n_sparse=30, power=3, regularization=0.0),
    SparseGaussianProcess(4, n_sparse=30, kernel="gaussian", width=0.8),
]


def data(n=30, k=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, k))
    return X, np.sin(X @ rng.normal(size=k)) + 0.3 + 0.05 * rng.normal(size=n)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_contract(case):
    testing.check_regressor(CASES[case])


def test_gaussian_kernel_against_the_gaussian_process_of_scikit_learn():
    """All rows as sparse points: mean and standard deviation, which scales with the amplitude."""
    X, y = data()
    points = np.random.default_rng(1).normal(size=(20, 3))
    regularization, width = 1e-2, 0.7
    ours = SparseGaussianProcess(
        3, 30, "gaussian", width=width, intercept=False, regularization=regularization
    ).fit(X, y)
    assert len(ours.points) == 30
    length = width * np.sqrt(X.var(axis=0).sum())
    theirs = GaussianProcessRegressor(RBF(length), alpha=regularization, optimizer=None).fit(X, y)
    mean, deviation = ours.predict(points, return_std=True)
    expected, unit = theirs.predict(points, return_std=True)
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    # The amplitude of largest likelihood, y.K^-1 y / n, is ours to find; theirs is fixed at one.
    matrix = RBF(length)(X) + regularization * np.eye(30)
    amplitude = np.sqrt(y @ np.linalg.solve(matrix, y) / 30)
    np.testing.assert_allclose(deviation, amplitude * unit, rtol=1e-7)


def test_polynomial_kernel_against_kernel_ridge():
    X, y = data(12, 3)
    ours = SparseGaussianProcess(3, 20, power=3, intercept=False, regularization=1e-3).fit(X, y)
    squares = (X**2).sum(axis=1).mean()
    matrix = (X @ X.T / squares) ** 3
    assert len(ours.points) == np.linalg.matrix_rank(matrix) == 10  # cubic polynomials in three
    theirs = KernelRidge(alpha=1e-3 * np.trace(matrix) / 12, kernel="precomputed").fit(matrix, y)
    points = np.random.default_rng(1).normal(size=(20, 3))
    expected = theirs.predict((points @ X.T / squares) ** 3)
    np.testing.assert_allclose(ours.predict(points), expected, rtol=1e-8)


@pytest.mark.parametrize("intercept", [True, False])
def test_linear_function_against_ridge_regression(intercept):
    X, y = data()
    ours = LinearFunction(3, intercept, regularization=0.1).fit(X, y)
    center = X.mean(axis=0) if intercept else 0.0
    alpha = 0.1 * ((X - center) ** 2).sum(axis=1).mean()
    theirs = Ridge(alpha, fit_intercept=intercept).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-10)
    power = SparseGaussianProcess(3, power=1, intercept=intercept, regularization=0.1).fit(X, y)
    assert len(power.points) == 3
    np.testing.assert_allclose(power.predict(X), ours.predict(X), rtol=1e-9)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_parameter_gradient_and_design_against_differences(case):
    rng = np.random.default_rng(1)
    function = CASES[case].fit(*data(40, 4))
    X, w, t = rng.normal(size=(5, 4)), rng.normal(size=5), rng.normal(size=(5, 4))
    start = function.parameters
    rows = list(function.design(X))
    actual = function.parameter_gradient(X, w, t)
    assert len(rows) == len(actual) == len(start)
    for k, (values, slopes) in enumerate(rows):
        assert w @ values + (t * slopes).sum() == pytest.approx(actual[k], rel=1e-7, abs=1e-9)
        sides = []
        for sign in (1, -1):
            changed = start.copy()
            changed[k] += 0.5 * sign
            function.parameters = changed
            sides.append(function.evaluate(X))
        np.testing.assert_allclose(sides[0][0] - sides[1][0], values, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(sides[0][1] - sides[1][1], slopes, rtol=1e-6, atol=1e-9)
    function.parameters = start


def test_sparse_points_are_the_least_certain_ones():
    """Each pivot has the largest variance given those before; a row and its copy come once."""
    X = data(40)[0]
    X = np.concatenate([X, X[:5]])
    kernel = PolynomialKernel(2, 1.0)
    chosen = pivots(kernel, X, 5)
    matrix = kernel.matrix(X, X)
    for k in range(5):
        before = chosen[:k]
        inner = np.linalg.solve(matrix[np.ix_(before, before)], matrix[before])
        variance = np.diag(matrix) - np.einsum("ij,ij->j", matrix[before], inner)
        assert variance[chosen[k]] == pytest.approx(variance.max(), rel=1e-9)
    assert len(pivots(kernel, X, 40)) == 6  # squares and products of three numbers
    assert len(set(X[pivots(kernel, X, 40)].round(12).ravel())) == 18


def test_results_depend_on_neither_rows_nor_threads():
    X, y = data(200, 50)
    function = SparseGaussianProcess(50, 150).fit(X, y)
    with threadpool_limits(1):
        values, slopes = function.evaluate(X)
    with threadpool_limits(2):
        again = function.evaluate(X)
    np.testing.assert_array_equal(again[0], values)
    np.testing.assert_array_equal(again[1], slopes)
    single = [function.evaluate(X[k : k + 1]) for k in range(3)]
    np.testing.assert_array_equal(np.concatenate([v for v, _ in single]), values[:3])
    np.testing.assert_array_equal(np.concatenate([s for _, s in single]), slopes[:3])


@pytest.mark.parametrize("kernel", ["polynomial", "gaussian"])
def test_saved_and_loaded(kernel, tmp_path):
    function = SparseGaussianProcess(3, 10, kernel, intercept=False).fit(*data())
    storage.save(function, tmp_path / "f.npz")
    loaded = storage.load(tmp_path / "f.npz")[0]
    X = data(seed=2)[0]
    for a, b in zip(loaded.evaluate(X), function.evaluate(X), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(loaded.prior, function.prior)
    assert loaded.prepared


def test_before_anything_is_learned():
    """Zero everywhere, not prepared; the parameters are c_0 and one for each point that may be."""
    function = SparseGaussianProcess(3, 10)
    assert not function.prepared and len(function.parameters) == 11
    values, slopes = function.evaluate(data()[0])
    assert not values.any() and not slopes.any()
    assert not LinearFunction(3, regularization=1e-3).prepared and LinearFunction(3).prepared


def test_calibration_of_the_standard_deviation():
    """Targets of noise 0.1: errors of the mean, in standard deviations, have the variance one."""
    rng = np.random.default_rng(3)
    scaled = []
    for _ in range(30):
        X, coefficients = rng.normal(size=(60, 5)), rng.normal(size=5)
        y = X @ coefficients + 0.1 * rng.normal(size=60)
        function = LinearFunction(5, regularization=1e-3).fit(X, y)
        points = rng.normal(size=(1, 5))
        mean, deviation = function.predict(points, return_std=True)
        scaled.append((mean - points @ coefficients) / deviation)
    # 30 independent squares of expected value 1 and variance 2: 1 within 4 standard errors.
    assert abs(np.mean(np.square(scaled)) - 1) < 4 * np.sqrt(2 / 30)


def test_bad_input():
    with pytest.raises(ValueError, match="kernel must be 'polynomial' or 'gaussian', got 'rbf'"):
        SparseGaussianProcess(3, kernel="rbf")
    with pytest.raises(ValueError, match="n_sparse must be a positive integer, got 0"):
        SparseGaussianProcess(3, n_sparse=0)
    with pytest.raises(ValueError, match=r"power must be a positive integer, got 1\.5"):
        SparseGaussianProcess(3, power=1.5)
    with pytest.raises(ValueError, match="width must be positive, got -1"):
        SparseGaussianProcess(3, width=-1)
    with pytest.raises(ValueError, match="regularization must not be negative, got -1"):
        LinearFunction(3, regularization=-1)
    with pytest.raises(ValueError, match="the 4 training rows are all zero"):
        SparseGaussianProcess(3).prepare(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="the 4 training rows are all equal"):
        SparseGaussianProcess(3, kernel="gaussian").prepare(np.ones((4, 3)))
    with pytest.raises(ValueError, match="y must be 4 finite numbers"):
        LinearFunction(3).fit(np.ones((4, 3)), [1.0, np.nan, 0.0, 0.0])
    few = LinearFunction(3).fit(*data(2))
    with pytest.raises(ValueError, match="errors are infinite: give regularization > 0"):
        few.predict(data()[0], return_std=True)
