"""Coupled dynamics of atoms and moments on one energy surface."""

import numpy as np
from ase import units as ase_units

from ase_mag.core import CalculatorSurface, ModelSurface, refuse_relaxed
from ase_mag.core.boundedness import check_bounded, with_energy
from ase_mag.dynamics.barostat import CellRescaling, check_barostat
from ase_mag.dynamics.base import (
    MagneticDynamics,
    check_not_negative,
    check_positive,
    check_shape,
)
from ase_mag.dynamics.driven import DrivenSurface
from ase_mag.dynamics.inertia import InertialSizes
from ase_mag.dynamics.longitudinal import GeneralizedLangevin
from ase_mag.dynamics.moment_bath import DEFAULT_RATE
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.propagators import Drift, Kick, LangevinBath, Metered
from ase_mag.dynamics.spin import check_bath, described, field_setting, spin_surface
from ase_mag.dynamics.splitting import Splitting
from ase_mag.dynamics.sweeps import SequentialPrecession
from ase_mag.dynamics.timestep import warn_if_long
from ase_mag.models import Zeeman


class SpinLatticeDynamics(MagneticDynamics):
    """Molecular dynamics whose moments move with the atoms: NVE, NVT or NPT.

    One step is the time-reversible splitting

        K/2  S/2  D/2  O  D/2  S/2  K/2  [P]

    of kicks K by the forces -dE/dR at the current moments, spin steps S in the fields -dE/dM at
    frozen positions, drifts D, the Langevin bath O of the lattice and, every ten steps, the
    barostat P. One force evaluation per step.

    * ``temperature_K=None``: NVE. S is undamped precession; with a bilinear model by sequential
      rotations that conserve the spin energy to rounding, so only the coupling of the splitting
      (second order, no drift) changes the energy. The sizes stay.
    * ``temperature_K`` with ``longitudinal=False``: S is the Landau-Lifshitz-Gilbert equation
      with bath (``damping``); O acts if there is ``friction``.
    * ``longitudinal=True``: S is generalized Langevin dynamics of the moment vectors
      (``longitudinal_rate``), sizes included; ``damping`` is not used.
    * ``pressure``: NPT by stochastic cell rescaling with the magnetic virial.

    Parameters
    ----------
    atoms : ase.Atoms with a MagneticCalculator, the sum made by ``ase_mag.add``, or any
        calculator with forces and ``magforces`` that takes its moments from the atoms.
    timestep : float, ASE time units.
    temperature_K : float or None.
    spin_temperature_K : float or None, another temperature for the bath of the moments.
    friction : float or None, lattice friction, 1 / ASE time.
    damping : float or (N,) array, Gilbert damping of the transverse spin bath.
    longitudinal : bool, or ``"inertial"``: sizes with inertia (:class:`InertialSizes`) beside the
        transverse dynamics, also at constant energy.
    inertia : float or (N,) array, of inertial sizes, eV ASE time^2/mu_B^2.
    longitudinal_friction : float, of inertial sizes in a bath, 1 / ASE time.
    longitudinal_rate : float or (N,) array, Gamma in mu_B^2/(eV ASE time).
    field : three floats in tesla (models only), a function of the time (ASE units) that returns
        them, or None.
    method : ``"sequential"`` or ``"implicit"``, the undamped precession of NVE runs: the first is
        faster, the second also conserves the total moment to rounding (isotropic exchange).
    spin_timestep : float or None, longest spin sub-step, ASE time; None: one sub-step per half
        step.
    pressure : float or None, eV/angstrom^3 (``ase.units.GPa``).
    pressure_time : float, relaxation time of the barostat, ASE time.
    compressibility : float, angstrom^3/eV, roughly that of the crystal.
    full_cell : bool, let all cell components move, not only the volume.
    account : bool, meter the heat of the spin bath too (one more energy evaluation per half step);
        then total energy minus the sum of ``heat`` is constant but for the error of the splitting.
    rng, trajectory, logfile, loginterval, progress : see :class:`MagneticDynamics`.

    Raises
    ------
    ValueError
        For bad numbers, a bath without temperature or a temperature without bath, a longitudinal
        run without temperature, or a pressure without a periodic cell or temperature.

    Warns
    -----
    UserWarning
        If a moment turns by more than 1 rad per spin step in the present fields of a model.

    Attributes
    ----------
    heat : dict, energy that each bath has given to the system so far, eV: 'lattice', 'cell' (the
        barostat), and 'spins' with ``account``.
    timings : dict of seconds.
    """

    def __init__(
        self,
        atoms,
        timestep,
        *,
        temperature_K=None,
        spin_temperature_K=None,
        friction=None,
        damping=0.0,
        longitudinal=False,
        longitudinal_rate=DEFAULT_RATE,
        inertia=0.06,
        longitudinal_friction=0.0,
        field=None,
        method="sequential",
        spin_timestep=None,
        pressure=None,
        pressure_time=500 * ase_units.fs,
        compressibility=1 / (150 * ase_units.GPa),
        full_cell=False,
        account=False,
        rng=None,
        trajectory=None,
        logfile=None,
        loginterval=10,
        progress=None,
        **options,
    ):
        spin_temperature_K = check_ensemble(
            atoms,
            temperature_K=temperature_K,
            spin_temperature_K=spin_temperature_K,
            friction=friction,
            damping=damping,
            longitudinal=longitudinal,
            longitudinal_rate=longitudinal_rate,
            inertia=inertia,
            longitudinal_friction=longitudinal_friction,
            spin_timestep=spin_timestep,
            pressure=pressure,
            pressure_time=pressure_time,
            compressibility=compressibility,
        )
        if method not in ("sequential", "implicit"):
            raise ValueError(f"method {method!r} is unknown: use 'sequential' or 'implicit'")
        self.temperature_K, self.friction, self.damping = temperature_K, friction, damping
        self.spin_temperature_K = spin_temperature_K
        self.method = method
        self.longitudinal, self.longitudinal_rate = longitudinal, longitudinal_rate
        self.inertia, self.longitudinal_friction = inertia, longitudinal_friction
        self.field = described(field)
        self.spin_timestep = spin_timestep
        self.pressure, self.pressure_time = pressure, pressure_time
        self.compressibility, self.full_cell = compressibility, full_cell
        self.account = account
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
        self.surface, self.spin_surface = surfaces(
            self.atoms, self.field, self.pressure is not None
        )
        kick, drift = Kick(self.surface, self.free), Drift()
        noises = [self.noise() for _ in range(4)]
        middle, self._meters = [(drift, 1.0)], {}
        if self.friction:
            bath = LangevinBath(self.friction, self.temperature_K, noises[0], self.free)
            bath = self._meters["lattice"] = Metered(bath, type(self.state).kinetic_energy)
            middle = [(drift, 0.5), (bath, 1.0), (drift, 0.5)]
        spins = self._spin_propagator(noises[1])
        if self.account and self.temperature_K is not None:
            spins = self._meters["spins"] = Metered(spins, self._spin_energy)
        middle = [(spins, 0.5), *middle, (spins, 0.5)]
        self.sizes = None
        if self.longitudinal == "inertial":
            self.sizes = sizes = InertialSizes(
                self.spin_surface,
                self.spin_temperature_K,
                noises[3],
                self.spin_timestep,
                self.inertia,
                self.longitudinal_friction,
            )
            sizes.moving = self._with_thermal_sizes()
            if self.account and self.temperature_K is not None:
                sizes = self._meters["sizes"] = Metered(sizes, self._size_energy)
            middle = [(sizes, 0.5), *middle, (sizes, 0.5)]
        flows = [(kick, 0.5), *middle, (kick, 0.5)]
        if not isinstance(self.spin_surface, CalculatorSurface):
            longest = min(0.5 * self.dt, self.spin_timestep or np.inf)
            warn_if_long(self.spin_surface, self.state, longest)
        self.barostat = None
        if self.pressure is not None:
            self.barostat = CellRescaling(
                self.surface,
                self.pressure,
                self.temperature_K,
                noises[2],
                self.pressure_time,
                self.compressibility,
                self.full_cell,
            )
            self._meters["cell"] = self.barostat
        return Splitting(flows)

    def _spin_propagator(self, noise):
        arguments = (self.spin_surface, self.spin_temperature_K, noise, self.spin_timestep)
        if self.longitudinal is True:
            spins = GeneralizedLangevin(*arguments, self.longitudinal_rate)
            spins.moving = self._with_thermal_sizes()
            return spins
        if np.any(np.asarray(self.damping) > 0):
            return Precession(self.spin_surface, self.damping, *arguments[1:])
        if self.method == "implicit" or self.spin_surface.form(self.state) is None:
            return Precession(
                self.spin_surface, 0.0, timestep=self.spin_timestep, method="implicit"
            )
        return SequentialPrecession(self.spin_surface, self.spin_timestep)

    def _with_thermal_sizes(self):
        """Return which moments may change their sizes (None: all); refuse unbounded energies."""
        form = self.spin_surface.form(self.state)
        # The rate is that of the bath of moment vectors: sizes with inertia change without it.
        held = (np.asarray(self.longitudinal_rate) == 0) & (self.longitudinal is True)
        if form is None:
            self.spin_surface.check_sizes(self.state, ~held)
            return None
        present = with_energy(form, self.state.moments)
        check_bounded(form, ~present | held)
        return present

    def _size_energy(self, state):
        return self._spin_energy(state) + self.sizes.kinetic_energy()

    def _spin_energy(self, state):
        return self.spin_surface.response(state, lattice=False).energy

    @property
    def heat(self):
        """Energy that each bath has given to the system so far, dict name -> eV."""
        return {name: meter.heat for name, meter in self._meters.items()}

    def parts(self):
        parts = {f"heat of {name}": part for name, part in self._meters.items()}
        return super().parts() | parts | ({} if self.sizes is None else {"sizes": self.sizes})

    def step(self):
        self.read_atoms()
        if isinstance(self.spin_surface, DrivenSurface):
            self.spin_surface.time = self.get_time() + 0.5 * self.dt
        self.splitting.advance(self.state, self.dt)
        if self.barostat is not None:
            self.barostat.advance(self.state, self.dt)
        self.state.write(self.atoms)

    def todict(self):
        """Return the settings as a JSON-able dict, which goes into the trajectory."""
        return super().todict() | {
            "temperature_K": self.temperature_K,
            "spin_temperature_K": self.spin_temperature_K,
            "method": self.method,
            "friction": self.friction,
            "damping": np.asarray(self.damping).tolist(),
            "longitudinal": self.longitudinal,
            "inertia": np.asarray(self.inertia).tolist(),
            "longitudinal_friction": self.longitudinal_friction,
            "longitudinal_rate": np.asarray(self.longitudinal_rate).tolist(),
            "field_T": field_setting(self.field),
            "spin_timestep": self.spin_timestep,
            "pressure": self.pressure,
            "pressure_time": self.pressure_time,
            "compressibility": self.compressibility,
            "full_cell": self.full_cell,
            "seed": self.seed,
        }

    def get_potential_energy(self):
        """Return the energy of the surface (external field included), eV."""
        return self.surface.response(self.state).energy

    def spin_form(self):
        return self.spin_surface.form(self.state)


def check_ensemble(
    atoms,
    *,
    temperature_K,
    spin_temperature_K,
    friction,
    damping,
    longitudinal,
    longitudinal_rate,
    inertia,
    longitudinal_friction,
    spin_timestep,
    pressure,
    pressure_time,
    compressibility,
):
    """Return the temperature of the bath of the moments, or raise ValueError for bad settings.

    Parameters and errors are those of :class:`SpinLatticeDynamics`.
    """
    if temperature_K is None:
        _refuse_baths(friction, damping, longitudinal is True, pressure)
    else:
        check_not_negative("temperature_K", temperature_K, "kelvin")
        check_not_negative("friction", friction or 0.0, "1 / ASE time")
        check_not_negative("longitudinal_rate", longitudinal_rate, "mu_B^2/(eV ASE time)")
        check_shape("longitudinal_rate", longitudinal_rate, len(atoms))
        check_bath(None if longitudinal or friction else temperature_K, damping, len(atoms))
    if longitudinal not in (True, False, "inertial"):
        raise ValueError(f"longitudinal must be True, False or 'inertial', got {longitudinal!r}")
    check_shape("inertia", inertia, len(atoms))
    check_not_negative("longitudinal_friction", longitudinal_friction, "1 / ASE time")
    if spin_timestep is not None:
        check_positive("spin_timestep", spin_timestep, "ASE time units (ase.units.fs)")
    if pressure is not None:
        check_barostat(atoms, pressure_time, compressibility)
    if spin_temperature_K is None:
        return temperature_K
    if temperature_K is None:
        raise ValueError(
            f"spin_temperature_K is {spin_temperature_K} but temperature_K is None: give both, "
            "or temperature_K alone"
        )
    check_not_negative("spin_temperature_K", spin_temperature_K, "kelvin")
    return spin_temperature_K


def surfaces(atoms, field=None, stress=False):
    """Return the surface of the forces and that of the magnetic forces of ``atoms``.

    They are one object where the whole energy is one model; a lattice calculator below a model
    (``ase_mag.add``) is asked for forces only.
    """
    calc = atoms.calc
    if hasattr(calc, "lattice") and not calc.lattice_moments:
        refuse_relaxed(calc)
        if callable(field):
            raise ValueError(
                "a field that changes in time needs a calculator that is one model, not one with a "
                "lattice calculator below"
            )
        if field is not None:
            calc = type(calc)(calc.lattice, calc.model + Zeeman(calc.model.species, field))
            atoms = atoms.copy()
            atoms.calc = calc
        lattice = CalculatorSurface(atoms, stress)
        return lattice, ModelSurface(calc.model, atoms.numbers, atoms.pbc)
    surface = spin_surface(atoms, field)
    if stress and isinstance(surface, CalculatorSurface):
        surface = CalculatorSurface(atoms, stress)
    return surface, surface


def _refuse_baths(friction, damping, longitudinal, pressure):
    for name, value in (
        ("friction", friction),
        ("longitudinal", longitudinal),
        ("pressure", pressure is not None),
    ):
        if value:
            raise ValueError(
                f"{name} is given but temperature_K is None (constant energy): give the "
                f"temperature of the bath, or leave {name} out"
            )
    if np.any(np.asarray(damping) != 0):
        raise ValueError(
            f"damping is {damping} but temperature_K is None: a damped run at constant energy "
            "does not exist; temperature_K=0 lets the moments relax"
        )
