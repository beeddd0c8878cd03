"""Boltzmann factors of one moment in a landscape of sixth order."""

import numpy as np

_PANELS = 128
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)


class SexticWindow:
    """Where the Boltzmann factor of E(m) = a m^2 + b m^4 + c m^6 matters: E - E_min < depth kT.

    The same attributes and methods as the window of quartic landscapes, but there may be two
    minima, at zero and at a finite moment. Where the barrier between them is high, the window has a
    part around each, of 64 panels with eight nodes; else it is one, of 128 panels. Then no minimum
    is narrower than a few panels: a low barrier and a well that is narrow compared to the window
    exclude each other in a cubic of m^2.

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
        gap = np.zeros((2, len(a)))
        for i in range(len(a)):
            roots = np.roots([c[i], b[i], a[i], -(self.least[i] + limit[i])])
            real = roots.real[np.abs(roots.imag) < 1e-9 * (1.0 + np.abs(roots))]
            # E - E_min - depth kT is negative at m = 0 unless the window begins further out.
            inside = np.sort(real[real > 0])
            high[i] = inside[-1]
            low[i] = inside[0] if self.least[i] + limit[i] < 0 else 0.0
            if len(inside) == 3:
                gap[:, i] = inside[:2]
        low, high, gap = np.sqrt(low), np.sqrt(high), np.sqrt(gap)
        self.largest = high
        self._starts, self._widths = _panels(low, high, gap)
        self._starts -= self.minimum[:, None]

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

    def panels(self):
        """Return where panels start, as t, and their widths, (n, panels) each."""
        return self._starts, self._widths

    def _integrals(self, measure):
        """Return int p(t) dt and int t p(t) dt over the window."""
        shape = len(self.kT), -1
        nodes = self._starts[:, :, None] + 0.5 * self._widths[:, :, None] * (1.0 + _NODES)
        nodes = nodes.reshape(shape)
        weights = (0.5 * self._widths[:, :, None] * _WEIGHTS).reshape(shape)
        weights = self.factors(nodes, measure) * weights
        return weights.sum(axis=1), np.einsum("ij,ij->i", nodes, weights)

    def mean(self, measure):
        norm, first = self._integrals(measure)
        return np.where(self.frozen, self.minimum, self.minimum + first / norm)

    def density(self, m, measure):
        return (
            self.factors((m - self.minimum)[:, None], measure)[:, 0] / self._integrals(measure)[0]
        )


def _panels(low, high, gap):
    """Return starts and widths of panels that fill [low, high] without the gap, (n, panels)."""
    half = _PANELS // 2
    two = gap[1] > gap[0]
    middle = 0.5 * (low + high)
    ends = np.where(two, gap[0], middle), np.where(two, gap[1], middle)
    widths = np.column_stack([(ends[0] - low) / half, (high - ends[1]) / half])
    steps = np.arange(half)
    starts = [low[:, None] + widths[:, :1] * steps, ends[1][:, None] + widths[:, 1:] * steps]
    return np.hstack(starts), np.repeat(widths, half, axis=1)


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
