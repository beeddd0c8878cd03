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
