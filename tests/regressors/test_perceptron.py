"""Perceptrons: against the layers written out, differences, scikit-learn, threads and memory."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from ase_mag import testing
from ase_mag.core import storage
from ase_mag.regressors import Perceptron
from ase_mag.regressors.activations import ACTIVATIONS


def random_perceptron(n_features=5, hidden=(7, 6), n_rows=40, seed=1, **options):
    """Return a prepared perceptron with random parameters, and rows of features."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features)) * 100.0 + 1000.0
    function = Perceptron(n_features, hidden, **options)
    function.prepare(X)
    function.parameters = rng.normal(size=function.n_parameters)
    return function, X, rng


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(8,), (6, 5, 4)])
def test_contract(activation, hidden):
    # The slope of z/(1 + |z|) has kinks: differences over them are right to their step only.
    rtol = 1e-4 if activation == "twisted" else 1e-7
    function = Perceptron(4, hidden, activation, max_iterations=60)
    testing.check_regressor(function, rtol=rtol)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_derivatives_of_the_activations(activation):
    z = np.concatenate([np.linspace(-3, -0.1, 30), np.linspace(0.1, 3, 30)])
    f = ACTIVATIONS[activation]
    _, slope, bend = f(z)
    h = 1e-6
    np.testing.assert_allclose((f(z + h)[0] - f(z - h)[0]) / (2 * h), slope, atol=1e-9)
    np.testing.assert_allclose((f(z + h)[1] - f(z - h)[1]) / (2 * h), bend, atol=1e-8)


def test_second_derivative_of_the_paper_jumps_at_zero():
    bend = ACTIVATIONS["twisted"](np.array([-1e-12, 0.0, 1e-12]))[2]
    np.testing.assert_allclose(bend, [2.0, 0.0, -2.0], atol=1e-10)


def test_layers_written_out():
    """Eqs 15-20 by hand for one hidden layer of two neurons."""
    function = Perceptron(2, (2,), twist=0.3, shift=[1.0, 2.0], spread=[2.0, 4.0])
    W, b, w, c, scale = np.array([[0.5, -1.0], [2.0, 0.3]]), [0.1, -0.2], [1.5, -0.7], 0.4, 3.0
    function.parameters = [*W.ravel(), *b, *w, c, scale]
    x = np.array([3.0, -1.0])
    z = [0.5 * 1.0 - 1.0 * -0.75 + 0.1, 2.0 * 1.0 + 0.3 * -0.75 - 0.2]
    f = [v / (1 + abs(v)) + 0.3 * v for v in z]
    expected = scale * (1.5 * f[0] - 0.7 * f[1] + 0.4)
    assert function.evaluate(x[None])[0][0] == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("activation", ["twisted", "tanh", "silu"])
def test_parameter_gradient_against_differences(activation):
    function, X, rng = random_perceptron(activation=activation)
    w, t = rng.normal(size=len(X)), rng.normal(size=X.shape) * 100.0
    actual, start = function.parameter_gradient(X, w, t), function.parameters

    def value(x, unit):
        function.parameters = start + x * unit
        energies, slopes = function.evaluate(X)
        return w @ energies + (t * slopes).sum()

    h, units = 1e-4, np.eye(len(start))
    found = [
        (8 * (value(h, u) - value(-h, u)) - value(2 * h, u) + value(-2 * h, u)) / (12 * h)
        for u in units
    ]
    np.testing.assert_allclose(actual, found, atol=1e-9 * np.abs(found).max())


def test_design_is_exact():
    function, X, rng = random_perceptron()
    rows = list(function.design(X))
    start, linear = function.parameters, function.linear
    start[linear] = 0.0
    function.parameters = start
    zero = function.evaluate(X)
    values = rng.normal(size=len(linear))
    start[linear] = values
    function.parameters = start
    for k, (found, origin) in enumerate(zip(function.evaluate(X), zero, strict=True)):
        expected = origin + np.tensordot(values, np.array([row[k] for row in rows]), axes=1)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_bits_do_not_depend_on_threads():
    function, X, rng = random_perceptron(36, (64, 64), n_rows=5000)
    w, t = rng.normal(size=len(X)), rng.normal(size=X.shape)
    found = []
    for n in (1, 2):
        with threadpool_limits(n, user_api="blas"):
            found.append((*function.evaluate(X), function.parameter_gradient(X, w, t)))
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)


def test_memory_is_bounded():
    """100,000 rows need no more than the result and some pieces (1 MB)."""
    function = Perceptron(36)
    X = np.zeros((100_000, 36))
    function.prepare(X)
    tracemalloc.start()
    try:
        energies, slopes = function.evaluate(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < energies.nbytes + slopes.nbytes + 1e6


def test_fit_learns_a_smooth_function_as_well_as_scikit_learn():
    rng = np.random.default_rng(3)
    X = rng.uniform(-2, 2, size=(600, 3)) * [1.0, 100.0, 1e4] + 1e3
    x = (X - 1e3) / [1.0, 100.0, 1e4]
    y = np.sin(x[:, 0] * x[:, 1]) + 0.5 * x[:, 2] ** 2
    errors = np.empty((2, 3))
    for seed in range(3):
        ours = Perceptron(3, (10, 10), "tanh", 0.0, seed=seed, max_iterations=600)
        theirs = MLPRegressor(
            hidden_layer_sizes=(10, 10),
            activation="tanh",
            solver="lbfgs",
            max_iter=600,
            random_state=seed,
            tol=1e-9,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            theirs.fit(x[:500], y[:500])
        found = ours.fit(X[:500], y[:500]).predict(X[500:]), theirs.predict(x[500:])
        errors[:, seed] = [np.sqrt(np.mean((values - y[500:]) ** 2)) for values in found]
    ours, theirs = np.median(errors, axis=1)
    assert ours < 1.5 * theirs
    assert ours < 0.1 * y.std()


def test_constant_features_do_no_harm():
    X = np.column_stack([np.full(10, 7.0), np.zeros(10), np.arange(10.0)])
    function = Perceptron(3)
    function.prepare(X)
    np.testing.assert_allclose(function.spread, [7.0, 1.0, np.arange(10.0).std()])
    np.testing.assert_allclose(function.shift, [7.0, 0.0, 4.5])


def test_saved_and_loaded(tmp_path):
    function, X, _ = random_perceptron(activation="silu", twist=0.2)
    storage.save(function, tmp_path / "f.npz")
    loaded = storage.load(tmp_path / "f.npz")[0]
    for a, b in zip(loaded.evaluate(X), function.evaluate(X), strict=True):
        np.testing.assert_array_equal(a, b)
    assert loaded.prepared
    assert not Perceptron(3).prepared


def test_zero_until_trained():
    energies, slopes = Perceptron(3).evaluate(np.ones((2, 3)))
    assert not energies.any()
    assert not slopes.any()


def test_bad_input():
    with pytest.raises(ValueError, match=r"positive integers, at least one layer, got 3 and \(\)"):
        Perceptron(3, ())
    with pytest.raises(ValueError, match=r"activation must be one of twisted, .*, got 'relu'"):
        Perceptron(3, activation="relu")
    with pytest.raises(ValueError, match="give both or none"):
        Perceptron(3, shift=np.zeros(3))
    with pytest.raises(ValueError, match="spread of features must be positive, got 0"):
        Perceptron(3, shift=np.zeros(3), spread=np.zeros(3))
    with pytest.raises(ValueError, match=r"parameters must be 386 finite numbers, got .* \(2,\)"):
        Perceptron(5).parameters = [1.0, 2.0]
    with pytest.raises(ValueError, match="at least one row"):
        Perceptron(3).prepare(np.zeros((0, 3)))
    with pytest.raises(NotFittedError, match="call fit"):
        Perceptron(3).predict(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="y must be 2 finite numbers"):
        Perceptron(3).fit(np.zeros((2, 3)), [1.0, np.nan])
