"""Builders of magnetic crystals: phases with their order of moments, point defects, loops."""

from ase_mag.build.bcc import BccLattice, bcc_crystal
from ase_mag.build.loops import prismatic_loop
from ase_mag.build.phases import PHASES, magnetic_phase
from ase_mag.build.point_defects import POINT_DEFECTS, point_defect

__all__ = [
    "PHASES",
    "POINT_DEFECTS",
    "BccLattice",
    "bcc_crystal",
    "magnetic_phase",
    "point_defect",
    "prismatic_loop",
]
