"""Thermodynamics of one moment in its energy landscape E(m) = a m^2 + b m^4."""

import numpy as np

from ase_mag import units
from ase_mag.lsf.sextic import SexticWindow, minimum

#: The integrals leave out what is below exp(-46) = 1e-20 of the largest Boltzmann factor.
_DEPTH = 46.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(60)
#: Parts of equal width in which distributions are inverted.
_PANELS = 32


def mean_moment(a, b, temperature_K, measure=2, c=0.0):
    """Return the mean size of a moment at a temperature.

    <m> = int_0^inf m^p m exp(-E(m)/kT) dm / int_0^inf m^p exp(-E(m)/kT) dm,
    E(m) = a m^2 + b m^4 + c m^6   (Brannvall et al., Phys. Rev. B 105, 144417 (2022), eqs 3-4,
    where c = 0).

    Parameters
    ----------
    a : float or array, eV/mu_B^2.
    b : float or array, eV/mu_B^4.
    temperature_K : float or array, K; at 0 the moment is at the minimum, sqrt(-a/2b) or 0.
    measure : int
        The power p of the phase-space measure m^p: 2 for moments that turn by shrinking and
        growing again (itinerant), 0 for moments that fluctuate along fixed directions
        (localized), 1 in between.
    c : float or array, eV/mu_B^6.

    Returns
    -------
    float or array of the broadcast shape, mu_B; relative error below 1e-10 at every temperature
        (with c, above 5 K, also for two minima).

    Raises
    ------
    ValueError
        For an unbounded landscape (c < 0, or c = 0 and b < 0, or c = b = 0 and a <= 0), a negative
        temperature, NaN, or another measure.

    Notes
    -----
    Gauss-Legendre quadrature over the window in m^2 where E - E_min < 46 kT, with the moment
    counted from the minimum, so that nothing overflows or cancels at low temperature.
    """
    a, b, c, kT = checked(a, b, temperature_K, measure, c)
    window = window_of(a.ravel(), b.ravel(), c.ravel(), kT.ravel())
    return window.mean(measure).reshape(kT.shape)[()]


def density(m, a, b, temperature_K, measure=2, c=0.0):
    """Return the probability density of the moment size.

    p(m) = m^p exp(-E(m)/kT) / int_0^inf m^p exp(-E(m)/kT) dm,  E(m) = a m^2 + b m^4 + c m^6.

    Parameters
    ----------
    m : float or array, moment sizes, mu_B; the density is 0 for m < 0.
    a, b, temperature_K, measure, c : as in :func:`mean_moment`; everything broadcasts.

    Returns
    -------
    float or array, 1/mu_B.

    Raises
    ------
    ValueError
        As :func:`mean_moment`, and for temperature 0, where the density is a delta function.
    """
    a, b, c, kT = checked(a, b, temperature_K, measure, c)
    if not (kT > 0).all():
        raise ValueError(
            "at 0 K the density is a delta function at the minimum; give a temperature above 0 K"
        )
    m, a, b, c, kT = np.broadcast_arrays(np.asarray(m, dtype=float), a, b, c, kT)
    window = window_of(a.ravel(), b.ravel(), c.ravel(), kT.ravel())
    value = window.density(m.ravel(), measure).reshape(m.shape)
    return np.where(m < 0, 0.0, value)[()]


def minimum_moment(a, b, c=0.0):
    """Return the moment at the lowest minimum of a m^2 + b m^4 + c m^6; NaN if unbounded.

    For c = 0 it is sqrt(-a/2b) or 0.

    Parameters
    ----------
    a, b, c : float or array, eV/mu_B^2, eV/mu_B^4 and eV/mu_B^6.
    """
    a, b, c = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (a, b, c)))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(a < 0, np.sqrt(np.maximum(-a, 0.0) / (2.0 * b)), 0.0)
    if c.any():
        value = np.where(c > 0, minimum(a, b, np.where(c > 0, c, 1.0)), value)
    return np.where(bounded(a, b, c), value, np.nan)[()]


def bounded(a, b, c=0.0):
    """Return whether a m^2 + b m^4 + c m^6 grows without bound with m."""
    a, b, c = (np.asarray(v, dtype=float) for v in (a, b, c))
    return (c > 0) | ((c == 0) & ((b > 0) | ((b == 0) & (a > 0))))


def checked(a, b, temperature_K, measure, c=0.0):
    """Return a, b, c, kT as float arrays of one shape, or raise."""
    if measure not in (0, 1, 2):
        raise ValueError(
            f"measure is {measure!r}; allowed are 0, 1 and 2, the power p of the phase-space "
            "measure m^p"
        )
    a, b, c, T = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (a, b, c, temperature_K))
    )
    good = np.isfinite(T) & (T >= 0)
    if not good.all():
        raise ValueError(
            f"temperature_K is {_first(T, ~good)}; it must be a finite number that is not negative"
        )
    good = bounded(a, b, c) & np.isfinite(a) & np.isfinite(b) & np.isfinite(c)
    if not good.all():
        where = tuple(int(k) for k in np.argwhere(~good)[0])
        place = "" if a.ndim == 0 else f" {where[0] if a.ndim == 1 else where}"
        sixth = f", c = {c[where]:g} eV/mu_B^6" if c[where] else ""
        raise ValueError(
            f"landscape{place} is unbounded or not a number: a = {a[where]:g} eV/mu_B^2, "
            f"b = {b[where]:g} eV/mu_B^4{sixth}; the mean moment needs b > 0 (or b = 0 and a > 0): "
            "fit it over a wider range of moments, or leave it out"
        )
    return a, b, c, units.kB * T


def window_of(a, b, c, kT):
    """Return the window of landscapes, arrays of one length."""
    return SexticWindow(a, b, c, kT, _DEPTH) if c.any() else Window(a, b, kT)


def _first(values, bad):
    where = tuple(np.argwhere(bad)[0])
    return float(values[where])


class Window:
    """Where the Boltzmann factor of each landscape matters: E - E_min < depth kT.

    With the moment m = m0 + t counted from the minimum m0 and y = m^2 - m0^2 = t (2 m0 + t),
    E - E_min = max(a, 0) y + b y^2 = kT u (linear + quadratic u), u = y / extent in [-1, 1].
    """

    def __init__(self, a, b, kT):
        slope = np.maximum(a, 0.0)
        square = np.maximum(-a, 0.0)
        np.divide(square, 2.0 * b, out=square, where=b > 0)
        root = slope + np.sqrt(slope * slope + 4.0 * _DEPTH * b * kT)
        self.frozen = kT == 0
        safe = np.where(root > 0, root, 1.0)
        self.extent = np.where(self.frozen, 1.0, 2.0 * _DEPTH * kT / safe)
        self.linear = 2.0 * _DEPTH * slope / safe
        self.quadratic = _DEPTH - self.linear
        self.minimum = np.sqrt(square)
        inner = np.sqrt(np.maximum(square - self.extent, 0.0))
        self.low = -np.minimum(self.extent, square) / np.where(
            square > 0, self.minimum + inner, 1.0
        )
        high = self.extent / (self.minimum + np.sqrt(square + self.extent))
        self.half = 0.5 * (high - self.low)
        self.largest = self.minimum + high

    def factors(self, t, measure):
        """Return (m/largest)^p exp(-(E - E_min)/kT) at m = m0 + t; t: one row per landscape."""
        minimum = self.minimum[:, None]
        u = t * (2.0 * minimum + t) / self.extent[:, None]
        value = np.exp(-u * (self.linear[:, None] + self.quadratic[:, None] * u))
        if measure == 0:
            return value
        m = (minimum + t) / self.largest[:, None]
        return value * (m if measure == 1 else m * m)

    def panels(self):
        """Return where panels start, as t, and their widths, (n, panels) each."""
        width = (2.0 * self.half / _PANELS)[:, None]
        return self.low[:, None] + width * np.arange(_PANELS), np.repeat(width, _PANELS, axis=1)

    def nodes(self):
        return self.half[:, None] * _NODES + (self.low + self.half)[:, None]

    def mean(self, measure):
        t = self.nodes()
        weights = self.factors(t, measure) * _WEIGHTS
        shift = np.einsum("ij,ij->i", t, weights) / weights.sum(axis=1)
        return np.where(self.frozen, self.minimum, self.minimum + shift)

    def density(self, m, measure):
        norm = self.half * (self.factors(self.nodes(), measure) * _WEIGHTS).sum(axis=1)
        return self.factors((m - self.minimum)[:, None], measure)[:, 0] / norm
