"""Data and dump files of LAMMPS with spins."""

from ase_mag.io.lammps_spin.files import read_lammps_spin, write_lammps_spin

__all__ = ["read_lammps_spin", "write_lammps_spin"]
