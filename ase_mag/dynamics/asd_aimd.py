"""Atomistic spin dynamics coupled to molecular dynamics, with learned moment sizes."""

import numpy as np
from ase import units as ase_units

from ase_mag.core import CalculatorSurface, ModelSurface
from ase_mag.dynamics.base import MagneticDynamics, check_not_negative, check_positive
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.propagators import Drift, Kick, LangevinBath, MomentSizes
from ase_mag.dynamics.spin import check_bath
from ase_mag.dynamics.splitting import Splitting
from ase_mag.lsf import mean_moment


class AsdAimd(MagneticDynamics):
    """ASD-AIMD with longitudinal spin fluctuations from machine learning.

    One lattice step dt is the splitting

        K/2  S/2  D/2  O  D/2  S/2  [L]  K/2

    K: momenta under the forces of ``atoms.calc`` at the current positions and moments (one force
    evaluation per step; for constrained DFT the calculator constrains the moments to those of
    ``atoms``). S: Landau-Lifshitz-Gilbert sub-steps of the moment directions in the exchange
    model, at frozen positions. D: drift. O: Langevin bath of the lattice (exact
    Ornstein-Uhlenbeck step; left out without ``friction``). L: moment sizes, |M_i| = <m_i>(T) of
    the landscapes a_i m^2 + b_i m^4 that ``lsf`` predicts from the new positions and directions.

    This is the scheme of Brannvall, Gambino, Armiento, Alling, Phys. Rev. B 105, 144417 (2022),
    Fig. 3 and Sec. II D-E, built on ASD-AIMD of Stockem et al., Phys. Rev. Lett. 121, 125902
    (2018): the sizes found at {R}_n, {e}_n are used in the following spin and lattice steps.

    Parameters
    ----------
    atoms : ase.Atoms with a calculator for the forces and start moments.
    timestep : float, lattice step, ASE time units.
    exchange : Model or None, gives the fields of the spin dynamics; None freezes directions.
    lsf : fitted ``ase_mag.lsf.LsfPredictor`` or None; None keeps the sizes.
    temperature_K : float or None, of lattice bath, spin bath and landscapes; None: no baths.
    measure : int, power of m in the phase-space measure of <m> (0, 1 or 2).
    spin_timestep : float, longest spin sub-step, ASE time units.
    damping : float or (N,) array, Gilbert damping.
    friction : float or None, lattice friction, 1 / ASE time; None: no lattice bath.
    rng, trajectory, logfile, loginterval, progress : see :class:`MagneticDynamics`.

    Raises
    ------
    ValueError
        For bad numbers, a temperature without any bath, ``lsf`` without a temperature, an
        exchange model that does not describe the species, or atoms with ``lsf`` and zero moments
        (no direction).

    Attributes
    ----------
    timings : dict of seconds: 'forces', 'spins', 'sizes', 'other'.

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
        spin_timestep=0.01 * ase_units.fs,
        damping=0.05,
        friction=None,
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
        self.exchange, self.lsf, self.measure = exchange, lsf, measure
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
        self.surface = CalculatorSurface(self.atoms)
        kick, drift = Kick(self.surface, self.free), Drift()
        bath_noise, spin_noise = self.noise(), self.noise()
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
        projections = []
        if self.lsf is not None:
            self._check_directions()
            projections = [
                MomentSizes(
                    self.lsf.prepare(self.atoms), mean_moment, self.temperature_K, self.measure
                )
            ]
        splitting = Splitting([(kick, 0.5), *middle, (kick, 0.5)], projections)
        splitting.project(self.state)
        self.state.write(self.atoms)
        return splitting

    def _check_directions(self):
        sizes = np.linalg.norm(self.state.moments, axis=1)
        if not sizes.all():
            raise ValueError(
                f"atom {int(np.argmin(sizes))} has no moment, so it has no direction for the "
                "longitudinal fluctuations: set start moments with ase_mag.set_moments"
            )

    def todict(self):
        return super().todict() | {
            "temperature_K": self.temperature_K,
            "measure": self.measure,
            "spin_timestep": self.spin_timestep,
            "damping": np.asarray(self.damping).tolist(),
            "friction": self.friction,
            "exchange": repr(self.exchange),
            "lsf": repr(self.lsf),
            "seed": self.seed,
        }

    def spin_form(self):
        return None if self.spin_surface is None else self.spin_surface.form(self.state)
