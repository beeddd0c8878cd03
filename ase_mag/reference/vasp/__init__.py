"""VASP as a reference."""

from ase_mag.reference.vasp.calculator import ConstrainedVasp
from ase_mag.reference.vasp.deltaspin import DeltaSpin, read_deltaspin
from ase_mag.reference.vasp.output import Penalty, read_oszicar

__all__ = ["ConstrainedVasp", "DeltaSpin", "Penalty", "read_deltaspin", "read_oszicar"]
