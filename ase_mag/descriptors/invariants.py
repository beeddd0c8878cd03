"""Rotation-invariant descriptor of a magnetic environment."""

import numpy as np
from ase.data import atomic_numbers

from ase_mag import _kernels
from ase_mag.core import Gradients, storable

_MOST_RADIAL = 32


@storable
class InvariantDescriptor:
    """Sums of powers of e_i.e_j over the neighbors of a site, resolved by distance.

    D_i[k, q, n] = sum_j f_n(r_ij) (u_i.u_j)^q  over neighbors j of species k,
    f_n(r) = T_n(2 r/R - 1) (1 - (r/R)^2)^3,  u = M / sqrt(M^2 + softness^2),

    with q = 0 .. powers, Chebyshev polynomials T_n of n = 0 .. n_radial - 1, and the cutoff R.
    q = 0 is a density around the site (as in embedded-atom potentials, in as many radial
    functions), q = 1 spans the energies sum_j J(r_ij) e_i.e_j of bilinear exchange, and q = 2
    those of biquadratic exchange. Features do not change when the structure and the moments, or the
    moments alone, are turned, when like atoms are exchanged, or when all moments are reversed, and
    they go smoothly to zero at the cutoff: no ideal lattice is needed, so defects, any crystal
    and liquids are described alike. There is no angle between bonds in them (sums over pairs only),
    and no spin-orbit coupling.

    Directions enter through u, which is the unit vector e up to (softness/M)^2/2, and smooth where
    a moment vanishes.

    Parameters
    ----------
    species : str or sequence of str, species of the neighbors.
    cutoff : float, R, angstrom.
    n_radial : int, 1 to 32.
    powers : int, the largest power of u_i.u_j.
    softness : float, mu_B.

    Attributes
    ----------
    n_features : int

    Raises
    ------
    ValueError
        For parameters out of range, an unknown or repeated species, and in the three products for
        atoms of another species.
    """

    def __init__(self, species, cutoff=5.0, n_radial=8, powers=2, softness=0.1):
        self.species = (species,) if isinstance(species, str) else tuple(species)
        unknown = [s for s in self.species if s not in atomic_numbers]
        if unknown or not self.species or len(set(self.species)) < len(self.species):
            raise ValueError(
                f"species are {self.species}; give different chemical symbols, such as 'Fe' or "
                "('Fe', 'Co')"
            )
        if not (np.isfinite(cutoff) and cutoff > 0):
            raise ValueError(f"the cutoff must be a positive length, got {cutoff} angstrom")
        if int(n_radial) != n_radial or not 1 <= n_radial <= _MOST_RADIAL:
            raise ValueError(
                f"n_radial must be an integer from 1 to {_MOST_RADIAL}, got {n_radial!r}"
            )
        if int(powers) != powers or powers < 0:
            raise ValueError(f"powers must be an integer that is not negative, got {powers!r}")
        if not (np.isfinite(softness) and softness > 0):
            raise ValueError(f"softness must be a positive moment, got {softness} mu_B")
        self.cutoff, self.softness = float(cutoff), float(softness)
        self.n_radial, self.powers = int(n_radial), int(powers)
        self._numbers = tuple(atomic_numbers[symbol] for symbol in self.species)

    @property
    def n_features(self):
        return len(self.species) * (self.powers + 1) * self.n_radial

    def __repr__(self):
        return (
            f"InvariantDescriptor({self.species}, cutoff={self.cutoff:g}, "
            f"n_radial={self.n_radial}, powers={self.powers})"
        )

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return {
            "species": list(self.species),
            "cutoff": self.cutoff,
            "n_radial": self.n_radial,
            "powers": self.powers,
            "softness": self.softness,
        }

    def labels(self):
        """Return the names of the features."""
        return [
            f"{symbol} (e.e)^{q} T_{n}"
            for symbol in self.species
            for q in range(self.powers + 1)
            for n in range(self.n_radial)
        ]

    def forward(self, graph, moments):
        """Return the features (n_sites, n_features).

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        """
        directions, _ = self._directions(moments)
        out = np.zeros((graph.n_sites, self.n_features))
        _kernels.invariants.forward(*self._pairs(graph, directions), out, graph.threads)
        return out

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * D), an :class:`ase_mag.core.Gradients`.

        Without ``lattice`` those with respect to the moments only.
        """
        directions, norms = self._directions(moments)
        stretch, turn = graph.empty(), graph.empty()
        cotangents = np.ascontiguousarray(cotangents, dtype=float)
        pairs = self._pairs(graph, directions)
        _kernels.invariants.pull(*pairs, cotangents, stretch, turn, graph.threads)
        slopes = np.zeros((graph.n_atoms, 3))
        graph.gather_incoming(turn[:, None] * directions[graph.centers], slopes)
        parts = turn[:, None] * directions[graph.neighbors]
        for c in range(3):
            slopes[: graph.n_sites, c] += graph.sum_pairs(np.ascontiguousarray(parts[:, c]))
        along = np.einsum("ic,ic->i", slopes, directions)[:, None]
        return Gradients(
            None, (slopes - along * directions) / norms, radial=stretch if lattice else None
        )

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors."""
        directions, norms = self._directions(moments)
        along = np.einsum("ic,ic->i", moment_tangents, directions)[:, None]
        tangents = (moment_tangents - along * directions) / norms
        i, j = graph.centers, graph.neighbors
        turn = np.einsum("pc,pc->p", tangents[i], directions[j])
        turn += np.einsum("pc,pc->p", directions[i], tangents[j])
        stretch = np.einsum("pc,pc->p", graph.vectors, pair_tangents) / graph.distances
        out = np.zeros((graph.n_sites, self.n_features))
        _kernels.invariants.push(*self._pairs(graph, directions), stretch, turn, out, graph.threads)
        return out

    def _directions(self, moments):
        norms = np.sqrt(np.einsum("ic,ic->i", moments, moments) + self.softness**2)[:, None]
        return np.ascontiguousarray(moments / norms), norms

    def _pairs(self, graph, directions):
        kinds = graph.topology.kinds(self._numbers)
        i = int(np.argmin(kinds)) if len(kinds) else 0
        if len(kinds) and kinds[i] < 0:
            raise ValueError(
                f"atom {graph.label(i)} has atomic number {graph.numbers[i]}, but the descriptor "
                f"knows {', '.join(self.species)}: list all species of the structure in species=..."
            )
        return (
            graph.offsets,
            graph.neighbors,
            kinds,
            graph.distances,
            directions,
            self.cutoff,
            self.n_radial,
            self.powers + 1,
        )
