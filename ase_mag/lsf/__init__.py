"""Longitudinal spin fluctuations: energy landscapes, their thermodynamics, learned landscapes."""

from ase_mag.lsf.baselines import MeanLandscape, RelaxedMoment, VoronoiLandscape
from ase_mag.lsf.fit import fit_landscapes
from ase_mag.lsf.frames import snapshots
from ase_mag.lsf.ideal import set_ideal_lattice
from ase_mag.lsf.labelled import landscapes_from_frames, scan_frames
from ase_mag.lsf.learning_curve import LearningCurve, learning_curve
from ase_mag.lsf.predictor import LsfPredictor
from ase_mag.lsf.relaxation import SizeRelaxation
from ase_mag.lsf.sampling import moment_quantile, sample_moment
from ase_mag.lsf.scan import landscapes
from ase_mag.lsf.search import GridSearch, grid_search
from ase_mag.lsf.step import LandscapeStep
from ase_mag.lsf.table import Landscape, LandscapeTable
from ase_mag.lsf.thermodynamics import bounded, density, mean_moment, minimum_moment
from ase_mag.lsf.trajectory import frames_from_trajectory
from ase_mag.lsf.transfer import Transfer, TransferCase, transfer
from ase_mag.lsf.validation import CrossValidation, cross_validate

__all__ = [
    "CrossValidation",
    "GridSearch",
    "Landscape",
    "LandscapeStep",
    "LandscapeTable",
    "LearningCurve",
    "LsfPredictor",
    "MeanLandscape",
    "RelaxedMoment",
    "SizeRelaxation",
    "Transfer",
    "TransferCase",
    "VoronoiLandscape",
    "bounded",
    "cross_validate",
    "density",
    "fit_landscapes",
    "frames_from_trajectory",
    "grid_search",
    "landscapes",
    "landscapes_from_frames",
    "learning_curve",
    "mean_moment",
    "minimum_moment",
    "moment_quantile",
    "sample_moment",
    "scan_frames",
    "set_ideal_lattice",
    "snapshots",
    "transfer",
]
