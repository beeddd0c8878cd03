"""Settings that only serial runs have."""

import numpy as np

from ase_mag.core.graph import check_finite


def refuse_serial(longitudinal, damping, rate, field, atoms):
    """Raise ValueError for what only serial runs have, and for atoms that no run can have."""
    if longitudinal == "inertial":
        raise ValueError("longitudinal='inertial' runs in SpinLatticeDynamics only")
    for name, value in (("damping", damping), ("longitudinal_rate", rate)):
        if not np.isscalar(value):
            raise ValueError(
                f"{name} must be a number here, got an array of shape {np.shape(value)}: values of "
                "single atoms are possible in SpinLatticeDynamics only"
            )
    if callable(field):
        raise ValueError("a field that changes in time is possible in SpinLatticeDynamics only")
    if not len(atoms):
        raise ValueError("a simulation needs atoms, got none")
    check_finite(atoms.positions, atoms.cell.array)
    if atoms.constraints:
        raise ValueError("constraints are possible in SpinLatticeDynamics only")
