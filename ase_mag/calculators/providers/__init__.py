"""Learned potentials of other packages as calculators with moments as state."""

from ase_mag.calculators.providers.base import ProvidedCalculator
from ase_mag.calculators.providers.chgnet import chgnet, predicted_sizes
from ase_mag.calculators.providers.deepmd import DeepmdSpin
from ase_mag.calculators.providers.mace import MagneticMace

__all__ = [
    "DeepmdSpin",
    "MagneticMace",
    "ProvidedCalculator",
    "chgnet",
    "predicted_sizes",
]
