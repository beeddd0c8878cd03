"""Generalized Langevin dynamics: sizes and directions against exact averages."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units

import ase_mag
from ase_mag import models, units
from ase_mag.core import ModelSurface, State
from ase_mag.dynamics import GeneralizedLangevin, Noise, SpinDynamics
from ase_mag.lsf import mean_moment

fs = ase_units.fs


def gas(n, size, symbol="Fe", model=None):
    """Moments that do not interact."""
    atoms = Atoms(f"{symbol}{n}", positions=np.zeros((n, 3)))
    m = np.random.default_rng(1).normal(size=(n, 3))
    ase_mag.set_moments(atoms, size * m / np.linalg.norm(m, axis=1, keepdims=True))
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


@pytest.mark.parametrize(
    ("a", "b", "temperature", "timestep"),
    [
        (-0.15, 0.0192, 1043, 1.0),
        (-0.15, 0.0192, 300, 1.0),
        (0.05, 0.005, 1043, 1.0),
        (0.0, 0.01, 1043, 1.0),
        (0.1, 0.0, 1043, 1.0),
    ],
)
def test_mean_size_of_a_lone_moment(a, b, temperature, timestep):
    """<m> = the m^2 column of the published table within 1 %, standard error below 0.3 %."""
    exact = mean_moment(a, b, temperature, 2)
    atoms = gas(4000, exact, model=models.Landau("Fe", a, b))
    dyn = SpinDynamics(
        atoms, timestep * fs, temperature_K=temperature, longitudinal=True, rng=3, progress=False
    )
    dyn.run(200)
    values = []
    for _ in range(20):
        dyn.run(50)
        values.append(np.linalg.norm(ase_mag.get_moments(atoms), axis=1).mean())
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert error < 0.003 * exact
    assert abs(np.mean(values) / exact - 1) < 0.01


def test_distribution_of_the_size():
    """P(m) ~ m^2 exp(-E/kT): second and fourth moments, 3 standard errors and 1 %."""
    a, b, kT = -0.15, 0.0192, units.kB * 1043
    m = np.linspace(0, 6, 4001)
    weight = m**2 * np.exp(-(a * m**2 + b * m**4) / kT)
    atoms = gas(4000, 2.0, model=models.Landau("Fe", a, b))
    dyn = SpinDynamics(atoms, 0.5 * fs, temperature_K=1043, longitudinal=True, rng=3)
    dyn.run(300)
    powers = []
    for _ in range(15):
        dyn.run(100)
        sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
        powers.append([(sizes**2).mean(), (sizes**4).mean()])
    error = np.std(powers, axis=0, ddof=1) / np.sqrt(15)
    exact = [(weight * m**p).sum() / weight.sum() for p in (2, 4)]
    difference = np.abs(np.mean(powers, axis=0) - exact)
    assert (difference < np.maximum(3 * error, 0.01 * np.array(exact))).all()


def test_two_species_feel_the_same_bath():
    """|dE/dM|^2 / nabla^2 E = kT for each species by itself, within 2 %."""
    n = 3000
    symbols = ["Fe"] * n + ["Co"] * n
    atoms = Atoms(symbols, positions=np.zeros((2 * n, 3)))
    start = np.concatenate([np.full(n, 2.0), np.full(n, 0.8)])
    ase_mag.set_moments(atoms, start)
    model = models.Landau("Fe", -0.15, 0.0192) + models.Landau("Co", -0.05, 0.03)
    model = model + models.Zeeman(("Fe", "Co"), (0, 0, 300.0))
    atoms.calc = ase_mag.MagneticCalculator(model)
    rates = np.concatenate([np.full(n, 2.4), np.full(n, 0.9)])
    dyn = SpinDynamics(
        atoms, 0.5 * fs, temperature_K=600, longitudinal=True, longitudinal_rate=rates, rng=5
    )
    dyn.run(600)
    values = []
    for _ in range(20):
        dyn.run(60)
        form, m = dyn.spin_form(), ase_mag.get_moments(atoms)
        fields = form.evaluate(m)[1]
        a, b, _ = form.landau.T
        curvature = 6 * a + 20 * b * (m**2).sum(axis=1)
        squares = (fields**2).sum(axis=1)
        values.append(
            [
                squares[part].sum() / curvature[part].sum() / units.kB
                for part in (slice(0, n), slice(n, None))
            ]
        )
    mean = np.mean(values, axis=0)
    np.testing.assert_allclose(mean, 600, rtol=0.02)


def test_transverse_baths_of_two_species():
    """<cos> = L(m B/kT) for moments of 2.5 and 0.7 mu_B with their own damping: 3 errors, 2 %."""
    n = 4000
    atoms = Atoms(["Fe"] * n + ["Co"] * n, positions=np.zeros((2 * n, 3)))
    sizes = np.concatenate([np.full(n, 2.5), np.full(n, 0.7)])
    ase_mag.set_moments(atoms, sizes)
    atoms.calc = ase_mag.MagneticCalculator(models.Zeeman(("Fe", "Co"), (0, 0, 800.0)))
    damping = np.concatenate([np.full(n, 0.1), np.full(n, 0.05)])
    dyn = SpinDynamics(atoms, 0.5 * fs, temperature_K=300, damping=damping, rng=1)
    dyn.run(1500)
    values = []
    for _ in range(20):
        dyn.run(200)
        cos = ase_mag.get_moments(atoms)[:, 2] / sizes
        values.append([cos[:n].mean(), cos[n:].mean()])
    x = np.array([2.5, 0.7]) * 800 * units.tesla / (units.kB * 300)
    exact = 1 / np.tanh(x) - 1 / x
    error = np.std(values, axis=0, ddof=1) / np.sqrt(20)
    assert (error < 0.02 * exact).all()
    assert (np.abs(np.mean(values, axis=0) - exact) < 3 * error).all()


def test_generic_models_sample_the_same():
    """Without a bilinear form: precession of the perpendicular field and the same bath."""
    model = models.Landau("Fe", -0.15, 0.0192) + models.Zeeman("Fe", (0, 0, 100.0))
    model.bilinear = lambda graph: None
    n = 500
    rng = np.random.default_rng(1)
    zeros = np.zeros((n, 3))
    state = State(
        np.full(n, 26), np.full(n, 55.8), zeros, zeros, rng.normal(size=(n, 3)), np.eye(3), [0] * 3
    )
    p = GeneralizedLangevin(
        ModelSurface(model, state.numbers, state.pbc), 1043.0, Noise(2, 1), 0.5 * fs
    )
    p.advance(state, 150 * fs)
    values = []
    for _ in range(12):
        p.advance(state, 50 * fs)
        values.append([np.linalg.norm(state.moments, axis=1).mean(), state.moments[:, 2].mean()])
    kT, h = units.kB * 1043, 100 * units.tesla
    m = np.linspace(1e-6, 6, 6001)
    weight = m**2 * np.exp(-(-0.15 * m**2 + 0.0192 * m**4) / kT) * np.sinh(m * h / kT) / m
    exact = np.array(
        [(weight * m).sum(), (weight * m * (1 / np.tanh(m * h / kT) - kT / (m * h))).sum()]
    )
    exact /= weight.sum()
    error = np.std(values, axis=0, ddof=1) / np.sqrt(12)
    assert (error < [0.01, 0.03]).all()
    assert (np.abs(np.mean(values, axis=0) - exact) < 3.5 * error).all()


def test_unbounded_sizes_are_refused():
    with pytest.raises(ValueError, match="nothing bounds the moment of atom 0"):
        SpinDynamics(
            gas(2, 1.0, model=models.Zeeman("Fe", (0, 0, 1.0))),
            fs,
            temperature_K=300,
            longitudinal=True,
        )
