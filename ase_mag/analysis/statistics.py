"""Averages of correlated series and their errors."""

import numpy as np


def cumulative_mean(series):
    """Return c_n = (x_1 + ... + x_n) / n for every n, an array of the same length."""
    series = np.asarray(series, dtype=float)
    return np.cumsum(series) / np.arange(1, len(series) + 1)


def block_error(series, blocks=10):
    """Return the standard error of the mean of a correlated series, from block averages.

    s^2 = sum_k (X_k - X)^2 / (n (n - 1)), with X_k the averages of n equal blocks and X their
    mean. Leading values that do not fill a block are left out.

    The blocks must be long compared with the correlation time, or the error is too small; it is
    itself known to 1/sqrt(2 (n - 1)), 24 % for ten blocks. See Flyvbjerg and Petersen, J. Chem.
    Phys. 91, 461 (1989).

    Parameters
    ----------
    series : (n_values,) float array.
    blocks : int, number of blocks.

    Raises
    ------
    ValueError
        For fewer than two blocks, or fewer values than blocks.
    """
    series = np.asarray(series, dtype=float)
    if blocks < 2:
        raise ValueError(f"a standard error needs at least two blocks, got blocks={blocks}")
    if series.ndim != 1 or len(series) < blocks:
        raise ValueError(
            f"{blocks} blocks need a series (n,) of at least {blocks} values, got the shape "
            f"{series.shape}: run longer or take fewer blocks"
        )
    length = len(series) // blocks
    means = series[len(series) - blocks * length :].reshape(blocks, length).mean(axis=1)
    return float(means.std(ddof=1) / np.sqrt(blocks))


def correlation_time(series):
    """Return the integrated autocorrelation time of a series, in steps of it.

    tau = 1/2 + sum_{t > 0} rho(t), so that the variance of a mean of n values is 2 tau/n times
    that of one value; 1/2 for independent values. The sum ends at the first t >= 5 tau (Madras
    and Sokal, J. Stat. Phys. 50, 109 (1988)). A constant series has tau = 1/2.

    Parameters
    ----------
    series : (n_values,) float array, at least two values.

    Raises
    ------
    ValueError
        For another shape.
    """
    series = np.asarray(series, dtype=float)
    if series.ndim != 1 or len(series) < 2:
        raise ValueError(
            f"a correlation time needs a series (n,) of at least two values, got {series.shape}"
        )
    if np.ptp(series) == 0:
        return 0.5
    n = len(series)
    spectrum = np.fft.rfft(series - series.mean(), 2 * n)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n]
    times = np.cumsum(covariance / covariance[0]) - 0.5
    end = np.flatnonzero(np.arange(n) >= 5 * times)
    return max(0.5, float(times[end[0]] if len(end) else times[-1]))
