"""Spin dynamics at fixed positions."""

import numpy as np

from ase_mag.core import CalculatorSurface, Model, ModelSurface, refuse_relaxed
from ase_mag.dynamics.base import check_not_negative
from ase_mag.dynamics.frozen_lattice import FrozenLattice
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.splitting import Splitting
from ase_mag.models import Zeeman


class SpinDynamics(FrozenLattice):
    """Transverse Landau-Lifshitz-Gilbert dynamics of the moments at fixed positions.

    dM/dt = -gamma/(1 + alpha^2) M x [B + (alpha/|M|) M x B], B = -dE/dM + noise, with the
    semi-implicit midpoint method; see :class:`ase_mag.dynamics.Precession`.

    Between two observers (trajectory, log, attached functions) ``run`` makes all steps in one
    kernel call where the model has a bilinear form; ``irun`` yields after every step as in ASE.

    Parameters
    ----------
    atoms : ase.Atoms; its calculator is a MagneticCalculator, the sum made by ``ase_mag.add``
        (only the magnetic model is used), or any calculator with the property ``magforces``.
    timestep : float, ASE time units.
    temperature_K : float or None; None: no bath.
    damping : float or (N,) array, Gilbert damping alpha (dimensionless); 0: energy is conserved
        (to second order in the time step).
    field : three floats or None, an additional magnetic field in tesla.
    rng, trajectory, logfile, progress : see :class:`MagneticDynamics`.
    loginterval : int, steps between two frames or log lines (default 100).

    Raises
    ------
    ValueError
        For a negative temperature or damping, a temperature without damping (no bath without
        dissipation), a bad field, or a calculator without magnetic forces.
    """

    def __init__(
        self,
        atoms,
        timestep,
        *,
        temperature_K=None,
        damping=0.0,
        field=None,
        rng=None,
        trajectory=None,
        logfile=None,
        loginterval=100,
        progress=None,
        **options,
    ):
        check_bath(temperature_K, damping, len(atoms))
        self.temperature_K = temperature_K
        self.damping = damping
        self.field = None if field is None else tuple(np.asarray(field, dtype=float).tolist())
        self.surface = None if atoms.calc is None else spin_surface(atoms, field)
        super().__init__(
            atoms,
            timestep,
            rng=rng,
            trajectory=trajectory,
            logfile=logfile,
            loginterval=loginterval,
            progress=progress,
            **options,
        )

    def build(self):
        noise = self.noise() if self.temperature_K else None
        self.precession = Precession(self.surface, self.damping, self.temperature_K, noise)
        return Splitting([(self.precession, 1.0)])

    def todict(self):
        return super().todict() | {
            "temperature_K": self.temperature_K,
            "damping": np.asarray(self.damping).tolist(),
            "field_T": self.field,
            "seed": self.seed,
        }

    def advance(self, n_steps):
        self.precession.run(self.state, n_steps * self.dt, n_steps)


def spin_surface(atoms, field=None):
    """Return the surface that gives the magnetic forces of ``atoms``, plus a field in tesla.

    Raises
    ------
    ValueError
        If the calculator has no magnetic forces or relaxes the moments itself, or a field is
        given with a calculator whose energy is not a :class:`ase_mag.core.Model`.
    """
    calc = atoms.calc
    model = getattr(calc, "model", None)
    if isinstance(model, Model) and not getattr(calc, "lattice_moments", False):
        refuse_relaxed(calc)
        if field is not None:
            model = model + Zeeman(model.species, field)
        return ModelSurface(model, atoms.numbers, atoms.pbc)
    if "magforces" not in getattr(calc, "implemented_properties", ()):
        raise ValueError(
            f"the calculator {type(calc).__name__} gives no magnetic forces: use "
            "ase_mag.MagneticCalculator(model), or ase_mag.add(calculator, model)"
        )
    if field is not None:
        raise ValueError(
            f"a field cannot be added to the calculator {type(calc).__name__}: add a "
            "models.Zeeman term to a model and use ase_mag.add(calculator, model)"
        )
    return CalculatorSurface(atoms)


def check_bath(temperature_K, damping, n_atoms):
    """Raise ValueError for a temperature or damping that makes no spin bath."""
    check_not_negative("damping", damping, "the Gilbert damping has no unit")
    if np.ndim(damping) and np.shape(damping) != (n_atoms,):
        raise ValueError(
            f"damping must be a number or have shape ({n_atoms},), got {np.shape(damping)}"
        )
    if temperature_K is None:
        return
    check_not_negative("temperature_K", temperature_K, "kelvin")
    if temperature_K > 0 and not np.any(np.asarray(damping) > 0):
        raise ValueError(
            f"temperature_K is {temperature_K} but damping is {damping}: without damping there is "
            "no bath; set damping > 0, or temperature_K=None for undamped precession"
        )
