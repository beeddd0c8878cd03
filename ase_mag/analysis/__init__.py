"""Observables of runs, their errors, and plots of them."""

from ase_mag.analysis.observables import magnetization, moment_sizes, msd, pressure
from ase_mag.analysis.run import Run, read
from ase_mag.analysis.statistics import block_error, cumulative_mean

__all__ = [
    "Run",
    "block_error",
    "cumulative_mean",
    "magnetization",
    "moment_sizes",
    "msd",
    "pressure",
    "read",
]
