"""ASE calculators over models: moments as state, alone or on top of a lattice calculator."""

from ase_mag.calculators.added import AddedCalculator, add
from ase_mag.calculators.magnetic import MagneticCalculator

__all__ = ["AddedCalculator", "MagneticCalculator", "add"]
