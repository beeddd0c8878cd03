"""Binder cumulants over temperature and where those of two sizes cross."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np


def binder(square, fourth):
    """Return U4 = 1 - <m^4> / (3 <m^2>^2).

    Far below the transition it is 2/3; far above it is 4/9 for vectors and 0 for a single
    component. At the transition it does not depend on the size (of large systems): about 0.620
    for isotropic moments in a cube with periodic boundaries.

    Parameters
    ----------
    square, fourth : float or array, <m^2> and <m^4> of the order parameter.
    """
    return 1 - fourth / (3 * square**2)


@dataclass(frozen=True)
class Crossing:
    """Where the cumulants of two sizes are equal.

    Attributes
    ----------
    sizes : (int, int), the smaller and the larger one.
    temperature_K, error : float, K; one standard error (jackknife).
    binder, binder_error : float, the cumulant there.
    """

    sizes: tuple
    temperature_K: float
    error: float
    binder: float
    binder_error: float


class BinderCurves:
    """Cumulants of several sizes as functions of temperature.

    Errors come from the jackknife over blocks of the series, which also corrects the bias (of the
    order of the inverse length) of the ratio of averages: B U - (B - 1) <U without a block>.

    Parameters
    ----------
    histograms : dict size -> MultiHistogram with the observables m^2, m^4.
    temperatures_K : (n,) array, a fine grid on which curves are computed.

    Attributes
    ----------
    sizes : list of int, rising.
    values, errors : (n_sizes, n) float arrays, U4 and its standard error.
    """

    def __init__(self, histograms, temperatures_K):
        self.temperatures_K = np.asarray(temperatures_K, dtype=float)
        self.sizes = sorted(histograms)
        self.values, self.errors, self._deviations = [], [], []
        for size in self.sizes:
            histogram = histograms[size]
            blocks = histogram.blocks
            parts = np.array([self._curve(histogram, block) for block in range(blocks)])
            self.values.append(blocks * self._curve(histogram) - (blocks - 1) * parts.mean(axis=0))
            # Scaled so that the sum of squares over the blocks is the variance.
            deviations = np.sqrt((blocks - 1) / blocks) * (parts - parts.mean(axis=0))
            self._deviations.append(deviations)
            self.errors.append(np.sqrt((deviations**2).sum(axis=0)))
        self.values, self.errors = np.array(self.values), np.array(self.errors)

    def _curve(self, histogram, leave_out=None):
        return binder(*histogram.mean(self.temperatures_K, leave_out).T)

    def crossings(self):
        """Return the crossings of all pairs of sizes and their combination.

        The combination is the average over the pairs with the largest size with the weights (none
        negative) that make its error smallest; see :func:`best_weights`.

        Returns
        -------
        list of Crossing
            Without the pairs that do not cross on the grid.
        Crossing or None
            The combination (``sizes``: smallest and largest); None if these two do not cross.
        """
        last = len(self.sizes) - 1
        pairs = [pair for pair in combinations(range(last + 1), 2) if self._turn(*pair) is not None]
        if (0, last) not in pairs:
            return [], None
        places = np.array([self._place(*pair) for pair in pairs])
        # What each block of each size does to the temperatures, then to the cumulants.
        effects = [
            np.concatenate([self._effects(*pair, size) for pair in pairs], axis=1)
            for size in range(last + 1)
        ]
        effects = np.concatenate(effects)
        shifts, levels = effects[:, ::2], effects[:, 1::2]
        names = [(self.sizes[a], self.sizes[b]) for a, b in pairs]
        found = [
            _combined(names[k], places[[k]], shifts[:, [k]], levels[:, [k]], np.ones(1))
            for k in range(len(pairs))
        ]
        used = [k for k, (_, b) in enumerate(pairs) if b == last]
        weights = best_weights(shifts[:, used].T @ shifts[:, used])
        ends = (self.sizes[0], self.sizes[-1])
        return found, _combined(ends, places[used], shifts[:, used], levels[:, used], weights)

    def _turn(self, a, b):
        """Return the grid point before the one where size b falls below size a, or None."""
        difference = self.values[b] - self.values[a]
        turns = np.flatnonzero((difference[:-1] > 0) & (difference[1:] <= 0))
        return int(turns[np.argmin(abs(turns - len(difference) // 2))]) if len(turns) else None

    def _between(self, curves, a, b):
        """Return curves (..., n) at the crossing of sizes a and b."""
        i = self._turn(a, b)
        left, right = (self.values[b] - self.values[a])[i : i + 2]
        return curves[..., i] + left / (left - right) * (curves[..., i + 1] - curves[..., i])

    def _place(self, a, b):
        """Return temperature and cumulant of the crossing of sizes a and b."""
        return self._between(np.stack([self.temperatures_K, self.values[b]]), a, b)

    def _effects(self, a, b, size):
        """Return the changes of temperature and cumulant by each block of a size, (blocks, 2).

        With D = U_b - U_a a change dD moves the crossing by -dD / (dD/dT).
        """
        i, T = self._turn(a, b), self.temperatures_K
        ends = [max(0, i - 8), min(len(T) - 1, i + 9)]
        slope_a, slope_b = (np.diff(self.values[k][ends]) / np.diff(T[ends]) for k in (a, b))
        change = self._between(self._deviations[size], a, b)
        own = float(size == b)
        shift = -(own - float(size == a)) * change / (slope_b - slope_a)
        return np.stack([shift, own * change + slope_b * shift], axis=1)


def _combined(sizes, places, shifts, levels, weights):
    """Return the average of crossings (n, 2) with the effects of blocks on them (blocks, n)."""
    temperature, level = weights @ places
    errors = (float(np.sqrt(((part @ weights) ** 2).sum())) for part in (shifts, levels))
    error, level_error = errors
    return Crossing(sizes, float(temperature), error, float(level), level_error)


def best_weights(matrix):
    """Return the weights w >= 0, sum 1, of the average with the smallest variance w.C.w.

    Parameters
    ----------
    matrix : (n, n) float array, the covariance C of the estimates.
    """
    weights = np.zeros(len(matrix))
    kept = np.arange(len(matrix))
    while True:
        part = np.linalg.lstsq(matrix[np.ix_(kept, kept)], np.ones(len(kept)), rcond=1e-12)[0]
        part /= part.sum()
        if (part >= 0).all():
            weights[kept] = part
            return weights
        kept = np.delete(kept, np.argmin(part))
