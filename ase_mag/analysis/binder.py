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
    """Cumulants of several sizes as functions of temperature, with jackknife errors.

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
        self.values, self.errors, self._replicas = [], [], []
        for size in self.sizes:
            histogram = histograms[size]
            self.values.append(self._curve(histogram))
            replicas = np.array([self._curve(histogram, b) for b in range(histogram.blocks)])
            self._replicas.append(replicas)
            self.errors.append(np.sqrt(np.diag(covariance(replicas))))
        self.values, self.errors = np.array(self.values), np.array(self.errors)

    def _curve(self, histogram, leave_out=None):
        return binder(*histogram.mean(self.temperatures_K, leave_out).T)

    def crossings(self):
        """Return the crossings of all pairs of sizes and their combination.

        The combination is the average over the pairs with the largest size, weighted with the
        inverse squares of their errors.

        Returns
        -------
        list of Crossing
            Without the pairs that do not cross on the grid, once with any block left out.
        Crossing or None
            The combination (``sizes``: smallest and largest); None if these two do not cross.
        """
        pairs = list(combinations(range(len(self.sizes)), 2))
        central = self._all(pairs, self.values)
        total = np.zeros((2 * len(pairs),) * 2)
        for index, replicas in enumerate(self._replicas):
            changed = []
            for replica in replicas:
                values = self.values.copy()
                values[index] = replica
                changed.append(self._all(pairs, values))
            total += covariance(np.array(changed))
        n = len(pairs)
        good = np.isfinite(central[:n]) & np.isfinite(np.diag(total)[:n])
        found = [
            Crossing(
                (self.sizes[a], self.sizes[b]),
                float(central[k]),
                float(np.sqrt(total[k, k])),
                float(central[n + k]),
                float(np.sqrt(total[n + k, n + k])),
            )
            for k, (a, b) in enumerate(pairs)
            if good[k]
        ]
        largest = len(self.sizes) - 1
        used = [k for k, (_, b) in enumerate(pairs) if b == largest and good[k]]
        if not good[pairs.index((0, largest))]:
            return found, None
        weights = 1 / np.maximum(np.diag(total)[used], 1e-300)
        weights /= weights.sum()
        parts = []
        for block in (np.array(used), n + np.array(used)):
            variance = weights @ total[np.ix_(block, block)] @ weights
            parts += [float(weights @ central[block]), float(np.sqrt(variance))]
        return found, Crossing((self.sizes[0], self.sizes[-1]), *parts)

    def _all(self, pairs, values):
        """Return the temperatures of the crossings of ``pairs``, then the cumulants there."""
        found = [self._cross(values[a], values[b]) for a, b in pairs]
        return np.array(found).T.ravel()

    def _cross(self, small, large):
        """Return temperature and cumulant where ``large - small`` turns negative, or nan."""
        difference = large - small
        turns = np.flatnonzero((difference[:-1] > 0) & (difference[1:] <= 0))
        if not len(turns):
            return np.nan, np.nan
        i = turns[np.argmin(abs(turns - len(difference) // 2))]
        share = difference[i] / (difference[i] - difference[i + 1])
        T = self.temperatures_K
        return T[i] + share * (T[i + 1] - T[i]), large[i] + share * (large[i + 1] - large[i])


def covariance(replicas):
    """Return the jackknife covariance (n, n) of estimates (blocks, n) with one block left out."""
    blocks = len(replicas)
    deviations = replicas - replicas.mean(axis=0)
    return (blocks - 1) / blocks * deviations.T @ deviations
