"""Fitting models to energies, forces, stresses and magnetic forces."""

from ase_mag.fitting.active import ActiveResult, active_loop
from ase_mag.fitting.active_folder import Visit
from ase_mag.fitting.dataset import Dataset
from ase_mag.fitting.deepmd_writer import write_deepmd
from ase_mag.fitting.ensemble import Disagreement, Ensemble, Uncertainty, ensemble
from ase_mag.fitting.evidence import log_evidence, most_likely
from ase_mag.fitting.extrapolation import ActiveSet
from ase_mag.fitting.fit import fit
from ase_mag.fitting.frame import Frame
from ase_mag.fitting.held import Held, View
from ase_mag.fitting.maxvol import maxvol
from ase_mag.fitting.metrics import Errors, compare
from ase_mag.fitting.posterior import LinearPosterior, PosteriorErrors
from ase_mag.fitting.readers import read
from ase_mag.fitting.references import atomic_references
from ase_mag.fitting.report import FitReport
from ase_mag.fitting.stages import STAGES, StagesReport, fit_stages
from ase_mag.fitting.validation import (
    CrossValidation,
    LearningCurve,
    cross_validate,
    learning_curve,
)

__all__ = [
    "STAGES",
    "ActiveResult",
    "ActiveSet",
    "CrossValidation",
    "Dataset",
    "Disagreement",
    "Ensemble",
    "Errors",
    "FitReport",
    "Frame",
    "Held",
    "LearningCurve",
    "LinearPosterior",
    "PosteriorErrors",
    "StagesReport",
    "Uncertainty",
    "View",
    "Visit",
    "active_loop",
    "atomic_references",
    "compare",
    "cross_validate",
    "ensemble",
    "fit",
    "fit_stages",
    "learning_curve",
    "log_evidence",
    "maxvol",
    "most_likely",
    "read",
    "write_deepmd",
]
