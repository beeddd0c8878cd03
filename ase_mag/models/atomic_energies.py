"""Constant energies of atoms, the zero of total energies."""

import numpy as np

from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.linear_model import LinearModel, as_parameters
from ase_mag.models.nonmagnetic import as_species


@storable
class AtomicEnergies(LinearModel):
    """E = sum_i e(species of i): no forces, no magnetic forces.

    Added to a model that has no constant of its own, it carries total energies of electronic-
    structure theory. It is trainable.

    Parameters
    ----------
    energies : dict from symbol to float, eV.

    Raises
    ------
    ValueError
        For no species, unknown symbols, and energies that are not finite.

    Examples
    --------
    >>> from ase_mag.models import AtomicEnergies, Landau
    >>> potential = Landau('Fe', a=-0.15, b=0.0192) + AtomicEnergies({'Fe': -8.3})
    """

    homogeneous = True

    def __init__(self, energies):
        self.species = as_species(tuple(energies))
        self.energies = np.array([energies[symbol] for symbol in self.species], dtype=float)
        if not np.isfinite(self.energies).all():
            raise ValueError(f"energies of atoms must be finite numbers in eV, got {energies}")

    @property
    def parameters(self):
        return self.energies.copy()

    @parameters.setter
    def parameters(self, values):
        self.energies = as_parameters(values, len(self.species))

    def gradients(self, graph, moments, *, lattice=True):
        kinds = self.kinds(graph)[: graph.n_sites]
        return Gradients(np.append(self.energies, 0.0)[kinds])

    def basis(self, graph, moments, *, lattice=True):
        kinds = self.kinds(graph)[: graph.n_sites]
        for kind in range(len(self.species)):
            yield Gradients((kinds == kind).astype(float))

    def to_dict(self):
        return {"energies": dict(zip(self.species, self.energies.tolist(), strict=True))}
