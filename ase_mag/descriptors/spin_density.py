"""Two-body exchange descriptor of overlapping spin-orientation densities."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core import Gradients, storable
from ase_mag.descriptors.density import DensityDescriptor, ending, integer

_MOST_ANGULAR = 16


@storable
class ExchangeDensityDescriptor(DensityDescriptor):
    """Distances to the neighbors and angles between their moments and the site's own (SOSO).

    C_i[k, n, l] = sum_j R_n(r_ij) sqrt((2l + 1)/2) a_l^2 P_l(u_i.u_j)  over neighbors j of
    species k, all periodic images and images of i itself included,
    u = M / sqrt(M^2 + softness^2),

    R_n(r) = f(r) exp(-(q_n width)^2/2) sqrt(2/R) sin(q_n r)/r / sqrt(4 pi),  q_n = n pi/R,
    a_l = i_l(kappa)/i_0(kappa),  kappa = 1/spin_width^2,

    with n = 1 .. n_radial, l = 0 .. l_max, modified spherical Bessel functions i_l and the smooth
    envelope f (:class:`~ase_mag.descriptors.density.DensityDescriptor` derives both). Gao, Bokdam
    and Kelly, 2024, eqs 14-27, corrected: the spin Gaussian has i_l, not j_l, and the norm
    4 pi i_0(kappa) exp(-kappa), and the prefactor of eq 26 is sqrt((2l + 1)/2).
    l = 0 is a density around the site, l = 1 spans the energies sum_j J(r_ij) e_i.e_j, l = 2 those
    of biquadratic exchange.

    Features do not change when the structure and the moments, or the moments alone, are turned,
    when like atoms are exchanged, or when all moments are reversed; they go to zero at the cutoff
    with two derivatives. The flat index is (k n_radial + n - 1)(l_max + 1) + l. Atoms of other
    species have no part: their features are zero and they are nobody's neighbors.

    Only directions enter: u is the unit vector e up to (softness/M)^2/2 and goes smoothly through
    zero with the moment (P_l is a polynomial: l = 2 is -1/2 there, not 0). Sizes of moments are
    unknown to the features, and their longitudinal derivatives are smaller than the transverse
    ones by (softness/M)^2; sizes have to come from elsewhere.

    Parameters
    ----------
    species : str or sequence of str, species of the sites and neighbors.
    cutoff : float, R, angstrom.
    n_radial : int, 1 to 32; l_max : int, 0 to 16.
    width : float, of the Gaussian around a position, angstrom; at most 1.93 cutoff/n_radial, where
        the last radial function has the weight 1e-8.
    spin_width : float, sigma of the Gaussian around a direction (of unit length).
    envelope : 'cosine' or 'polynomial', f(r).
    softness : float, mu_B.
    decay : float or None, angstrom: with it, features of distant neighbors are smaller by
        exp(-r/decay) (:class:`~ase_mag.descriptors.density.DensityDescriptor`); at least cutoff/40.

    Attributes
    ----------
    n_features : int, n_species n_radial (l_max + 1).

    Raises
    ------
    ValueError
        For parameters out of range, an unknown or repeated species, and in the three products for
        a pair graph with a shorter cutoff and arrays of a wrong shape.
    """

    def __init__(
        self,
        species,
        cutoff=7.0,
        n_radial=12,
        l_max=6,
        width=0.5,
        spin_width=0.5,
        envelope="cosine",
        softness=0.05,
        decay=None,
    ):
        super().__init__(species, cutoff, n_radial, width, spin_width, envelope, softness, decay)
        self.l_max = integer("l_max", l_max, 0, _MOST_ANGULAR)

    @property
    def n_features(self):
        return len(self.species) * self.n_radial * (self.l_max + 1)

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return super().to_dict() | {"l_max": self.l_max}

    def labels(self):
        """Return the names of the features."""
        return [
            f"{symbol} n={n + 1} l={degree}"
            for symbol in self.species
            for n in range(self.n_radial)
            for degree in range(self.l_max + 1)
        ]

    def forward(self, graph, moments):
        """Return the features (n_sites, n_features).

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        """
        directions, _ = self._directions(graph, moments)
        out = np.zeros((graph.n_sites, self.n_features))
        pairs = self._pairs(graph, directions)
        if graph.n_pairs:
            _kernels.spin_density.forward(pairs, self._scale(), self._scratch(graph), out)
        return out

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * D), an :class:`ase_mag.core.Gradients`.

        Parameters
        ----------
        graph, moments : see :meth:`forward`; cotangents : (n_sites, n_features) array.
        lattice : bool, False leaves out the derivatives by the distances (``radial``).
        """
        directions, norms = self._directions(graph, moments)
        cotangents = self._checked(graph, cotangents)
        pairs = self._pairs(graph, directions)
        slopes = np.zeros((graph.n_atoms, 3))
        turn, stretch = graph.empty(), graph.empty() if lattice else None
        if graph.n_pairs:
            turn[:] = 0.0
            if lattice:
                stretch[:] = 0.0
            scratch = self._scratch(graph)
            _kernels.spin_density.pull(pairs, self._scale(), cotangents, scratch, turn, stretch)
            topology = graph.topology
            ends = ending(topology)
            _kernels.spin_density.collect(
                graph.offsets, graph.neighbors, *ends, directions, turn, slopes, graph.threads
            )
        return Gradients(
            None, self._turned(directions, norms, slopes)[:, :3].copy(), radial=stretch
        )

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors."""
        directions, norms = self._directions(graph, moments)
        tangents, changes = self._tangents(graph, directions, norms, moment_tangents, pair_tangents)
        stretch = np.einsum("pc,pc->p", graph.vectors, changes) / graph.distances
        out = np.zeros((graph.n_sites, self.n_features))
        pairs, scale = self._pairs(graph, directions), self._scale()
        if graph.n_pairs:
            scratch = self._scratch(graph)
            _kernels.spin_density.push(pairs, scale, tangents, stretch, scratch, out)
        return out

    def _scale(self):
        order = np.arange(self.l_max + 1)
        angular = np.sqrt(order + 0.5) * self.spin_weights(self.l_max) ** 2
        return np.outer(self._radial_weights(), angular)

    def _spin_degrees(self):
        degrees = np.arange(self.n_features) % (self.l_max + 1)
        return np.column_stack([degrees, degrees])

    def _scratch(self, graph):
        size = _kernels.spin_density.scratch_size(self.n_radial, self.l_max + 1)
        return np.empty((graph.threads, size))
