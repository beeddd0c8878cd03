"""Heisenberg exchange of moments on moving atoms."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model
from ase_mag.core.response import Gradients
from ase_mag.core.storage import storable
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.pair_functions import PairFunctions
from ase_mag.models.radial import inside


class PairCoupling(Model):
    """Base of the models with one coupling function of the distance per pair of species.

    Parameters and errors are those of :class:`Heisenberg`.
    """

    homogeneous = True

    def __init__(self, species, function, unit="eV", convention="inside", moment=None):
        self.species = as_species(species)
        self.functions = PairFunctions.of(self.species, function, "exchange", symmetric=True)
        if (unit, convention) != ("eV", "inside") or moment is not None:
            self.functions = self._converted(unit, convention, moment)
        self.cutoff = self.functions.cutoff

    def _converted(self, unit, convention, moment):
        sizes = moment_sizes(self.species, moment)
        converted = {}
        for a, first in enumerate(self.species):
            for b, second in enumerate(self.species[: a + 1]):
                function = self.functions[a, b]
                if function is not None:
                    pair = pair_of(sizes, first, second)
                    converted[first, second] = inside(function, unit, convention, pair)
        return PairFunctions.of(self.species, converted, "exchange", symmetric=True)

    def couplings(self, graph, lattice=True):
        """Return the coupling and its slope d/dr, two (n_pairs,) arrays, eV/mu_B^2(/angstrom).

        They are kept on the graph. Without ``lattice`` the slope is None.
        """
        if not lattice:
            return self.functions.values(graph), None
        return self.functions.evaluate(graph)

    def to_dict(self):
        return {"species": list(self.species), "function": self.functions}


@storable
class Heisenberg(PairCoupling):
    """E = -1/2 sum_ij J(r_ij) M_i.M_j, both orders of a pair counted, J in eV/mu_B^2.

    J > 0 is ferromagnetic. Published exchange is converted on the way in, e.g. ``unit='mRy',
    convention='UppASD', moment=2.23`` for H = -sum_{i!=j} J e_i.e_j with unit vectors. A conversion
    belongs either here or to the function (:func:`shells`, :func:`tabulated`), not to both.

    Parameters
    ----------
    species : str or tuple of str
    function : Radial for all pairs, or a dict from (unordered) pairs of symbols to Radial; pairs
        that are not named are not coupled. Values in eV/mu_B^2, or in ``unit`` and ``convention``.
    unit, convention : str, see :func:`ase_mag.units.exchange_factor`.
    moment : float or dict from symbol to float, mu_B; what the unit vectors of the convention
        stand for.

    Raises
    ------
    ValueError
        For an unknown species, unit or convention, keys that are no pair of the species, a moment
        that is missing or has no use, or a function that was converted when it was made.
    TypeError
        If a function is not a Radial.

    Examples
    --------
    >>> from ase_mag.models import Heisenberg, cubic
    >>> Heisenberg('Fe', cubic(0.191248, cutoff=3.75))
    Heisenberg(Fe; cutoff 3.75 angstrom)
    """

    homogeneous = True

    def gradients(self, graph, moments, *, lattice=True):
        couplings = self.couplings(graph, lattice)
        return exchange_gradients(graph, *couplings, moments, moments, lattice)

    def bilinear(self, graph):
        return BilinearForm.on(graph, exchange=self.couplings(graph, lattice=False)[0])


def exchange_gradients(graph, exchange, slopes, moments, partners, lattice):
    """Return the :class:`Gradients` of E_i = -1/2 sum_j J_ij M_i.P_j.

    Parameters
    ----------
    graph : PairGraph
    exchange, slopes : (n_pairs,) float arrays, J and dJ/dr.
    moments : (n_atoms, 3) float array, M.
    partners : (n_atoms, 3) float array, P = S M with one symmetric matrix S (1: Heisenberg).
    lattice : bool; False leaves out the pair gradients.

    Notes
    -----
    Without ghosts both orders of a pair are in the list and dE/dM_i = -sum_j J_ij P_j. With
    ghosts each pair gives half to i and half to j, so that the sum over the processes is right.
    """
    energies, gradient = np.empty(graph.n_sites), np.zeros((graph.n_atoms, 3))
    ghosts = graph.n_atoms > graph.n_sites and not graph.one_sided
    kernels, threads = _kernels.exchange, graph.threads
    kernels.isotropic(
        graph.offsets,
        graph.neighbors,
        exchange,
        moments,
        partners,
        0.5 if ghosts else 1.0,
        energies,
        gradient,
        threads,
    )
    if ghosts:
        incoming = graph.topology.incoming
        kernels.isotropic_incoming(*incoming, graph.centers, exchange, partners, gradient, threads)
    if not lattice:
        return Gradients(energies, gradient)
    radial = graph.empty()
    kernels.isotropic_pairs(
        graph.offsets, graph.neighbors, slopes, moments, partners, radial, threads
    )
    return Gradients(energies, gradient, radial=radial)


def moment_sizes(species, moment):
    """Return the moment size of each species (dict, mu_B or None) from a float, a dict or None."""
    if not isinstance(moment, dict):
        return dict.fromkeys(species, moment)
    if set(moment) != set(species):
        raise ValueError(
            f"moment names {', '.join(moment)}, but the species are {', '.join(species)}: give the "
            "moment size of each species"
        )
    return moment


def pair_of(sizes, first, second):
    """Return the two moment sizes of a pair of species, or None if there are none."""
    pair = (sizes[first], sizes[second])
    return None if pair == (None, None) else pair
