"""Neighbor pairs as LAMMPS lists them, with images of an atom as translations of it."""

import ctypes

import numpy as np

from ase_mag import _kernels
from ase_mag.core import Topology
from ase_mag.core.pair_search import distinct_rows

#: How far (in cell vectors) a ghost may be from where it would be as an image.
_TOLERANCE = 1e-6


def folded(engine):
    """Return the neighbor pairs of the owned atoms, and the ghosts among them.

    LAMMPS has ghosts also of atoms that the process owns itself, and several of one atom. Here
    every tag is one atom, owned or ghost; others of its tag are translations by cell vectors.

    Parameters
    ----------
    engine : Engine, at a step in which LAMMPS has searched neighbors.

    Returns
    -------
    topology : Topology of the owned atoms and one ghost for each tag that others own.
    ghosts : (n_ghosts,) int array, local indices that these ghosts have with LAMMPS.

    Raises
    ------
    RuntimeError
        If LAMMPS lists what is not an atom, or not an image of one.
    """
    kernels, n = _kernels.lammps_pairs, engine.n_owned
    handle, index = _address(engine.lmp.lmp), engine.lmp.find_pair_neighlist("zero")
    tags = engine.tags(ghosts=True)
    homes, names = np.empty((2, len(tags)), dtype=np.intc)
    function = _address(engine.lmp.lib.lammps_map_atom)
    if kernels.fold(function, handle, tags, n, homes, names) < 0:
        raise RuntimeError("LAMMPS does not know the atom of a ghost")
    ghosts = n + np.flatnonzero(homes[n:] == np.arange(n, len(tags)))
    translations, rows = distinct_rows(_translations(engine, homes))
    rows = np.concatenate([np.full(n, rows[0], dtype=np.intc), rows[1:]])
    function = _address(engine.lmp.lib.lammps_neighlist_element_neighbors)
    offsets = np.zeros(n + 1, dtype=np.intc)
    n_pairs = kernels.count(function, handle, index, offsets)
    if n_pairs < 0:
        raise RuntimeError("the neighbor list of LAMMPS names an atom of another process")
    neighbors, translation = np.empty(n_pairs, dtype=np.intc), np.empty(n_pairs, dtype=np.intc)
    scratch = np.empty((2, np.diff(offsets).max(initial=0)), dtype=np.int64)
    kernels.fill(function, handle, index, names, rows, offsets, scratch, neighbors, translation)
    numbers = engine.numbers()
    numbers = np.concatenate([numbers[:n], numbers[ghosts]])
    return Topology(numbers, offsets, neighbors, translations, translation), ghosts


def _translations(engine, homes):
    """Return zero and those of all ghosts of LAMMPS from their homes, (1 + n, 3) int array."""
    n, positions, box = engine.n_owned, engine.placed(), engine.box
    scaled = (positions[n:] - positions[homes[n:]]) @ np.linalg.inv(box.vectors)
    turns = np.rint(scaled)
    if np.abs(scaled - turns).max(initial=0.0) > _TOLERANCE or turns[:, ~box.periodic].any():
        raise RuntimeError("LAMMPS has a ghost that is not a periodic image of its atom")
    # The box has the vectors of the user's cell, or the opposite ones.
    turns *= np.sign(np.einsum("ij,ij->i", box.vectors @ engine.rotation.T, engine.cell))
    return np.concatenate([np.zeros((1, 3)), turns]).astype(np.intc)


def _address(pointer):
    return ctypes.cast(pointer, ctypes.c_void_p).value
