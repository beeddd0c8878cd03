"""The bilinear form of a process, put together block by block."""

from dataclasses import fields

import numpy as np

from ase_mag.core import BilinearForm


class JoinedForm:
    """Puts the forms of consecutive blocks of sites together; no other copy of them is needed.

    Parameters
    ----------
    n_sites : int
    room : int, the number of pairs that arrays are made for at first.
    memory : Memory, where arrays over the pairs are made.

    Attributes
    ----------
    n_pairs : int, the number of pairs so far.
    room : int, the number of pairs that there is room for.
    """

    def __init__(self, n_sites, room, memory):
        self.n_sites, self.n_pairs, self.room = n_sites, 0, room
        self._n_done, self._memory = 0, memory
        self._offsets = np.zeros(n_sites + 1, dtype=np.intc)
        self._neighbors = memory.empty((room,), np.intc)
        self._columns = {}

    def add(self, form, atoms):
        """Add the form of the next sites.

        Parameters
        ----------
        form : BilinearForm
        atoms : (n,) int32 array, the atoms of the process that the numbers of neighbors stand for.
        """
        sites = slice(self._n_done, self._n_done + form.n_atoms)
        pairs = slice(self.n_pairs, self.n_pairs + len(form.neighbors))
        if pairs.stop > self.room:
            self._grow(pairs)
        self._offsets[sites.start + 1 : sites.stop + 1] = form.offsets[1:] + self.n_pairs
        np.take(atoms, form.neighbors, out=self._neighbors[pairs], mode="clip")
        for field in fields(BilinearForm)[2:]:
            values, of_pairs = getattr(form, field.name), field.name in ("exchange", "tensors")
            where = pairs if of_pairs else sites
            if values is not None and field.name not in self._columns:
                self._columns[field.name] = self._zeros(of_pairs, values.shape[1:])
            if values is not None:
                # Ghosts beyond the sites may have rows too.
                self._columns[field.name][where] = values[: where.stop - where.start]
            elif field.name in self._columns:
                self._columns[field.name][where] = 0.0
        self._n_done, self.n_pairs = sites.stop, pairs.stop

    def _zeros(self, of_pairs, shape):
        if not of_pairs:
            return np.zeros((self.n_sites, *shape))
        array = self._memory.empty((self.room, *shape))
        array[: self.n_pairs] = 0.0
        return array

    def _grow(self, pairs):
        """Make room for a quarter more than the pairs that there are now."""
        self.room = int(1.25 * pairs.stop)

        def grown(array):
            longer = self._memory.empty((self.room, *array.shape[1:]), array.dtype)
            longer[: pairs.start] = array[: pairs.start]
            return longer

        self._neighbors = grown(self._neighbors)
        for name in ("exchange", "tensors"):
            if name in self._columns:
                self._columns[name] = grown(self._columns[name])

    def form(self):
        """Return the form of all sites."""
        columns = dict(self._columns)
        for name in ("exchange", "tensors"):
            if name in columns:
                columns[name] = columns[name][: self.n_pairs]
        return BilinearForm(self._offsets, self._neighbors[: self.n_pairs], **columns)
