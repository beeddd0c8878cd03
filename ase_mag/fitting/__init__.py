"""Fitting models to energies, forces, stresses and magnetic forces."""

from ase_mag.fitting.dataset import Dataset
from ase_mag.fitting.fit import fit
from ase_mag.fitting.frame import Frame
from ase_mag.fitting.metrics import Errors, compare
from ase_mag.fitting.readers import read
from ase_mag.fitting.references import atomic_references
from ase_mag.fitting.report import FitReport

__all__ = [
    "Dataset",
    "Errors",
    "FitReport",
    "Frame",
    "atomic_references",
    "compare",
    "fit",
    "read",
]
