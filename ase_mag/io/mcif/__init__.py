"""Magnetic CIF files."""

from ase_mag.io.mcif.reader import read_mcif

__all__ = ["read_mcif"]
