from itertools import pairwise

import numpy as np
import pytest
from ase import units as ase_units

from ase_mag import models, units
from ase_mag.core import Response, State, Surface, set_threads
from ase_mag.dynamics import Drift, Kick, LangevinBath, MomentSizes, Noise, Precession, Splitting

fs = ase_units.fs


def random_moments(n, rng, size=2.2):
    m = np.random.default_rng(rng).normal(size=(n, 3))
    return size * m / np.linalg.norm(m, axis=1, keepdims=True)


METHODS = ["midpoint", "implicit", "depondt", "heun"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fast", [True, False])
def test_precession_converges_to_the_closed_form(fast, method, field_model, state_of, surface_of):
    """Damped precession in 10 T for 1 ps: second order in dt, 1e-6 at 1 fs."""
    theta, alpha = np.pi / 3, 0.1
    start = 2.2 * np.array([[np.sin(theta), 0.0, np.cos(theta)]])
    rate = units.gamma_SI * 10 * 1e-12 / (1 + alpha**2)  # rad per ps
    tan = np.tan(theta / 2) * np.exp(-alpha * rate)
    cos = (1 - tan**2) / (1 + tan**2)
    sin = np.sqrt(1 - cos**2)
    exact = np.array([sin * np.cos(rate), sin * np.sin(rate), cos])
    errors = []
    for n in (250, 500, 1000):
        state = state_of(start)
        model = field_model((0, 0, 10), fast)
        Precession(surface_of(model, state), alpha, method=method).run(state, 1000 * fs, n)
        errors.append(np.abs(state.moments[0] / 2.2 - exact).max())
    assert errors[-1] < 1e-6
    # Depondt-Mertens is exact in a uniform field but for the damping, hence the lower accuracy
    # of its ratio of small errors.
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 4, rtol=0.05)


@pytest.mark.parametrize("size", [0.3, 1.0, 2.2])
def test_larmor_period_is_independent_of_the_size(size, field_model, state_of, surface_of):
    """35.682488 ps at 1 T; the moment turns from +x to +y (handedness)."""
    period = 35.682488e3 * fs
    state = state_of(np.array([[size, 0.0, 0.0]]))
    precession = Precession(surface_of(field_model((0, 0, 1)), state), 0.0)
    precession.run(state, period / 4, 5000)
    np.testing.assert_allclose(state.moments[0], [0, size, 0], atol=1e-6 * size)
    precession.run(state, 3 * period / 4, 15000)
    np.testing.assert_allclose(state.moments[0], [size, 0, 0], atol=1e-6 * size)


def test_sizes_energy_and_total_moment_without_damping(ring_model, state_of, surface_of):
    """|M| to rounding; drifts of energy (third order) and total moment (second) at given order."""
    drifts = []
    for n in (1000, 2000):
        state = state_of(random_moments(20, 2))
        surface = surface_of(ring_model(20, 5e-3), state)
        energy, total = surface.response(state).energy, state.moments.sum(axis=0)
        Precession(surface, 0.0).run(state, 200 * fs, n)
        np.testing.assert_allclose(np.linalg.norm(state.moments, axis=1), 2.2, rtol=1e-12)
        drifts.append([surface.response(state).energy - energy, *(state.moments.sum(0) - total)])
    ratios = np.divide(*drifts)
    np.testing.assert_allclose(ratios, [8, 4, 4, 4], rtol=0.03)
    assert abs(drifts[1][0]) < 1e-8  # eV, of 20 moments in 200 fs at 0.1 fs


def test_implicit_midpoint_conserves_energy_and_total_moment(ring_model, state_of, surface_of):
    """To rounding, at a time step where gamma B dt = 0.4."""
    for fast in (True, False):
        state = state_of(random_moments(20, 2))
        surface = surface_of(ring_model(20, 3e-2, fast), state)
        energy, total = surface.response(state).energy, state.moments.sum(axis=0)
        Precession(surface, 0.0, method="implicit").run(state, 200 * fs, 200)
        assert abs(surface.response(state).energy - energy) < 1e-12
        np.testing.assert_allclose(state.moments.sum(axis=0), total, atol=1e-11)


def test_bad_method_and_a_step_that_is_too_long(ring_model, state_of, surface_of):
    state = state_of(random_moments(20, 2))
    surface = surface_of(ring_model(20, 3e-2), state)
    with pytest.raises(ValueError, match=r"method 'euler' is unknown: use one of midpoint"):
        Precession(surface, 0.0, method="euler")
    with pytest.raises(RuntimeError, match=r"did not converge in \d+ of 20 steps of 50 fs"):
        Precession(surface, 0.0, method="implicit").run(state, 1000 * fs, 20)


def test_damping_lowers_the_energy_to_the_ground_state(ring_model, state_of, surface_of):
    state = state_of(random_moments(6, 5))
    surface = surface_of(ring_model(6, 5e-3), state)
    precession = Precession(surface, 0.3)
    energies = []
    for _ in range(30):
        precession.run(state, 200 * fs, 400)
        energies.append(surface.response(state).energy)
    assert all(b < a + 1e-12 for a, b in pairwise(energies))
    assert abs(energies[-1] + 6 * 5e-3 * 2.2**2) < 1e-8


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("temperature", [None, 300.0])
def test_threads_do_not_matter(temperature, method, ring_model, state_of, surface_of):
    results = []
    for threads in (1, 2):
        set_threads(threads)
        state = state_of(random_moments(1500, 4))
        surface = surface_of(ring_model(1500, 5e-3), state)
        p = Precession(surface, 0.1, temperature, Noise(3, 1), method=method)
        p.run(state, 10 * fs, 20)
        results.append(state.moments.copy())
    set_threads(None)
    assert np.array_equal(*results)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("temperature", [None, 300.0])
def test_both_paths_are_the_same_dynamics(temperature, method, ring_model, state_of, surface_of):
    """Equal where the parallel field cancels (implicit, heun), else to second order in dt."""
    differences = []
    for n in (100, 200):
        results = []
        for fast in (True, False):
            state = state_of(random_moments(50, 4))
            surface = surface_of(ring_model(50, 5e-3, fast), state)
            p = Precession(surface, 0.1, temperature, Noise(3, 1), method=method)
            p.run(state, 10 * fs, n)
            results.append(state.moments.copy())
        differences.append(np.abs(results[1] - results[0]).max())
    if method in ("implicit", "heun"):
        assert max(differences) < 1e-10
    elif temperature is None:
        assert abs(differences[0] / differences[1] - 4) < 0.2
    assert differences[1] < 1e-3


@pytest.mark.parametrize("fast", [True, False])
def test_landau_terms_exert_no_torque(fast, state_of, surface_of):
    """<cos> in 3000 T at 300 K with a Landau term 2.7 eV/mu_B^2 steep: .94866 as without it.

    The moment is 2.9 mu_B, far from the minimum of the Landau term, whose field of 1 eV/mu_B
    would turn the moments by 3 rad per fs if any of it counted as a torque.
    """
    model = models.Zeeman("Fe", (0, 0, 3000.0)) + models.Landau("Fe", -0.15, 0.0192)
    if not fast:
        model.bilinear = lambda graph: None
    n = 1000
    state = state_of(random_moments(n, 1, 2.9))
    p = Precession(surface_of(model, state), 0.3, 300.0, Noise(4, 1))
    p.run(state, 100 * fs, 200)
    values = []
    for _ in range(30):
        p.run(state, 10 * fs, 20)
        values.append(state.moments[:, 2].mean() / 2.9)
    x = 2.9 * 3000 * units.tesla / (units.kB * 300)
    exact = 1 / np.tanh(x) - 1 / x
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(exact - 0.94866) < 1e-5
    assert error < 0.001
    assert abs(np.mean(values) - exact) < 3 * error


def test_a_run_in_pieces_is_the_same_run(ring_model, state_of, surface_of):
    whole, pieces = state_of(random_moments(30, 4)), state_of(random_moments(30, 4))
    for state, cuts in ((whole, [50]), (pieces, [7, 1, 42])):
        p = Precession(surface_of(ring_model(30, 5e-3), state), 0.1, 300.0, Noise(3, 1))
        for n in cuts:
            p.run(state, n * 0.5 * fs, n)
    np.testing.assert_allclose(pieces.moments, whole.moments, atol=1e-13)


def test_atoms_without_moment_stay_without(ring_model, state_of, surface_of):
    start = random_moments(9, 4)
    start[3] = 0.0
    state = state_of(start)
    p = Precession(surface_of(ring_model(9, 5e-3), state), 0.1, 300.0, Noise(3, 1))
    p.run(state, 100 * fs, 100)
    assert not state.moments[3].any()
    assert np.isfinite(state.moments).all()


def test_substeps():
    p = Precession(None, 0.0, timestep=0.01 * fs)
    assert p.substeps(0.5 * fs) == 50
    assert p.substeps(0.505 * fs) == 51
    assert Precession(None, 0.0).substeps(3 * fs) == 1


@pytest.mark.parametrize(
    ("temperature", "field", "size", "expected", "timestep", "blocks"),
    [
        (300.0, 1000.0, 2.2, 0.7970967768, 1.0, 8),
        (1043.0, 1000.0, 2.2, 0.4191434414, 1.0, 8),
        (300.0, 100.0, 2.23, 0.1637335917, 2.0, 40),
    ],
)
def test_langevin_equilibrium_in_a_field(
    temperature, field, size, expected, timestep, blocks, field_model, state_of, surface_of
):
    """<cos> of independent moments = L(m B / kT) within 3 standard errors, each below 1 %."""
    n, alpha, dt = 8000, 0.1, timestep * fs
    state = state_of(random_moments(n, 1, size))
    surface = surface_of(field_model((0, 0, field)), state)
    p = Precession(surface, alpha, temperature, Noise(21, 1))
    # Relaxation takes 1/(alpha gamma' B) or, in weak fields, m/(2 alpha gamma' kT).
    strongest = max(field * units.tesla, 2 * units.kB * temperature / size)
    relaxation = round((1 + alpha**2) / (alpha * units.gamma * strongest * dt))
    p.run(state, 8 * relaxation * dt, 8 * relaxation)
    values = []
    for _ in range(blocks):
        p.run(state, 2 * relaxation * dt, 2 * relaxation)
        values.append(state.moments[:, 2].mean() / size)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - expected) < 3 * error
    assert error < 0.01 * expected


def test_chain_correlation(ring_model, state_of, surface_of):
    """<e.e'> of the classical Heisenberg chain = L(2J/kT), J = 1 mRy, 300 K: .3274078283."""
    n = 4000
    exchange = units.exchange_factor("UppASD", "mRy", (1.0, 1.0))
    state = state_of(random_moments(n, 1, 1.0))
    p = Precession(surface_of(ring_model(n, exchange), state), 0.1, 300.0, Noise(8, 1))
    p.run(state, 1000 * fs, 1000)
    values = []
    for _ in range(30):
        p.run(state, 100 * fs, 100)
        m = state.moments
        values.append(np.einsum("ij,ij->", m, np.roll(m, 1, axis=0)) / n)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - 0.3274078283) < 3 * error
    assert error < 0.01 * 0.3274


class Spring(Surface):
    """E = k/2 x^2 for every coordinate."""

    def __init__(self, k):
        self.k = k

    def response(self, state, *, lattice=True):
        x = state.positions
        return Response(0.5 * self.k * (x * x).sum(axis=1), np.zeros_like(x), -self.k * x)


def test_bath_kick_and_drift_sample_the_oscillator():
    """BAOAB: configurations of a harmonic oscillator are exact, <k x^2> = kT, at any stable dt."""
    n, k, temperature = 4000, 5.0, 500.0
    mass = 55.845
    zeros = np.zeros((n, 3))
    state = State(np.full(n, 26), np.full(n, mass), zeros, zeros, zeros, np.eye(3), [False] * 3)
    kick, drift = Kick(Spring(k)), Drift()
    omega = np.sqrt(k / mass)
    dt = 1.0 / omega  # a coarse step: plain velocity Verlet with friction would be off by 25 %
    bath = LangevinBath(omega, temperature, Noise(9, 1))
    splitting = Splitting([(kick, 0.5), (drift, 0.5), (bath, 1), (drift, 0.5), (kick, 0.5)])
    values = []
    for step in range(180):
        splitting.advance(state, dt)
        if step >= 20 and step % 4 == 0:
            values.append(k * (state.positions**2).mean() / (units.kB * temperature))
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert error < 0.002
    assert abs(np.mean(values) - 1) < 3 * max(error, np.sqrt(2 / (3 * n * len(values))))


def test_langevin_bath_alone_is_exact():
    n = 5000
    zeros = np.zeros((n, 3))
    start = np.full((n, 3), 2.0)
    state = State(np.full(n, 26), np.full(n, 55.845), zeros, start, zeros, np.eye(3), [False] * 3)
    bath = LangevinBath(0.3, 400.0, Noise(2, 7))
    bath.advance(state, 1.0)
    c = np.exp(-0.3)
    width = np.sqrt((1 - c * c) * 55.845 * units.kB * 400.0)
    mean_error = width / np.sqrt(3 * n)
    assert abs(state.momenta.mean() - 2.0 * c) < 3 * mean_error
    assert abs(state.momenta.std() / width - 1) < 3 / np.sqrt(2 * 3 * n)


def test_fixed_atoms_do_not_move():
    zeros = np.zeros((2, 3))
    start = np.ones((2, 3))
    state = State([26, 26], [55.8, 55.8], start, zeros, zeros, np.eye(3), [False] * 3)
    free = np.array([True, False])
    Kick(Spring(1.0), free).advance(state, 0.1)
    LangevinBath(0.1, 300.0, Noise(1, 1), free).advance(state, 0.1)
    Drift().advance(state, 0.1)
    assert not state.momenta[1].any()
    assert np.array_equal(state.positions[1], start[1])
    assert state.momenta[0].any()


def test_moment_sizes_keep_directions(state_of):
    start = random_moments(4, 6)
    state = state_of(start)

    def landscapes(positions, cell, moments):
        assert moments is state.moments
        return np.array([-0.1, -0.2, 0.3, 0.0]), np.array([0.02, 0.02, 0.02, 0.02])

    def mean_moment(a, b, temperature, measure):
        assert (temperature, measure) == (500.0, 1)
        return np.where(a < 0, np.sqrt(np.maximum(-a, 0) / (2 * b)), 0.0)

    version = state.moments_version
    MomentSizes(landscapes, mean_moment, 500.0, 1).advance(state, 0.0)
    assert state.moments_version > version
    sizes = np.linalg.norm(state.moments, axis=1)
    np.testing.assert_allclose(sizes, [np.sqrt(2.5), np.sqrt(5.0), 1e-6, 1e-6], rtol=1e-12)
    np.testing.assert_allclose(state.moments / sizes[:, None], start / 2.2, atol=1e-12)


class TestSplitting:
    def test_order(self):
        kick, drift = Kick(Spring(1.0)), Drift()
        sizes = MomentSizes(None, None, 300.0)
        splitting = Splitting([(kick, 0.5), (drift, 1.0), (kick, 0.5)], [sizes])
        assert [p for p, _ in splitting.steps] == [kick, drift, sizes, kick]

    def test_refuses_lopsided_lists(self):
        kick, drift = Kick(Spring(1.0)), Drift()
        with pytest.raises(ValueError, match="palindrome"):
            Splitting([(kick, 1.0), (drift, 1.0)])
        with pytest.raises(ValueError, match="add up to 1"):
            Splitting([(kick, 0.4), (drift, 1.0), (kick, 0.4)])

    def test_verlet_is_reversible_and_second_order(self):
        def run(dt, n, start=None):
            state = start or State(
                [26], [55.845], [[0.3, 0, 0]], [[0, 1.0, 0]], [[0, 0, 0]], np.eye(3), [False] * 3
            )
            kick, drift = Kick(Spring(5.0)), Drift()
            splitting = Splitting([(kick, 0.5), (drift, 1.0), (kick, 0.5)])
            for _ in range(n):
                splitting.advance(state, dt)
            return state

        omega = np.sqrt(5.0 / 55.845)
        exact = 0.3 * np.cos(omega * 20.0)
        errors = [abs(run(20.0 / n, n).positions[0, 0] - exact) for n in (100, 200)]
        assert abs(errors[0] / errors[1] - 4) < 0.1
        state = run(0.2, 100)
        state.momenta *= -1
        state.geometry_changed()
        back = run(0.2, 100, state)
        np.testing.assert_allclose(back.positions, [[0.3, 0, 0]], atol=1e-12)
