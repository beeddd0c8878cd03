"""ABINIT as a reference: input, output and the calculator."""

from ase_mag.reference.abinit.calculator import ConstrainedAbinit
from ase_mag.reference.abinit.output import AbinitOutput, parse_output
from ase_mag.reference.abinit.pseudopotentials import Pseudopotential, find_pseudopotentials

__all__ = [
    "AbinitOutput",
    "ConstrainedAbinit",
    "Pseudopotential",
    "find_pseudopotentials",
    "parse_output",
]
