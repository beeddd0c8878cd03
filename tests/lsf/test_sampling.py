"""Moment sizes drawn from their thermal distribution."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import kstest

from ase_mag import lsf, units

LANDSCAPES = [
    (-0.15, 0.0192, 1043.0),
    (-0.15, 0.0192, 3.0),
    (0.05, 0.005, 1043.0),
    (0.0, 0.01, 300.0),
    (0.1, 0.0, 6000.0),
    (-0.001, 0.02, 1043.0),
]


@pytest.mark.parametrize("measure", [0, 1, 2])
@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_quantiles_invert_the_integrated_density(landscape, measure):
    a, b, temperature = landscape
    center = float(lsf.minimum_moment(a, b))
    low = max(0.0, center - 0.5) if temperature < 10 else 0.0
    for u in (1e-9, 0.01, 0.5, 0.9, 1 - 1e-9):
        m = lsf.moment_quantile(u, a, b, temperature, measure)
        share, _ = quad(
            lambda x: lsf.density(x, a, b, temperature, measure), low, m, epsabs=1e-13, limit=200
        )
        assert abs(share - u) < 1e-10


def test_closed_form_of_the_harmonic_landscape():
    """p ~ m exp(-a m^2/kT) has C(m) = 1 - exp(-a m^2/kT)."""
    u = np.linspace(0.0, 1 - 1e-12, 1001)
    kT = 1043 * units.kB
    expected = np.sqrt(-kT / 0.1 * np.log1p(-u))
    np.testing.assert_allclose(lsf.moment_quantile(u, 0.1, 0.0, 1043, 1), expected, atol=1e-4)
    inner = u < 0.999
    np.testing.assert_allclose(
        lsf.moment_quantile(u[inner], 0.1, 0.0, 1043, 1), expected[inner], rtol=1e-10, atol=1e-9
    )


@pytest.mark.parametrize("measure", [0, 1, 2])
def test_samples_have_the_distribution(measure):
    """10,000 draws per landscape, seed 4: Kolmogorov-Smirnov p > 1e-3, mean within 4 se."""
    rng = np.random.default_rng(4)
    for a, b, temperature in LANDSCAPES:
        drawn = lsf.sample_moment(np.full(10_000, a), b, temperature, measure, rng)
        error = drawn.std() / 100.0
        assert abs(drawn.mean() - lsf.mean_moment(a, b, temperature, measure)) < 4 * error
        grid = lsf.moment_quantile(np.linspace(0, 1, 4001), a, b, temperature, measure)
        result = kstest(drawn, lambda m, grid=grid: np.interp(m, grid, np.linspace(0, 1, 4001)))
        assert result.pvalue > 1e-3


def test_variance_of_the_harmonic_landscape():
    """Measure 2: m is a Maxwell variable, <m^2> = 3 kT/(2a); 100,000 draws, seed 5, 4 se."""
    kT = 1043 * units.kB
    square = lsf.sample_moment(np.full(100_000, 0.1), 0.0, 1043, 2, 5) ** 2
    expected = 1.5 * kT / 0.1
    error = expected * np.sqrt(2 / 3) / np.sqrt(len(square))
    assert abs(square.mean() - expected) < 4 * error


def test_shapes_seeds_and_zero_temperature():
    a, b = np.full((3, 1), -0.15), np.full(4, 0.02)
    first = lsf.sample_moment(a, b, 300.0, 2, rng=7)
    assert first.shape == (3, 4)
    np.testing.assert_array_equal(first, lsf.sample_moment(a, b, 300.0, 2, rng=7))
    assert len(np.unique(first)) == 12
    assert np.ndim(lsf.sample_moment(-0.15, 0.02, 300, 2, rng=1)) == 0
    np.testing.assert_array_equal(lsf.sample_moment(a, b, 0.0, 2, rng=7), lsf.minimum_moment(a, b))
    many = lsf.moment_quantile(np.full(5000, 0.3), -0.15, 0.02, 300)
    np.testing.assert_array_equal(many, many[0])


def test_bad_input_is_explained():
    with pytest.raises(ValueError, match="give rng, an integer seed"):
        lsf.sample_moment(-0.15, 0.02, 300)
    with pytest.raises(ValueError, match=r"landscape is unbounded or not a number: a = -0\.1"):
        lsf.sample_moment(-0.1, -0.02, 300, rng=1)
    with pytest.raises(ValueError, match=r"u is 1\.5; a share"):
        lsf.moment_quantile([0.1, 1.5], -0.1, 0.02, 300)
    with pytest.raises(ValueError, match="measure is 3"):
        lsf.sample_moment(-0.1, 0.02, 300, 3, rng=1)
