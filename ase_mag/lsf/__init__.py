"""Longitudinal spin fluctuations: energy landscapes, their thermodynamics, learned landscapes."""

from ase_mag.lsf.frames import snapshots
from ase_mag.lsf.predictor import LsfPredictor
from ase_mag.lsf.sampling import moment_quantile, sample_moment
from ase_mag.lsf.scan import fit_landscapes, landscapes
from ase_mag.lsf.step import LandscapeStep
from ase_mag.lsf.table import Landscape, LandscapeTable
from ase_mag.lsf.thermodynamics import bounded, density, mean_moment, minimum_moment
from ase_mag.lsf.validation import CrossValidation, cross_validate

__all__ = [
    "CrossValidation",
    "Landscape",
    "LandscapeStep",
    "LandscapeTable",
    "LsfPredictor",
    "bounded",
    "cross_validate",
    "density",
    "fit_landscapes",
    "landscapes",
    "mean_moment",
    "minimum_moment",
    "moment_quantile",
    "sample_moment",
    "snapshots",
]
