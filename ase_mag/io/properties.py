"""``magforces`` as a property that ASE stores in its files."""

import warnings

import ase

#: Why the registration failed; None if it did not.
_problem = "ase_mag.io.register_magforces() was not called"


def register_magforces():
    """Make ``magforces`` (-dE/dM, (N, 3), eV/mu_B) a property that ASE reads and writes.

    ASE has no such property: calculators may offer it, but trajectories, extxyz files, databases
    and ``SinglePointCalculator`` know a fixed list of names, which this call extends. Files stay
    readable by an ASE without ``ase_mag``: a trajectory then shows no ``magforces``, and extxyz
    puts them into ``atoms.arrays``. (SQLite databases of ASE have no column for them, and cannot
    read non-collinear moments back.) Importing ``ase_mag`` calls it; further calls do nothing.

    Returns
    -------
    bool
        Whether magforces are stored. With an ASE whose lists have moved nothing is changed and
        the answer is False; calculators then warn when a trajectory is written.
    """
    global _problem
    try:
        from ase.calculators.calculator import all_properties
        from ase.io.extxyz import per_atom_properties
        from ase.outputs import ArrayProperty, all_outputs

        magforces = ArrayProperty("magforces", float, ("natoms", 3))
        for names in (all_properties, per_atom_properties):
            names.index("forces")
        all_outputs["forces"]
    except (ImportError, AttributeError, TypeError, ValueError, KeyError) as error:
        _problem = f"{type(error).__name__}: {error}"
        return False
    # ase.io.extxyz sorts the properties by all_outputs when it is imported, which is done.
    all_outputs.setdefault("magforces", magforces)
    for names in (all_properties, per_atom_properties):
        if "magforces" not in names:
            names.append("magforces")
    _problem = None
    return True


def warn_unless_registered():
    """Warn if files that are being written will lack ``magforces``."""
    if _problem is not None:
        warnings.warn(
            f"magforces are not written to files, because ASE {ase.__version__} could not be told "
            f"about them ({_problem}): use a version of ASE that ase_mag supports (>= 3.27)",
            UserWarning,
            stacklevel=3,
        )
