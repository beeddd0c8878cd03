"""Files of Spirit: spin fields (OVF, of OOMMF and mumax too) and config files."""

from ase_mag.io.spirit.ovf import OvfField, read_ovf, write_ovf

__all__ = ["OvfField", "read_ovf", "write_ovf"]
