"""Sampled and relaxed sizes: their distribution, their memory, and the surface they follow."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from scipy.integrate import cumulative_trapezoid
from scipy.stats import kstest

import ase_mag
from ase_mag import lsf, models, reference
from ase_mag.dynamics import AsdAimd, Noise, RelaxedSizes, SampledSizes

fs = ase_units.fs


def constant(a, b):
    return lambda positions, cell, moments: (np.full(len(moments), a), np.full(len(moments), b))


def sampled(a=-0.15, b=0.0192, measure=2, time=0.0, seed=1):
    return SampledSizes(
        constant(a, b),
        lsf.moment_quantile,
        1043,
        measure,
        noise=Noise(seed, 1),
        timestep=1.0,
        time=time,
    )


@pytest.mark.parametrize(("a", "b", "measure"), [(-0.15, 0.0192, 2), (0.05, 0.005, 0)])
def test_sizes_have_the_distribution_of_their_landscape(a, b, measure, state_of):
    """20,000 draws: Kolmogorov-Smirnov against the integrated density, mean within 3 errors."""
    directions = np.random.default_rng(1).normal(size=(500, 3))
    state = state_of(directions)
    propagator = sampled(a, b, measure)
    draws = []
    for _ in range(40):
        propagator.advance(state, 0.0)
        draws.append(np.linalg.norm(state.moments, axis=1))
    draws = np.ravel(draws)
    m = np.linspace(0, 6, 20001)
    share = cumulative_trapezoid(lsf.density(m, a, b, 1043, measure), m, initial=0.0)
    assert kstest(draws, lambda x: np.interp(x, m, share)).pvalue > 0.01
    error = draws.std() / np.sqrt(len(draws))
    assert abs(draws.mean() - lsf.mean_moment(a, b, 1043, measure)) < 3 * error
    units = state.moments / np.linalg.norm(state.moments, axis=1)[:, None]
    np.testing.assert_allclose(
        units, directions / np.linalg.norm(directions, axis=1)[:, None], atol=1e-12
    )


@pytest.mark.parametrize("time", [0.0, 4.0])
def test_memory_of_the_normal_numbers(time, state_of):
    """Correlation exp(-dt/tau) between two steps and unit variance, over 1000 free atoms."""
    state = state_of(np.ones((1000, 3)))
    propagator = sampled(time=time)
    values = []
    for _ in range(21):
        propagator.advance(state, 0.0)
        values.append(propagator.normal)
    values = np.array(values)
    for series, expected in (
        ((values[:-1] * values[1:]).mean(axis=0), np.exp(-1.0 / time) if time else 0.0),
        ((values**2).mean(axis=0), 1.0),
    ):
        error = series.std(ddof=1) / np.sqrt(1000)
        assert error < 0.03
        assert abs(series.mean() - expected) < 3 * error


def test_following_the_cell_draws_nothing(state_of):
    state = state_of(np.ones((5, 3)))
    propagator = sampled()
    propagator.advance(state, 0.0)
    before, count = state.moments.copy(), propagator.noise.step
    propagator.follow(state)
    np.testing.assert_allclose(state.moments, before, rtol=1e-12)
    assert propagator.noise.step == count


def test_relaxed_sizes_are_the_adiabatic_surface():
    """Collinear moments whose sizes follow: the energy surface of MagneticCalculator('relaxed')."""
    rng = np.random.default_rng(4)
    ours = bulk("Fe", a=2.877, cubic=True) * 2
    ours.set_momenta(
        np.sqrt(ours.get_masses() * ase_units.kB * 900)[:, None] * rng.normal(size=(16, 3))
    )
    ase_mag.set_moments(ours, 2.2)
    theirs = ours.copy()
    ours.calc = reference.ConstrainedModel(models.named("FeHL-1"))
    theirs.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed", fmax=1e-9)
    start = theirs.get_total_energy()
    dyn = AsdAimd(ours, fs, sizes="relaxed")
    largest = 0.0
    for _ in dyn.irun(40):
        largest = max(largest, abs(ours.get_total_energy() - start))
    VelocityVerlet(theirs, fs).run(40)
    np.testing.assert_allclose(ours.positions, theirs.positions, atol=1e-7)
    np.testing.assert_allclose(ase_mag.get_moments(ours), theirs.get_magnetic_moments(), atol=1e-6)
    assert largest < 2e-3  # eV, of 16 atoms; velocity Verlet at 1 fs


def test_relaxed_sizes_need_a_reference():
    atoms = bulk("Fe", cubic=True)
    ase_mag.set_moments(atoms, 2.0)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    with pytest.raises(TypeError, match=r"MagneticCalculator has no relax_sizes.*sizes='relaxed'"):
        RelaxedSizes(atoms)
