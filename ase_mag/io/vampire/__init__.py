"""Unit cell and material files of VAMPIRE."""

from ase_mag.io.vampire.reader import read_vampire
from ase_mag.io.vampire.writer import write_vampire

__all__ = ["read_vampire", "write_vampire"]
