"""Averages of correlated series and their errors."""

from dataclasses import dataclass

import numpy as np


def cumulative_mean(series):
    """Return c_n = (x_1 + ... + x_n) / n for every n, an array of the same length.

    Parameters
    ----------
    series : (n_values,) float array, x.
    """
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
    if _constant(series):
        return 0.5
    n = len(series)
    spectrum = np.fft.rfft(series - series.mean(), 2 * n)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2, 2 * n)[:n]
    times = np.cumsum(covariance / covariance[0]) - 0.5
    end = np.flatnonzero(np.arange(n) >= 5 * times)
    return max(0.5, float(times[end[0]] if len(end) else times[-1]))


def _constant(series):
    """Return whether all values are the same up to rounding."""
    return np.ptp(series) <= 1e-13 * np.abs(series).max()


@dataclass(frozen=True)
class Average:
    """Mean of a correlated series; ``str`` shows value and standard error.

    Attributes
    ----------
    value, error : float, and one standard error, see :func:`block_error`.
    correlation_time : float, in steps of the series. n_values : int.
    reliable : bool, whether a block is at least ten correlation times long. Otherwise the error is
        a lower bound: the series is too short.
    """

    value: float
    error: float
    correlation_time: float
    n_values: int
    reliable: bool

    def __str__(self):
        return f"{self.value:.6g} +- {self.error:.2g}" + ("" if self.reliable else " or more")


def average(series, skip=0, blocks=10):
    """Return the mean of a series with its standard error, an :class:`Average`.

    Parameters
    ----------
    series : (n_values,) float array.
    skip : int, leading values that are left out, or a fraction of them below 1.
    blocks : int, see :func:`block_error`.

    Raises
    ------
    ValueError
        For fewer values than blocks, or a skip that is no number of values.
    """
    series = np.asarray(series, dtype=float)
    series = series[skipped(skip, len(series)) :]
    error = block_error(series, blocks)
    if _constant(series):
        return Average(float(series[-1]), 0.0, 0.5, len(series), True)
    tau = correlation_time(series)
    reliable = len(series) // blocks >= 10 * tau
    return Average(float(series.mean()), error, tau, len(series), reliable)


def skipped(skip, count):
    """Return how many of ``count`` values ``skip`` leaves out: itself, or a fraction below 1."""
    if isinstance(skip, bool) or not (0 <= skip < 1 or skip == int(skip) > 0):
        raise ValueError(
            f"skip must be a number of frames or a fraction of them below 1, got {skip!r}"
        )
    return int(skip * count) if skip < 1 else int(skip)


def cumulative_error(series, points=20, blocks=10):
    """Return the standard errors of means over the first values of a series.

    Parameters
    ----------
    series : (n_values,) float array.
    points : int, at how many lengths, evenly spaced; blocks : int, see :func:`block_error`.

    Returns
    -------
    indices : (n,) int array, the last value of each mean (that of :func:`cumulative_mean`).
    errors : (n,) float array; empty for a series shorter than the blocks.
    """
    series = np.asarray(series, dtype=float)
    lengths = np.linspace(0, len(series), points + 1)[1:].astype(int)
    lengths = np.unique(lengths[lengths >= 2 * blocks])
    errors = np.array([block_error(series[:n], blocks) for n in lengths])
    return lengths - 1, errors


class Blocks:
    """Sums of arrays over equal parts of a sequence whose length nobody knows in advance.

    When there are ``most`` full parts, neighbors are added and parts are twice as long from then
    on, so that between half of ``most`` and ``most`` of them are there.

    Parameters
    ----------
    shape : of an array. most : int, even.

    Attributes
    ----------
    total : float array, the sum of everything. count : int, of arrays.
    """

    def __init__(self, shape, most=20):
        self.total, self.count = np.zeros(shape), 0
        self._parts, self._most = [], most
        self._open, self._in_open, self._length = np.zeros(shape), 0, 1

    def add(self, array):
        """Add the next array."""
        self.total = self.total + array
        self._open = self._open + array
        self.count += 1
        self._in_open += 1
        if self._in_open < self._length:
            return
        self._parts.append(self._open)
        self._open, self._in_open = np.zeros_like(self.total), 0
        if len(self._parts) == self._most:
            self._parts = [a + b for a, b in zip(self._parts[::2], self._parts[1::2], strict=True)]
            self._length *= 2

    def full(self):
        """Return the sums over the full parts, (n_parts, *shape)."""
        return np.array(self._parts).reshape(-1, *self.total.shape)
