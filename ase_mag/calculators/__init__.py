"""ASE calculators over models: moments as state, alone or on top of a lattice calculator."""

from ase_mag.calculators.added import AddedCalculator, add
from ase_mag.calculators.magnetic import MagneticCalculator
from ase_mag.calculators.providers import DeepmdSpin, MagneticMace, chgnet, predicted_sizes

__all__ = [
    "AddedCalculator",
    "DeepmdSpin",
    "MagneticCalculator",
    "MagneticMace",
    "add",
    "chgnet",
    "predicted_sizes",
]
