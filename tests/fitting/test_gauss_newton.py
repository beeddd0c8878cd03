"""The estimated curvature against the exact one."""

import numpy as np
import pytest

from ase_mag import fitting
from ase_mag.core import Response
from ase_mag.fitting.gauss_newton import damped_inverse, eliminated, sketched
from ase_mag.fitting.loss import DEFAULT_WEIGHTS, Loss
from ase_mag.fitting.trainable import TrainableParts

from .conftest import labelled, structures
from .screened_model import ScreenedModel


@pytest.fixture(scope="module")
def loss():
    data = fitting.read(labelled(structures(10, repeat=(1, 1, 1)), ScreenedModel()))
    return Loss(TrainableParts(ScreenedModel()), data, DEFAULT_WEIGHTS)


@pytest.fixture(scope="module")
def exact(loss):
    """2/K J^T W J from one product per row of J."""
    total = np.zeros((6, 6))
    for sample in loss.samples:
        for name, factors in sample.factors.items():
            for place in np.ndindex(factors.shape):
                unit = np.zeros(factors.shape)
                unit[place] = 1.0
                weights = Response(None, None)
                if name == "energy":
                    weights.energies = np.ones(sample.graph.n_sites)
                elif name == "stress":
                    unit = 0.5 * (unit + unit.T)
                    weights.virials = np.tile(unit, (sample.graph.n_sites, 1, 1))
                else:
                    setattr(weights, name, unit)
                row = loss.parts.parameter_vjp(sample.graph, sample.moments, weights)
                total += factors[place] * np.outer(row, row)
    return total * 2.0 / len(loss.samples)


def test_the_estimate_has_no_bias(loss, exact):
    """Mean of 80 estimates, 21 different numbers: within 4 standard errors (1 in 700 to fail)."""
    found = np.array([sketched(loss, seed) for seed in range(80)])
    error = found.std(axis=0, ddof=1) / np.sqrt(80)
    assert (np.abs(found.mean(axis=0) - exact) < 4.0 * error + 1e-12).all()
    assert (error < 0.1 * np.sqrt(np.outer(np.diag(exact), np.diag(exact)))).all()


def test_at_the_solution_it_is_the_hessian(loss, exact):
    """Where residuals vanish, differences of the gradient give the same matrix."""
    start, step = loss.parts.parameters, 1e-5
    hessian = np.zeros((6, 6))
    for k in range(6):
        for sign in (1, -1):
            loss.parts.parameters = start + sign * step * np.eye(6)[k]
            hessian[k] += sign * loss.value_and_gradient()[1] / (2 * step)
    loss.parts.parameters = start
    np.testing.assert_allclose(hessian, exact, rtol=1e-5, atol=1e-7 * np.abs(exact).max())


def test_workers_do_not_change_a_bit(loss):
    many = Loss(loss.parts, fitting.Dataset([s.frame for s in loss.samples]), DEFAULT_WEIGHTS)
    many.workers = 3
    np.testing.assert_array_equal(sketched(many, 5), sketched(loss, 5))


def test_inverse_and_elimination(exact, monkeypatch):
    scale = np.sqrt(np.diag(exact))
    inverse = damped_inverse(exact)
    damped = exact + 1e-3 * np.diag(scale**2)
    np.testing.assert_allclose(inverse @ damped, np.eye(6), atol=1e-9)
    larger = np.zeros((7, 7))  # and a parameter without effect
    larger[:6, :6] = exact
    np.testing.assert_allclose(damped_inverse(larger)[:6, :6], inverse, rtol=1e-12)
    # Without damping, elimination is the block of the inverse, inverted.
    monkeypatch.setattr("ase_mag.fitting.gauss_newton.DAMPING", 1e-13)
    kept, solved = np.array([4, 5]), np.arange(4)
    expected = np.linalg.inv(np.linalg.inv(exact)[np.ix_(kept, kept)])
    np.testing.assert_allclose(eliminated(exact, kept, solved), expected, rtol=1e-8)
