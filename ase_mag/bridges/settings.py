"""Settings of runs on many processes, checked."""

import numpy as np

from ase_mag.core import Model, get_moments
from ase_mag.core.graph import check_finite
from ase_mag.dynamics.base import check_interval, check_positive, free_atoms
from ase_mag.dynamics.driven import field_at
from ase_mag.dynamics.spin import described, field_setting
from ase_mag.dynamics.spin_lattice import check_ensemble


def settings_of(atoms, *, field, method, full_cell, account, **ensemble):
    """Return the settings of a run as a JSON-able dict, or raise ValueError for bad ones.

    Parameters and errors are those of :class:`ase_mag.bridges.LammpsSimulation`.
    """
    spin_temperature_K = check_ensemble(atoms, **ensemble)
    if method != "implicit":
        raise ValueError(
            f"method must be 'implicit' on many processes, got {method!r}: rotations of one moment "
            "after the other have an order that processes cannot share (SpinLatticeDynamics has "
            "them)"
        )
    if field is not None:
        field_at(field, 0.0)
    arrays = ("damping", "longitudinal_rate", "inertia")
    return (
        ensemble
        | {name: np.asarray(ensemble[name]).tolist() for name in arrays}
        | {
            "spin_temperature_K": spin_temperature_K,
            "field_T": field_setting(described(field)),
            "method": method,
            "full_cell": full_cell,
            "account": account,
        }
    )


def check_input(atoms, model, timestep, skin, intervals):
    """Raise ValueError or TypeError for what no run can have.

    Parameters
    ----------
    atoms, model, timestep, skin : see :class:`ase_mag.bridges.LammpsSimulation`.
    intervals : dict name -> number of steps.
    """
    check_positive("timestep", timestep, "ASE time units (ase.units.fs)")
    check_positive("skin", skin, "angstrom")
    for name, steps in intervals.items():
        check_interval(name, steps)
    check_atoms(atoms)
    if not isinstance(model, Model):
        kept = getattr(model, "model", None)
        remedy = "give one of ase_mag.models; with other calculators run SpinLatticeDynamics"
        if isinstance(kept, Model):
            remedy = "give the model of the calculator (atoms.calc.model)"
        raise TypeError(f"the model must be an ase_mag.core.Model, got {model!r}: {remedy}")
    model.check_species(atoms.numbers)


def check_atoms(atoms):
    """Raise ValueError for atoms that no run can have."""
    if not len(atoms):
        raise ValueError("a simulation needs atoms, got none")
    check_finite(atoms.positions, atoms.cell.array)
    free_atoms(atoms)
    get_moments(atoms)
    bad = np.flatnonzero(~np.isfinite(atoms.get_momenta()).all(axis=1))
    if len(bad):
        raise ValueError(
            f"the momentum of atom {bad[0]} is not a finite number: "
            f"{atoms.get_momenta()[bad[0]].tolist()}; set all of them with atoms.set_momenta"
        )
