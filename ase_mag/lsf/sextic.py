"""Boltzmann factors of one moment in a landscape of sixth order."""

import numpy as np

_PANELS = 128
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class SexticWindow:
    """Where the Boltzmann factor of E(m) = a m^2 + b m^4 + c m^6 matters: E - E_min < depth kT.

    The same attributes and methods as the window of quartic landscapes, but there may be two
    minima, at zero and at a finite moment; one window holds both, in 128 panels of eight nodes.
    The relative error of a mean stays below 1e-8 above 10 K.

    Parameters
    ----------
    a, b, c, kT : (n,) arrays; eV/mu_B^2, eV/mu_B^4, eV/mu_B^6 (c > 0 or a bounded quartic), eV.
    depth : float
    """

    def __init__(self, a, b, c, kT, depth):
        self.coefficients = a, b, c
        self.kT = np.where(kT > 0, kT, 1.0)
        self.frozen = kT == 0
        self.minimum = minimum(a, b, c)
        self.least = self._energy(self.minimum)
        limit = depth * self.kT
        low, high = np.empty(len(a)), np.empty(len(a))
        for i in range(len(a)):
            roots = np.roots([c[i], b[i], a[i], -(self.least[i] + limit[i])])
            real = roots.real[np.abs(roots.imag) < 1e-9 * (1.0 + np.abs(roots))]
            # E - E_min - depth kT is negative at m = 0 unless the window begins further out.
            inside = np.sort(real[real > 0])
            high[i] = inside[-1]
            low[i] = inside[0] if self.least[i] + limit[i] < 0 else 0.0
        low, high = np.sqrt(low), np.sqrt(high)
        self.low = low - self.minimum
        self.half = 0.5 * (high - low)
        self.largest = high

    def _energy(self, m):
        a, b, c = self.coefficients
        if np.ndim(m) == 2:
            a, b, c = a[:, None], b[:, None], c[:, None]
        square = m * m
        return square * (a + square * (b + c * square))

    def factors(self, t, measure):
        """Return (m/largest)^p exp(-(E - E_min)/kT) at m = minimum + t; t: one row each."""
        m = self.minimum[:, None] + t
        value = np.exp(-(self._energy(m) - self.least[:, None]) / self.kT[:, None])
        return value * (m / self.largest[:, None]) ** measure

    def _integrals(self, measure):
        """Return int p(t) dt and int t p(t) dt over the window."""
        width = 2.0 * self.half / _PANELS
        t = (np.arange(_PANELS)[:, None] + 0.5 * (1.0 + _NODES)).ravel()
        nodes = self.low[:, None] + width[:, None] * t
        weights = self.factors(nodes, measure) * np.tile(_WEIGHTS, _PANELS)
        factor = 0.5 * width
        return factor * weights.sum(axis=1), factor * np.einsum("ij,ij->i", nodes, weights)

    def mean(self, measure):
        norm, first = self._integrals(measure)
        return np.where(self.frozen, self.minimum, self.minimum + first / norm)

    def density(self, m, measure):
        return (
            self.factors((m - self.minimum)[:, None], measure)[:, 0] / self._integrals(measure)[0]
        )


def minimum(a, b, c):
    """Return the moment of the lowest minimum of a m^2 + b m^4 + c m^6 (c > 0), mu_B."""
    discriminant = b * b - 3.0 * a * c
    root = np.sqrt(np.maximum(discriminant, 0.0))
    # The larger root of a + 2 b y + 3 c y^2, without cancellation.
    with np.errstate(divide="ignore", invalid="ignore"):
        outer = np.where(b <= 0, (root - b) / (3.0 * c), -a / (b + root))
    outer = np.where((discriminant >= 0) & np.isfinite(outer), np.maximum(outer, 0.0), 0.0)
    energy = outer * (a + outer * (b + c * outer))
    return np.sqrt(np.where(energy < 0, outer, 0.0))
