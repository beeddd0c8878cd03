"""Spin dynamics at fixed positions."""

import numpy as np
from tqdm import tqdm

from ase_mag.core import CalculatorSurface, ModelSurface
from ase_mag.dynamics.base import MagneticDynamics, check_count, check_not_negative
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.splitting import Splitting
from ase_mag.models import Zeeman


class SpinDynamics(MagneticDynamics):
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

    def run(self, steps=50):
        """Run ``steps`` time steps; returns True."""
        check_count("steps", steps)
        disable = None if self._progress is None else not self._progress
        self.max_steps = self.nsteps + steps
        if self.nsteps == 0:
            self._refresh_properties()
            self.call_observers()
        with tqdm(total=steps, desc=type(self).__name__, unit="step", disable=disable) as bar:
            while self.nsteps < self.max_steps:
                n = self._steps_to_next_observer()
                self.state.read(self.atoms)
                self.precession.run(self.state, n * self.dt, n)
                self.state.write(self.atoms)
                self.nsteps += n
                self._refresh_properties()
                self.call_observers()
                bar.update(n)
        return True

    def _steps_to_next_observer(self):
        """Return the number of steps until an observer is due, the end, or the bar moves."""
        n = min(self.max_steps - self.nsteps, 1000)
        for _, interval, _, _ in self.observers:
            if interval > 0:
                n = min(n, interval - self.nsteps % interval)
            elif -interval > self.nsteps:
                n = min(n, -interval - self.nsteps)
        return n

    def _evaluate(self):
        self.atoms.get_potential_energy()
        self.atoms.calc.get_property("magforces", self.atoms)

    def get_potential_energy(self):
        """Return the energy of the spin surface (external field included), eV."""
        return self.surface.response(self.state, lattice=False).energy

    def spin_form(self):
        return self.surface.form(self.state)


def spin_surface(atoms, field=None):
    """Return the surface that gives the magnetic forces of ``atoms``, plus a field in tesla.

    Raises
    ------
    ValueError
        If the calculator has no magnetic forces, or a field is given with a calculator whose
        energy is not a :class:`ase_mag.core.Model`.
    """
    calc = atoms.calc
    model = getattr(calc, "model", None)
    if model is not None and hasattr(model, "evaluate"):
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
