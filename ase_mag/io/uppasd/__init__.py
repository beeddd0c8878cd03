"""Input folders and moment files of UppASD."""

from ase_mag.io.uppasd.moments import read_uppasd_moments, write_uppasd_restart
from ase_mag.io.uppasd.outputs import read_uppasd_table
from ase_mag.io.uppasd.reader import UppasdSettings, read_uppasd
from ase_mag.io.uppasd.run import UppasdRun, run_uppasd
from ase_mag.io.uppasd.writer import write_uppasd

__all__ = [
    "UppasdRun",
    "UppasdSettings",
    "read_uppasd",
    "read_uppasd_moments",
    "read_uppasd_table",
    "run_uppasd",
    "write_uppasd",
    "write_uppasd_restart",
]
