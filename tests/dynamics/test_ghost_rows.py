"""Moments of one process of several: its sites in any order, ghosts for their neighbors."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from ase import units as ase_units

import ase_mag
from ase_mag import build, models, units
from ase_mag.core import ModelSurface, State, Surface, set_threads
from ase_mag.dynamics import GeneralizedLangevin, MomentBath, Noise, Precession

fs = ase_units.fs
SEED, STREAM, RATE, TEMPERATURE, STEPS, DT = 7, 3, 2.4, 700.0, 3, 0.5 * fs


class Spread(Surface):
    """The sites of a form in the order ``owned``; two neighbors of three are ghosts.

    Every atom has two ghosts, in any order.
    """

    def __init__(self, form, owned):
        rng, n = np.random.default_rng(5), len(owned)
        place = np.argsort(owned)
        rows = [np.arange(*form.offsets[[i, i + 1]]) for i in owned]
        pairs = np.concatenate([np.arange(0), *rows])
        self.owners = rng.permutation(np.repeat(np.arange(n), 2))
        ghosts = n + np.argsort(self.owners, kind="stable").reshape(n, 2)
        copies = np.column_stack([np.arange(n), ghosts])
        neighbors = copies[place[form.neighbors[pairs]], rng.integers(3, size=len(pairs))]
        counts = np.diff(form.offsets)[owned]
        self.n_rows, self.n_owned, self.refreshed = 3 * n, n, 0
        sites = {
            name: getattr(form, name)[owned]
            for name in ("constant", "field", "landau", "quadric", "cubic", "axes")
            if getattr(form, name) is not None
        }
        self._spread = replace(
            form,
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.intc),
            neighbors=neighbors.astype(np.intc),
            exchange=form.exchange[pairs],
            **sites,
        )

    def response(self, state, *, lattice=True):
        raise AssertionError("stages need no response")

    def spread_form(self, state):
        return self._spread

    def refresh(self, rows):
        self.refreshed += 1
        rows[self.n_owned : self.n_rows] = rows[self.owners]


@pytest.fixture(scope="module")
def alloy():
    """A state of 54 atoms, every fifth without a moment, its form, and which of them move."""
    atoms = build.bcc_crystal(2.86, 3, moment=2.1)
    atoms.numbers[::5] = 13
    rng = np.random.default_rng(3)
    atoms.positions += rng.normal(scale=0.03, size=atoms.positions.shape)
    moments = rng.normal(scale=0.3, size=(54, 3)) + [0, 0, 2.1]
    moments[::5] = 0.0
    ase_mag.set_moments(atoms, moments)
    model = models.named("FeHL-1") + models.NonMagnetic("Al") + models.Zeeman("Fe", (9, 0, 60))
    model = model + models.UniaxialAnisotropy("Fe", 0.01, axis=(1, 2, 0), moment=2.1)
    state = State.from_atoms(atoms)
    form = ModelSurface(model, state.numbers, state.pbc).form(state)
    moving = atoms.numbers == 26
    moving[7] = False
    return state, form, moving


def spread_run(make, alloy, order, **options):
    """Return the moments, in the order of the atoms, after ``STEPS`` steps beside ghosts."""
    state, form, moving = alloy
    state = State(
        state.numbers[order],
        state.masses[order],
        *(getattr(state, name)[order].copy() for name in ("positions", "momenta", "moments")),
        state.cell,
        state.pbc,
    )
    surface, noise = Spread(form, order), Noise(SEED, STREAM)
    noise.atoms, noise.step = order, 11
    propagator = make(surface, temperature_K=TEMPERATURE, noise=noise, **options)
    propagator.moving = moving[order]
    propagator.run(state, STEPS * DT, STEPS)
    assert noise.step == 11 + STEPS
    result = np.empty((len(order), 3))
    result[order] = state.moments
    return result, surface.refreshed


def turned(form, moments, dt, moving):
    """The semi-implicit midpoint, by its formulas."""
    form, rate = replace(form, landau=None), units.gamma * moving[:, None]

    def cayley(fields):
        # M' = M - h (M + M') x B, h = rate dt/2, solved for M'.
        w = -0.5 * dt * rate * fields
        w2, mw = ((a * w).sum(axis=1, keepdims=True) for a in (w, moments))
        return ((1 - w2) * moments + 2 * np.cross(moments, w) + 2 * mw * w) / (1 + w2)

    half_way = 0.5 * (moments + cayley(form.evaluate(moments)[1]))
    return cayley(form.evaluate(half_way)[1])


def pushed(form, moments, dt, moving, xi):
    """A Heun step of the bath of moment vectors, by its formulas."""
    relax = RATE * dt * moving[:, None]
    push = np.sqrt(2 * relax * units.kB * TEMPERATURE) * xi
    fields = form.evaluate(moments)[1]
    after = form.evaluate(moments + relax * fields + push)[1]
    return moments + 0.5 * relax * (fields + after) + push


def expected(alloy, turns):
    """Return the moments after ``STEPS`` steps by numpy, with precession between or without."""
    state, form, moving = alloy
    noise, m = Noise(SEED, STREAM), state.moments
    noise.step = 11
    if turns:
        m = turned(form, m, 0.5 * DT, moving)
    for step in range(STEPS):
        m = pushed(form, m, DT, moving, noise.normal(len(m)))
        if turns:
            m = turned(form, m, DT if step < STEPS - 1 else 0.5 * DT, moving)
    return m


@pytest.mark.parametrize("propagator", [GeneralizedLangevin, MomentBath])
@pytest.mark.parametrize("shuffled", [False, True])
def test_the_longitudinal_bath_is_that_of_its_formulas(alloy, propagator, shuffled):
    """In any order of the sites (noise belongs to the atom); 1e-12 mu_B."""
    state, _, moving = alloy
    order = np.random.default_rng(2).permutation(54) if shuffled else np.arange(54)
    found, refreshed = spread_run(propagator, alloy, order, rate=RATE)
    exact = expected(alloy, propagator is GeneralizedLangevin)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)
    assert (np.linalg.norm(found - state.moments, axis=1)[moving] > 0.01).all()
    # What does not move keeps every bit, moments of zero among it.
    np.testing.assert_array_equal(found[~moving], state.moments[~moving])
    # Ghosts are asked for once per stage.
    assert refreshed == 2 * STEPS + (2 * (STEPS + 1) if propagator is GeneralizedLangevin else 0)


def test_results_do_not_depend_on_threads(alloy, monkeypatch):
    monkeypatch.setattr("ase_mag.core.threads._WORTH_A_THREAD", 1)
    results = []
    for threads in (1, 3):
        set_threads(threads)
        try:
            results.append(spread_run(GeneralizedLangevin, alloy, np.arange(54), rate=RATE)[0])
        finally:
            set_threads(None)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("method", ["midpoint", "implicit", "depondt", "heun"])
def test_precession_beside_ghosts_equals_that_of_one_process(alloy, method):
    state, form, moving = alloy
    order = np.random.default_rng(2).permutation(54)
    found, _ = spread_run(Precession, alloy, order, damping=0.1, method=method)
    alone, noise = deepcopy(state), Noise(SEED, STREAM)
    noise.step = 11
    surface = Spread(form, np.arange(54))
    surface.form = lambda state: form
    precession = Precession(surface, 0.1, TEMPERATURE, noise, method=method)
    precession.moving = moving
    precession.run(alone, STEPS * DT, STEPS)
    np.testing.assert_allclose(found, alone.moments, rtol=0, atol=1e-12)
    assert np.abs(found - state.moments).max() > 0.01


def test_a_process_without_atoms(alloy):
    _, form, _ = alloy
    none = np.arange(0)
    empty = replace(
        form,
        offsets=form.offsets[:1],
        neighbors=form.neighbors[:0],
        exchange=form.exchange[:0],
        **{name: getattr(form, name)[:0] for name in ("constant", "field", "landau", "quadric")},
    )
    found, refreshed = spread_run(GeneralizedLangevin, (alloy[0], empty, alloy[2]), none)
    assert found.shape == (0, 3) and refreshed > 0  # the others wait for its messages
