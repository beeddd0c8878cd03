"""Magnetic moments that move, for ASE.

Energies, forces, stress and magnetic forces ``magforces`` = -dE/dM of systems whose state is
positions and non-collinear moments; dynamics of both; learned models of them. Units: eV,
angstrom, mu_B, K, ASE time.
"""

from ase_mag import io, models
from ase_mag.calculators import MagneticCalculator, add
from ase_mag.core import get_moments, get_threads, set_moments, set_threads
from ase_mag.core.storage import storable_in
from ase_mag.io import register_magforces

__all__ = [
    "MagneticCalculator",
    "add",
    "get_moments",
    "get_threads",
    "io",
    "models",
    "set_moments",
    "set_threads",
]
__version__ = "0.1.0"

register_magforces()
storable_in("ase_mag.fitting.ensemble", "Ensemble")
storable_in("ase_mag.fitting.held", "Held", "View")
