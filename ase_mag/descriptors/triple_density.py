"""Three-body exchange descriptor of overlapping spin-orientation densities."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core import Gradients, storable
from ase_mag.descriptors.coupling import harmonic_norms, real_coupling
from ase_mag.descriptors.density import DensityDescriptor, integer

_MOST_ANGULAR = 4


@storable
class ThreeBodyExchangeDescriptor(DensityDescriptor):
    """Moments of a site and two of its neighbors, and the distances to both.

    C_i[p, q, (l, l1, l2)] = sum_jk R_p(r_ij) R_q(r_ik) a_l a_l1 a_l2 B_(l l1 l2)(u_i, u_j, u_k),

    B = sqrt(4 pi) sqrt(8 pi^2/(2l + 1)) sum <l1 m1; l2 m2|l m> Y_l1m1(u_j) Y_l2m2(u_k) Y*_lm(u_i)

    over all neighbors j and k, images included, with p and q = (species, n) of the neighbors and
    R_n, a_l and u of :class:`ExchangeDensityDescriptor`: appendix A of Gao, Bokdam and Kelly, 2024
    (eqs A1-A6). (0, 1, 1) is e_j.e_k, (1, 1, 0) is e_i.e_j with a neighbor k that only counts,
    (2, 1, 1) is (e_i.e_j)(e_i.e_k) - e_j.e_k/3: four-spin and three-site interactions, and J_ij
    that depend on the surroundings.

    With ``coupled=False`` positions and moments rotate independently (the end of appendix A), and
    so the angle between the bonds enters:

    C_i[L, p, q, (l, l1, l2)] = sum_jk R_p R_q sqrt(2L + 1) P_L(r_ij.r_ik/(r_ij r_ik)) a a a B,

    L = 0 .. l_bond; L = 0 are the features of ``coupled=True``.

    Sums over j are made first, A = sum_j R_n(r_ij) Y_LM Y_l1m1(u_j), and features are products of
    two A and Y_lm(u_i). As in eq A5 the sums hold j = k, which are two-body terms with the
    distance functions R_p R_q. Harmonics of u are solid, |u|^l Y_lm(e): all with l1 > 0 vanish
    smoothly with the moment of j.

    Features do not change when the structure and the moments, or the moments alone, are turned.
    Only even l + l1 + l2 are made: the others change sign with all moments (time reversal).
    Exchanging j and k gives the same feature, so l1 <= l2, and p <= q where l1 = l2; those that
    stand for two carry sqrt(2), and so scalar products of features are those of the full set.

    The flat index runs over (l, l1, l2) in the order of ``couplings``, then L, q, p.

    Parameters
    ----------
    species, cutoff, n_radial, width, spin_width, envelope, softness, decay : as in
        :class:`ExchangeDensityDescriptor`; mind that features grow as n_radial^2.
    l_max : int, 0 to 4, of l, l1 and l2.
    coupled : bool, see above.
    l_bond : int, 0 to 4, largest L (only with ``coupled=False``).

    Attributes
    ----------
    couplings : list of (l, l1, l2).
    n_features : int

    Raises
    ------
    ValueError
        As in :class:`ExchangeDensityDescriptor`.
    """

    def __init__(
        self,
        species,
        cutoff=5.0,
        n_radial=4,
        l_max=2,
        coupled=True,
        l_bond=2,
        width=0.5,
        spin_width=0.5,
        envelope="cosine",
        softness=0.05,
        decay=None,
    ):
        super().__init__(species, cutoff, n_radial, width, spin_width, envelope, softness, decay)
        self.l_max = integer("l_max", l_max, 0, _MOST_ANGULAR)
        self.l_bond = integer("l_bond", l_bond, 0, _MOST_ANGULAR)
        self.coupled = bool(coupled)
        degrees = range(self.l_max + 1)
        self.couplings = [
            (own, l1, l2)
            for own in degrees
            for l1 in degrees
            for l2 in range(l1, self.l_max + 1)
            if (own + l1 + l2) % 2 == 0 and l2 - l1 <= own <= l1 + l2
        ]
        self._scale = np.array([weight for *_, weight in self._terms()])
        self._tables = self._couplings()

    @property
    def n_features(self):
        return len(self._scale)

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        own = {"l_max": self.l_max, "coupled": self.coupled, "l_bond": self.l_bond}
        return super().to_dict() | own

    def labels(self):
        """Return the names of the features."""
        names = [f"{symbol} n={n + 1}" for symbol in self.species for n in range(self.n_radial)]
        return [
            f"l={own} ({names[p]}, l1={l1}) ({names[q]}, l2={l2})"
            + ("" if self.coupled else f" L={bond}")
            for (own, l1, l2), bond, p, q, _ in self._terms()
        ]

    def forward(self, graph, moments):
        """Return the features (n_sites, n_features).

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        """
        directions, _ = self._directions(graph, moments)
        out = np.zeros((graph.n_sites, self.n_features))
        pairs, tables = self._pairs(graph, directions), self._tables
        if graph.n_pairs:
            scratch = self._scratch(graph, pairs, tables)
            _kernels.spin_density_triples.forward(pairs, self._bonds(graph), tables, scratch, out)
        out *= self._scale
        return out

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * D), an :class:`ase_mag.core.Gradients`.

        Parameters
        ----------
        graph, moments : see :meth:`forward`; cotangents : (n_sites, n_features) array.
        lattice : bool, False leaves out the derivatives by distances (``radial``) and, with
            ``coupled=False``, by the pair vectors (``pairs``).
        """
        directions, norms = self._directions(graph, moments)
        cotangents = self._checked(graph, cotangents) * self._scale
        pairs, tables = self._pairs(graph, directions), self._tables
        slopes, turn = np.zeros((graph.n_atoms, 3)), graph.empty(3)
        stretch = graph.empty() if lattice else None
        across = graph.empty(3) if lattice and not self.coupled else None
        if graph.n_pairs:
            for array in (turn, stretch, across):
                if array is not None:
                    array[:] = 0.0
            _kernels.spin_density_triples.pull(
                pairs,
                self._bonds(graph),
                tables,
                cotangents,
                self._scratch(graph, pairs, tables),
                slopes,
                turn,
                stretch,
                across,
            )
            graph.gather_incoming(turn, slopes)
        slopes = self._turned(directions, norms, slopes)[:, :3].copy()
        return Gradients(None, slopes, across, stretch)

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors."""
        directions, norms = self._directions(graph, moments)
        tangents, changes = self._tangents(graph, directions, norms, moment_tangents, pair_tangents)
        stretch = np.einsum("pc,pc->p", graph.vectors, changes) / graph.distances
        out = np.zeros((graph.n_sites, self.n_features))
        pairs, tables = self._pairs(graph, directions), self._tables
        if graph.n_pairs:
            _kernels.spin_density_triples.push(
                pairs,
                self._bonds(graph),
                tables,
                tangents,
                stretch,
                changes,
                self._scratch(graph, pairs, tables),
                out,
            )
        out *= self._scale
        return out

    def _spin_degrees(self):
        return np.array([coupling for coupling, *_ in self._terms()])

    def _terms(self):
        """Yield (coupling, L, p, q, weight) of every feature."""
        spin = self.spin_weights(self.l_max)
        radial = np.tile(self._radial_weights(), len(self.species))
        rows = range(len(radial))
        for own, l1, l2 in self.couplings:
            weight = np.sqrt(4 * np.pi * 8 * np.pi**2 / (2 * own + 1))
            weight *= spin[own] * spin[l1] * spin[l2]
            for bond in range(1 if self.coupled else self.l_bond + 1):
                # sqrt(2L + 1) P_L = 4 pi/sqrt(2L + 1) sum_M Y_LM Y_LM
                angle = 1.0 if self.coupled else 4 * np.pi / np.sqrt(2 * bond + 1)
                for q in rows:
                    for p in range(q + 1) if l1 == l2 else rows:
                        twice = 1.0 if l1 == l2 and p == q else np.sqrt(2)
                        size = weight * angle * twice * radial[p] * radial[q]
                        yield (own, l1, l2), bond, p, q, size

    def _couplings(self):
        """Return what the kernel knows of couplings."""
        parts = [real_coupling(l1, l2, own).ravel() for own, l1, l2 in self.couplings]
        places = np.cumsum([0] + [part.size for part in parts])[:-1]
        rows = np.column_stack([np.array(self.couplings), places]).astype(np.intc)
        norms = harmonic_norms(max(self.l_max, self.l_bond))
        bond_degree = 0 if self.coupled else self.l_bond
        return rows, np.concatenate(parts), norms, self.l_max, bond_degree

    def _bonds(self, graph):
        return None if self.coupled else graph.vectors

    def _scratch(self, graph, pairs, tables):
        size = _kernels.spin_density_triples.scratch_size(pairs, tables)
        return np.empty((graph.threads, size))
