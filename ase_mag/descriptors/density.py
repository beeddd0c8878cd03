"""What descriptors made of neighbor and spin densities share."""

from numbers import Real

import numpy as np
from ase.data import atomic_numbers
from scipy.special import ive

_MOST_RADIAL = 32
_ENVELOPES = ("cosine", "polynomial")
#: The smallest damping exp(-(n pi width/cutoff)^2/2) of a radial function.
_LEAST_DAMPING = 1e-8
#: The largest ratio of cutoff and decay.
_FASTEST = 40.0
#: Where spin weights are neither lost to overflow nor to underflow; mu_B, squares likewise.
_SPIN_WIDTHS, _SOFTNESSES = (1e-3, 1e3), (1e-12, 1e12)


class DensityDescriptor:
    """Radial functions, spin weights and directions of the spin-density descriptors.

    R_n(r) = f(r) exp(-(q_n width)^2/2) chi_n(r) / sqrt(4 pi),
    chi_n(r) = sqrt(2/R) sin(q_n r)/r,  q_n = n pi/R,  n = 1 .. n_radial,

    are the coefficients c_n00 (eqs 9-11 of Gao et al. 2024) of the density of one neighbor at r in
    the basis chi_n, which is orthonormal with the weight r^2 on 0 .. R. The closed form takes the
    broadening to be that of diffusion: the Gaussian of eq 8 with its images beyond R, so that the
    density vanishes at R. The integral over the free Gaussian differs near the cutoff only, where
    the envelope f(r) is small. f is (1 + cos(pi r/R))/2 (``"cosine"``, eq 2) or
    (1 - y)^3 (1 + 3 y + 6 y^2), y = r/R (``"polynomial"``): R_n and its first two derivatives
    vanish at R with both. With a ``decay`` d it has the factor exp((R/2 - r)/d) besides: a
    regularized fit or a Gaussian process then expects interactions that fall off with r as much,
    and gives them to near neighbors rather than to far ones where the data leave that open, as
    where periodic images are the same neighbor at several distances. (Radial scaling, Willatt,
    Musil and Ceriotti, Phys. Chem. Chem. Phys. 20, 29661 (2018).)

    The Gaussian of width sigma around a direction has the coefficients a_l = i_l(kappa)/i_0(kappa)
    in spherical harmonics, kappa = 1/sigma^2, with modified spherical Bessel functions i_l and the
    norm 4 pi i_0(kappa) exp(-kappa): 0 < a_l <= 1 for every width.
    """

    def __init__(
        self, species, cutoff, n_radial, width, spin_width, envelope, softness, decay=None
    ):
        self.species = (species,) if isinstance(species, str) else tuple(species)
        unknown = [s for s in self.species if s not in atomic_numbers]
        if unknown or not self.species or len(set(self.species)) < len(self.species):
            raise ValueError(
                f"species are {self.species}; give different chemical symbols, such as 'Fe' or "
                "('Fe', 'Co')"
            )
        self.cutoff = positive("the cutoff", cutoff, "angstrom")
        self.width = positive("the width", width, "angstrom")
        self.spin_width = positive("the spin width", spin_width, "of a unit vector", _SPIN_WIDTHS)
        self.softness = positive("softness", softness, "mu_B", _SOFTNESSES)
        self.n_radial = integer("n_radial", n_radial, 1, _MOST_RADIAL)
        if envelope not in _ENVELOPES:
            raise ValueError(
                f"envelope must be one of {', '.join(map(repr, _ENVELOPES))}, got {envelope!r}"
            )
        self.envelope = envelope
        widest = np.sqrt(-2 * np.log(_LEAST_DAMPING)) * self.cutoff / (np.pi * self.n_radial)
        if self.width > widest:
            raise ValueError(
                f"a width of {self.width:g} angstrom wipes out the radial function n = "
                f"{self.n_radial}: with a cutoff of {self.cutoff:g} angstrom it may be at most "
                f"{widest:.3g} angstrom, or lower n_radial"
            )
        self.decay = None if decay is None else positive("the decay", decay, "angstrom")
        if self._fading > _FASTEST:
            raise ValueError(
                f"with a decay of {self.decay:g} angstrom nothing is left at the cutoff of "
                f"{self.cutoff:g} angstrom: give at least {self.cutoff / _FASTEST:.3g} angstrom, "
                "or a shorter cutoff"
            )
        self._numbers = tuple(atomic_numbers[symbol] for symbol in self.species)

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return {
            "species": list(self.species),
            "cutoff": self.cutoff,
            "n_radial": self.n_radial,
            "width": self.width,
            "spin_width": self.spin_width,
            "envelope": self.envelope,
            "softness": self.softness,
            "decay": self.decay,
        }

    def __repr__(self):
        options = [f"{name}={value}" for name, value in self.to_dict().items() if name != "species"]
        return f"{type(self).__name__}({self.species}, {', '.join(options)})"

    @property
    def _fading(self):
        return 0.0 if self.decay is None else self.cutoff / self.decay

    def radial_functions(self, distances):
        """Return R_n(r), (n_radial, ...), angstrom^(-3/2).

        Parameters
        ----------
        distances : float array, angstrom, positive.
        """
        r = np.asarray(distances, dtype=float)
        y = np.minimum(r / self.cutoff, 1.0)
        if self.envelope == "cosine":
            edge = 0.5 * (1 + np.cos(np.pi * y))
        else:
            edge = (1 - y) ** 3 * (1 + 3 * y + 6 * y * y)
        edge = edge * np.exp(self._fading * (0.5 - y))
        n = np.arange(1, self.n_radial + 1).reshape(-1, *[1] * r.ndim)
        weights = self._radial_weights().reshape(n.shape)
        return weights * edge * np.sin(n * np.pi * y) / r

    def spin_weights(self, l_max):
        """Return a_l = i_l(kappa)/i_0(kappa), kappa = 1/spin_width^2, for l = 0 .. l_max."""
        return _spin_weights(self.spin_width, l_max)

    def spin_ratios(self, spin_width):
        """Return the features of another spin width over those of this one, (n_features,).

        The spin width is in the features as a constant factor, the product of the a_l of all
        moments that it names.

        Parameters
        ----------
        spin_width : float, the other one.
        """
        degrees = self._spin_degrees()
        own, other = (_spin_weights(w, degrees.max()) for w in (self.spin_width, spin_width))
        return (other / own)[degrees].prod(axis=1)

    def _radial_weights(self):
        q = np.arange(1, self.n_radial + 1) * np.pi / self.cutoff
        return np.sqrt(2 / self.cutoff / (4 * np.pi)) * np.exp(-0.5 * (q * self.width) ** 2)

    def _directions(self, graph, moments):
        """Return u = M/sqrt(M^2 + softness^2), padded to four columns, and the roots (n, 1)."""
        if np.shape(moments) != (graph.n_atoms, 3):
            raise ValueError(
                f"moments must have shape ({graph.n_atoms}, 3), got {np.shape(moments)}"
            )
        norms = np.sqrt(np.einsum("ic,ic->i", moments, moments) + self.softness**2)[:, None]
        if not np.isfinite(norms).all():
            bad = int(np.flatnonzero(~np.isfinite(norms))[0])
            raise ValueError(
                f"the moment of atom {graph.label(bad)} is not finite: {moments[bad]} mu_B"
            )
        directions = np.zeros((graph.n_atoms, 4))
        np.divide(moments, norms, out=directions[:, :3])
        return directions, norms

    def _tangents(self, graph, directions, norms, moment_tangents, pair_tangents):
        """Return the tangents of u (four columns) and those of the pair vectors."""
        shapes = {"moment_tangents": (graph.n_atoms, 3), "pair_tangents": (graph.n_pairs, 3)}
        for (name, shape), array in zip(
            shapes.items(), (moment_tangents, pair_tangents), strict=True
        ):
            if np.shape(array) != shape:
                raise ValueError(f"{name} must have shape {shape}, got {np.shape(array)}")
        pairs = np.ascontiguousarray(pair_tangents, dtype=float)
        return self._turned(directions, norms, moment_tangents), pairs

    def _turned(self, directions, norms, tangents):
        """Return the tangents of u, padded to four columns, that tangents of the moments make."""
        units = directions[:, :3]
        along = np.einsum("ic,ic->i", tangents, units)[:, None]
        out = np.zeros_like(directions)
        out[:, :3] = (tangents - along * units) / norms
        return out

    def _checked(self, graph, cotangents):
        cotangents = np.ascontiguousarray(cotangents, dtype=float)
        if cotangents.shape != (graph.n_sites, self.n_features):
            raise ValueError(
                f"cotangents must have shape ({graph.n_sites}, {self.n_features}), got "
                f"{cotangents.shape}"
            )
        return cotangents

    def _kinds(self, graph):
        if graph.cutoff < self.cutoff:
            raise ValueError(
                f"the pair graph lists pairs up to {graph.cutoff:g} angstrom, but the descriptor "
                f"needs them up to its cutoff of {self.cutoff:g} angstrom"
            )
        return graph.topology.kinds(self._numbers)

    def _pairs(self, graph, directions):
        """Return what the kernels know of sites and pairs."""
        return (
            graph.offsets,
            graph.neighbors,
            self._kinds(graph),
            graph.distances,
            directions,
            len(self.species),
            self.n_radial,
            self.cutoff,
            _ENVELOPES.index(self.envelope),
            self._fading,
        )


def _spin_weights(spin_width, l_max):
    kappa = spin_width**-2
    return ive(np.arange(l_max + 1) + 0.5, kappa) / ive(0.5, kappa)


def positive(name, value, unit, limits=None):
    """Return ``value`` as a float, which has to be finite, positive and within limits, if any."""
    number = isinstance(value, Real | np.ndarray) and np.ndim(value) == 0
    if not (number and np.isfinite(value) and value > 0):
        one = "" if number else "one number, "
        raise ValueError(f"{name} must be {one}positive and finite, got {value} {unit}")
    if limits is not None and not limits[0] <= value <= limits[1]:
        raise ValueError(
            f"{name} must be from {limits[0]:g} to {limits[1]:g}, where its squares can be "
            f"calculated with, got {value} {unit}"
        )
    return float(value)


def is_whole(value):
    """Return whether a value is one whole number (9 and 9.0 are, NaN, '9' and [9] are not)."""
    return isinstance(value, Real) and value % 1 == 0


def integer(name, value, least, most):
    """Return ``value`` as an int from ``least`` to ``most``."""
    if not is_whole(value) or not least <= value <= most:
        raise ValueError(f"{name} must be an integer from {least} to {most}, got {value!r}")
    return int(value)


def ending(topology):
    """Return what finds the pairs that end on an atom: (reverse, incoming offsets, pairs, i)."""
    if topology.reverse is not None:
        return topology.reverse, None, None, None
    return None, *topology.incoming, topology.centers
