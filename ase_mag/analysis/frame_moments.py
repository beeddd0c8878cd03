"""The moments of a frame: those that its calculator found, or its state."""

import numpy as np

from ase_mag.core import get_moments
from ase_mag.core.moments import as_moments


def moments_of(atoms):
    """Return the moments of a frame, (N, 3), mu_B; zero where there are none.

    Moments that the calculator found (``magmoms``: relaxed ones of an adiabatic run, those that a
    constrained calculation reached) count, else the state ``initial_magmoms``. Sizes (N,) of a
    calculator that knows collinear moments only do not replace moment vectors of the state.
    """
    found = _found(atoms)
    if found is None or (found.ndim == 1 and atoms.arrays.get("initial_magmoms", found).ndim == 2):
        return get_moments(atoms)
    return as_moments(found, len(atoms))


def has_moments(atoms):
    """Return whether a frame says anything about moments."""
    return "initial_magmoms" in atoms.arrays or _found(atoms) is not None


def _found(atoms):
    calculator = atoms.calc
    if calculator is None or "magmoms" not in getattr(calculator, "results", {}):
        return None
    found = calculator.get_property("magmoms", atoms, allow_calculation=False)
    return None if found is None else np.asarray(found)
