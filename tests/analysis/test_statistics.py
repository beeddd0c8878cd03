"""Errors of averages: closed forms for white and for correlated noise."""

import numpy as np
import pytest

from ase_mag.analysis import (
    average,
    block_error,
    correlation_time,
    cumulative_error,
    cumulative_mean,
)
from ase_mag.analysis.statistics import Blocks, skipped


def test_cumulative_mean_of_a_ramp():
    np.testing.assert_allclose(cumulative_mean([1, 2, 3, 4, 5]), [1, 1.5, 2, 2.5, 3], rtol=1e-15)


def test_blocks_by_hand():
    # Blocks of two: means 1, 3, 5; their standard deviation is 2, the error 2 / sqrt(3).
    series = [9.0, 0.0, 2.0, 3.0, 3.0, 4.0, 6.0]  # the leading 9 does not fill a block
    assert block_error(series, blocks=3) == pytest.approx(2 / np.sqrt(3), rel=1e-14)


def test_white_noise_has_the_error_sigma_over_sqrt_n():
    rng = np.random.default_rng(1)
    sigma, n, blocks, samples = 0.7, 2000, 20, 400
    errors = [block_error(rng.normal(5.0, sigma, n), blocks) for _ in range(samples)]
    # s^2 is unbiased with variance 2 s^4 / (blocks - 1).
    expected = sigma**2 / n
    standard_error = expected * np.sqrt(2 / (blocks - 1) / samples)
    assert abs(np.mean(np.square(errors)) - expected) < 3 * standard_error


def test_correlated_noise_has_the_error_of_its_correlation_time():
    # x_k = rho x_(k-1) + noise: variance of the mean -> sigma^2 / n (1 + rho) / (1 - rho).
    rng = np.random.default_rng(2)
    rho, n, blocks, samples = 0.9, 20_000, 20, 100
    noise = rng.normal(0.0, np.sqrt(1 - rho**2), (n, samples))
    series = np.empty((n, samples))
    series[0] = rng.normal(size=samples)
    for k in range(1, n):
        series[k] = rho * series[k - 1] + noise[k]
    length = n // blocks
    # Variance of a block mean of m correlated values, closed form.
    power = rho ** np.arange(1, length)
    inside = 1 + 2 * np.sum((1 - np.arange(1, length) / length) * power)
    expected = inside / length / blocks
    found = np.mean([block_error(series[:, s], blocks) ** 2 for s in range(samples)])
    standard_error = expected * np.sqrt(2 / (blocks - 1) / samples)
    # Neighboring blocks are correlated to 1 % here, far below the standard error of 3 %.
    assert abs(found - expected) < 3 * standard_error
    assert expected == pytest.approx((1 + rho) / (1 - rho) / n, rel=0.02)


def test_too_few_values_are_refused():
    with pytest.raises(ValueError, match=r"at least 10 values, got the shape \(4,\)"):
        block_error([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match="at least two blocks, got blocks=1"):
        block_error([1.0, 2.0], blocks=1)


def test_correlation_time_of_an_autoregressive_series():
    """rho(t) = 0.9^t has tau = (1 + 0.9) / (2 (1 - 0.9)) = 9.5; Sokal's error is 3.1 %."""
    rng = np.random.default_rng(3)
    series = rng.normal(size=200_000)
    assert abs(correlation_time(series) - 0.5) < 0.02
    for k in range(1, len(series)):
        series[k] = 0.9 * series[k - 1] + np.sqrt(1 - 0.81) * series[k]
    assert abs(correlation_time(series) - 9.5) < 3 * 0.031 * 9.5
    assert correlation_time(np.full(10, 0.1)) == 0.5
    with pytest.raises(ValueError, match=r"at least two values, got \(1,\)"):
        correlation_time([1.0])


def test_averages_say_when_they_are_too_short():
    rng = np.random.default_rng(4)
    series = rng.normal(3.0, 0.5, 4000)
    found = average(series, skip=0.5)
    assert (found.n_values, found.reliable) == (2000, True)
    assert found.error == block_error(series[2000:])
    # Ten blocks know the error to 24 %; 3 standard errors of the mean.
    assert found.error == pytest.approx(0.5 / np.sqrt(2000), rel=0.75)
    assert found.value == pytest.approx(3.0, abs=3 * 0.5 / np.sqrt(2000))
    for k in range(1, len(series)):
        series[k] = 0.99 * series[k - 1] + series[k] - 3.0
    slow = average(series, skip=2000)
    assert not slow.reliable and str(slow).endswith(" or more")


def test_cumulative_errors_are_block_errors_of_the_first_values():
    series = np.random.default_rng(5).normal(size=1000)
    where, errors = cumulative_error(series, points=4)
    np.testing.assert_array_equal(where, [249, 499, 749, 999])
    np.testing.assert_array_equal(errors, [block_error(series[: n + 1]) for n in where])
    where, errors = cumulative_error(series[:5])
    assert len(where) == len(errors) == 0


@pytest.mark.parametrize("count", [3, 20, 97, 640])
def test_blocks_of_unknown_length(count):
    series = np.random.default_rng(6).normal(size=(count, 2))
    blocks = Blocks((2,), most=20)
    for row in series:
        blocks.add(row)
    found = blocks.full()
    np.testing.assert_allclose(blocks.total, series.sum(axis=0), rtol=1e-12)
    length = count // len(found)
    assert blocks.count == count and (count < 10 or 10 <= len(found) < 20)
    length = {3: 1, 20: 2, 97: 8, 640: 64}[count]
    expected = series[: len(found) * length].reshape(len(found), length, 2).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_what_is_left_out():
    assert [skipped(s, 10) for s in (0, 0.0, 0.5, 0.99, 1, 3.0)] == [0, 0, 5, 9, 1, 3]
