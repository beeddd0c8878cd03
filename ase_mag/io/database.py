"""Databases of ASE (``.db``) that keep vector moments and magnetic forces."""

import numpy as np
from ase.calculators.calculator import all_properties
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect

#: Where a row keeps what ASE has no column for.
_KEY = "ase_mag"
#: Results with columns of their own; all others are kept in the data of the row.
_COLUMNS = ("energy", "free_energy", "forces", "stress")


def write_database(path, frames):
    """Write frames with their results as a new SQLite database of ASE.

    ASE has no column for magnetic forces and cannot read the rows back if their moments are
    vectors. Here energy, forces and stress go to the columns of ASE, so that ``ase db`` selects by
    them and any ASE reads the file; moments (vectors), magnetic forces and all other arrays and
    ``info`` go to the data of the row, in full precision, from where :func:`read_database` takes
    them.

    Parameters
    ----------
    path : path of the new file.
    frames : list of ase.Atoms; their calculators hold the results (none: a row without results).

    Raises
    ------
    FileExistsError
        If there is a file at ``path``: rows are not added to it.
    """
    with open(path, "x"):
        pass
    with connect(path, type="db", use_lock_file=False) as database:
        for frame in frames:
            plain = frame.copy()
            info, plain.info = plain.info, {}
            own = {"positions", "numbers", "tags", "momenta", "masses", "initial_charges"}
            arrays = {name: plain.arrays.pop(name) for name in set(plain.arrays) - own}
            results = {} if frame.calc is None else dict(frame.calc.results)
            plain.calc = SinglePointCalculator(
                plain, **{name: results.pop(name) for name in _COLUMNS if name in results}
            )
            kept = {
                "arrays": arrays,
                "info": info,
                "results": {name: np.asarray(value) for name, value in results.items()},
                "name": getattr(frame.calc, "name", None),
            }
            database.write(plain, data={_KEY: kept})


def read_database(path, selection=None):
    """Return the frames of a database of ASE, with vector moments and magnetic forces.

    Rows that :func:`write_database` did not write are read as ASE reads them, with their key-value
    pairs and data in ``info``.

    Parameters
    ----------
    path : path
    selection : as for ``ase.db.core.Database.select``, e.g. ``"natoms>2"``; default: all rows.

    Raises
    ------
    FileNotFoundError
        If there is no file at ``path``.
    """
    with open(path):
        pass
    return [_frame(row) for row in connect(path).select(selection)]


def _frame(row):
    kept = row.data.get(_KEY)
    if kept is None:
        return row.toatoms(add_additional_information=True)
    atoms = row.toatoms()
    for name, values in kept["arrays"].items():
        atoms.set_array(name, values)
    atoms.info.update(kept["info"])
    results = {} if atoms.calc is None else dict(atoms.calc.results)
    results |= {
        name: value.item() if value.ndim == 0 else value for name, value in kept["results"].items()
    }
    known = {name: value for name, value in results.items() if name in all_properties}
    atoms.calc = SinglePointCalculator(atoms, **known)
    atoms.calc.results.update(results)
    atoms.calc.name = kept["name"] or atoms.calc.name
    return atoms
