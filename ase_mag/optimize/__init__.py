"""Relaxation of moments, positions and cell, and how often it succeeds."""

from ase_mag.optimize.cell_filter import MagneticCellFilter, Residuals
from ase_mag.optimize.limits import REASONS, Limits
from ase_mag.optimize.moments import RelaxedMoments, relax_moments
from ase_mag.optimize.reliability import (
    Failure,
    Reliability,
    equilibration_reliability,
    relaxation_reliability,
)
from ase_mag.optimize.two_stage import Relaxed, relax

__all__ = [
    "REASONS",
    "Failure",
    "Limits",
    "MagneticCellFilter",
    "Relaxed",
    "RelaxedMoments",
    "Reliability",
    "Residuals",
    "equilibration_reliability",
    "relax",
    "relax_moments",
    "relaxation_reliability",
]
