"""Descriptors of a moving system, prepared once for its atoms."""

import numpy as np

from ase_mag.core import NeighborList
from ase_mag.descriptors import InvariantDescriptor, SiteDescriptor
from ase_mag.lsf.ideal import ideal_lattice

#: Extra radius of the neighbor list, so that it is searched rarely, angstrom.
_SKIN = 0.5
INVARIANT = "invariant"


def is_invariant(descriptor):
    """Return whether a ``descriptor`` argument asks for the rotation-invariant descriptor."""
    return isinstance(descriptor, InvariantDescriptor) or descriptor == INVARIANT


def descriptor_of(predictor, species):
    """Return the descriptor that the parameters of a predictor ask for.

    Parameters
    ----------
    predictor : LsfPredictor
    species : sequence of str, all species of the structures.
    """
    if isinstance(predictor.descriptor, InvariantDescriptor):
        return predictor.descriptor
    if predictor.descriptor == INVARIANT:
        return InvariantDescriptor(tuple(species))
    return SiteDescriptor(predictor.descriptor, predictor.shells, predictor.legacy)


def features_for(descriptor, atoms, reference=None):
    """Return :class:`SiteFeatures` or :class:`InvariantFeatures` of a structure."""
    if isinstance(descriptor, InvariantDescriptor):
        return InvariantFeatures(descriptor, atoms)
    return SiteFeatures(descriptor, atoms, reference)


class SiteFeatures:
    """Features of a :class:`SiteDescriptor`; neighbors are those of the ideal lattice.

    Attributes
    ----------
    labels : list of str; magnetic : (n_features,) bool array, those that depend on moments.
    sites : ase_mag.descriptors.SiteNeighbors
    """

    def __init__(self, descriptor, atoms, reference=None):
        self.descriptor = descriptor
        ideal = ideal_lattice(atoms, reference)
        self.sites = descriptor.sites(ideal.positions, ideal.cell.array, atoms.pbc)
        self.labels = descriptor.labels(self.sites.n_neighbors)
        self.magnetic = np.arange(len(self.labels)) > 3 * self.sites.n_neighbors

    def __len__(self):
        return len(self.sites)

    def __call__(self, positions, cell, moments, relaxed=None):
        return self.descriptor(self.sites, positions, cell, moments, relaxed)

    def get_state(self):
        """Nothing depends on earlier positions."""
        return {}

    def set_state(self, state):
        """Nothing depends on earlier positions."""

    def check(self, atoms):
        """Raise ValueError if atoms are not near their ideal sites."""
        away = self.sites.displacements(atoms.positions, atoms.cell.array)
        if away.max() > 0.5 * self.sites.spacing:
            raise ValueError(
                f"atom {away.argmax()} is {away.max():.2f} angstrom away from its ideal site, more "
                f"than half a neighbor distance ({0.5 * self.sites.spacing:.2f}): are the atoms in "
                "another order than in the reference, or does the ideal lattice belong to another "
                "cell? Note it with lsf.set_ideal_lattice(atoms, ideal)"
            )


class InvariantFeatures:
    """Features of an :class:`InvariantDescriptor`; neighbors are searched when atoms have moved.

    Attributes
    ----------
    labels : list of str; magnetic : (n_features,) bool array, those that depend on moments.
    """

    def __init__(self, descriptor, atoms):
        self.descriptor = descriptor
        self.labels = descriptor.labels()
        powers = np.arange(descriptor.n_features) // descriptor.n_radial
        self.magnetic = powers % (descriptor.powers + 1) > 0
        self._neighbors = NeighborList(atoms.numbers, atoms.pbc, descriptor.cutoff, _SKIN)
        self._n = len(atoms)

    def __len__(self):
        return self._n

    def __call__(self, positions, cell, moments, relaxed=None):
        squares = np.einsum("ij,ij->i", moments, moments)[:, None]
        directions = moments / np.sqrt(np.where(squares > 0, squares, 1.0))
        return self.descriptor.forward(self._neighbors.graph(positions, cell), directions)

    def get_state(self):
        """Return where neighbors were searched last: the order of sums depends on it."""
        return self._neighbors.get_state()

    def set_state(self, state):
        """Take over the neighbors of another object."""
        if state:
            self._neighbors.set_state(state)

    def check(self, atoms):
        """Every structure is described."""
