"""Other programs as engines: LAMMPS on many processes."""

from ase_mag.bridges.halo import Halo
from ase_mag.bridges.simulation import LammpsSimulation

__all__ = ["Halo", "LammpsSimulation"]
