"""Moments in an external magnetic field."""

import numpy as np

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.nonmagnetic import as_species
from ase_mag.units import tesla


@storable
class Zeeman(Model):
    """E = -sum_i M_i.B, with M in mu_B and B in tesla (1 mu_B T = 5.788e-5 eV).

    M is the magnetic moment, so a positive field along z favors moments along +z.

    Parameters
    ----------
    species : str or tuple of str, the species that feel the field.
    field : (3,) float array, B in tesla.

    Raises
    ------
    ValueError
        If the field is not three finite numbers, or for an unknown species.
    """

    homogeneous = True

    def __init__(self, species, field):
        self.species = as_species(species)
        self.field = np.array(field, dtype=float)
        if self.field.shape != (3,) or not np.isfinite(self.field).all():
            raise ValueError(
                f"the field must be three finite numbers in tesla, such as (0, 0, 10), got {field}"
            )

    def fields(self, graph):
        """Return the field on every atom, (n_atoms, 3), eV/mu_B; zero for other species."""
        return (self.kinds(graph) >= 0)[:, None] * (self.field * tesla)

    def gradients(self, graph, moments, *, lattice=True):
        fields, n = self.fields(graph), graph.n_sites
        fields[n:] = 0.0
        return Gradients(-np.einsum("ij,ij->i", fields[:n], moments[:n]), -fields)

    def bilinear(self, graph):
        return BilinearForm.on(graph, field=self.fields(graph))

    def to_dict(self):
        return {"species": list(self.species), "field": self.field}
