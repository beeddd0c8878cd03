"""Builders of magnetic structures: phases, defects, orders of moments; rotations, sums, repeats."""

from ase_mag.build.bcc import BccLattice, bcc_crystal
from ase_mag.build.joining import (
    extend_with_moments,
    join,
    magnetic_supercell,
    sort_with_results,
)
from ase_mag.build.loops import prismatic_loop
from ase_mag.build.orders import (
    set_antiferromagnetic,
    set_ferromagnetic,
    set_random,
    set_spiral,
)
from ase_mag.build.phases import PHASES, magnetic_phase
from ase_mag.build.point_defects import POINT_DEFECTS, point_defect
from ase_mag.build.rotation import rotate_moments, rotate_with_moments
from ase_mag.build.thermal import set_thermal

__all__ = [
    "PHASES",
    "POINT_DEFECTS",
    "BccLattice",
    "bcc_crystal",
    "extend_with_moments",
    "join",
    "magnetic_phase",
    "magnetic_supercell",
    "point_defect",
    "prismatic_loop",
    "rotate_moments",
    "rotate_with_moments",
    "set_antiferromagnetic",
    "set_ferromagnetic",
    "set_random",
    "set_spiral",
    "set_thermal",
    "sort_with_results",
]
