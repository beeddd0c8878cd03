"""Dynamics of moments and atoms: a state, propagators, and splittings of them."""

from ase_mag.dynamics.asd_aimd import AsdAimd
from ase_mag.dynamics.barostat import CellRescaling
from ase_mag.dynamics.base import MagneticDynamics
from ase_mag.dynamics.driven import DrivenSurface
from ase_mag.dynamics.inertia import InertialSizes
from ase_mag.dynamics.longitudinal import GeneralizedLangevin
from ase_mag.dynamics.moment_bath import MomentBath
from ase_mag.dynamics.moment_sizes import MomentSizes, RelaxedSizes, SampledSizes
from ase_mag.dynamics.monte_carlo import MonteCarlo
from ase_mag.dynamics.noise import Noise
from ase_mag.dynamics.on_the_fly import Lesson, OnTheFlyLearning
from ase_mag.dynamics.parallel_tempering import ParallelTempering
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.propagators import (
    Drift,
    Kick,
    LangevinBath,
    Propagator,
    SpinPropagator,
)
from ase_mag.dynamics.sampler import Sampler
from ase_mag.dynamics.spin import SpinDynamics
from ase_mag.dynamics.spin_lattice import SpinLatticeDynamics
from ase_mag.dynamics.splitting import Splitting
from ase_mag.dynamics.sweeps import SequentialPrecession
from ase_mag.dynamics.temperature import moment_temperature, spin_temperature
from ase_mag.dynamics.timestep import suggest_timestep

__all__ = [
    "AsdAimd",
    "CellRescaling",
    "Drift",
    "DrivenSurface",
    "GeneralizedLangevin",
    "InertialSizes",
    "Kick",
    "LangevinBath",
    "Lesson",
    "MagneticDynamics",
    "MomentBath",
    "MomentSizes",
    "MonteCarlo",
    "Noise",
    "OnTheFlyLearning",
    "ParallelTempering",
    "Precession",
    "Propagator",
    "RelaxedSizes",
    "SampledSizes",
    "Sampler",
    "SequentialPrecession",
    "SpinDynamics",
    "SpinLatticeDynamics",
    "SpinPropagator",
    "Splitting",
    "moment_temperature",
    "spin_temperature",
    "suggest_timestep",
]
