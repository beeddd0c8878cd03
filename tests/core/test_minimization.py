"""Truncated Newton minimization against closed forms and scipy."""

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize

from ase_mag.core.minimization import minimize


def quartic(h, matrix):
    """E = sum_i (-0.15 x_i^2 + 0.02 x_i^4 - h_i x_i) - 1/2 x.J.x, with energies per site."""

    def evaluate(x):
        coupled = matrix @ x
        energies = (-0.15 * x**2 + 0.02 * x**4 - h * x - 0.5 * x * coupled).sum(axis=1)
        return energies, -0.3 * x + 0.08 * x**3 - h - coupled

    return evaluate


def example(n=30, k=3, seed=0):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(scale=0.01, size=(n, n))
    return quartic(rng.normal(scale=0.05, size=(n, k)), matrix + matrix.T), rng.normal(size=(n, k))


@pytest.mark.parametrize("seed", range(5))
def test_finds_a_minimum(seed):
    evaluate, start = example(seed=seed)
    found = minimize(evaluate, start, fmax=1e-11)
    assert found.converged
    assert found.slope < 1e-11
    assert found.n_steps < 40
    _, gradient = evaluate(found.x)
    assert np.linalg.norm(gradient, axis=1).max() == pytest.approx(found.slope, abs=1e-18)
    energy = evaluate(found.x)[0].sum()
    rng = np.random.default_rng(seed)
    for _ in range(20):
        near = found.x + rng.normal(scale=0.05, size=start.shape)
        assert evaluate(near)[0].sum() > energy


@pytest.mark.parametrize("seed", range(5))
def test_bounded_minimum_against_scipy(seed):
    evaluate, start = example(k=1, seed=seed)
    # The diagonal well is deep enough that the minimum next to a start is the same for both.
    start = np.abs(start) + 1.5
    found = minimize(evaluate, start, fmax=1e-10, nonnegative=True)
    assert found.converged
    assert (found.x >= 0).all()
    other = scipy_minimize(
        lambda x: (evaluate(x[:, None])[0].sum(), evaluate(x[:, None])[1].ravel()),
        found.x.ravel() + 0.05,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * len(start),
        options={"ftol": 1e-16, "gtol": 1e-9},
    )
    assert evaluate(found.x)[0].sum() == pytest.approx(other.fun, abs=1e-10)


def test_rests_at_the_bound():
    # E = x + x^2: the minimum over x >= 0 is 0 with a slope of 1 outwards.
    def evaluate(x):
        return (x + x**2).sum(axis=1), 1 + 2 * x

    found = minimize(evaluate, [[0.0], [0.7], [3.0]], fmax=1e-10, nonnegative=True)
    assert found.converged
    assert found.x.tolist() == [[0.0], [0.0], [0.0]]
    assert found.slope == 0.0
    free = minimize(evaluate, [[0.7]], fmax=1e-10)
    assert free.x[0, 0] == pytest.approx(-0.5, abs=1e-10)


def test_leaves_the_bound_when_that_is_downhill():
    def evaluate(x):
        return ((x - 1.0) ** 2).sum(axis=1), 2 * (x - 1.0)

    found = minimize(evaluate, np.zeros((2, 1)), fmax=1e-12, nonnegative=True)
    np.testing.assert_allclose(found.x, 1.0, atol=1e-12)


def test_flat_directions_do_not_disturb():
    # Only the size is determined: E = (x^2 + y^2 + z^2 - 4)^2.
    def evaluate(x):
        excess = (x**2).sum(axis=1) - 4.0
        return excess**2, 4 * excess[:, None] * x

    found = minimize(evaluate, np.random.default_rng(0).normal(size=(6, 3)), fmax=1e-10)
    assert found.converged
    np.testing.assert_allclose(np.linalg.norm(found.x, axis=1), 2.0, atol=1e-10)


def test_inputs_are_not_changed():
    evaluate, start = example()
    kept = start.copy()
    minimize(evaluate, start, fmax=1e-6)
    np.testing.assert_array_equal(start, kept)


def test_converged_start_costs_one_evaluation():
    evaluate, start = example()
    x = minimize(evaluate, start, fmax=1e-10).x
    again = minimize(evaluate, x, fmax=1e-9)
    assert (again.n_evaluations, again.n_steps, again.converged) == (1, 0, True)


def test_unbounded_steps_and_broken_functions():
    found = minimize(lambda x: (-(x**2).sum(axis=1), -2 * x), np.ones((2, 3)), fmax=1e-6)
    assert not found.converged
    assert np.linalg.norm(found.x, axis=1).max() > 50
    assert found.reason == "too large"
    evaluate, start = example()
    found = minimize(evaluate, start, fmax=1e-12, max_steps=1)
    assert (found.converged, found.n_steps) == (False, 1)
    assert found.slope == pytest.approx(
        np.linalg.norm(evaluate(found.x)[1], axis=1)[found.worst], abs=1e-15
    )
    broken = minimize(lambda x: (x[:, 0] * np.nan, x * np.nan), np.ones((2, 3)), fmax=1e-6)
    assert not broken.converged
    # A gradient that contradicts its energy cannot be followed.
    liar = minimize(lambda x: ((x**2).sum(axis=1), -2 * x + 1), np.ones((2, 3)), fmax=1e-6)
    assert not liar.converged


def test_nothing_to_minimize():
    found = minimize(lambda x: (np.zeros(0), x), np.zeros((0, 3)), fmax=1e-6)
    assert found.converged


def test_rows_that_keep_their_norms():
    # E = -h.x on spheres of different radii: x = r h/|h|.
    h = np.array([0.3, -0.2, 0.5])
    start = np.random.default_rng(0).normal(size=(8, 3))
    start[3] = 0.0
    radii = np.linalg.norm(start, axis=1)
    found = minimize(
        lambda x: (-x @ h, np.tile(-h, (8, 1))), start, fmax=1e-12, fixed_norms=True, probe=1e-4
    )
    assert found.converged
    np.testing.assert_allclose(found.x, np.outer(radii, h / np.linalg.norm(h)), atol=1e-11)
    # Quadratic convergence, as on a plane.
    assert found.slopes[-1] < 10 * found.slopes[-2] ** 2 + 1e-14


@pytest.mark.parametrize("kind", ["exact", "two-sided", "one-sided"])
def test_second_derivatives_in_three_ways(kind):
    evaluate, start = example()
    n = start.shape[0]
    rng = np.random.default_rng(0)
    matrix = rng.normal(scale=0.01, size=(n, n))
    matrix += matrix.T

    def hessian(x):
        return lambda v: (-0.3 + 0.24 * x**2) * v - matrix @ v

    keywords = {"exact": {"hessian": hessian}, "two-sided": {"probe": 1e-4}, "one-sided": {}}
    found = minimize(evaluate, start, fmax=1e-11, **keywords[kind])
    reference = minimize(evaluate, start, fmax=1e-12)
    assert found.converged
    assert found.reason == ""
    assert len(found.slopes) == found.n_steps + 1
    np.testing.assert_allclose(found.x, reference.x, atol=1e-8)
    if kind == "exact":
        assert found.n_evaluations < reference.n_evaluations / 2


def test_reasons():
    evaluate, start = example()
    assert minimize(evaluate, start, fmax=1e-12, max_steps=1).reason == "steps"
    assert minimize(evaluate, start, fmax=1e-12, largest=0.5).reason == "too large"
    broken = minimize(lambda x: (x[:, 0] * np.nan, x * np.nan), np.ones((2, 3)), fmax=1e-6)
    assert broken.reason == "not finite"
    liar = minimize(lambda x: ((x**2).sum(axis=1), -2 * x + 1), np.ones((2, 3)), fmax=1e-6)
    assert liar.reason == "no descent"
