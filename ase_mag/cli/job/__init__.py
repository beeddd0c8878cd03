"""Job files: one TOML text, checked against the sections and keys that there are."""

from ase_mag.cli.job.errors import InputError, wrong_input
from ase_mag.cli.job.job import Job, read

__all__ = ["InputError", "Job", "read", "wrong_input"]
