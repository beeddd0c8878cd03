"""Files of Spirit: spin fields (OVF, of OOMMF and mumax too) and config files."""

from ase_mag.io.spirit.ovf import OvfField, read_ovf, write_ovf
from ase_mag.io.spirit.reader import read_spirit
from ase_mag.io.spirit.writer import write_spirit

__all__ = ["OvfField", "read_ovf", "read_spirit", "write_ovf", "write_spirit"]
