"""The sites of a process in blocks, so that arrays over pairs fit into caches and memory."""

from itertools import pairwise

import numpy as np

from ase_mag import _kernels
from ase_mag.bridges.joined import JoinedForm
from ase_mag.core import PairGraph, Topology
from ase_mag.core.memory import Memory

#: Up to so many sites are one block, of which models keep what belongs to a geometry for the whole
#: step: about 100 bytes a pair.
ALONE = 250_000
#: Sites of each of several blocks, which keep nothing: distances and couplings are made twice a
#: step, for the form of the moments and for forces. Neighbors in the order of LAMMPS lie in rows of
#: cubes (``engine.CUBE``).
SIZE = 8_192

#: Couplings for which there is room in a form, relative to those expected of its first block.
_ROOM = 1.05


class Block:
    """Some sites of a process and the atoms they see, owned ones and ghosts.

    Attributes
    ----------
    sites : slice, of the owned atoms of the process.
    atoms : (n,) int32 array, the atoms that the block sees, its sites first; or slice(None).
    topology : Topology of the pairs of the sites, all atoms beyond them as ghosts.
    """

    def __init__(self, sites, atoms, topology):
        self.sites, self.atoms, self.topology = sites, atoms, topology
        topology.in_order = False
        self._packed = None

    def pack(self):
        """Put the pairs into the smallest integers that hold them: three bytes instead of eight."""
        topology = self.topology
        if self._packed is None:
            self._packed = (
                topology.neighbors.astype(np.min_scalar_type(topology.n_atoms)),
                topology.translation.astype(np.min_scalar_type(len(topology.translations))),
            )
        topology.neighbors = topology.translation = None

    def unpack(self):
        """Make the pairs ready for kernels."""
        topology = self.topology
        arrays = [topology.memory.empty((topology.n_pairs,), np.intc) for _ in self._packed]
        for array, packed in zip(arrays, self._packed, strict=True):
            array[:] = packed
        topology.neighbors, topology.translation = arrays

    @classmethod
    def of(cls, topology, sites, places):
        """Make the block of some sites; ``places``: -1 for every atom, scratch."""
        first, last = sites.start, sites.stop
        pairs = slice(topology.offsets[first], topology.offsets[last])
        count = int(pairs.stop - pairs.start)
        atoms = np.empty(min(count + last - first, topology.n_atoms), dtype=np.intc)
        renamed = np.empty(count, dtype=np.intc)
        n = _kernels.lammps_pairs.gather_block(
            topology.offsets, topology.neighbors, first, last, places, atoms, renamed
        )
        atoms = atoms[:n].copy()
        part = Topology(
            topology.numbers[atoms],
            topology.offsets[first : last + 1] - topology.offsets[first],
            renamed,
            topology.translations,
            topology.translation[pairs],
        )
        if topology.labels is not None:
            part.labels = topology.labels[atoms]
        block = cls(sites, atoms, part)
        block.pack()
        return block


class Blocks:
    """All sites of a process at one geometry.

    Parameters
    ----------
    topology : Topology of all pairs of the process.
    size : int or None, sites of a block; None: :data:`SIZE`, or all if they are few.
    """

    def __init__(self, topology, size=None):
        n = topology.n_sites
        if size is None:
            size = n if n <= ALONE else SIZE
        self.n_sites, self.n_atoms = n, topology.n_atoms
        self.kept = size >= n
        self._graph = None
        self._memory, self._room = Memory(), None
        if self.kept:
            self.blocks = [Block(slice(0, n), slice(None), topology)]
            return
        places, memory = np.full(topology.n_atoms, -1, dtype=np.intc), Memory()
        self.blocks = [
            Block.of(topology, slice(first, last), places)
            for first, last in pairwise([*range(0, n, size), n])
        ]
        for block in self.blocks:
            block.topology.memory = memory

    def place(self, positions, cell, volume, cutoff):
        """Go over to new positions of owned atoms and ghosts, (n_atoms, 3), angstrom."""
        self._geometry = positions, cell, volume, cutoff
        self._graph = None
        self.volume = volume

    def graphs(self, one_sided=False):
        """Yield every block with its :class:`PairGraph`, which is there until the next one."""
        positions, *geometry = self._geometry
        for block in self.blocks:
            graph = self._graph
            if graph is None:
                graph = PairGraph.from_topology(block.topology, positions[block.atoms], *geometry)
            if self.kept:
                self._graph = graph
            else:
                block.unpack()
            graph.one_sided, graph.fields_only = one_sided, True
            try:
                yield block, graph
            finally:
                if not self.kept:
                    block.pack()

    def bilinear(self, model):
        """Return the bilinear form of a model on all sites, merged, or None."""
        joined = None
        for block, graph in self.graphs():
            form = model.bilinear(graph)
            if form is None:
                return None
            form = form.merged(block.topology.memory, block.topology.n_atoms)
            if self.kept:
                return form
            if joined is None:
                if self._room is None:
                    expected = len(form.neighbors) / form.n_atoms * self.n_sites
                    self._room = int(_ROOM * expected)
                joined = JoinedForm(self.n_sites, self._room, self._memory)
            joined.add(form, block.atoms)
        if joined.room > self._room:
            # What was too short is not needed again.
            self._memory, self._room = Memory(), joined.room
        return joined.form()

    def evaluate(self, model, moments, *, lattice, one_sided):
        """Return energies and virials of the sites, and -dE/dR and -dE/dM of all atoms.

        Parameters
        ----------
        model : Model
        moments : (n_atoms, 3) float array, mu_B.
        lattice : bool; False: no forces and virials (None).
        one_sided : bool, magnetic forces are not asked for (None).
        """
        if self.kept:
            _, graph = next(self.graphs(one_sided))
            found = model.evaluate(graph, moments, lattice=lattice)
            magforces = None if one_sided else found.magforces
            return found.energies, found.virials, found.forces, magforces
        energies = np.empty(self.n_sites)
        virials = np.empty((self.n_sites, 3, 3)) if lattice else None
        forces = np.zeros((self.n_atoms, 3)) if lattice else None
        magforces = None if one_sided else np.zeros((self.n_atoms, 3))
        for block, graph in self.graphs(one_sided):
            response = model.evaluate(graph, moments[block.atoms], lattice=lattice)
            energies[block.sites] = response.energies
            if lattice:
                virials[block.sites] = response.virials
                forces[block.atoms] += response.forces
            if not one_sided:
                magforces[block.atoms] += response.magforces
        return energies, virials, forces, magforces
