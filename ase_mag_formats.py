"""Formats of other spin codes, declared to ASE (entry points ``ase.ioformats``).

ASE loads these declarations when ``ase.io`` is imported. They lie outside the package, so that
this neither imports it (which takes a second) nor meets a half imported ``ase.io``; the readers
and writers are in ``ase_mag.io.formats``, loaded when a file is read or written.
"""

from ase.io.formats import ExternalIOFormat

_MODULE = "ase_mag.io.formats"

uppasd = ExternalIOFormat(
    desc="UppASD input folder, by its inpsd.dat", code="1S", module=_MODULE, glob="inpsd.dat"
)
uppasd_moments = ExternalIOFormat(
    desc="UppASD restart and moment files, beside their inpsd.dat",
    code="+S",
    module=_MODULE,
    magic=b"#" * 80 + b"\n# File type: ",
)
lammps_spin_data = ExternalIOFormat(
    desc="LAMMPS data file, atom style spin",
    code="1S",
    module=_MODULE,
    magic_regex=rb".*?^Atoms *# *spin$",
)
lammps_spin_dump = ExternalIOFormat(
    desc="LAMMPS dump file with spins (give the format: ASE's own reader drops them)",
    code="+S",
    module=_MODULE,
)
