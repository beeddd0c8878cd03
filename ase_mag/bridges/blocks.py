"""The sites of a process in blocks, so that arrays over pairs fit into caches and memory."""

from dataclasses import fields
from itertools import pairwise

import numpy as np

from ase_mag import _kernels
from ase_mag.core import BilinearForm, PairGraph, Topology
from ase_mag.core.memory import Memory

#: Up to so many sites are one block, of which models keep what belongs to a geometry for the whole
#: step: about 100 bytes a pair.
ALONE = 250_000
#: Sites of each of several blocks, which keep nothing: less than half of the memory and, since
#: what belongs to a geometry is made twice a step, up to twice the time. Neighbors in the order of
#: LAMMPS lie in rows of cubes (``engine.CUBE``).
SIZE = 16_384


class Block:
    """Some sites of a process and the atoms they see, owned ones and ghosts.

    Attributes
    ----------
    sites : slice, of the owned atoms of the process.
    atoms : (n,) int32 array, the atoms that the block sees, its sites first.
    topology : Topology of the pairs of the sites, all atoms beyond them as ghosts.
    """

    def __init__(self, topology, sites, places, translation):
        first, last = sites.start, sites.stop
        count = int(topology.offsets[last] - topology.offsets[first])
        atoms = np.empty(min(count + last - first, topology.n_atoms), dtype=np.intc)
        renamed = np.empty(count, dtype=np.intc)
        n = _kernels.lammps_pairs.gather_block(
            topology.offsets, topology.neighbors, first, last, places, atoms, renamed
        )
        self.sites, self.atoms = sites, atoms[:n].copy()
        self.topology = Topology(
            topology.numbers[self.atoms],
            topology.offsets[first : last + 1] - topology.offsets[first],
            renamed,
            topology.translations,
            translation[:count],
        )


class Blocks:
    """All sites of a process at one geometry.

    Parameters
    ----------
    topology : Topology of all pairs of the process, without translations.
    size : int or None, sites of a block; None: :data:`SIZE`, or all if they are few.
    """

    def __init__(self, topology, size=None):
        n = topology.n_sites
        if size is None:
            size = max(n, 1) if n <= ALONE else SIZE
        self.n_sites, self.n_atoms = n, topology.n_atoms
        places = np.full(topology.n_atoms, -1, dtype=np.intc)
        edges = [*range(0, n, size), n] if n else [0, 0]
        self.blocks = [
            Block(topology, slice(first, last), places, topology.translation)
            for first, last in pairwise(edges)
        ]
        self.kept = len(self.blocks) == 1
        self._graphs = None
        if not self.kept:
            memory = Memory()
            for block in self.blocks:
                block.topology.memory = memory

    def place(self, positions, cell, volume, cutoff):
        """Go over to new positions of owned atoms and ghosts, (n_atoms, 3), angstrom."""
        self._geometry = positions, cell, volume, cutoff
        self._graphs = [None] * len(self.blocks)
        self.volume = volume

    def graphs(self, one_sided=False):
        """Yield every block with its :class:`PairGraph`."""
        positions, *geometry = self._geometry
        for k, block in enumerate(self.blocks):
            graph = self._graphs[k]
            if graph is None:
                graph = PairGraph.from_topology(block.topology, positions[block.atoms], *geometry)
                if self.kept:
                    self._graphs[k] = graph
            graph.one_sided = one_sided
            yield block, graph

    def bilinear(self, model, tags=None):
        """Return the bilinear form of a model on all sites, merged, or None.

        Parameters
        ----------
        model : Model
        tags : (n_atoms,) int array where atoms may have images of themselves among their
            neighbors: such couplings are energies of the size, which exert no torque.
        """
        parts = []
        for block, graph in self.graphs():
            form = model.bilinear(graph)
            if form is None:
                return None
            if tags is not None:
                form = _with_own_images(form, tags[block.atoms])
            parts.append((block, form.merged(block.topology.memory, len(block.atoms))))
        return _joined(parts)

    def evaluate(self, model, moments, *, lattice, one_sided):
        """Return energies and virials of the sites, and -dE/dR and -dE/dM of all atoms.

        Parameters
        ----------
        model : Model
        moments : (n_atoms, 3) float array, mu_B.
        lattice : bool; False: no forces and virials (None).
        one_sided : bool, magnetic forces are not asked for (None).
        """
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


def _with_own_images(form, tags):
    centers = np.repeat(np.arange(form.n_atoms, dtype=np.intc), np.diff(form.offsets))
    own = tags[form.neighbors] == tags[centers]
    return form.renamed(np.where(own, centers, form.neighbors))


def _joined(parts):
    """Return the form of consecutive blocks, with neighbors in the numbers of the process."""
    if len(parts) == 1:
        block, form = parts[0]
        return form.renamed(block.atoms[form.neighbors])
    lengths = [len(form.neighbors) for _, form in parts]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    offsets = [form.offsets[:-1] + start for (_, form), start in zip(parts, starts, strict=False)]
    joined = {}
    for field in fields(BilinearForm)[2:]:
        arrays = [getattr(form, field.name) for _, form in parts]
        known = next((array for array in arrays if array is not None), None)
        if known is not None and field.name in ("exchange", "tensors"):
            sizes = lengths
        else:
            sizes = [form.n_atoms for _, form in parts]
        joined[field.name] = (
            None
            if known is None
            else np.concatenate(
                [
                    np.zeros((size, *known.shape[1:])) if array is None else array
                    for array, size in zip(arrays, sizes, strict=True)
                ]
            )
        )
    return BilinearForm(
        np.append(np.concatenate(offsets), starts[-1]).astype(np.intc),
        np.concatenate([block.atoms[form.neighbors] for block, form in parts]),
        **joined,
    )
