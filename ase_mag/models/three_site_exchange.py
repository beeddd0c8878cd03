"""Exchange beyond pairs: a four-spin term of three sites."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core.model import Model
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.pair_functions import PairFunctions
from ase_mag.models.radial import finite


@storable
class ThreeSiteExchange(Model):
    """E = K sum_i (M_i.h_i)^2 with h_i = sum_j g(r_ij) M_j.

    The square holds products (M_i.M_j)(M_i.M_k) of three sites, and the biquadratic (M_i.M_j)^2
    for j = k: no bilinear exchange and no on-site energy can stand for it. K < 0 favors collinear
    moments and K > 0 angles between them; with K > 0 the energy is bounded below. For four-spin
    terms in iron see Y. O. Kvashnin et al., Phys. Rev. Lett. 116, 217202 (2016).

    Parameters
    ----------
    species : str or tuple of str
    function : Radial for all pairs, or a dict from (unordered) pairs of symbols to Radial, g, no
        unit.
    strength : float, K in eV/mu_B^4.

    Raises
    ------
    ValueError
        For a strength that is not finite, unknown species, and keys that are no pair of them.
    TypeError
        If a function is not a Radial.
    """

    homogeneous = True

    def __init__(self, species, function, strength):
        self.species = as_species(species)
        (self.strength,) = finite(strength=strength)
        self.functions = PairFunctions.of(self.species, function, "function", symmetric=True)
        self.cutoff = self.functions.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        n, threads, kernels = graph.n_sites, graph.threads, _kernels.exchange
        if lattice:
            values, slopes = self.functions.evaluate(graph)
        else:
            values, slopes = self.functions.values(graph), None
        halves, gradient = np.empty(n), np.zeros((graph.n_atoms, 3))
        pairs = graph.offsets, graph.neighbors
        # This kernel gives -1/2 M_i.h_i and -h_i.
        kernels.isotropic(*pairs, values, moments, moments, 1.0, halves, gradient, threads)
        products = -2.0 * halves
        gradient[:n] *= -2.0 * self.strength * products[:, None]
        turned = np.zeros((graph.n_atoms, 3))
        turned[:n] = (-4.0 * self.strength * products)[:, None] * moments[:n]
        # This one adds -1/2 sum of g P_i to every neighbor: 2 K (M_i.h_i) g M_i.
        incoming = graph.topology.incoming
        kernels.isotropic_incoming(*incoming, graph.centers, values, turned, gradient, threads)
        energies = self.strength * products**2
        if not lattice:
            return Gradients(energies, gradient)
        radial = graph.empty()
        kernels.isotropic_pairs(*pairs, slopes, turned, moments, radial, threads)
        return Gradients(energies, gradient, radial=radial)

    def to_dict(self):
        return {
            "species": list(self.species),
            "function": self.functions,
            "strength": self.strength,
        }
