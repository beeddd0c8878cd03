"""Files: what ASE needs to keep magnetic forces."""

from ase_mag.io.properties import register_magforces

__all__ = ["register_magforces"]
