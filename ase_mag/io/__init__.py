"""Files: what ASE needs to keep vector moments and magnetic forces."""

from ase_mag.io.database import read_database, write_database
from ase_mag.io.properties import register_magforces

__all__ = ["read_database", "register_magforces", "write_database"]
