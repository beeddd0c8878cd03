"""Atoms sorted in space: the same bits, in less time."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

from ase_mag import models
from ase_mag.core import ModelSurface, State
from ase_mag.dynamics import Precession, ordering
from ase_mag.dynamics.noise import Noise

fs = ase_units.fs
IRON = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=4.2))
HARD = (
    IRON
    + models.Zeeman("Fe", (10.0, -5.0, 30.0))
    + models.CubicAnisotropy("Fe", 0.02, 0.01, 2.2)
    + models.DzyaloshinskiiMoriya("Fe", models.cubic(0.01, cutoff=3.0))
)


def iron(shuffled=True, n=5, pbc=True, seed=1):
    rng = np.random.default_rng(seed)
    atoms = bulk("Fe", a=2.8665, cubic=True) * n
    atoms.rattle(0.05, rng=rng)
    atoms.pbc = pbc
    state = State.from_atoms(atoms[rng.permutation(len(atoms))] if shuffled else atoms)
    moments = rng.normal(size=state.moments.shape) + [0, 0, 1.5]
    state.moments[:] = 2.2 * moments / np.linalg.norm(moments, axis=1, keepdims=True)
    return state


def surface(state, model=IRON):
    return ModelSurface(model, state.numbers, state.pbc, 0.0)


@pytest.mark.parametrize("method", ["midpoint", "implicit", "heun"])
@pytest.mark.parametrize("model", [IRON, HARD], ids=["exchange", "all terms"])
def test_sorting_does_not_change_a_bit(monkeypatch, method, model):
    results = []
    for near in (10**9, 20):
        monkeypatch.setattr(ordering, "_NEAR", near)
        state = iron()
        p = Precession(
            surface(state, model),
            0.2 * np.random.default_rng(5).random(len(state.moments)),
            300.0,
            Noise(3, 1),
            method=method,
        )
        p.moving = np.arange(len(state.moments)) % 5 > 0
        for steps in (2, 15, 1):
            p.run(state, steps * fs, steps)
        assert (p._order._result[1] is not None) == (near == 20)
        results.append(state.moments)
    assert np.array_equal(*results)


def test_only_where_it_pays(monkeypatch):
    monkeypatch.setattr(ordering, "_NEAR", 60)
    for shuffled in (True, False):
        state = iron(shuffled, n=6)
        form = surface(state).form(state)
        assert ordering.scattered(form) == shuffled
        order = ordering.SpatialOrder()
        assert order(form, state, 5) == (form, None)  # too few steps
        found = order(form, state, 5)
        assert (found[0] is form) != shuffled
        assert order(form, state, 1) is found
        if shuffled:
            assert not ordering.scattered(found[0])
        state.geometry_changed()
        assert order(surface(state).form(state), state, 1)[1] is None


@pytest.mark.parametrize("pbc", [True, (True, False, True)])
def test_the_sorted_form_is_the_same_form(pbc):
    state = iron(pbc=pbc)
    form = surface(state, HARD).form(state)
    order = ordering.along_curve(state.positions, state.cell, state.pbc)
    assert np.array_equal(np.sort(order), np.arange(form.n_atoms))
    energies, magforces = form.evaluate(state.moments)
    new = ordering.permuted(form, order).evaluate(state.moments[order])
    assert np.array_equal(new[0], energies[order])
    assert np.array_equal(new[1], magforces[order])
    # Neighbors are closer in memory than in a random order (a third of the atoms on average).
    along = np.linalg.norm(np.diff(state.positions[order], axis=0), axis=1)
    assert np.median(along) < 4.0
