"""Smooth functions through the tables of embedded-atom files."""

import numpy as np

from ase_mag.core.storage import storable
from ase_mag.models.radial import PiecewisePolynomial, Radial


def table_slopes(step, values):
    """Return derivatives at the points of an equidistant table, (n,) float array.

    df/dx = [f(x - 2h) - f(x + 2h) + 8 f(x + h) - 8 f(x - h)]/(12 h), exact for quartic polynomials;
    central differences of 3 points next to the ends and one-sided ones at the ends. These are the
    slopes that LAMMPS uses for the same files.
    """
    f = np.asarray(values, dtype=float)
    slopes = np.empty_like(f)
    slopes[0], slopes[-1] = f[1] - f[0], f[-1] - f[-2]
    slopes[1], slopes[-2] = 0.5 * (f[2] - f[0]), 0.5 * (f[-1] - f[-3])
    slopes[2:-2] = (f[:-4] - f[4:] + 8.0 * (f[3:-1] - f[1:-3])) / 12.0
    return slopes / step


def hermite(widths, values, slopes):
    """Return cubic polynomials with given end values and slopes.

    Parameters
    ----------
    widths : (n,) float array, lengths h of the intervals.
    values, slopes : (n + 1,) float arrays, at the interval ends.

    Returns
    -------
    (n, 4) float array, coefficients in ascending powers of the distance from the left end.
    """
    chord = np.diff(values) / widths
    left, right = slopes[:-1], slopes[1:]
    return np.stack(
        [
            values[:-1],
            left,
            (3.0 * chord - 2.0 * left - right) / widths,
            (left + right - 2.0 * chord) / widths**2,
        ],
        axis=-1,
    )


def table_function(step, values, cutoff):
    """Return the radial function through a table on the grid r = 0, h, 2h, ...

    Cubic Hermite polynomials with the slopes of :func:`table_slopes`: values and slopes are
    continuous, cubic polynomials are exact away from the ends; where f is smooth the error is
    h^4 |f''''|/384 in values (leading order) and of order h^3 in slopes, and second derivatives
    jump by order h^2. Values and slopes are those that LAMMPS makes of the same table, except in
    the last interval: the function ends with value and slope zero at the cutoff (or one step
    behind the last point, if that comes first).

    Parameters
    ----------
    step : float, h in angstrom.
    values : (n,) float array.
    cutoff : float, angstrom.
    """
    values = np.asarray(values, dtype=float)
    end = min(cutoff, len(values) * step)
    radii = step * np.arange(len(values))
    kept = radii < end - 0.5 * step
    knots = np.append(radii[kept], end)
    slopes = np.append(table_slopes(step, values)[kept], 0.0)
    values = np.append(values[kept], 0.0)
    return PiecewisePolynomial(knots, hermite(np.diff(knots), values, slopes))


@storable
class OverDistance(Radial):
    """f(r) = g(r)/r; embedded-atom files tabulate g = r V(r).

    Parameters
    ----------
    function : Radial, g.
    """

    def __init__(self, function):
        self.function = function
        self.cutoff = function.cutoff

    def evaluate(self, r):
        value, slope = self.function.evaluate(r)
        value = value / r
        return value, (slope - value) / r

    def to_dict(self):
        return {"function": self.function}
