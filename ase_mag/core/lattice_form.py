"""The bilinear form of a perfect crystal: a stencil in place of pairs."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ase_mag import _kernels
from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.graph import PairGraph
from ase_mag.core.lattice import Lattice
from ase_mag.core.stencil import Stencil
from ase_mag.core.threads import threads_for

#: Smaller structures stay with pairs: they fit in the cache.
SMALLEST = 250
_TERMS = ("field", "landau", "quadric", "cubic", "axes")


@dataclass(frozen=True)
class LatticeForm:
    """A :class:`BilinearForm` whose exchange is the same for all cells of a crystal.

    It has the energy and the fields of ``expanded()``, to rounding, without one number per pair.
    On-site terms are those of the basis atoms; ``constant``, ``field``, ``landau``, ``quadric``,
    ``cubic`` and ``axes`` have one row per atom, as in a :class:`BilinearForm`.

    Attributes
    ----------
    lattice : Lattice
    unit : BilinearForm of the unit cell, whose pairs may lie in other cells.
    shifts : (n_pairs, 3) int array, the cell of each neighbor in ``unit``.
    stencil : Stencil
    """

    lattice: Lattice
    unit: BilinearForm
    shifts: np.ndarray
    stencil: Stencil

    @classmethod
    def of(cls, model, lattice):
        """Return the form of a model on a crystal, or None where pairs serve better.

        That is: the model is not homogeneous or has no bilinear form, the form has tensors or no
        exchange, a cell vector of the structure is shorter than twice the range of the exchange,
        or the rows of cells are so short that the stencil would take longer than pairs.

        Parameters
        ----------
        model : Model
        lattice : Lattice or None
        """
        if lattice is None or lattice.atoms.size < SMALLEST or not model.homogeneous:
            return None
        graph = PairGraph.build(
            lattice.basis, lattice.cell, lattice.pbc, lattice.numbers, model.cutoff
        )
        unit = model.bilinear(graph)
        if unit is None or unit.exchange is None or unit.tensors is not None:
            return None
        coupled = unit.exchange != 0
        if not coupled.any() or (unit.axes is None) != (unit.cubic is None):
            return None
        centers, neighbors = graph.centers[coupled], graph.neighbors[coupled]
        shifts, exchange = graph.topology.shifts[coupled], unit.exchange[coupled]
        offsets = np.searchsorted(centers, np.arange(graph.n_sites + 1)).astype(np.intc)
        unit = replace(unit, offsets=offsets, neighbors=neighbors, exchange=exchange)
        stencil = Stencil.best(lattice, centers, neighbors, shifts, exchange)
        return None if stencil is None else cls(lattice, unit, shifts, stencil)

    @property
    def n_atoms(self):
        """Number of moments."""
        return self.lattice.atoms.size

    @property
    def n_pairs(self):
        """Number of pairs that :meth:`expanded` would list."""
        return len(self.unit.neighbors) * int(np.prod(self.lattice.repeats))

    @property
    def threads(self):
        """Threads for one field evaluation."""
        return threads_for(self.n_pairs // 3)

    @property
    def arrays(self):
        """What the kernels take, a tuple."""
        return (*self.stencil.arrays, *(getattr(self.unit, name) for name in _TERMS))

    @cached_property
    def _sites(self):
        """The basis atom of every atom, (n_atoms,)."""
        sites = np.empty(self.n_atoms, dtype=np.intc)
        for site, atoms in enumerate(self.lattice.atoms):
            sites[atoms.ravel()] = site
        return sites

    def _of_atoms(self, values):
        return None if values is None else values[self._sites]

    constant = property(lambda self: self._of_atoms(self.unit.constant))
    field = property(lambda self: self._of_atoms(self.unit.field))
    landau = property(lambda self: self._of_atoms(self.unit.landau))
    quadric = property(lambda self: self._of_atoms(self.unit.quadric))
    cubic = property(lambda self: self._of_atoms(self.unit.cubic))
    axes = property(lambda self: self._of_atoms(self.unit.axes))

    def evaluate(self, moments):
        """Return site energies (N,) in eV and magforces -dE/dM (N, 3) in eV/mu_B."""
        energies, magforces = np.empty(self.n_atoms), np.empty((self.n_atoms, 3))
        _kernels.stencil.evaluate(
            self.arrays,
            self.stencil.pack(moments),
            self.stencil.atoms,
            energies,
            magforces,
            self.threads,
        )
        if self.unit.constant.any():
            energies += self.constant
        return energies, magforces

    def merged(self):
        """Return the form itself: it has one coupling per pair of atoms, and none is zero."""
        return self

    def without_onsite(self):
        """Return the terms that are linear in every single moment: exchange and field."""
        return replace(self, unit=self.unit.without_onsite())

    def without_landau(self):
        """Return the form without the terms that depend on the sizes only."""
        return replace(self, unit=replace(self.unit, landau=None))

    def in_field(self, field):
        """Return the form in an additional field (n_basis, 3) in eV/mu_B."""
        if self.unit.field is not None:
            field = field + self.unit.field
        return replace(self, unit=replace(self.unit, field=np.ascontiguousarray(field)))

    def expanded(self):
        """Return the equal :class:`BilinearForm` with one entry per pair of atoms, merged."""
        atoms, repeats = self.lattice.atoms, np.array(self.lattice.repeats)
        counts = np.empty(self.n_atoms, dtype=np.intc)
        for site, count in enumerate(np.diff(self.unit.offsets)):
            counts[atoms[site].ravel()] = count
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.intc)
        neighbors, exchange = np.empty(offsets[-1], np.intc), np.empty(offsets[-1])
        pairs = np.column_stack([self.unit.neighbors, self.shifts % repeats]).astype(np.intc)
        _kernels.stencil.expand(
            atoms,
            self.unit.offsets,
            pairs,
            self.unit.exchange,
            neighbors,
            exchange,
            offsets,
            self.threads,
        )
        terms = {name: getattr(self, name) for name in ("constant", *_TERMS)}
        return BilinearForm(offsets, neighbors, exchange=exchange, **terms)
