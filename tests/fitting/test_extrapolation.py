"""Maximal volumes against all choices, and grades against their definition."""

from itertools import combinations

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.core import Gradients, Trainable
from ase_mag.fitting.extrapolation import ActiveSet
from ase_mag.fitting.maxvol import maxvol

from .conftest import structures


class Shells(Trainable):
    """E_i = p0 + p1 m_i^2 + p2 m_i^4 + p3 sum_j (1 - r/4)^3, and p4 for nickel only."""

    species = ("Fe", "Ni")
    cutoff = 4.0

    def __init__(self):
        self._parameters = np.array([-4.0, -0.1, 0.02, 0.3, 0.5])

    @property
    def parameters(self):
        return self._parameters.copy()

    @parameters.setter
    def parameters(self, values):
        if np.shape(values) != (5,):
            raise ValueError(f"5 parameters are needed, got {np.shape(values)}")
        self._parameters = np.array(values, dtype=float)

    @property
    def linear(self):
        return np.arange(5)

    def features(self, graph, moments):
        m2 = (moments**2).sum(axis=1)
        x = graph.sum_pairs(np.maximum(1 - graph.distances / 4.0, 0.0) ** 3)
        return np.stack([np.ones(graph.n_sites), m2, m2**2, x, graph.numbers == 28], axis=1)

    def gradients(self, graph, moments, *, lattice=True):
        return Gradients(self.features(graph, moments) @ self._parameters)

    def parameter_vjp(self, graph, moments, weights):
        return weights.energies @ self.features(graph, moments)


def iron(seed, scale=0.05, moment=2.2, spread=0.2):
    rng = np.random.default_rng(seed)
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.positions += rng.normal(scale=scale, size=(16, 3))
    ase_mag.set_moments(atoms, rng.normal(moment, spread, size=16))
    return atoms


def test_maxvol_finds_a_dominant_submatrix_and_often_the_largest():
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(30):
        rows = rng.normal(size=(12, 3))
        indices, coefficients = maxvol(rows, tolerance=1.0001)
        assert len(set(indices.tolist())) == 3
        np.testing.assert_allclose(coefficients @ rows[indices], rows, atol=1e-12)
        assert np.abs(coefficients).max() <= 1.0001 * (1 + 1e-9)
        volumes = [abs(np.linalg.det(rows[list(c)])) for c in combinations(range(12), 3)]
        volume = abs(np.linalg.det(rows[indices]))
        # A dominant submatrix is within k^(k/2) of the largest volume (Hadamard's bound).
        assert volume >= max(volumes) / 3**1.5
        found += volume > 0.999 * max(volumes)
    assert found >= 20


def test_maxvol_goes_on_from_a_start():
    rows = np.concatenate([np.eye(4) * 1e-3, np.random.default_rng(1).normal(size=(40, 4))])
    indices, coefficients = maxvol(rows, start=np.arange(4))
    assert (indices >= 4).all()
    assert np.abs(coefficients).max() <= 1.001 * (1 + 1e-9)


def test_maxvol_explains_bad_input():
    with pytest.raises(ValueError, match=r"at least as many rows as columns, got \(2, 3\)"):
        maxvol(np.ones((2, 3)))
    with pytest.raises(ValueError, match="linearly dependent"):
        maxvol(np.ones((5, 2)))
    with pytest.raises(ValueError, match="not finite"):
        maxvol(np.full((5, 2), np.nan))
    with pytest.raises(ValueError, match=r"above 1, got 1\.0"):
        maxvol(np.eye(3), tolerance=1.0)


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_training_atoms_interpolate(parameters):
    frames = [iron(k) for k in range(5)]
    active = ActiveSet(Shells(), frames, parameters=parameters)
    assert active.size == 5
    assert max(active.grades(frame).max() for frame in frames) <= 1.002
    # Iron alone says nothing of nickel: one row is artificial.
    assert (active.members == -1).all(axis=1).sum() == 1
    k, i = active.members[active.members[:, 0] >= 0][0]
    assert active.grades(frames[k])[i] == pytest.approx(1.0, abs=1e-9)


def test_grades_are_ratios_of_determinants():
    frames = [iron(k, moment=1.0 + k, spread=0.4) for k in range(4)]
    for frame in frames[2:]:
        frame.numbers[:3] = 28
    active = ActiveSet(Shells(), frames)
    assert (active.members >= 0).all()
    rows = np.array([active.rows(frames[k])[i] for k, i in active.members])
    probe = iron(9, moment=4.0)
    for b, grade in zip(active.rows(probe), active.grades(probe), strict=True):
        ratios = []
        for k in range(5):
            changed = rows.copy()
            changed[k] = b
            ratios.append(abs(np.linalg.det(changed) / np.linalg.det(rows)))
        assert grade == pytest.approx(max(ratios), rel=1e-8)


def test_grades_grow_outside_and_fall_when_the_frame_is_added():
    frames = [iron(k) for k in range(5)]
    active = ActiveSet(Shells(), frames)
    near, far = iron(7), iron(8, moment=4.0)
    assert active.uncertainty(near).max() < 5 < active.uncertainty(far).max()
    alloy = iron(9)
    alloy.numbers[0] = 28
    assert active.grades(alloy)[0] > 1e3 > 10 * active.grades(alloy)[1:].max()
    again = ActiveSet(Shells(), [*frames, far, alloy])
    assert max(again.grades(far).max(), again.grades(alloy).max()) <= 1.002


def test_selection_takes_each_novelty_once():
    frames = [iron(k) for k in range(5)]
    active = ActiveSet(Shells(), frames)
    far = iron(8, moment=4.0)
    candidates = [frames[0], far, far.copy(), iron(10)]
    chosen = active.select(candidates, threshold=2.0)
    assert 1 in chosen and 2 not in chosen and 0 not in chosen
    assert active.select([]) == []


def test_bad_input():
    class Nothing(Shells):
        linear = Trainable.linear

    with pytest.raises(ValueError, match="no linear parameters: use parameters='all'"):
        ActiveSet(Nothing(), [iron(0)])
    assert ActiveSet(Nothing(), [iron(0)], parameters="all").size == 5
    with pytest.raises(ValueError, match="'linear' or 'all', got 'some'"):
        ActiveSet(Shells(), [iron(0)], parameters="some")
    with pytest.raises(ValueError, match="at least one frame"):
        ActiveSet(Shells(), [])
    copper = iron(0)
    copper.numbers[0] = 29
    with pytest.raises(ValueError, match="Cu"):
        ActiveSet(Shells(), [iron(0)]).grades(copper)


@pytest.mark.parametrize("parameters", ["linear", "all"])
def test_a_potential_that_is_fitted_in_place(parameters):
    """The rows of an active set belong to one set of parameters, that of its making."""
    model = models.NoncollinearMomentTensorPotential(
        "Fe", 6, 2, 4.0, n_radial_basis=3, r_min=1.5, max_moment=4.0
    )
    frames = structures(8)
    active = ActiveSet(model, frames[:6], parameters)
    before = active.grades(frames[7])
    model.parameters = model.initial_parameters(5)
    np.testing.assert_array_equal(active.grades(frames[7]), before)
    fresh = ActiveSet(model, frames[:6], parameters)
    assert max(fresh.grades(frame).max() for frame in frames[:6]) < 1.01
    assert abs(fresh.grades(frames[7]) - before).max() > 1e-3
