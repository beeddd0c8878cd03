"""Relaxation in two stages: moments at every geometry, then atoms and cell at fixed moments."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from ase.calculators.calculator import CalculationFailed
from ase.optimize import LBFGS

from ase_mag.core import get_moments
from ase_mag.optimize.cell_filter import MagneticCellFilter
from ase_mag.optimize.limits import Limits
from ase_mag.optimize.moment_energy import check_calculator
from ase_mag.optimize.moments import relax_moments

#: max |dE/dM_i| of equilibrated moments, eV/mu_B: 5e-3 meV/mu_B (Kotykhov 2024, section 2.4).
EQUILIBRATED = 5e-6


class Stopped(Exception):
    """A relaxation cannot go on: (reason, message)."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class EquilibratedCellFilter(MagneticCellFilter):
    """Positions and cell on the surface min_M E(R, h, M): moments follow every geometry.

    The gradient is that at fixed moments, which is exact where dE/dM = 0 (Hellmann-Feynman).

    Parameters
    ----------
    atoms : ase.Atoms, as for :class:`MagneticCellFilter`.
    limits : Limits, looked at before a geometry is calculated.
    equilibration : dict, arguments of :func:`relax_moments`.
    parameters : other parameters of :class:`MagneticCellFilter`.
    """

    def __init__(self, atoms, *, limits, equilibration, **parameters):
        check_calculator(atoms)
        super().__init__(atoms, moments=False, **parameters)
        self.limits, self.equilibration = limits, equilibration
        self.evaluations = 0
        #: The value and the residuals of the last geometry that could be calculated.
        self.last = None
        self._volume = atoms.get_volume() if self.cell else None

    def equilibrate(self):
        """Relax the moments at the present geometry.

        Raises
        ------
        Stopped
            If a limit is broken, the moments do not relax, or the result is not finite.
        """
        self._check_limits()
        found = relax_moments(
            self.atoms, max_moment=self.limits.max_moment, check_minimum=False, **self.equilibration
        )
        self.evaluations += found.evaluations
        if not found.converged:
            raise Stopped(found.reason, f"the moments did not equilibrate: {found.message}")
        self._check_limits()
        forces = self.atoms.get_forces()
        stress = self.atoms.get_stress() if self.cell else 0.0
        if not (np.isfinite(forces).all() and np.isfinite(stress).all()):
            raise Stopped("not finite", "forces or stress are not finite numbers")
        self.last = (float(self.atoms.get_potential_energy()), self.residuals(), found.fmax)

    def _check_limits(self):
        found = self.limits.violation(self.atoms, self._volume)
        if found:
            raise Stopped(*found)

    def set_x(self, x):
        """Move the atoms to the coordinates ``x`` and relax the moments there."""
        if not np.isfinite(x).all():
            raise Stopped("not finite", "the optimizer asks for coordinates that are not finite")
        try:
            super().set_x(x)
            self.equilibrate()
        except (ValueError, ArithmeticError) as error:
            # The first geometry was fine: the run has led to one that is refused.
            raise CalculationFailed(
                f"the calculator refused a geometry on the way: {error}"
            ) from error


@dataclass
class Relaxed:
    """What :func:`relax` found. All values belong to the last geometry that could be calculated.

    Attributes
    ----------
    converged : bool, whether all residuals are below their bounds.
    energy : float, eV; nan if there is none.
    moments : (N, 3) float array, mu_B.
    fmax : float, largest |F_i|, eV/angstrom.
    stress : float, largest component of sigma + P, eV/angstrom^3 (0 with ``cell=False``).
    magforce : float, largest |dE/dM_i|, eV/mu_B.
    iterations : int, steps of the optimizer; evaluations : int, of moments on the way.
    reason : str, '' if converged, else a key of :data:`ase_mag.optimize.REASONS`.
    message : str, a sentence that says how it ended.
    curvature, minimum : as in :class:`RelaxedMoments`, at the end.
    """

    converged: bool
    energy: float
    moments: np.ndarray = field(repr=False)
    fmax: float
    stress: float
    magforce: float
    iterations: int
    evaluations: int
    reason: str = ""
    message: str = ""
    curvature: float | None = None
    minimum: bool | None = None


def relax(
    atoms,
    fmax=1e-3,
    *,
    magforce=EQUILIBRATED,
    stress=None,
    cell=True,
    positions=True,
    mask=None,
    scalar_pressure=0.0,
    axis=None,
    limits=None,
    max_steps=500,
    max_moment_steps=200,
    check_minimum=True,
    probe=1e-4,
    noise=0.0,
    optimizer=LBFGS,
    logfile=None,
    trajectory=None,
):
    """Relax atoms and cell; at every geometry the moments are equilibrated first.

    The scheme of Kotykhov 2024 (section 1.1): at fixed positions and cell the energy is minimized
    over the moments until max |dE/dM_i| < ``magforce``; then atoms and cell move at these moments.
    The atoms get the result. For moments, positions and cell in one optimizer take
    :class:`MagneticCellFilter`.

    Parameters
    ----------
    atoms : ase.Atoms with moments and a calculator that offers ``magforces``.
    fmax : float, eV/angstrom, bound for |F_i|.
    magforce : float, eV/mu_B; default 5e-6, as in that paper.
    stress : float, eV/angstrom^3, bound for the components of sigma + P; default fmax N/V, that is
        ``fmax`` for the energy per atom and unit of strain.
    cell, positions : bool, what moves beside the moments.
    mask, scalar_pressure : as for :class:`MagneticCellFilter`.
    axis : three numbers, optional, as for :func:`relax_moments`.
    limits : Limits, optional; a geometry beyond them ends the run.
    max_steps, max_moment_steps : int, bounds for the steps of the optimizer, and for the Newton
        steps of one equilibration.
    check_minimum, probe, noise : as for :func:`relax_moments`; the check is made once, at the end.
    optimizer : class of an ASE optimizer.
    logfile, trajectory : as for that optimizer.

    Returns
    -------
    Relaxed
        Failures are told in ``reason`` and ``message``; the atoms then are where the run ended.

    Raises
    ------
    ValueError
        As :class:`MagneticCellFilter` and :func:`relax_moments`.
    ase.calculators.calculator.CalculationFailed
        (a RuntimeError) If the calculator fails, or refuses a later geometry.
    """
    if not (np.isfinite(fmax) and fmax > 0):
        raise ValueError(f"fmax must be a positive number, got {fmax!r}")
    surface = EquilibratedCellFilter(
        atoms,
        limits=Limits() if limits is None else limits,
        equilibration={
            "fmax": magforce,
            "max_steps": max_moment_steps,
            "axis": axis,
            "probe": probe,
            "noise": noise,
        },
        cell=cell,
        positions=positions,
        mask=mask,
        scalar_pressure=scalar_pressure,
        stress_tolerance=stress,
    )
    run, reason, message = None, "", ""
    try:
        surface.equilibrate()
        with optimizer(surface, logfile=logfile, trajectory=trajectory) as run:
            if not run.run(fmax=fmax, steps=max_steps):
                reason = "not converged"
                message = f"not converged: {max_steps} steps were not enough; raise max_steps"
    except Stopped as stop:
        reason, message = stop.reason, f"not converged: {stop}"
    except np.linalg.LinAlgError as error:
        reason, message = "not finite", f"not converged: the optimizer failed: {error}"
    steps = 0 if run is None else run.nsteps
    result = _collected(surface, steps, reason, message)
    if result.converged and check_minimum:
        _check_minimum(result, atoms, surface.equilibration)
    return result


def _collected(surface, steps, reason, message):
    energy, left, magforce = surface.last or (np.nan, None, np.nan)
    fmax, stress = (left.forces, left.stress) if left else (np.nan, np.nan)
    state = (
        f"after {steps} steps the largest force is {fmax:.3g} eV/angstrom, stress {stress:.3g} "
        f"eV/angstrom^3, |dE/dM| {magforce:.3g} eV/mu_B"
        if left
        else "no geometry could be calculated"
    )
    return Relaxed(
        converged=not reason,
        energy=energy,
        moments=get_moments(surface.atoms),
        fmax=fmax,
        stress=stress,
        magforce=magforce,
        iterations=steps,
        evaluations=surface.evaluations,
        reason=reason,
        message=f"{message}; {state}" if reason else f"converged: {state}",
    )


def _check_minimum(result, atoms, equilibration):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said below, for the geometry
        found = relax_moments(atoms, **equilibration)
    result.curvature, result.minimum = found.curvature, found.minimum
    if found.minimum is False:
        result.message += (
            f", but the moments are at a saddle point: the lowest curvature is "
            f"{found.curvature:.3g} eV/mu_B^2"
        )
        warnings.warn(f"relax: {result.message}", stacklevel=3)
