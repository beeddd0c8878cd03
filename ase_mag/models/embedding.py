"""Embedding functions F(rho): the energy of an atom in the density of its neighbors."""

from abc import ABC, abstractmethod

import numpy as np

from ase_mag.core.storage import storable
from ase_mag.models.eam_tables import hermite, table_slopes


class Embedding(ABC):
    """A function F(rho) of the site density.

    All functions here are defined for every rho: where the formula has a square root, an atom
    without neighbors (rho <= 0) has F(0) and the slope 0, so that its forces vanish as they should.
    """

    @abstractmethod
    def evaluate(self, rho):
        """Return F and dF/drho, two float arrays of the shape of ``rho``."""

    @abstractmethod
    def to_dict(self):
        """Return the constructor arguments as a dict, for saving."""


@storable
class SquareRootEmbedding(Embedding):
    """F(rho) = -s sqrt(rho) + b rho^2 + c rho^4.

    M. W. Finnis and J. E. Sinclair, Phil. Mag. A 50, 45 (1984) with the polynomial terms of
    M. I. Mendelev et al., Phil. Mag. 83, 3977 (2003) and later work of that group.

    Parameters
    ----------
    root, square, quartic : float, s, b, c in eV (densities have no unit).
    """

    def __init__(self, root=1.0, square=0.0, quartic=0.0):
        self.root, self.square, self.quartic = float(root), float(square), float(quartic)

    def evaluate(self, rho):
        positive = rho > 0
        root = np.sqrt(np.where(positive, rho, 1.0))
        square = rho * rho
        value = square * (self.square + self.quartic * square)
        slope = rho * (2.0 * self.square + 4.0 * self.quartic * square)
        return (
            np.where(positive, value - self.root * root, value),
            np.where(positive, slope - 0.5 * self.root / root, slope),
        )

    def to_dict(self):
        return {"root": self.root, "square": self.square, "quartic": self.quartic}


@storable
class MagneticEmbedding(Embedding):
    """F(rho) = -A sqrt(rho) - (B/ln 2) (1 - sqrt(rho)) ln(2 - rho) theta(1 - rho).

    The second term is the energy gained by magnetism, which ends at rho = 1; F(0) = -B.
    S. L. Dudarev and P. M. Derlet, J. Phys.: Condens. Matter 17, 7097 (2005).

    Parameters
    ----------
    a, b : float, A and B in eV.
    """

    def __init__(self, a, b):
        self.a, self.b = float(a), float(b)

    def evaluate(self, rho):
        positive, magnetic = rho > 0, rho < 1
        root = np.sqrt(np.where(positive, rho, 1.0))
        value, slope = -self.a * root, -0.5 * self.a / root
        if magnetic.any():
            c, inside = self.b / np.log(2.0), np.where(positive & magnetic, rho, 1.0)
            log = np.log(2.0 - inside)
            value = value - c * (1.0 - np.sqrt(inside)) * log
            slope = slope + np.where(
                magnetic, c * (0.5 * log / root + (1.0 - np.sqrt(inside)) / (2.0 - inside)), 0.0
            )
        return np.where(positive, value, -self.b), np.where(positive, slope, 0.0)

    def to_dict(self):
        return {"a": self.a, "b": self.b}


@storable
class TabulatedEmbedding(Embedding):
    """F(rho) through a table on the grid rho = 0, h, 2h, ...; straight lines beyond its ends.

    Cubic Hermite polynomials with the slopes of :func:`ase_mag.models.eam_tables.table_slopes`.

    Parameters
    ----------
    step : float, h, in the unit of the density.
    values : (n,) float array, F in eV, n >= 5.
    """

    def __init__(self, step, values):
        self.step, self.values = float(step), np.array(values, dtype=float)
        slopes = table_slopes(self.step, self.values)
        self._end = (self.values[-1], slopes[-1])
        self._coefficients = hermite(np.full(len(self.values) - 1, self.step), self.values, slopes)

    def evaluate(self, rho):
        n = len(self._coefficients)
        k = np.clip(rho / self.step, 0, n - 1).astype(np.intp)
        t = rho - k * self.step
        c0, c1, c2, c3 = self._coefficients[k].T
        value = c0 + t * (c1 + t * (c2 + t * c3))
        slope = c1 + t * (2.0 * c2 + 3.0 * t * c3)
        below, above = t < 0, t > self.step
        if below.any() or above.any():
            value = np.where(below, c0 + c1 * t, value)
            slope = np.where(below, c1, slope)
            end, tilt = self._end
            value = np.where(above, end + tilt * (t - self.step), value)
            slope = np.where(above, tilt, slope)
        return value, slope

    def to_dict(self):
        return {"step": self.step, "values": self.values}
