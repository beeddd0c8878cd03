"""Whether all processes were given the same atoms and settings."""

import hashlib

import numpy as np

from ase_mag.core import get_moments, storage
from ase_mag.dynamics.base import free_atoms
from ase_mag.dynamics.driven import field_at


def check_same(comm, atoms, model, field, settings, files):
    """Raise ValueError on every process unless all of them have the same, bit for bit.

    Parameters
    ----------
    comm : mpi4py communicator.
    atoms : ase.Atoms
    model : Model, compared by what is saved of it, or by its class if it cannot be saved.
    field : three floats in tesla, a function of the time (compared at two times), or None.
    settings : dict of all other settings, the timestep among them; those that are equal have the
        same ``repr``.
    files : dict name -> path or None, compared by whether there is one.

    Raises
    ------
    ValueError
        Naming what differs from process 0.
    """
    given = {
        **_parts(atoms),
        "model": _identity(model),
        **settings,
        **{name: path is None for name, path in files.items()},
    }
    if field is not None:
        times = (0.0, settings["timestep"])
        given["field"] = np.array([field_at(field, time) for time in times])
    own = {name: _digest(value) for name, value in given.items()}
    first = comm.bcast(own)
    differs = np.array([own.get(name) != digest for name, digest in first.items()], dtype=int)
    counts = comm.allreduce(differs)
    if counts.any():
        found = [name for name, n in zip(first, counts, strict=True) if n]
        raise ValueError(
            f"{', '.join(found)} of {counts.max()} of {comm.size} processes differ from those of "
            "process 0, but all processes have to give the same, bit for bit: give random "
            "generators a seed, the same one everywhere, or make the atoms on one process and "
            "share them (atoms = comm.bcast(atoms))"
        )


class Unchanged:
    """Notes what is in ``atoms``, to find out whether the user has changed it since.

    Parameters
    ----------
    atoms : ase.Atoms
    comm : mpi4py communicator.
    """

    def __init__(self, atoms, comm):
        self.atoms, self.comm = atoms, comm
        self.keep()

    def keep(self):
        """Note what is in the atoms now."""
        self._kept = self._present()

    def check(self):
        """Raise ValueError on every process if the atoms of one of them were changed."""
        present = self._present()
        own = [name for name, digest in self._kept.items() if present[name] != digest]
        found = list(dict.fromkeys(name for names in self.comm.allgather(own) for name in names))
        if found:
            raise ValueError(
                f"{', '.join(found)} of atoms were changed since the simulation was made, but the "
                "state of a run on many processes is with LAMMPS, which does not see that: call "
                "gather(), change the atoms and make a new simulation of them"
            )

    def _present(self):
        return {name: _digest(value) for name, value in _parts(self.atoms).items()}


def _parts(atoms):
    return {
        "numbers": atoms.numbers,
        "positions": atoms.positions,
        "cell": atoms.cell.array,
        "celldisp": atoms.get_celldisp(),
        "pbc": atoms.pbc,
        "masses": atoms.get_masses(),
        "momenta": atoms.get_momenta(),
        "moments": get_moments(atoms),
        "constraints": free_atoms(atoms),
    }


def _identity(model):
    try:
        return storage.digest(model)
    except TypeError:
        return type(model).__qualname__


def _digest(value):
    if isinstance(value, np.ndarray):
        words, content = f"{value.dtype.kind}{value.shape}", np.ascontiguousarray(value).tobytes()
    else:
        words, content = repr(value), b""
    return hashlib.sha256(words.encode() + content).digest()
