"""Directions of moments as in a thermal state of mean fields."""

import numpy as np
from ase import units

from ase_mag.build.arguments import sizes_of
from ase_mag.core import get_moments, set_moments


def set_thermal(atoms, *, order=None, temperature_K=None, rng, tolerance=1e-6, max_steps=2000):
    """Turn the moments around their present directions as in a thermal state of mean fields.

    Directions are drawn from p(e_i) ~ exp(x_i n_i.e_i), all atoms independently, sizes stay. With
    ``order``: x from L(x) = order, L(x) = coth(x) - 1/x, and n_i is the present direction. With
    ``temperature_K``: x_i = |M_i| |B_i|/(k_B T), n_i = B_i/|B_i|, where B_i = -dE/dM_i of the
    calculator at the mean moments |M_j| L(x_j) n_j, which are iterated from the present ones until
    they agree; above the Curie temperature of the mean-field theory the directions are random.

    It is a start, not a sample: neighbors are not correlated, and the mean-field Curie temperature
    is too high (by a third to a half for neighbors only).

    Parameters
    ----------
    atoms : ase.Atoms with moments, changed in place. Moments of zero stay.
    order : float, 0 to 1, |<e_i>|.
    temperature_K : float; a calculator with ``magforces`` is needed.
    rng : int or numpy.random.Generator
    tolerance : float, of the mean moments, in fractions of their sizes. max_steps : int.

    Returns
    -------
    (N,) float array, |<e_i>| that was aimed at.

    Raises
    ------
    ValueError
        Unless one of ``order`` and ``temperature_K`` is given and in range; without moments, or
        with ``temperature_K`` without a calculator that has ``magforces``.
    RuntimeError
        If the mean moments do not agree after ``max_steps`` (very close to the Curie temperature).
    """
    if (order is None) == (temperature_K is None):
        raise ValueError(
            f"one of order and temperature_K is needed, got order={order!r}, "
            f"temperature_K={temperature_K!r}"
        )
    moments, sizes = get_moments(atoms), sizes_of(atoms, None)
    directions = np.zeros_like(moments)
    np.divide(moments, sizes[:, None], out=directions, where=sizes[:, None] > 0)
    if order is not None:
        if not 0 <= order <= 1:
            raise ValueError(f"order must be a number from 0 to 1, got {order!r}")
        strengths = np.full(len(atoms), _inverse_langevin(order))
    else:
        strengths, directions = _mean_fields(
            atoms, sizes, directions, temperature_K, tolerance, max_steps
        )
    rng = np.random.default_rng(rng)
    set_moments(atoms, sizes[:, None] * _boltzmann(strengths, directions, rng))
    return np.where(sizes > 0, langevin(strengths), 0.0)


def langevin(x):
    """Return L(x) = coth(x) - 1/x, the mean component of a unit vector with p ~ exp(x e_z)."""
    x = np.asarray(x, dtype=float)
    large = np.where(abs(x) < 1e-3, 1.0, x)
    return np.where(abs(x) < 1e-3, x / 3, 1 / np.tanh(large) - 1 / large)


def _inverse_langevin(order):
    if order > 1 - 1e-12:
        return np.inf
    low, high = 0.0, 2 / (1 - order)
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if langevin(middle) < order else (low, middle)
    return 0.5 * (low + high)


def _mean_fields(atoms, sizes, directions, temperature_K, tolerance, max_steps):
    if not (np.isfinite(temperature_K) and temperature_K > 0):
        raise ValueError(
            f"temperature_K must be a positive number of kelvin, got {temperature_K!r}"
        )
    if "magforces" not in getattr(atoms.calc, "implemented_properties", ()):
        raise ValueError(
            "mean fields need a calculator with magforces, for example "
            "ase_mag.MagneticCalculator(model): set atoms.calc, or give order instead"
        )
    trial, calc, present = atoms.copy(), atoms.calc, sizes > 0
    mean, orders = directions.copy(), np.ones(len(atoms))
    for _ in range(max_steps):
        set_moments(trial, sizes[:, None] * mean)
        fields = np.array(calc.get_property("magforces", trial))
        norms = np.linalg.norm(fields, axis=1)
        strengths = sizes * norms / (units.kB * temperature_K)
        along = np.divide(fields, norms[:, None], out=directions.copy(), where=norms[:, None] > 0)
        orders = np.where(present, langevin(strengths), 0.0)
        new = orders[:, None] * along
        if abs(new - mean).max(initial=0.0) < tolerance:
            return strengths, along
        mean = new
    raise RuntimeError(
        f"the mean moments still change by {abs(new - mean).max():.2g} of their sizes after "
        f"{max_steps} steps at {temperature_K} K (tolerance {tolerance:g}), as they do next to the "
        "Curie temperature: raise max_steps or tolerance, or give order"
    )


def _boltzmann(strengths, directions, rng):
    """Draw unit vectors with p(e) ~ exp(x n.e); x infinite: n."""
    finite = np.minimum(strengths, 1e300)
    uniform = rng.uniform(size=len(strengths))
    small = finite < 1e-8
    x = np.where(small, 1.0, finite)
    # The inverse of the cumulative distribution of cos(theta), without overflow.
    cosines = 1 + np.log(uniform + (1 - uniform) * np.exp(-2 * x)) / x
    cosines = np.clip(np.where(small, 2 * uniform - 1, cosines), -1.0, 1.0)
    across = np.cross(rng.normal(size=directions.shape), directions)
    across /= np.maximum(np.linalg.norm(across, axis=1), 1e-300)[:, None]
    return cosines[:, None] * directions + np.sqrt(1 - cosines**2)[:, None] * across
