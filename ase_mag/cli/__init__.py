"""The command ``ase-mag``: one module per sub-command."""

from ase_mag.cli.program import main

__all__ = ["main"]
