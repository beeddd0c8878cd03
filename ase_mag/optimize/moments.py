"""Relaxation of the moments at fixed positions and cell."""

import warnings
from dataclasses import dataclass, field

import numpy as np

from ase_mag.core import set_moments
from ase_mag.core.minimization import minimize
from ase_mag.optimize.moment_energy import (
    MomentEnergy,
    check_calculator,
    check_sizes,
    variables_of,
)
from ase_mag.optimize.stability import lowest_curvature

#: Reasons of the minimizer in the words of :mod:`ase_mag.optimize.limits`.
_REASONS = {
    "steps": "not converged",
    "no descent": "not converged",
    "not finite": "not finite",
    "too large": "moment too large",
}


@dataclass
class RelaxedMoments:
    """What :func:`relax_moments` found.

    Attributes
    ----------
    converged : bool, whether the largest magnetic force is below ``fmax`` as it was asked for.
    energy : float, eV, at the last moments; nan if it is not finite.
    moments : (N, 3) float array, mu_B.
    fmax : float, the largest |dE/dM_i| that is left (in the directions that were relaxed), eV/mu_B.
    iterations : int, Newton steps; evaluations : int, of energy and magnetic forces (products with
        exact second derivatives are not counted).
    history : list of float, ``fmax`` before every step and at the end, eV/mu_B.
    reason : str, '' if converged, else 'not converged', 'not finite' or 'moment too large'.
    message : str, a sentence that says how it ended.
    curvature : float or None, the lowest eigenvalue of d2E/dM dM in the relaxed directions,
        eV/mu_B^2; None: not computed. Zero where the moments are free to turn as a whole.
    minimum : bool or None, whether the stationary point is a minimum (no negative eigenvalue
        beyond the accuracy with which it is known); None: not checked, or not converged.
    """

    converged: bool
    energy: float
    moments: np.ndarray = field(repr=False)
    fmax: float
    iterations: int
    evaluations: int
    history: list = field(repr=False, default_factory=list)
    reason: str = ""
    message: str = ""
    curvature: float | None = None
    minimum: bool | None = None


def relax_moments(
    atoms,
    fmax=1e-4,
    *,
    directions=True,
    sizes=True,
    axis=None,
    max_steps=200,
    max_moment=50.0,
    check_minimum=True,
    probe=1e-4,
    noise=0.0,
):
    """Minimize E(R, M) over the moments at fixed positions, until max_i |dE/dM_i| < fmax.

    Truncated Newton steps with a line search (:func:`ase_mag.core.minimization.minimize`), with
    exact second derivatives where the model is a bilinear form, else with two-sided differences of
    magnetic forces: next to a minimum the number of correct digits doubles with every step. Zero
    modes (the moments turn as a whole) do no harm. It is the minimum next to the moments of the
    atoms, and a start from which symmetry forbids to move (an antiferromagnetic row of a
    ferromagnet, moments of zero) stays a stationary point: ``check_minimum`` tells.

    The atoms get the last moments, also without convergence.

    Parameters
    ----------
    atoms : ase.Atoms with moments and a calculator that offers ``magforces`` = -dE/dM.
    fmax : float, eV/mu_B.
    directions, sizes : bool; False holds all directions (then |M_i| >= 0; a moment of zero has
        no direction and stays) or all sizes.
    axis : three numbers, optional; the moments are collinear along this axis, with either sign,
        and are moved along it only. Default: ``moment_axis`` of the calculator's model, if it knows
        collinear moments only.
    max_steps : int, bound for the Newton steps.
    max_moment : float, mu_B; a moment that passes it ends the run: the energy may not be bounded
        below, or a learned model has left the range of its training data.
    check_minimum : bool; compute the lowest eigenvalue of the second derivatives (some tens of
        products) and warn of a saddle point. Without exact second derivatives every product takes
        two evaluations: too long for density-functional theory.
    probe : float, mu_B, of the differences for a calculator without exact second derivatives;
        0.01 to 0.05 for one whose magnetic forces are noisy.
    noise : float, eV, of the energies: so much a step may raise them. Zero means rounding only; for
        density-functional theory what its self-consistency leaves undetermined.

    Returns
    -------
    RelaxedMoments

    Raises
    ------
    ValueError
        If there is no calculator, one without ``magforces``, or one that relaxes moments itself;
        without moments; for numbers that are not positive; for moments that are not along ``axis``;
        for sizes that no term of the model holds (directional models without a Landau term).
    ase.calculators.calculator.CalculationFailed
        (a RuntimeError) If the calculator fails, or refuses moments on the way again and again
        (ValueError; once or twice only shortens a step).

    Warns
    -----
    UserWarning
        If ``check_minimum`` finds a saddle point.
    """
    for name, value in {"fmax": fmax, "max_moment": max_moment, "probe": probe}.items():
        if not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive number, got {value!r}")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be a number >= 0, in eV, got {noise!r}")
    if int(max_steps) != max_steps or max_steps < 0:
        raise ValueError(f"max_steps must be a whole number >= 0, got {max_steps!r}")
    check_calculator(atoms)
    if axis is None and directions:
        axis = getattr(getattr(atoms.calc, "model", None), "moment_axis", None)
    variables = variables_of(atoms, directions, sizes, axis)
    if sizes:
        check_sizes(atoms)
    surface = MomentEnergy(atoms)

    def evaluate(x):
        energies, slopes = surface.evaluate(variables.moments(x))
        return energies, variables.gradient(slopes)

    def hessian(x):
        product = surface.product(variables.moments(x), probe)
        return lambda v: variables.gradient(product(variables.moments(v)))

    found = minimize(
        evaluate,
        variables.start,
        fmax=fmax,
        max_steps=max_steps,
        hessian=hessian if surface.hessian is not None else None,
        probe=probe,
        largest=max_moment,
        noise=noise,
        **variables.bounds,
    )
    moments = variables.moments(found.x).copy()
    curvature = minimum = None
    if found.converged and check_minimum:
        slopes = surface.evaluate(moments)[1]
        free = variables.free(found.x, variables.gradient(slopes))
        bending = _bending(moments, slopes) if "fixed_norms" in variables.bounds else None
        curvature = lowest_curvature(surface.product(moments, probe), free, bending)
        minimum = bool(curvature > -_resolution(found.slope, moments))
    set_moments(atoms, moments)
    reason = _REASONS.get(found.reason, "")
    result = RelaxedMoments(
        converged=found.converged,
        energy=_energy(atoms) if reason != "not finite" else np.nan,
        moments=moments,
        fmax=found.slope,
        iterations=found.n_steps,
        evaluations=found.n_evaluations,
        history=found.slopes,
        reason=reason,
        message=_message(found, moments, fmax, max_moment),
        curvature=curvature,
        minimum=minimum,
    )
    if minimum is False:
        result.message += (
            f", but this is a saddle point: the lowest curvature is {curvature:.3g} eV/mu_B^2; "
            "start from moments that are displaced a little in random directions"
        )
        warnings.warn(f"relax_moments: {result.message}", stacklevel=2)
    return result


def _energy(atoms):
    return float(atoms.calc.get_property("energy", atoms))


def _resolution(slope, moments):
    """Return how far below zero the curvature of a free rotation may come out, eV/mu_B^2."""
    size = np.sqrt((moments**2).sum(axis=1).mean()) if len(moments) else 0.0
    return 1e-6 + (10 * slope / size if size > 0 else 0.0)


def _bending(moments, slopes):
    squares = np.einsum("ia,ia->i", moments, moments)
    along = np.einsum("ia,ia->i", moments, slopes)
    return np.divide(along, squares, out=np.zeros(len(moments)), where=squares > 0)


def _message(found, moments, fmax, max_moment):
    left = f"after {found.n_steps} steps the largest |dE/dM| is {found.slope:.3g} eV/mu_B"
    if found.converged:
        return f"converged: {left}, below {fmax:g}"
    atom, sizes = found.worst, np.linalg.norm(moments, axis=1)
    if found.reason == "not finite":
        return f"not converged: energy or magnetic forces are not finite numbers after {left[6:]}"
    if found.reason == "too large":
        atom = int(sizes.argmax())
        return (
            f"not converged: the moment of atom {atom} is {sizes[atom]:.4g} mu_B, beyond "
            f"max_moment = {max_moment:g}: the energy may not be bounded below (a model without a "
            "Landau term has no minimum), or a learned model has left its training data"
        )
    where = f"(atom {atom}, |M| {sizes[atom]:.3g} mu_B), fmax is {fmax:g}"
    if found.reason == "steps":
        return f"not converged: {left} {where}: raise max_steps or start from other moments"
    return (
        f"not converged: {left} {where}, but the energy does not fall along -dE/dM: raise fmax, or "
        "pass noise, if energies or magnetic forces are noisy; else they contradict each other"
    )
