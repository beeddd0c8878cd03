"""Two-body dipole-dipole descriptor of overlapping spin-orientation densities."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core import Gradients, storable
from ase_mag.descriptors.coupling import bipolar_polynomial
from ase_mag.descriptors.density import DensityDescriptor, integer

_MOST_ANGULAR = 4


@storable
class DipoleDensityDescriptor(DensityDescriptor):
    """Two moments and the bond between them: spin-orbit and dipole interactions of pairs.

    C_i[k, n, (l1, l2, l)] = sum_j R_n(r_ij) a_l1 a_l2 B_(l1 l2 l)(u_i, u_j, r_ij/r_ij)
    over neighbors j of species k, periodic images and images of i itself included,

    B = sqrt(8 pi^2) sqrt(4 pi/(2l + 1)) sum <l1 m1; l2 m2|l m> Y_l1m1(u_i) Y_l2m2(u_j) Y*_lm(r)

    with Clebsch-Gordan coefficients, |l1 - l2| <= l <= l1 + l2, l1 and l2 up to ``l_max``, and R_n,
    a_l and u of :class:`ExchangeDensityDescriptor`, whose features are those of l = 0 here. Gao,
    Bokdam and Kelly, 2024, eqs 28-35 (33a with <=). The bond enters by its direction as it is:
    the Gaussian broadens the distances, and R_n is the same for every l.

    B is evaluated as a polynomial of u_i.u_j, u_i.r and u_j.r (and of r.(u_i x u_j), if chiral),
    which is the same for unit vectors and goes smoothly through zero moments. (1, 1, 0) and
    (1, 1, 2) span sum_j f(r) [3 (e_i.r)(e_j.r) - e_i.e_j] and every other symmetric exchange
    tensor that a bond has by itself; (2, 0, 2) and (0, 2, 2) the anisotropy due to a neighbor.

    Features do not change when structure and moments are turned together, but do when the moments
    alone are. Only even l1 + l2 are made: the others change sign with all moments (time
    reversal). Odd l change sign when positions, but not the moments, are inverted, so that no
    energy is linear in them; they are made on request (``chiral``).

    The flat index is (k n_radial + n - 1) n_channels + channel, in the order of ``channels``.

    Parameters
    ----------
    species, cutoff, n_radial, width, spin_width, envelope, softness, decay : as in
        :class:`ExchangeDensityDescriptor`.
    l_max : int, 0 to 4.
    chiral : bool, whether odd l are included.

    Attributes
    ----------
    channels : list of (l1, l2, l), 3, 8, 16, 29 of them for l_max = 1 .. 4 unless chiral.
    n_features : int, n_species n_radial n_channels.

    Raises
    ------
    ValueError
        As in :class:`ExchangeDensityDescriptor`.
    """

    def __init__(
        self,
        species,
        cutoff=7.0,
        n_radial=12,
        l_max=2,
        width=0.5,
        spin_width=0.5,
        envelope="cosine",
        softness=0.05,
        chiral=False,
        decay=None,
    ):
        super().__init__(species, cutoff, n_radial, width, spin_width, envelope, softness, decay)
        self.l_max = integer("l_max", l_max, 0, _MOST_ANGULAR)
        self.chiral = bool(chiral)
        degrees = range(self.l_max + 1)
        self.channels = [
            (l1, l2, bond)
            for l1 in degrees
            for l2 in degrees
            for bond in range(abs(l1 - l2), l1 + l2 + 1)
            if (l1 + l2) % 2 == 0 and (bond % 2 == 0 or self.chiral)
        ]
        weights = self.spin_weights(self.l_max)
        polynomials = [bipolar_polynomial(*channel) for channel in self.channels]
        monomials = sorted(set().union(*polynomials))
        self._exponents = np.array(monomials, dtype=np.intc)
        #: Features of a radial function from its moments: (monomial, channel).
        self._mixing = np.array(
            [
                [
                    polynomial.get(monomial, 0.0) * weights[l1] * weights[l2]
                    for polynomial, (l1, l2, _) in zip(polynomials, self.channels, strict=True)
                ]
                for monomial in monomials
            ]
        )

    @property
    def n_features(self):
        return len(self.species) * self.n_radial * len(self.channels)

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return super().to_dict() | {"l_max": self.l_max, "chiral": self.chiral}

    def labels(self):
        """Return the names of the features."""
        return [
            f"{symbol} n={n + 1} l1={l1} l2={l2} l={bond}"
            for symbol in self.species
            for n in range(self.n_radial)
            for l1, l2, bond in self.channels
        ]

    def forward(self, graph, moments):
        """Return the features (n_sites, n_features).

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        """
        directions, _ = self._directions(graph, moments)
        pairs, sums = self._pairs(graph, directions), self._empty_sums(graph)
        if graph.n_pairs:
            _kernels.spin_density_dipole.forward(
                pairs, graph.vectors, self._exponents, self._scratch(graph), sums
            )
        return self._mixed(sums)

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * D), an :class:`ase_mag.core.Gradients`.

        Parameters
        ----------
        graph, moments : see :meth:`forward`; cotangents : (n_sites, n_features) array.
        lattice : bool, False leaves out the derivatives by the pair vectors (``pairs``).
        """
        directions, norms = self._directions(graph, moments)
        cotangents = self._checked(graph, cotangents)
        pairs, slopes = self._pairs(graph, directions), np.zeros((graph.n_atoms, 3))
        turn, gradients = graph.empty(3), graph.empty(3) if lattice else None
        if graph.n_pairs:
            turn[:] = 0.0
            if lattice:
                gradients[:] = 0.0
            shape = (graph.n_sites, len(self.species), self.n_radial, len(self.channels))
            pulled = cotangents.reshape(shape) @ self._mixing.T
            pulled = np.swapaxes(pulled * self._radial_weights()[:, None], 2, 3)
            _kernels.spin_density_dipole.pull(
                pairs,
                graph.vectors,
                self._exponents,
                pulled.reshape(graph.n_sites, -1),
                self._scratch(graph),
                slopes,
                turn,
                gradients,
            )
            graph.gather_incoming(turn, slopes)
        slopes = self._turned(directions, norms, slopes)[:, :3].copy()
        return Gradients(None, slopes, pairs=gradients)

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors."""
        directions, norms = self._directions(graph, moments)
        tangents, changes = self._tangents(graph, directions, norms, moment_tangents, pair_tangents)
        pairs, sums = self._pairs(graph, directions), self._empty_sums(graph)
        if graph.n_pairs:
            _kernels.spin_density_dipole.push(
                pairs,
                graph.vectors,
                self._exponents,
                tangents,
                changes,
                self._scratch(graph),
                sums,
            )
        return self._mixed(sums)

    def _spin_degrees(self):
        degrees = [(l1, l2) for l1, l2, _ in self.channels]
        return np.tile(degrees, (self.n_features // len(degrees), 1))

    def _empty_sums(self, graph):
        size = len(self.species) * self.n_radial * len(self._exponents)
        return np.zeros((graph.n_sites, size))

    def _mixed(self, sums):
        """Features from moments [site][species, radial, monomial]."""
        shape = (len(sums), len(self.species), self.n_radial, len(self._exponents))
        mixed = (sums.reshape(shape) @ self._mixing) * self._radial_weights()[:, None]
        return mixed.reshape(len(sums), self.n_features)

    def _scratch(self, graph):
        size = _kernels.spin_density_dipole.scratch_size(self.n_radial, len(self._exponents))
        return np.empty((graph.threads, size))
