"""Spin dynamics at fixed positions."""

import numpy as np

from ase_mag.core import CalculatorSurface, Model, ModelSurface, refuse_relaxed
from ase_mag.core.boundedness import check_bounded, with_energy
from ase_mag.dynamics.base import check_not_negative, check_shape
from ase_mag.dynamics.driven import DrivenSurface
from ase_mag.dynamics.frozen_lattice import FrozenLattice
from ase_mag.dynamics.longitudinal import GeneralizedLangevin
from ase_mag.dynamics.moment_bath import DEFAULT_RATE
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.splitting import Splitting
from ase_mag.dynamics.sweeps import SequentialPrecession
from ase_mag.dynamics.timestep import warn_if_long
from ase_mag.models import Zeeman


class SpinDynamics(FrozenLattice):
    """Dynamics of the moments at fixed positions.

    Transverse (default): dM/dt = -gamma/(1 + alpha^2) M x [B + (alpha/|M|) M x B], B = -dE/dM +
    noise, see :class:`ase_mag.dynamics.Precession`. With ``longitudinal`` the sizes move too:
    dM/dt = -gamma M x B + Gamma B + noise, see :class:`ase_mag.dynamics.GeneralizedLangevin`.

    Between two observers (trajectory, log, attached functions) ``run`` makes all steps in one
    kernel call where the model has a bilinear form; ``irun`` yields after every step as in ASE.

    Parameters
    ----------
    atoms : ase.Atoms; its calculator is a MagneticCalculator, the sum made by ``ase_mag.add``
        (only the magnetic model is used), or any calculator with the property ``magforces``.
    timestep : float, ASE time units; :func:`suggest_timestep` judges it.
    temperature_K : float or None; None: no bath.
    damping : float or (N,) array, Gilbert damping alpha (dimensionless); 0: energy is conserved
        to second order in the time step (see ``method``).
    longitudinal : bool; ``longitudinal_rate`` then takes the place of ``damping``.
    longitudinal_rate : float or (N,) array, Gamma in mu_B^2/(eV ASE time).
    field : three floats in tesla, an additional field; or a function of the time (ASE units)
        that returns them (pulses). None: no field. The energy in the log contains it, the
        calculator's energy in the trajectory does not.
    moving : (N,) bool array or list of indices of the moments that move; None: all.
    method : ``"midpoint"``, ``"implicit"``, ``"depondt"``, ``"heun"`` (see Precession), or
        ``"sequential"`` (undamped, energy conserved to rounding).
    rng, trajectory, logfile, progress, checkpoint, restart : see :class:`MagneticDynamics`.
    loginterval : int, steps between two frames or log lines (default 100).

    Raises
    ------
    ValueError
        For a negative temperature or damping, a temperature without damping (no bath without
        dissipation), a bad field, method or subset, a longitudinal run on a model whose energy
        does not bind the sizes, or a calculator without magnetic forces.

    Warns
    -----
    UserWarning
        If a moment turns by more than 1 rad per step in the present fields.
    """

    def __init__(
        self,
        atoms,
        timestep,
        *,
        temperature_K=None,
        damping=0.0,
        longitudinal=False,
        longitudinal_rate=DEFAULT_RATE,
        field=None,
        moving=None,
        method="midpoint",
        rng=None,
        trajectory=None,
        logfile=None,
        loginterval=100,
        progress=None,
        **options,
    ):
        check_bath(None if longitudinal else temperature_K, damping, len(atoms))
        check_not_negative("longitudinal_rate", longitudinal_rate, "mu_B^2/(eV ASE time)")
        if temperature_K is not None:
            check_not_negative("temperature_K", temperature_K, "kelvin")
        if method == "sequential" and (longitudinal or temperature_K or np.any(damping)):
            raise ValueError(
                "method='sequential' has no bath and no damping: leave out temperature_K, damping "
                "and longitudinal, or choose another method"
            )
        self.temperature_K, self.damping, self.method = temperature_K, damping, method
        self.longitudinal, self.longitudinal_rate = longitudinal, longitudinal_rate
        self.moving = subset(moving, len(atoms))
        self.field = described(field)
        self.surface = None if atoms.calc is None else spin_surface(atoms, field, frozen=True)
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
        moving = self.moving
        if self.longitudinal:
            form = self.surface.form(self.state)
            held = np.asarray(self.longitudinal_rate) == 0
            if form is not None:
                present = with_energy(form, self.state.moments)
                moving = present if moving is None else moving & present
                check_bounded(form, ~moving | held)
            else:
                self.surface.check_sizes(self.state, ~held if moving is None else moving & ~held)
            spins = GeneralizedLangevin(
                self.surface, self.temperature_K, noise, rate=self.longitudinal_rate
            )
        elif self.method == "sequential":
            spins = SequentialPrecession(self.surface)
        else:
            spins = Precession(
                self.surface, self.damping, self.temperature_K, noise, method=self.method
            )
        spins.moving = moving
        self.spins = spins
        warn_if_long(self.surface, self.state, self.dt)
        return Splitting([(spins, 1.0)])

    def todict(self):
        """Return the settings as a JSON-able dict, which goes into the trajectory."""
        moving = None if self.moving is None else np.flatnonzero(self.moving).tolist()
        return super().todict() | {
            "temperature_K": self.temperature_K,
            "damping": np.asarray(self.damping).tolist(),
            "longitudinal": self.longitudinal,
            "longitudinal_rate": np.asarray(self.longitudinal_rate).tolist(),
            "field_T": field_setting(self.field),
            "moving": moving,
            "method": self.method,
            "seed": self.seed,
        }

    def advance(self, n_steps):
        if not isinstance(self.surface, DrivenSurface):
            self.spins.run(self.state, n_steps * self.dt, n_steps)
            return
        for step in range(n_steps):
            self.surface.time = self.get_time() + (step + 0.5) * self.dt
            self.spins.run(self.state, self.dt, 1)
        self.surface.time = self.get_time() + n_steps * self.dt


def described(field):
    """Return a field as plain numbers where it is constant."""
    return field if callable(field) or field is None else np.asarray(field, float).tolist()


def field_setting(field):
    """Return what a checkpoint keeps of a field: its numbers, or the name of its function."""
    return (
        field if not callable(field) else getattr(field, "__qualname__", type(field).__qualname__)
    )


def subset(moving, n_atoms):
    """Return a mask (n_atoms,) of the moments that move, or None for all.

    Raises
    ------
    ValueError
        If ``moving`` is neither a mask of that length nor a list of indices.
    """
    if moving is None:
        return None
    array = np.asarray(moving)
    if array.dtype == bool and array.shape == (n_atoms,):
        return array.copy()
    if array.ndim == 1 and np.issubdtype(array.dtype, np.integer):
        if len(array) and not (-n_atoms <= array.min() and array.max() < n_atoms):
            raise ValueError(
                f"moving names atom {array.max() if array.max() >= n_atoms else array.min()}, but "
                f"there are {n_atoms} atoms"
            )
        mask = np.zeros(n_atoms, dtype=bool)
        mask[array] = True
        return mask
    raise ValueError(
        f"moving must be a bool array of shape ({n_atoms},) or a list of indices, got {moving!r}"
    )


def spin_surface(atoms, field=None, frozen=False):
    """Return the surface that gives the magnetic forces of ``atoms``, plus a field in tesla.

    ``frozen``: the positions stay; see :class:`ase_mag.core.ModelSurface`.

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
        if callable(field):
            return DrivenSurface(
                ModelSurface(model, atoms.numbers, atoms.pbc, frozen=frozen), field
            )
        if field is not None:
            model = model + Zeeman(model.species, field)
        return ModelSurface(model, atoms.numbers, atoms.pbc, frozen=frozen)
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
    check_shape("damping", damping, n_atoms)
    if temperature_K is None:
        return
    check_not_negative("temperature_K", temperature_K, "kelvin")
    if temperature_K > 0 and not np.any(np.asarray(damping) > 0):
        raise ValueError(
            f"temperature_K is {temperature_K} but damping is {damping}: without damping there is "
            "no bath; set damping > 0, or temperature_K=None for undamped precession"
        )
