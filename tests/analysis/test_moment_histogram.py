"""Histograms of moment sizes against a closed form and numpy."""

import numpy as np
import pytest
from ase.build import bulk
from scipy.stats import maxwell

from ase_mag import analysis, set_moments


def frames(count, rng):
    out = []
    for _ in range(count):
        atoms = bulk("Fe", a=2.87, cubic=True) * 3
        atoms.numbers[::2] = 28
        moments = 0.8 * rng.normal(size=(len(atoms), 3))
        moments[::2] *= 0.5
        set_moments(atoms, moments)
        out.append(atoms)
    return out


def test_components_of_a_gaussian_have_maxwells_distribution():
    """p(m) = sqrt(2/pi) m^2 exp(-m^2/2s^2)/s^3, mean 2 s sqrt(2/pi); counts within Poisson."""
    s, count = 0.8, 400
    found = analysis.moment_histogram(
        frames(count, np.random.default_rng(0)), width=0.1, species="Fe"
    )
    number = 27 * count
    assert found.n_moments == number
    assert found.density.sum() * 0.1 == pytest.approx(1.0, rel=1e-12)
    m = found.edges
    expected = number * np.diff(maxwell.cdf(m, scale=s))
    pulls = (found.density * 0.1 * number - expected) / np.sqrt(expected)
    assert np.abs(pulls[expected > 25]).max() < 4
    deviation = s * np.sqrt(3 - 8 / np.pi)
    mean = 2 * s * np.sqrt(2 / np.pi)
    assert found.mean == pytest.approx(mean, abs=4 * deviation / np.sqrt(number))
    assert found.deviation == pytest.approx(deviation, rel=4 / np.sqrt(2 * number))


def test_bins_are_those_of_numpy():
    taken = frames(5, np.random.default_rng(1))
    found = analysis.moment_histogram(taken, width=0.25, skip=2)
    sizes = np.ravel(analysis.moment_sizes(taken[2:]))
    np.testing.assert_allclose(
        found.density, np.histogram(sizes, found.edges, density=True)[0], rtol=1e-12
    )
    assert found.mean == pytest.approx(sizes.mean(), rel=1e-12)


def test_bad_input():
    taken = frames(1, np.random.default_rng(1))
    with pytest.raises(ValueError, match="must be positive, got 0"):
        analysis.moment_histogram(taken, width=0)
    with pytest.raises(ValueError, match="no moments of Co after the first 0 frames"):
        analysis.moment_histogram(taken, species="Co")
    with pytest.raises(ValueError, match="no moments after the first 3 frames"):
        analysis.moment_histogram(taken, skip=3)
