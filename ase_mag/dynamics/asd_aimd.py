"""Atomistic spin dynamics coupled to molecular dynamics, with learned moment sizes."""

import re
from time import perf_counter

import numpy as np
from ase import units as ase_units

from ase_mag.core import CalculatorSurface, ModelSurface
from ase_mag.dynamics.barostat import CellRescaling, check_barostat
from ase_mag.dynamics.base import MagneticDynamics, check_not_negative, check_positive
from ase_mag.dynamics.moment_sizes import MomentSizes, RelaxedSizes, SampledSizes
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.propagators import Drift, Kick, LangevinBath
from ase_mag.dynamics.spin import check_bath
from ase_mag.dynamics.splitting import Splitting
from ase_mag.dynamics.timestep import warn_if_long
from ase_mag.lsf import SizeRelaxation, mean_moment, moment_quantile
from ase_mag.lsf.ideal import note_ideal_cell


class AsdAimd(MagneticDynamics):
    """ASD-AIMD with longitudinal spin fluctuations from machine learning.

    One lattice step dt is the splitting

        K/2  S/2  D/2  O  D/2  S/2  [L]  K/2  [P]

    K: momenta under the forces of ``atoms.calc`` at the current positions and moments (one force
    evaluation per step; for constrained DFT the calculator constrains the moments to those of
    ``atoms``). S: Landau-Lifshitz-Gilbert sub-steps of the moment directions in the exchange
    model, at frozen positions. D: drift. O: Langevin bath of the lattice (exact
    Ornstein-Uhlenbeck step; left out without ``friction``). L: moment sizes, |M_i| = <m_i>(T) of
    the landscapes a_i m^2 + b_i m^4 that ``lsf`` predicts from the new positions and directions.
    P: with ``pressure``, every ten steps, stochastic rescaling of the cell by the stress of
    ``atoms.calc`` (:class:`CellRescaling`); exchange, descriptors and sizes follow the cell.

    This is the scheme of Brannvall, Gambino, Armiento, Alling, Phys. Rev. B 105, 144417 (2022),
    Fig. 3 and Sec. II D-E, built on ASD-AIMD of Stockem et al., Phys. Rev. Lett. 121, 125902
    (2018): the sizes found at {R}_n, {e}_n are used in the following spin and lattice steps.

    Parameters
    ----------
    atoms : ase.Atoms with a calculator for the forces and start moments.
    timestep : float, lattice step, ASE time units.
    exchange : Model or None, gives the fields of the spin dynamics; None freezes directions.
    lsf : fitted ``ase_mag.lsf.LsfPredictor`` or None; None keeps the sizes. One with descriptor 4
        needs a calculator with ``relax_sizes``, which relaxes the sizes once more at every step and
        after every move of the cell, as an input of the prediction.
    temperature_K : float or None, of lattice bath, spin bath and landscapes; None: no baths.
    measure : int, power of m in the phase-space measure of <m> (0, 1 or 2).
    sizes : how sizes come about: ``"mean"``, <m_i>(T) of the predicted landscapes; ``"sampled"``,
        drawn from their distributions (:class:`SampledSizes`); ``"relaxed"``, of minimal energy at
        the present directions, by ``atoms.calc.relax_sizes`` (without ``lsf``).
    size_time : float, how long sampled sizes stay correlated, ASE time; 0: new ones every step.
    learning : OnTheFlyLearning or None; lets the calculator compute landscapes of atoms where
        the predictor is uncertain, and the predictor learn from them.
    spin_timestep : float, longest spin sub-step, ASE time units.
    damping : float or (N,) array, Gilbert damping.
    friction : float or None, lattice friction, 1 / ASE time; None: no lattice bath.
    pressure : float or None, eV/angstrom^3 (``ase.units.GPa``); None: fixed cell.
    pressure_time, compressibility, full_cell : see :class:`SpinLatticeDynamics`.
    rng, trajectory, logfile, loginterval, progress : see :class:`MagneticDynamics`.

    Raises
    ------
    ValueError
        For bad numbers, a temperature without any bath, ``lsf`` without a temperature, an
        exchange model that does not describe the species, atoms with ``lsf`` and zero moments
        (no direction), or a pressure without lattice bath, periodic cell or stress.
    TypeError
        For ``sizes="relaxed"``, or descriptor 4, with a calculator that cannot relax sizes.

    Warns
    -----
    UserWarning
        If a moment turns by more than 1 rad per spin step in the present fields.

    Attributes
    ----------
    timings : dict of seconds: 'forces', 'spins', 'sizes', 'other', and 'cell' and 'learning'
        where there are such parts.

    Notes
    -----
    The sizes are a mean-field average, not a dynamical variable, so energy is not conserved when
    they change; run with baths. Exchange constants inside ``exchange`` and forces of ``atoms.calc``
    come from different models unless the user makes them consistent.
    """

    def __init__(
        self,
        atoms,
        timestep,
        *,
        exchange=None,
        lsf=None,
        temperature_K=None,
        measure=2,
        sizes="mean",
        size_time=0.0,
        learning=None,
        spin_timestep=0.01 * ase_units.fs,
        damping=0.05,
        friction=None,
        pressure=None,
        pressure_time=500 * ase_units.fs,
        compressibility=1 / (150 * ase_units.GPa),
        full_cell=False,
        rng=None,
        trajectory=None,
        logfile=None,
        loginterval=1,
        progress=None,
        **options,
    ):
        check_positive("spin_timestep", spin_timestep, "ASE time units (ase.units.fs)")
        if friction is not None:
            check_not_negative("friction", friction, "1 / ASE time")
        check_bath(temperature_K if exchange is not None else None, damping, len(atoms))
        if temperature_K is not None:
            check_not_negative("temperature_K", temperature_K, "kelvin")
            if exchange is None and lsf is None and not friction:
                raise ValueError(
                    f"temperature_K is {temperature_K} but nothing uses it: give friction, an "
                    "exchange model with damping, or an lsf predictor"
                )
        elif lsf is not None:
            raise ValueError("lsf needs temperature_K: moment sizes are thermal averages")
        elif friction:
            raise ValueError(
                f"friction is {friction} but temperature_K is None: give the temperature of the "
                "bath, or friction=None"
            )
        _check_sizes(sizes, size_time, lsf, learning)
        if pressure is not None:
            check_barostat(atoms, pressure_time, compressibility)
            if not friction:
                raise ValueError(
                    "a pressure needs the lattice bath, because sizes that change do not conserve "
                    "energy: give friction and temperature_K"
                )
        self.exchange, self.lsf, self.measure = exchange, lsf, measure
        self.sizes, self.size_time, self.learning = sizes, size_time, learning
        self.pressure, self.pressure_time = pressure, pressure_time
        self.compressibility, self.full_cell = compressibility, full_cell
        # Without addresses, which differ in the process that resumes the run.
        self._described = {
            name: re.sub(r" at 0x[0-9a-f]+", "", repr(value))
            for name, value in (("exchange", exchange), ("lsf", lsf))
        }
        self.temperature_K, self.friction, self.damping = temperature_K, friction, damping
        self.spin_timestep = spin_timestep
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
        self.surface = CalculatorSurface(self.atoms, stress=self.pressure is not None)
        kick, drift = Kick(self.surface, self.free), Drift()
        bath_noise, spin_noise, size_noise, cell_noise = (self.noise() for _ in range(4))
        middle = [(drift, 1.0)]
        if self.friction:
            bath = LangevinBath(self.friction, self.temperature_K, bath_noise, self.free)
            middle = [(drift, 0.5), (bath, 1.0), (drift, 0.5)]
        self.spin_surface = None
        if self.exchange is not None:
            self.spin_surface = ModelSurface(self.exchange, self.atoms.numbers, self.atoms.pbc)
            spins = Precession(
                self.spin_surface,
                self.damping,
                self.temperature_K,
                spin_noise if self.temperature_K else None,
                self.spin_timestep,
            )
            middle = [(spins, 0.5), *middle, (spins, 0.5)]
            warn_if_long(self.spin_surface, self.state, min(0.5 * self.dt, self.spin_timestep))
        self.landscapes = None
        self.moment_sizes = self._moment_sizes(size_noise)
        projections = [] if self.moment_sizes is None else [self.moment_sizes]
        self.barostat = None
        if self.pressure is not None:
            self.barostat = CellRescaling(
                self.surface,
                self.pressure,
                self.temperature_K,
                cell_noise,
                self.pressure_time,
                self.compressibility,
                self.full_cell,
                follow=None if self.moment_sizes is None else self.moment_sizes.follow,
            )
        self._cell_seconds, self._current = 0.0, 0
        splitting = Splitting([(kick, 0.5), *middle, (kick, 0.5)], projections)
        if not self.resuming:
            splitting.project(self.state)
            self.state.write(self.atoms)
        # The first sizes come before the first step, whose parts are timed.
        self._learned_before = 0.0 if self.learning is None else self.learning.seconds
        return splitting

    def _moment_sizes(self, noise):
        """Return the propagator of the sizes, or None where they stay."""
        if self.sizes == "relaxed":
            self._check_directions()
            return RelaxedSizes(self.atoms)
        if self.lsf is None:
            return None
        self._check_directions()
        note_ideal_cell(self.atoms)
        arguments = (self.temperature_K, self.measure)
        if self.learning is None:
            options = {}
            if getattr(self.lsf, "needs_relaxed", False):
                options["relax"] = SizeRelaxation(self.atoms)
            landscapes = self.landscapes = self.lsf.prepare(self.atoms, **options)
        else:
            landscapes = self.learning.prepare(
                self.lsf, self.atoms, arguments, lambda: self._current
            )
        if self.sizes == "mean":
            return MomentSizes(landscapes, mean_moment, *arguments)
        return SampledSizes(
            landscapes,
            moment_quantile,
            *arguments,
            noise=noise,
            timestep=self.dt,
            time=self.size_time,
        )

    def step(self):
        self.read_atoms()
        self._current = self.nsteps + 1
        self.splitting.advance(self.state, self.dt)
        if self.barostat is not None:
            start = perf_counter()
            self.barostat.advance(self.state, self.dt)
            self._cell_seconds += perf_counter() - start
        self.state.write(self.atoms)

    @property
    def timings(self):
        timings = super().timings
        if self.learning is not None:
            timings["learning"] = self.learning.seconds
            timings["sizes"] -= self.learning.seconds - self._learned_before
        if self.barostat is not None:
            timings["cell"] = self._cell_seconds
        return timings

    def parts(self):
        parts = {"barostat": self.barostat, "learning": self.learning}
        if self.learning is None and hasattr(self.landscapes, "set_state"):
            parts["landscapes"] = self.landscapes
        if isinstance(self.moment_sizes, SampledSizes):
            parts["sizes"] = self.moment_sizes
        return super().parts() | {name: part for name, part in parts.items() if part is not None}

    def _check_directions(self):
        sizes = np.linalg.norm(self.state.moments, axis=1)
        if not sizes.all():
            raise ValueError(
                f"atom {int(np.argmin(sizes))} has no moment, so it has no direction for the "
                "longitudinal fluctuations: set start moments with ase_mag.set_moments"
            )

    def energy_sources(self):
        sources = super().energy_sources() | {"exchange": self.exchange}
        # A predictor that learns in the run changes.
        return sources | ({"lsf": self.lsf} if self.learning is None else {})

    def todict(self):
        """Return the settings as a JSON-able dict, which goes into the trajectory."""
        return super().todict() | {
            "temperature_K": self.temperature_K,
            "measure": self.measure,
            "sizes": self.sizes,
            "size_time": self.size_time,
            "spin_timestep": self.spin_timestep,
            "damping": np.asarray(self.damping).tolist(),
            "friction": self.friction,
            "pressure": self.pressure,
            "pressure_time": self.pressure_time,
            "compressibility": self.compressibility,
            "full_cell": self.full_cell,
            "learning": None if self.learning is None else self.learning.settings(),
            "seed": self.seed,
            **self._described,
        }

    def spin_form(self):
        return None if self.spin_surface is None else self.spin_surface.form(self.state)


def _check_sizes(sizes, size_time, lsf, learning):
    if sizes not in ("mean", "sampled", "relaxed"):
        raise ValueError(f"sizes must be 'mean', 'sampled' or 'relaxed', got {sizes!r}")
    check_not_negative("size_time", size_time, "ASE time units (ase.units.fs)")
    if sizes == "relaxed" and lsf is not None:
        raise ValueError(
            "sizes='relaxed' takes the sizes from the calculator, but lsf is given too: leave one "
            "of them out"
        )
    if sizes == "sampled" and lsf is None:
        raise ValueError("sizes='sampled' needs lsf, a predictor of the landscapes")
    if learning is not None and lsf is None:
        raise ValueError("learning needs lsf, the predictor to start with")
