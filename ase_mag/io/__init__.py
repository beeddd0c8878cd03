"""Files: what ASE needs to keep vector moments and magnetic forces, and those of other codes."""

from ase_mag.io.database import read_database, write_database
from ase_mag.io.lammps_spin import read_lammps_spin, write_lammps_spin
from ase_mag.io.mcif import read_mcif
from ase_mag.io.properties import register_magforces
from ase_mag.io.spirit import OvfField, read_ovf, read_spirit, write_ovf, write_spirit
from ase_mag.io.tb2j import read_tb2j
from ase_mag.io.tb2j_writer import write_tb2j
from ase_mag.io.uppasd import (
    UppasdRun,
    UppasdSettings,
    read_uppasd,
    read_uppasd_moments,
    read_uppasd_table,
    run_uppasd,
    write_uppasd,
    write_uppasd_restart,
)
from ase_mag.io.vampire import read_vampire, write_vampire

__all__ = [
    "OvfField",
    "UppasdRun",
    "UppasdSettings",
    "read_database",
    "read_lammps_spin",
    "read_mcif",
    "read_ovf",
    "read_spirit",
    "read_tb2j",
    "read_uppasd",
    "read_uppasd_moments",
    "read_uppasd_table",
    "read_vampire",
    "register_magforces",
    "run_uppasd",
    "write_database",
    "write_lammps_spin",
    "write_ovf",
    "write_spirit",
    "write_tb2j",
    "write_uppasd",
    "write_uppasd_restart",
    "write_vampire",
]
