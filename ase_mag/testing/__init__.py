"""Contracts: what every model, descriptor and regressor must keep, as functions to call.

They raise AssertionError with what differs, where and by how much, and do not need pytest::

    from ase_mag import models, testing
    testing.check_model(models.named('FeHL-1'))
"""

from ase_mag.testing.comparison import assert_close, assert_identical, assert_responses
from ase_mag.testing.consistency import (
    check_bilinear,
    check_ghosts,
    check_lattice_flag,
    check_purity,
    check_response,
    check_storage,
    check_threads,
    check_zero_moments,
)
from ase_mag.testing.descriptor import check_descriptor
from ase_mag.testing.differences import check_forces, check_magforces, check_virial
from ase_mag.testing.invariances import (
    check_newton,
    check_permutation,
    check_rotation,
    check_spin_rotation,
    check_supercell,
    check_time_reversal,
    check_translation,
)
from ase_mag.testing.model import check_model
from ase_mag.testing.propagators import check_propagator
from ase_mag.testing.regressor import check_regressor
from ase_mag.testing.smoothness import check_cutoff, check_far_atoms
from ase_mag.testing.structures import example
from ase_mag.testing.trainable import check_trainable

__all__ = [
    "assert_close",
    "assert_identical",
    "assert_responses",
    "check_bilinear",
    "check_cutoff",
    "check_descriptor",
    "check_far_atoms",
    "check_forces",
    "check_ghosts",
    "check_lattice_flag",
    "check_magforces",
    "check_model",
    "check_newton",
    "check_permutation",
    "check_propagator",
    "check_purity",
    "check_regressor",
    "check_response",
    "check_rotation",
    "check_spin_rotation",
    "check_storage",
    "check_supercell",
    "check_threads",
    "check_time_reversal",
    "check_trainable",
    "check_translation",
    "check_virial",
    "check_zero_moments",
    "example",
]
