"""Functions of a distance, the building blocks of all pair models."""

from abc import ABC, abstractmethod

import numpy as np
from scipy.interpolate import CubicSpline

from ase_mag import _kernels, units
from ase_mag.core.storage import storable
from ase_mag.core.threads import threads_for

#: Values and slopes at the cutoff below this fraction of the largest value count as zero.
_ZERO = 1e-8


class Radial(ABC):
    """A function f(r) that ends at ``cutoff``.

    f and f' vanish at the cutoff, unless a step was asked for when the function was made.

    Attributes
    ----------
    cutoff : float, angstrom; f(r) = 0 for r >= cutoff.
    """

    cutoff: float

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        # A new ``evaluate`` counts for ``evaluate_into`` too.
        if "evaluate" in vars(cls) and "evaluate_into" not in vars(cls):
            cls.evaluate_into = Radial.evaluate_into

    def evaluate(self, r):
        """Return f(r) and df/dr, two new (n,) float arrays, for distances ``r`` (n,), angstrom.

        Subclasses implement this method or :meth:`evaluate_into`.
        """
        r = np.ascontiguousarray(r, dtype=float)
        value, derivative = np.empty(len(r)), np.empty(len(r))
        bodies = (vars(cls).get("evaluate_into") for cls in type(self).__mro__)
        body = next(b for b in bodies if b not in (None, Radial.evaluate_into))
        body(self, r, value, derivative)
        return value, derivative

    def evaluate_into(self, r, value, derivative, threads=1):
        """Write f(r) and df/dr to two (n,) float arrays."""
        value[:], derivative[:] = self.evaluate(r)

    def __call__(self, r):
        """Return f(r), an array of the shape of ``r`` (or a float)."""
        r = np.asarray(r, dtype=float)
        value = self.evaluate(np.ascontiguousarray(r.ravel()))[0].reshape(r.shape)
        return value if r.ndim else float(value)

    @abstractmethod
    def to_dict(self):
        """Return the constructor arguments as a dict, for saving."""

    def __repr__(self):
        return f"{type(self).__name__}(cutoff={self.cutoff:g})"


@storable
class PiecewisePolynomial(Radial):
    """f(r) = sum_q c[i, q] (r - x_i)^q for x_i <= r < x_{i+1}, and 0 from the last knot on.

    One compiled kernel evaluates every function of this family: cubes, smoothsteps, splines,
    tables.

    Parameters
    ----------
    knots : (k + 1,) float array, x_i in angstrom, increasing, not negative; the last one is the
        cutoff.
    coefficients : (k, degree + 1) float array, c[i, q] in ascending powers of (r - x_i).
    inner : Radial, optional
        Another function that takes over for r < x_0 (otherwise the first polynomial goes on).
    step : bool
        Allow a function that does not end smoothly. It breaks the conservation of energy.

    Raises
    ------
    ValueError
        For arrays of the wrong shape, NaN, knots that do not increase, or a function whose value
        or slope is not zero at the last knot (unless ``step``).
    TypeError
        If ``inner`` is not a :class:`Radial`.
    """

    def __init__(self, knots, coefficients, inner=None, step=False):
        self.knots = np.array(knots, dtype=float)
        self.coefficients = np.array(coefficients, dtype=float, order="C")
        self.inner, self.step = inner, bool(step)
        n = len(self.knots) - 1 if self.knots.ndim == 1 else 0
        if n < 1:
            raise ValueError(f"knots must be at least two distances, got shape {self.knots.shape}")
        shape = self.coefficients.shape
        if len(shape) != 2 or shape[0] != n or shape[1] < 1:
            raise ValueError(
                f"coefficients must have shape ({n}, degree + 1) for {n + 1} knots, got {shape}"
            )
        for name, array in (("knots", self.knots), ("coefficients", self.coefficients)):
            if not np.isfinite(array).all():
                raise ValueError(f"{name} contain NaN or infinity; give finite numbers")
        if self.knots[0] < 0 or (np.diff(self.knots) <= 0).any():
            raise ValueError(
                f"knots must increase and not be negative, got {self.knots.tolist()} angstrom"
            )
        if inner is not None and not isinstance(inner, Radial):
            raise TypeError(f"inner must be a Radial or None, got {type(inner).__name__}")
        self.cutoff = float(self.knots[-1])
        if not self.step:
            self._check_end()
        # For the kernel: one more interval, where the function is zero, and equal buckets over the
        # knots (many more than knots), each of which knows the interval of its left edge.
        buckets = min(max(4 * n, 2048), 1 << 16)
        edges = np.linspace(self.knots[0], self.knots[-1], buckets, endpoint=False)
        first = np.searchsorted(self.knots, edges, side="right") - 1
        self._tables = (
            np.concatenate([[-np.inf], self.knots[1:], [np.inf]]),
            np.pad(np.column_stack([self.knots[:-1], self.coefficients]), ((0, 1), (0, 0))),
            np.append(np.clip(first, 0, n - 1), n).astype(np.intc),
        )

    def _check_end(self):
        last = self.knots[-1] - self.knots[-2]
        powers = last ** np.arange(self.coefficients.shape[1])
        value = self.coefficients[-1] @ powers
        slope = (self.coefficients[-1, 1:] * np.arange(1, len(powers))) @ powers[:-1]
        scale = max(np.abs(self.coefficients[:, 0]).max(), abs(value))
        if abs(value) > _ZERO * scale or abs(slope) * self.cutoff > _ZERO * scale:
            raise step_error(value, slope, self.cutoff)

    @classmethod
    def from_cubes(cls, amplitudes, radii, start=0.0, inner=None):
        """Make f(r) = sum_k c_k (R_k - r)^3 theta(R_k - r).

        Parameters
        ----------
        amplitudes : (n,) float array, c_k (unit of f per angstrom^3).
        radii : (n,) float array, R_k in angstrom, in any order.
        start : float, angstrom; the first knot. Below it ``inner`` takes over, if given.
        inner : Radial, optional
        """
        amplitudes = np.array(amplitudes, dtype=float)
        radii = np.array(radii, dtype=float)
        if amplitudes.ndim != 1 or amplitudes.shape != radii.shape or not len(radii):
            raise ValueError(
                "amplitudes and radii must be two lists of equal length, got shapes "
                f"{amplitudes.shape} and {radii.shape}"
            )
        if not (np.isfinite(radii).all() and (radii > start).all()):
            raise ValueError(
                f"the radii of the cubes must lie above start={start:g} angstrom, got "
                f"{radii.tolist()}"
            )
        knots = np.concatenate([[start], np.unique(radii)])
        d = radii[None, :] - knots[:-1, None]
        c = np.where(d > 0, amplitudes, 0.0)
        coefficients = np.stack([c * d**3, -3 * c * d**2, 3 * c * d, -c], axis=-1).sum(axis=1)
        return cls(knots, coefficients, inner=inner)

    @classmethod
    def from_spline(cls, radii, values, inner=None, step=False):
        """Make the cubic spline through (radii, values).

        The spline is "not a knot" at the first radius and has slope zero at the last one (with
        ``step``: "not a knot" there too). Below the first radius the first polynomial goes on, or
        ``inner`` takes over.

        Parameters
        ----------
        radii : (n,) float array, angstrom, increasing; the last one is the cutoff.
        values : (n,) float array; the last one is zero, unless ``step``.
        inner : Radial, optional
        step : bool, allow a value and slope at the last radius.
        """
        radii, values = checked_table(radii, values)
        end = "not-a-knot" if step else (1, 0.0)
        spline = CubicSpline(radii, values, bc_type=("not-a-knot", end))
        return cls(radii, spline.c[::-1].T, inner=inner, step=step)

    def evaluate_into(self, r, value, derivative, threads=1):
        _kernels.radial.piecewise_polynomial(*self._tables, r, value, derivative, threads)
        if self.inner is not None:
            below = np.flatnonzero(r < self.knots[0])
            if len(below):
                value[below], derivative[below] = self.inner.evaluate(r[below])

    def sum_into(self, offsets, r, total, derivative):
        """Write the sums of f(r) over the pairs of each site, and df/dr of every pair.

        Parameters
        ----------
        offsets : (n_sites + 1,) int32 array, pairs of site i are ``offsets[i]:offsets[i + 1]``.
        r : (n_pairs,) float array, angstrom, none below the first knot if there is an ``inner``.
        total, derivative : (n_sites,) and (n_pairs,) float arrays.
        """
        _kernels.radial.sums(*self._tables, offsets, r, total, derivative, threads_for(len(r)))

    def to_dict(self):
        return {
            "knots": self.knots,
            "coefficients": self.coefficients,
            "inner": self.inner,
            "step": self.step,
        }


@storable
class Switched(Radial):
    """f(r) S(r), with S = 1 - t^3 (10 - 15 t + 6 t^2), t = (r - rc + w)/w for rc - w < r < rc.

    The switch S has two continuous derivatives and takes f to zero between rc - w and rc.

    Parameters
    ----------
    function : Radial, f; its cutoff is rc.
    width : float, w in angstrom, above 0 and at most rc.
    """

    def __init__(self, function, width):
        self.function, self.width = function, float(width)
        self.cutoff = function.cutoff
        if not 0 < self.width <= self.cutoff:
            raise ValueError(
                f"the width of the switch must lie above 0 and at most at the cutoff "
                f"{self.cutoff:g} angstrom, got {width}"
            )

    def evaluate_into(self, r, value, derivative, threads=1):
        self.function.evaluate_into(r, value, derivative, threads)
        start = self.cutoff - self.width
        _kernels.radial.switch_off(r, start, self.cutoff, value, derivative, threads)

    def to_dict(self):
        return {"function": self.function, "width": self.width}


@storable
class Converted(Radial):
    """x f(r): an exchange function in another code's convention, made eV/mu_B^2.

    Parameters
    ----------
    function : Radial, f in ``unit``.
    unit, convention, moments : see :func:`ase_mag.units.exchange_factor`, which gives x.

    Raises
    ------
    ValueError
        If ``function`` has been converted already.
    """

    def __init__(self, function, unit, convention, moments=None):
        if isinstance(function, Converted):
            raise ValueError(
                f"the function was converted from {function.unit} in convention "
                f"{function.convention!r} when it was made: give unit, convention and moment once"
            )
        self.function, self.unit, self.convention = function, unit, convention
        self.moments = None if moments is None else tuple(float(m) for m in moments)
        self.factor = units.exchange_factor(convention, unit, self.moments)
        self.cutoff = function.cutoff

    def evaluate_into(self, r, value, derivative, threads=1):
        self.function.evaluate_into(r, value, derivative, threads)
        value *= self.factor
        derivative *= self.factor

    def to_dict(self):
        return {
            "function": self.function,
            "unit": self.unit,
            "convention": self.convention,
            "moments": self.moments,
        }


def inside(function, unit="eV", convention="inside", moment=None):
    """Return ``function`` in eV/mu_B^2 for E = -1/2 sum_ij J(r_ij) M_i.M_j.

    Parameters
    ----------
    function : Radial
    unit, convention : see :func:`ase_mag.units.exchange_factor`.
    moment : float or (m_i, m_j), optional; mu_B, what the unit vectors of the convention stand for.

    Raises
    ------
    ValueError
        For an unknown unit or convention, a missing moment, or a second conversion.
    TypeError
        If ``function`` is not a :class:`Radial`.
    """
    if not isinstance(function, Radial):
        raise TypeError(
            f"an exchange function must be a Radial (cubic, tabulated, shells, ...), got "
            f"{type(function).__name__}"
        )
    if (unit, convention) == ("eV", "inside") and moment is None:
        return function
    if moment is not None:
        moment = np.broadcast_to(np.asarray(moment, dtype=float), 2).tolist()
    return Converted(function, unit, convention, moment)


def ended(function, smooth=None, step=False):
    """Return ``function`` with a smooth end, or refuse a step.

    Parameters
    ----------
    function : Radial
    smooth : float, width of the :class:`Switched` end in angstrom; default 0.5, or 0 with ``step``.
    step : bool, leave the end as it is.

    Raises
    ------
    ValueError
        If ``smooth`` is 0 and the function has a value or slope at its cutoff, unless ``step``;
        if ``smooth`` is negative, wider than the cutoff, or given together with ``step``.
    """
    if smooth is None:
        smooth = 0.0 if step else 0.5
    if not (np.isfinite(smooth) and smooth >= 0):
        raise ValueError(f"smooth must be a width in angstrom, 0 or more, got {smooth}")
    if smooth > 0 and step:
        raise ValueError(
            f"a smooth end (smooth={smooth}) and a step (step=True) exclude each other: give one"
        )
    if smooth > 0:
        return Switched(function, smooth)
    value, slope = function.evaluate(np.array([np.nextafter(function.cutoff, 0.0)]))
    if not step and (value[0] != 0 or slope[0] != 0):
        raise step_error(value[0], slope[0], function.cutoff)
    return function


def step_error(value, slope, cutoff):
    """Return the error for a function that does not end smoothly."""
    return ValueError(
        f"the function has value {value:.6g} and slope {slope:.6g} at its cutoff {cutoff:g} "
        "angstrom: a step in J(r) breaks energy conservation; let it end smoothly (smooth=0.5 "
        "switches it off over the last 0.5 angstrom), or ask for the step with step=True"
    )


def checked_cutoff(cutoff):
    """Return ``cutoff`` as a float, or raise ValueError unless it is positive and finite."""
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise ValueError(
            f"the cutoff must be positive and finite, got {cutoff}; give the distance in angstrom "
            "beyond which the function is zero"
        )
    return float(cutoff)


def finite(**numbers):
    """Return the numbers as floats, or raise ValueError naming the first that is not finite."""
    for name, number in numbers.items():
        if not np.isfinite(number):
            raise ValueError(f"{name} must be a finite number, got {number}")
    return [float(number) for number in numbers.values()]


def checked_table(radii, values):
    """Return ``radii`` and ``values`` as float arrays, or raise ValueError for a bad table."""
    radii, values = np.array(radii, dtype=float), np.array(values, dtype=float)
    if radii.ndim != 1 or radii.shape != values.shape or len(radii) < 2:
        raise ValueError(
            "radii and values must be two lists of equal length, two or more, got shapes "
            f"{radii.shape} and {values.shape}"
        )
    for name, array in (("radii", radii), ("values", values)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} contain NaN or infinity; give finite numbers")
    if radii[0] < 0 or (np.diff(radii) <= 0).any():
        raise ValueError(f"radii must increase and not be negative, got {radii.tolist()} angstrom")
    return radii, values
