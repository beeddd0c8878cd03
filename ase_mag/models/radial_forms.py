"""The functions J(r) of the literature: polynomials, Bethe-Slater, double exchange, tables, shells.

All of them are used as exchange functions of :class:`ase_mag.models.Heisenberg`; none is tied to
exchange. Values are in the unit of the amplitude that is given. Every function ends smoothly at
its cutoff unless ``step=True`` asks for a step, which breaks the conservation of energy.
"""

import numpy as np
from ase.data import atomic_numbers

from ase_mag import _kernels
from ase_mag.core.graph import PairGraph
from ase_mag.core.storage import storable
from ase_mag.models.radial import (
    PiecewisePolynomial,
    Radial,
    Switched,
    checked_cutoff,
    checked_table,
    ended,
    finite,
    inside,
    step_error,
)


def cubic(amplitude, cutoff):
    """Return J(r) = J0 (1 - r/rc)^3 for r < rc, the form of the SPILADY iron exchange.

    Parameters
    ----------
    amplitude : float, J0, eV/mu_B^2 (or the unit and convention of the model that takes it).
    cutoff : float, rc in angstrom.
    """
    (amplitude,) = finite(amplitude=amplitude)
    cutoff = checked_cutoff(cutoff)
    return PiecewisePolynomial.from_cubes([amplitude / cutoff**3], [cutoff])


def quintic(amplitude, cutoff, inner=0.0):
    """Return J(r) = J0 [1 - t^3 (10 - 15 t + 6 t^2)], t = (r - ri)/(rc - ri), and J0 for r < ri.

    Two continuous derivatives everywhere.

    Parameters
    ----------
    amplitude : float, J0, eV/mu_B^2 (or the unit and convention of the model that takes it).
    cutoff : float, rc in angstrom.
    inner : float, ri in angstrom, 0 <= ri < rc.
    """
    amplitude, inner = finite(amplitude=amplitude, inner=inner)
    cutoff = checked_cutoff(cutoff)
    if not 0 <= inner < cutoff:
        raise ValueError(
            f"inner must lie between 0 and the cutoff {cutoff:g} angstrom, got {inner:g}"
        )
    if inner == 0:
        return _steps([0.0, cutoff], [amplitude, 0.0])
    return _steps([0.0, inner, cutoff], [amplitude, amplitude, 0.0])


def bethe_slater(a, b, d, cutoff, smooth=None, step=False):
    """Return J(r) = 4 a x (1 - b x) exp(-x), x = (r/d)^2, the form of LAMMPS ``spin/exchange``.

    LAMMPS cuts this hard at rc. Here it is taken smoothly to zero over the last ``smooth``
    angstrom (see :class:`Switched`); it is unchanged below rc - smooth. For the energy of LAMMPS
    give ``convention='LAMMPS'`` and the moment size to :class:`ase_mag.models.Heisenberg`.

    Parameters
    ----------
    a : float, energy (eV in LAMMPS).
    b : float, dimensionless.
    d : float, angstrom.
    cutoff : float, rc in angstrom.
    smooth : float, width of the smooth end, angstrom (default 0.5).
    step : bool, cut hard as LAMMPS does.
    """
    return ended(BetheSlater(a, b, d, cutoff), smooth, step)


def double_exchange(amplitude=0.94, decay=2.0, cutoff=3.962, smooth=None, step=False):
    """Return J(r) = c/r^3 exp(-r/r0), the double-exchange form of Gao et al. (2024), eq. 43.

    The paper has c = 0.94 eV angstrom^3, r0 = 2.0 angstrom and rc = 1.4 a (the default: a = 2.83
    angstrom), cut hard just inside the third shell of bcc. Here the function is taken smoothly to
    zero over the last ``smooth`` angstrom; it is unchanged below rc - smooth. J is infinite at
    r = 0.

    Parameters
    ----------
    amplitude : float, c (eV angstrom^3; the paper prints eV/angstrom^3).
    decay : float, r0 in angstrom.
    cutoff : float, rc in angstrom.
    smooth : float, width of the smooth end, angstrom (default 0.5).
    step : bool, cut hard as the paper does.
    """
    return ended(DoubleExchange(amplitude, decay, cutoff), smooth, step)


def tabulated(radii, values, smooth=0.0, step=False, unit="eV", convention="inside", moment=None):
    """Return the cubic spline through (radii, values), with a smooth end at the last radius.

    Below the first radius the function goes on along its tangent.

    Parameters
    ----------
    radii : (n,) float array, angstrom, increasing; the last one is the cutoff.
    values : (n,) float array, eV/mu_B^2 or in ``unit`` and ``convention``. The last one is zero,
        or ``smooth`` is given.
    smooth : float, angstrom; multiply the spline by a switch of this width at its end.
    step : bool, allow a value at the last radius; the function jumps to zero there.
    unit, convention, moment : see :func:`ase_mag.models.radial.inside`.

    Raises
    ------
    ValueError
        For radii that do not increase, NaN, or a last value that is not zero.
    """
    radii, values = checked_table(radii, values)
    if len(radii) < 4:
        raise ValueError(
            f"a cubic spline needs at least 4 points, got {len(radii)}; for values at the "
            "coordination shells of a crystal use shells(...)"
        )
    scale = np.abs(values).max()
    open_end = smooth > 0 or step
    if not open_end and abs(values[-1]) > 1e-10 * scale:
        slope = (values[-1] - values[-2]) / (radii[-1] - radii[-2])
        raise step_error(values[-1], slope, radii[-1])
    if not open_end:
        values[-1] = 0.0
    spline = PiecewisePolynomial.from_spline(radii, values, step=open_end)
    if radii[0] > 0:
        value, slope = spline.coefficients[0, :2]
        tangent = [value - slope * radii[0], slope] + [0.0] * (spline.coefficients.shape[1] - 2)
        spline = PiecewisePolynomial(
            np.concatenate([[0.0], spline.knots]),
            np.vstack([tangent, spline.coefficients]),
            step=open_end,
        )
    return inside(Switched(spline, smooth) if smooth > 0 else spline, unit, convention, moment)


def shells(
    values,
    reference,
    unit="eV",
    convention="inside",
    moment=None,
    pair=None,
    step=False,
    tolerance=0.01,
):
    """Return J(r) that takes given values on the coordination shells of a reference crystal.

    J is constant below the first shell, and a quintic smoothstep from each shell to the next, so
    that it has two continuous derivatives and its slope vanishes at every shell: at the reference
    lattice J is exact and exerts no force. Behind the last shell that has a value, J goes to zero
    the same way and ends at the next shell of the reference, which is the cutoff.

    Parameters
    ----------
    values : (n,) float array, J of shells 1, 2, ..., n in ``unit`` and ``convention`` (zeros for
        shells without exchange).
    reference : ase.Atoms or any object with ``positions``, ``cell``, ``pbc`` and ``numbers``.
    unit, convention, moment : see :func:`ase_mag.models.radial.inside`.
    pair : two chemical symbols, optional; count only the shells of the second species around the
        first (default: all atoms of the reference).
    step : bool; J is constant around every shell instead, with steps halfway between shells.
    tolerance : float, angstrom; distances closer than this belong to one shell.

    Raises
    ------
    ValueError
        If the reference has fewer than n + 1 shells, or for NaN.
    """
    values = np.array(values, dtype=float)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise ValueError(f"values must be a list of finite numbers, one per shell, got {values}")
    radii = shell_radii(reference, len(values) + 1, pair, tolerance)
    if step:
        knots = np.concatenate([[0.0], 0.5 * (radii[1:] + radii[:-1])])
        function = PiecewisePolynomial(knots, values[:, None], step=True)
    else:
        function = _steps(np.concatenate([[0.0], radii]), [values[0], *values, 0.0])
    return inside(function, unit, convention, moment)


def shell_radii(reference, count, pair=None, tolerance=0.01):
    """Return the radii of the first coordination shells of a crystal, (count,) in angstrom.

    Parameters are those of :func:`shells`.
    """
    numbers = np.asarray(reference.numbers)
    positions = np.asarray(reference.positions, dtype=float)
    cell = np.asarray(getattr(reference.cell, "array", reference.cell), dtype=float)
    pbc = np.broadcast_to(reference.pbc, 3)
    extent = np.linalg.norm(np.ptp(positions, axis=0))
    if pair is not None:
        unknown = [s for s in pair if atomic_numbers.get(s) not in numbers]
        if len(pair) != 2 or unknown:
            raise ValueError(f"pair must name two species of the reference, got {tuple(pair)!r}")
    cutoff = 3.0
    while True:
        graph = PairGraph.build(positions, cell, pbc, numbers, cutoff)
        distances = graph.distances
        if pair is not None:
            first, second = (atomic_numbers[symbol] for symbol in pair)
            distances = distances[
                (numbers[graph.centers] == first) & (numbers[graph.neighbors] == second)
            ]
        distances = np.sort(distances)
        # A shell is complete when the next distance is more than the tolerance away.
        distances = distances[distances < cutoff]
        groups = np.split(distances, np.flatnonzero(np.diff(distances) > tolerance) + 1)
        radii = np.array([group.mean() for group in groups if len(group)])
        if len(radii) > count or (len(radii) == count and distances[-1] < cutoff - tolerance):
            return radii[:count]
        if not pbc.any() and cutoff > extent:
            raise ValueError(
                f"the reference has only {len(radii)} coordination shells, but {count} are needed "
                "(one more than there are values, where J ends); give a periodic crystal"
            )
        cutoff *= 1.3


def _smoothstep(start, end, width):
    """Coefficients of the quintic from ``start`` to ``end`` in powers of the distance."""
    d = end - start
    return [start, 0.0, 0.0, 10 * d / width**3, -15 * d / width**4, 6 * d / width**5]


def _steps(knots, values):
    """Piecewise smoothsteps through (knots, values)."""
    widths = np.diff(knots)
    rows = [_smoothstep(*ends) for ends in zip(values[:-1], values[1:], widths, strict=True)]
    return PiecewisePolynomial(knots, rows)


@storable
class BetheSlater(Radial):
    """J(r) = 4 a x (1 - b x) exp(-x), x = (r/d)^2, cut hard; see :func:`bethe_slater`."""

    def __init__(self, a, b, d, cutoff):
        self.a, self.b, self.d = finite(a=a, b=b, d=d)
        if self.d <= 0:
            raise ValueError(f"the length d must be positive, got {d} angstrom")
        self.cutoff = checked_cutoff(cutoff)

    def evaluate_into(self, r, value, derivative, threads=1):
        _kernels.radial.bethe_slater(
            r, self.a, self.b, self.d, self.cutoff, value, derivative, threads
        )

    def to_dict(self):
        return {"a": self.a, "b": self.b, "d": self.d, "cutoff": self.cutoff}


@storable
class DoubleExchange(Radial):
    """J(r) = c/r^3 exp(-r/r0), cut hard; see :func:`double_exchange`."""

    def __init__(self, amplitude, decay, cutoff):
        self.amplitude, self.decay = finite(amplitude=amplitude, decay=decay)
        if self.decay <= 0:
            raise ValueError(f"the decay length must be positive, got {decay} angstrom")
        self.cutoff = checked_cutoff(cutoff)

    def evaluate_into(self, r, value, derivative, threads=1):
        _kernels.radial.double_exchange(
            r, self.amplitude, self.decay, self.cutoff, value, derivative, threads
        )

    def to_dict(self):
        return {"amplitude": self.amplitude, "decay": self.decay, "cutoff": self.cutoff}
