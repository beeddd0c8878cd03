"""Magnetic moments that move, for ASE."""

from ase_mag.core import get_moments, get_threads, set_moments, set_threads

__all__ = ["get_moments", "get_threads", "set_moments", "set_threads"]
__version__ = "0.1.0"
