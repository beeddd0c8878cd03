"""References: where energies at constrained moments come from.

A reference is an ASE calculator. What learns from it (``ase_mag.lsf``) and what moves with it
(``ase_mag.dynamics``) rely on this protocol, and on nothing else:

* The targets are the moments of the atoms, ``atoms.arrays['initial_magmoms']``: directions and
  sizes are constrained to them, (N, 3) in mu_B. A zero moment is a legal target.
* ``implemented_properties`` names ``energy``, ``forces``, ``magforces`` and ``magmoms``, all of
  one state: ``energy`` (eV) without any penalty of the constraint; ``forces`` -dE/dR at fixed
  moments (N, 3), eV/angstrom; ``magforces`` -dE/dM at fixed positions (N, 3), eV/mu_B, which is
  minus the constraining field; ``magmoms`` (N, 3), mu_B, the moments that were reached.
* ``moment_error`` (N,), mu_B, also a property: |M_i - target_i|, zero for an exact constraint.
* ``relax_sizes(atoms)`` -> (N, 3): the moments of minimal energy over all sizes |M_i| >= 0 at the
  directions in ``atoms``, which are not changed. Moments that start at zero have no direction and
  stay zero. It raises ``ase.calculators.calculator.CalculationFailed`` when it does not converge.
* ``name`` is shown wherever results are shown, and says so if the numbers are not from
  electronic-structure theory.

Evaluations at the same positions with other moments come in sequences (a landscape changes one
moment several times, for every atom), so a reference keeps what does not depend on the moments.
"""

from ase_mag.reference.abinit import ConstrainedAbinit
from ase_mag.reference.base import BadOutput, ConstrainedDFT, Job, NotConverged, Solution
from ase_mag.reference.campaign import CampaignResult, campaign
from ase_mag.reference.check import ReferenceCheck, check_cell, check_reference
from ase_mag.reference.model import ConstrainedModel
from ase_mag.reference.outputs import read_outputs
from ase_mag.reference.vasp import ConstrainedVasp

__all__ = [
    "BadOutput",
    "CampaignResult",
    "ConstrainedAbinit",
    "ConstrainedDFT",
    "ConstrainedModel",
    "ConstrainedVasp",
    "Job",
    "NotConverged",
    "ReferenceCheck",
    "Solution",
    "campaign",
    "check_cell",
    "check_reference",
    "read_outputs",
]
