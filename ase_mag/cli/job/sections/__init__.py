"""The sections of a job file and their keys."""

from ase_mag.cli.job.sections.learning import Fit, Landscapes, Potential, Predictor
from ase_mag.cli.job.sections.runs import Dynamics, Output
from ase_mag.cli.job.sections.searches import Curie, Relax
from ase_mag.cli.job.sections.system import Exchange, Model, Structure

#: All sections by their names.
SECTIONS = {
    "structure": Structure,
    "model": Model,
    "exchange": Exchange,
    "dynamics": Dynamics,
    "output": Output,
    "curie": Curie,
    "relax": Relax,
    "potential": Potential,
    "fit": Fit,
    "landscapes": Landscapes,
    "predictor": Predictor,
}

__all__ = [
    "SECTIONS",
    "Curie",
    "Dynamics",
    "Exchange",
    "Fit",
    "Landscapes",
    "Model",
    "Output",
    "Potential",
    "Predictor",
    "Relax",
    "Structure",
]
