"""Sizes with inertia: conserved energy and exact averages."""

import numpy as np
import pytest
from ase import units as ase_units

from ase_mag import models
from ase_mag.core import ModelSurface, State
from ase_mag.dynamics import InertialSizes, Noise
from ase_mag.lsf import mean_moment
from ase_mag.testing import check_propagator

fs = ase_units.fs
LANDAU = models.Landau("Fe", -0.15, 0.0192)


def moments(n, size=2.0, rng=1):
    m = np.random.default_rng(rng).normal(size=(n, 3))
    m *= size / np.linalg.norm(m, axis=1, keepdims=True)
    zeros = np.zeros((n, 3))
    return State(np.full(n, 26), np.full(n, 55.8), zeros, zeros, m, np.eye(3), [False] * 3)


def surface(state, model=LANDAU):
    return ModelSurface(model, state.numbers, state.pbc)


def test_energy_and_frequency():
    """Small oscillations: W m'' = -E'' (m - m0), E'' = -4a; energy to second order."""
    m0 = np.sqrt(0.15 / (2 * 0.0192))
    period = 2 * np.pi * np.sqrt(0.06 / 0.6)
    changes = []
    for n in (100, 200):
        state = moments(1, m0 + 0.01)
        s = surface(state)
        p = InertialSizes(s)
        start = s.response(state).energy
        worst = 0.0
        for _ in range(n):
            p.run(state, period / n, 1)
            energy = s.response(state).energy + p.kinetic_energy()
            worst = max(worst, abs(energy - start))
        changes.append(worst)
        assert abs(np.linalg.norm(state.moments[0]) - m0 - 0.01) < 1e-4
    assert abs(changes[0] / changes[1] - 4) < 0.2


@pytest.mark.parametrize("measure", [0, 1, 2])
def test_thermal_sizes(measure):
    """<m> of the published table at 1043 K: 1.807, 1.940, 2.026; 1 %."""
    state = moments(3000)
    p = InertialSizes(surface(state), 1043.0, Noise(1, 1), friction=0.05 / fs, measure=measure)
    p.run(state, 400 * fs, 400)
    values = []
    for _ in range(15):
        p.run(state, 60 * fs, 60)
        values.append(np.linalg.norm(state.moments, axis=1).mean())
    exact = mean_moment(-0.15, 0.0192, 1043, measure)
    assert np.std(values, ddof=1) / np.sqrt(15) < 0.004 * exact
    assert abs(np.mean(values) / exact - 1) < 0.01


def test_sizes_may_pass_through_zero():
    """A parabola without measure: <m> of the half Gaussian, and moments turn round."""
    state = moments(3000, 0.3)
    start = state.moments.copy()
    p = InertialSizes(
        surface(state, models.Landau("Fe", 0.1, 0.0)), 1043.0, Noise(1, 1), friction=0.05 / fs
    )
    p.run(state, 600 * fs, 600)
    values = []
    for _ in range(15):
        p.run(state, 100 * fs, 100)
        values.append(np.linalg.norm(state.moments, axis=1).mean())
    exact = mean_moment(0.1, 0.0, 1043, 0)
    assert abs(np.mean(values) / exact - 1) < 0.01
    turned = np.einsum("ij,ij->i", state.moments, start) < 0
    assert 0.45 < turned.mean() < 0.55


def test_contract():
    check_propagator(
        lambda: InertialSizes(surface(moments(16)), 300.0, Noise(1, 1), friction=0.05),
        moments(16),
        0.5 * fs,
        conserves=("positions", "momenta", "cell"),
    )
    check_propagator(lambda: InertialSizes(surface(moments(16))), moments(16, 1.5), fs, order=2)


def test_bad_input():
    with pytest.raises(ValueError, match="measure must be 0, 1 or 2, got 3"):
        InertialSizes(None, measure=3)
    with pytest.raises(ValueError, match=r"inertia of the sizes must be positive, got 0\.0"):
        InertialSizes(None, inertia=0.0)
