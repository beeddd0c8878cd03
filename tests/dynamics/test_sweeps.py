import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

from ase_mag import models
from ase_mag.core import ModelSurface, State, set_moments, set_threads
from ase_mag.dynamics import Precession
from ase_mag.dynamics.sweeps import SequentialPrecession

fs = ase_units.fs


def iron(n=4, rng=1, spread=1.0):
    atoms = bulk("Fe", a=2.8665, cubic=True) * n
    moments = spread * np.random.default_rng(rng).normal(size=(len(atoms), 3)) + [0, 0, 1.5]
    set_moments(atoms, 2.2 * moments / np.linalg.norm(moments, axis=1, keepdims=True))
    return State.from_atoms(atoms)


def surface(state, *terms):
    model = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))
    for term in terms:
        model = model + term
    return ModelSurface(model, state.numbers, state.pbc)


@pytest.mark.parametrize(
    "term",
    [
        models.Zeeman("Fe", (10.0, 0, 30.0)),
        models.UniaxialAnisotropy("Fe", 0.01, (1, 1, 1), 2.2),
        models.Landau("Fe", -0.15, 0.0192),
    ],
    ids=lambda term: type(term).__name__,
)
def test_energy_is_conserved_to_rounding_at_1_fs(term):
    state = iron()
    s = surface(state, term)
    start = s.response(state).energy
    SequentialPrecession(s).run(state, 1000 * fs, 1000)
    assert abs(s.response(state).energy - start) < 1e-11
    np.testing.assert_allclose(np.linalg.norm(state.moments, axis=1), 2.2, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["sequential", "implicit"])
def test_a_nanosecond_at_constant_energy(method, record_property):
    """|drift| < 1e-6 meV/atom/ns at 1 fs, sequential over 1 ns, implicit over 0.1 ns.

    Moments of 2.2 mu_B at about 700 K in fields of 0.16 eV/mu_B. The slope of the energy and its
    standard error, and the largest deviation from the start.
    """
    atoms = bulk("Fe", a=2.8665, cubic=True) * 3
    moments = 0.45 * np.random.default_rng(1).normal(size=(54, 3)) + [0, 0, 1.5]
    set_moments(atoms, 2.2 * moments / np.linalg.norm(moments, axis=1, keepdims=True))
    state = State.from_atoms(atoms)
    s = surface(state)
    propagator = SequentialPrecession(s)
    steps = 25_000
    if method == "implicit":
        propagator, steps = Precession(s, 0.0, method="implicit"), 2500
    total = state.moments.sum(axis=0)
    energies = [s.response(state).energy]
    for _ in range(40):
        propagator.run(state, steps * fs, steps)
        energies.append(s.response(state).energy)
    per_atom = 1e3 * (np.array(energies) - energies[0]) / 54
    times = np.arange(41) * steps * 1e-6
    (slope, _), covariance = np.polyfit(times, per_atom, 1, cov=True)
    error = np.sqrt(covariance[0, 0])
    record_property("meV/atom/ns", (slope, error))
    record_property("meV/atom", np.abs(per_atom).max())
    assert abs(slope) + 3 * error < 1e-6, f"{slope} +- {error} meV/atom/ns"
    assert np.abs(per_atom).max() < 1e-6
    if method == "implicit":
        change = np.abs(state.moments.sum(axis=0) - total).max()
        assert change < 1e-10 * np.linalg.norm(total)


def test_second_order_and_the_same_dynamics_as_the_midpoint_rule():
    reference = iron(2)
    Precession(surface(reference), 0.0, method="implicit").run(reference, 20 * fs, 20_000)
    errors = []
    for n in (200, 400):
        state = iron(2)
        SequentialPrecession(surface(state)).run(state, 20 * fs, n)
        errors.append(np.abs(state.moments - reference.moments).max())
    assert abs(errors[0] / errors[1] - 4) < 0.1
    assert errors[1] < 1e-3


def test_reversible():
    state = iron()
    start = state.moments.copy()
    p = SequentialPrecession(surface(state, models.UniaxialAnisotropy("Fe", 0.01, (1, 1, 1), 2.2)))
    p.run(state, 50 * fs, 50)
    assert np.abs(state.moments - start).max() > 0.5
    p.run(state, -50 * fs, 50)
    np.testing.assert_allclose(state.moments, start, atol=1e-10)


def test_threads_do_not_matter_and_neighbors_differ_in_color():
    results = []
    for threads in (1, 2):
        set_threads(threads)
        state = iron(8)
        s = surface(state)
        p = SequentialPrecession(s)
        p.run(state, 10 * fs, 10)
        results.append(state.moments.copy())
    set_threads(None)
    assert np.array_equal(*results)
    form, (order, starts) = s.form(state), p._colors(s.form(state))
    color = np.empty(len(order), int)
    color[order] = np.searchsorted(starts, np.arange(len(order)), side="right")
    centers = np.repeat(np.arange(form.n_atoms), np.diff(form.offsets))
    assert (color[centers] != color[form.neighbors]).all()


def test_generic_models_are_refused(ring_model, state_of, surface_of):
    state = state_of(np.ones((4, 3)))
    with pytest.raises(ValueError, match=r"needs a model with a bilinear form; use Precession"):
        SequentialPrecession(surface_of(ring_model(4, 1e-3, fast=False), state)).run(state, 1.0, 1)
