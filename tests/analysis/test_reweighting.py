"""Reweighting of a system with an exact answer: independent moments in a field."""

import numpy as np
import pytest

from ase_mag import units
from ase_mag.analysis.reweighting import MultiHistogram

N, FIELD = 50, 0.02


def langevin(temperature_K):
    x = FIELD / (units.kB * np.asarray(temperature_K))
    return 1 / np.tanh(x) - 1 / x


def draw(temperature_K, n, rng):
    """Return energies of N moments in a field and [z, z^2] of the total, exact samples."""
    k = FIELD / (units.kB * temperature_K)
    u = rng.random((n, N))
    cosine = 1 + np.log(u + (1 - u) * np.exp(-2 * k)) / k
    total = cosine.sum(axis=1)
    return -FIELD * total, np.stack([total, total**2], axis=1)


def exact(temperature_K):
    x = FIELD / (units.kB * temperature_K)
    mean = N * langevin(temperature_K)
    variance = N * (1 / x**2 - 1 / np.sinh(x) ** 2)
    return np.array([mean, mean**2 + variance])


@pytest.mark.parametrize("temperatures", [[200.0], [160.0, 200.0, 250.0], [250.0, 200.0]])
def test_exact_averages_between_and_near_the_runs(temperatures):
    rng = np.random.default_rng(1)
    runs = [draw(T, 20_000, rng) for T in temperatures]
    histogram = MultiHistogram(temperatures, *zip(*runs, strict=True))
    targets = [180.0, 200.0, 215.0]
    values = histogram.mean(targets)
    for T, value in zip(targets, values, strict=True):
        np.testing.assert_allclose(histogram.mean(T), value, rtol=1e-12)
        parts = np.array([histogram.mean(T, leave_out=b) for b in range(20)])
        error = np.sqrt(19 / 20 * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0))
        assert (error < 0.02 * value).all()
        assert (abs(value - exact(T)) < 4 * error).all()


def test_more_runs_help_as_their_number_says():
    rng = np.random.default_rng(2)
    one = MultiHistogram([200.0], *zip(draw(200.0, 10_000, rng), strict=True))
    assert abs(one.samples(200.0) - 10_000) < 1e-6
    assert one.samples(250.0) < 0.6 * one.samples(200.0)
    runs = [draw(T, 10_000, rng) for T in (190.0, 200.0, 210.0)]
    three = MultiHistogram([190.0, 200.0, 210.0], *zip(*runs, strict=True))
    assert three.samples(200.0) > 25_000


def test_free_energies_are_those_of_the_partition_function():
    """At a run's own temperature and far from it: the direct average is within the error."""
    rng = np.random.default_rng(3)
    temperatures = [120.0, 160.0, 200.0, 260.0]
    runs = [draw(T, 20_000, rng) for T in temperatures]
    histogram = MultiHistogram(temperatures, *zip(*runs, strict=True), bins=4000)
    coarse = MultiHistogram(temperatures, *zip(*runs, strict=True), bins=500)
    for T, (_, values) in zip(temperatures, runs, strict=True):
        error = values.std(axis=0) / np.sqrt(20_000)
        assert (abs(histogram.mean(T) - values.mean(axis=0)) < 3 * error).all()
        np.testing.assert_allclose(histogram.mean(T), coarse.mean(T), rtol=1e-4)
    log_z = np.log(np.sinh(FIELD * histogram.beta) / (FIELD * histogram.beta))
    counts, lengths = histogram.counts.sum(axis=0), histogram.lengths.sum(axis=0)
    weights = np.exp(histogram._solve(counts, lengths))
    shifted = np.exp(-histogram.beta[:, None] * histogram.energies)
    f = -np.log(shifted @ (counts * weights))
    energy = np.concatenate([e for e, _ in runs]).mean()
    expected = -(N * log_z + histogram.beta * energy)
    np.testing.assert_allclose(f - f[0], expected - expected[0], atol=0.1)


def test_a_constant_energy_is_no_problem():
    histogram = MultiHistogram([100.0], [np.ones(40)], [np.arange(40.0)[:, None]])
    np.testing.assert_allclose(histogram.mean([50.0, 500.0]), 19.5)


def test_bad_input():
    with pytest.raises(ValueError, match="2 temperatures need as many series"):
        MultiHistogram([100.0, 200.0], [np.ones(40)], [np.ones((40, 1))])
    with pytest.raises(ValueError, match="of equal lengths"):
        MultiHistogram([100.0], [np.ones(40)], [np.ones((41, 1))])
    with pytest.raises(ValueError, match="has 10 measurements, fewer than its 20 blocks"):
        MultiHistogram([100.0], [np.ones(10)], [np.ones((10, 1))])
