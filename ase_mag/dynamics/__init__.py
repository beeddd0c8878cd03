"""Dynamics of moments and atoms: a state, propagators, and splittings of them."""

from ase_mag.dynamics.asd_aimd import AsdAimd
from ase_mag.dynamics.base import MagneticDynamics
from ase_mag.dynamics.noise import Noise
from ase_mag.dynamics.precession import Precession
from ase_mag.dynamics.propagators import (
    Drift,
    Kick,
    LangevinBath,
    MomentSizes,
    Propagator,
    SpinPropagator,
)
from ase_mag.dynamics.spin import SpinDynamics
from ase_mag.dynamics.splitting import Splitting

__all__ = [
    "AsdAimd",
    "Drift",
    "Kick",
    "LangevinBath",
    "MagneticDynamics",
    "MomentSizes",
    "Noise",
    "Precession",
    "Propagator",
    "SpinDynamics",
    "SpinPropagator",
    "Splitting",
]
