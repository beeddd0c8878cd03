"""The sections of a job file and their keys."""

from ase_mag.cli.job.sections.learning import Fit, Landscapes, Potential, Predictor, Stages
from ase_mag.cli.job.sections.references import Executor, Reference
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
    "stages": Stages,
    "landscapes": Landscapes,
    "predictor": Predictor,
    "reference": Reference,
    "executor": Executor,
}

__all__ = [
    "SECTIONS",
    "Curie",
    "Dynamics",
    "Exchange",
    "Executor",
    "Fit",
    "Landscapes",
    "Model",
    "Output",
    "Potential",
    "Predictor",
    "Reference",
    "Relax",
    "Stages",
    "Structure",
]
