"""What collinear and non-collinear moment tensor potentials have in common."""

from abc import abstractmethod

import numpy as np

from ase_mag import _kernels
from ase_mag.core.model import Trainable
from ase_mag.core.response import Gradients, Response
from ase_mag.core.threads import threads_for
from ase_mag.models.moment_tensor_basis import MomentTensorBasis
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.site_terms import SiteTerms

#: Largest number of parts into which the sites are divided for derivatives by parameters.
_PARTS = 32
#: How many visits of a pair by a light kernel one visit by this one is worth.
_VISITS = 20
#: Numbers in the arrays over pairs that ``design`` holds at a time.
_DESIGN = 4_000_000


class MomentTensorModel(Trainable):
    """Moment tensor potential over a magnetic basis: the base of the two public classes.

    Subclasses say which functions of the moments there are (``channels``), and how moments become
    the numbers that the kernels take.
    """

    dimension: int

    def __init__(
        self,
        species,
        level,
        magnetic_basis,
        cutoff,
        *,
        n_radial_basis,
        r_min,
        max_moment,
        cutoff_power,
        max_factors,
        onsite,
        extrapolate,
        rng,
        basis,
        scaling,
        parameters,
    ):
        self.species = as_species(species)
        self.level, self.max_factors = level, max_factors
        self.basis = MomentTensorBasis.of_level(level, max_factors) if basis is None else basis
        self.magnetic_basis = int(magnetic_basis)
        self.channels = self._channels(magnetic_basis)
        self.cutoff, self.r_min = float(cutoff), float(r_min)
        if not (np.isfinite(self.cutoff) and 0 <= self.r_min < self.cutoff):
            raise ValueError(
                f"r_min and cutoff must be finite with 0 <= r_min < cutoff, got {r_min} and "
                f"{cutoff} angstrom"
            )
        self.n_radial_basis = _whole("n_radial_basis", n_radial_basis, 1)
        self.cutoff_power = _whole("cutoff_power", cutoff_power, 2)
        self.onsite = _whole("onsite", onsite, 0)
        self.max_moment = self._max_moments(max_moment)
        self._sites = SiteTerms(self.max_moment, self.onsite)
        self.extrapolate = bool(extrapolate)
        n = len(self.species)
        #: Shape of c: species of i and j, function of the moments, mu, Chebyshev polynomial.
        self.coefficient_shape = (
            n,
            n,
            len(self.channels),
            self.basis.n_functions,
            self.n_radial_basis,
        )
        self._n_coefficients = int(np.prod(self.coefficient_shape))
        self.scaling = self._scale() if scaling is None else float(scaling)
        if not (np.isfinite(self.scaling) and self.scaling > 0):
            raise ValueError(f"scaling must be positive and finite, got {scaling}")
        if parameters is None:
            parameters = self.initial_parameters(rng)
        self.parameters = parameters

    @staticmethod
    @abstractmethod
    def _channels(size):
        """Return the functions of the moments, see :mod:`ase_mag.models.magnetic_basis`."""

    @abstractmethod
    def _scaled(self, graph, moments):
        """Return moments over the largest one, (n_atoms, dimension)."""

    @abstractmethod
    def _unscaled(self, graph, slopes):
        """Return dE/dM (n_atoms, 3) from derivatives by scaled moments."""

    @abstractmethod
    def _scaled_tangents(self, graph, tangents):
        """Return tangents of the scaled moments, (n_atoms, dimension)."""

    # Parameters ---------------------------------------------------------------------------------

    @property
    def n_scalars(self):
        """Number of basis functions B of a site."""
        return len(self.basis.scalars)

    @property
    def n_parameters(self):
        """Number of all parameters."""
        return self._n_coefficients + self.n_scalars + len(self.species) * (1 + self.onsite)

    @property
    def parameters(self):
        """c (``coefficient_shape``), xi, one constant per species, on-site terms by species."""
        return self._parameters.copy()

    @parameters.setter
    def parameters(self, values):
        values = np.array(values, dtype=float)
        if values.shape != (self.n_parameters,) or not np.isfinite(values).all():
            raise ValueError(
                f"parameters must be {self.n_parameters} finite numbers, got an array of shape "
                f"{values.shape}"
            )
        self._parameters = values
        n, m = self._n_coefficients, self._n_coefficients + self.n_scalars
        self._coefficients, self._linear = values[:n], values[n:m]
        self._site_terms = values[m:]

    @property
    def coefficients(self):
        """Radial parameters c, a copy of shape ``coefficient_shape``."""
        return self._coefficients.reshape(self.coefficient_shape).copy()

    @property
    def linear(self):
        return np.arange(self._n_coefficients, self.n_parameters, dtype=np.intp)

    def _scale(self):
        """Return 1 / (sum of the cutoff function over the neighbors in a close packing)."""
        r = np.linspace(self.r_min, self.cutoff, 401)
        spacing = 1.2 * max(self.r_min, 0.2 * self.cutoff)
        density = np.sqrt(2) / spacing**3
        shells = 4 * np.pi * density * r**2 * (self.cutoff - r) ** self.cutoff_power
        return float(1.0 / (shells.sum() * (r[1] - r[0])))

    def initial_parameters(self, rng=0):
        """Return parameters to start a fit from, (n_parameters,).

        c: f_mu ~ T_mu plus noise, so that the basis functions are of order 1; xi: 0.1 eV times
        noise; other terms zero.

        Parameters
        ----------
        rng : int or numpy.random.Generator
        """
        rng = np.random.default_rng(rng)
        c = rng.normal(scale=0.3, size=self.coefficient_shape)
        for mu in range(min(self.basis.n_functions, self.n_radial_basis)):
            c[:, :, 0, mu, mu] += 1.0
        xi = rng.normal(scale=0.1, size=self.n_scalars)
        rest = np.zeros(len(self.species) * (1 + self.onsite))
        return np.concatenate([c.ravel(), xi, rest])

    def _max_moments(self, value):
        values = value if isinstance(value, dict) else dict.fromkeys(self.species, value)
        if set(values) != set(self.species):
            raise ValueError(
                f"max_moment must be a number or have one entry for each of "
                f"{', '.join(self.species)}, got {', '.join(map(str, values)) or 'none'}"
            )
        array = np.array([values[symbol] for symbol in self.species], dtype=float)
        if not (np.isfinite(array).all() and (array > 0).all()):
            raise ValueError(f"max_moment must be positive and finite, got {value} mu_B")
        return array

    # Evaluation ---------------------------------------------------------------------------------

    def gradients(self, graph, moments, *, lattice=True):
        scaled = self._prepared(graph, moments)
        n, d = graph.n_sites, self.dimension
        energies, own, turn = np.zeros(n), np.zeros((graph.n_atoms, d)), graph.empty(d)
        pairs = graph.empty(3) if lattice else None
        if graph.n_pairs:
            _kernels.moment_tensor.evaluate(
                *self._arrays(graph, scaled), energies, own, turn, pairs
            )
            graph.gather_incoming(turn, own)
        slopes = self._unscaled(graph, own)
        self._sites.add(self.kinds(graph), moments, self._site_terms, energies, slopes)
        return Gradients(energies, slopes, pairs=pairs if graph.n_pairs else None)

    def _prepared(self, graph, moments):
        """Check the range of distances and moments, and return the scaled moments."""
        scaled = self._scaled(graph, moments)
        if not self.extrapolate:
            self._check_range(graph, scaled)
        return scaled

    def _check_range(self, graph, scaled):
        kinds = self.kinds(graph)
        if graph.n_pairs and graph.distances.min() < self.r_min:
            known = (kinds[graph.centers] >= 0) & (kinds[graph.neighbors] >= 0)
            short = np.flatnonzero(known & (graph.distances < self.r_min))
            if len(short):
                p = short[graph.distances[short].argmin()]
                raise ValueError(
                    f"atoms {graph.label(graph.centers[p])} and {graph.label(graph.neighbors[p])} "
                    f"are {graph.distances[p]:.4g} angstrom apart, but the potential is made for "
                    f"distances from r_min = {self.r_min:g}: train one with a smaller r_min, or "
                    "allow extrapolation with extrapolate=True"
                )
        sizes = np.sqrt((scaled**2).sum(axis=1))
        # Rounding of |M| = largest moment is no extrapolation.
        if sizes.max(initial=0.0) > 1.0 + 1e-9:
            i = int(sizes.argmax())
            largest = self.max_moment[kinds[i]]
            raise ValueError(
                f"the moment of atom {graph.label(i)} is {sizes[i] * largest:.4g} mu_B, but "
                f"the potential is made for moments up to max_moment = {largest:g}: train one "
                "with a larger max_moment, or allow extrapolation with extrapolate=True"
            )

    def extrapolates(self, graph, moments):
        """Return which atoms are outside the range of the potential, (n_atoms,) bool.

        An atom is outside if its moment exceeds ``max_moment`` or a neighbor is nearer than
        ``r_min``.
        """
        scaled, kinds = self._scaled(graph, moments), self.kinds(graph)
        outside = (scaled**2).sum(axis=1) > (1.0 + 1e-9) ** 2
        near = (graph.distances < self.r_min) & (kinds[graph.neighbors] >= 0)
        outside[graph.centers[near]] = True
        return outside & (kinds >= 0)

    # Kernels ------------------------------------------------------------------------------------

    def _tables(self):
        signs = 2 if (self.channels[:, 3] < 0).any() else 1
        sizes = (
            len(self.species),
            self.n_radial_basis,
            self.basis.n_functions,
            1 + int(self.channels[:, :3].max()),
            self.dimension,
            signs,
            self.basis.n_moments,
            self.cutoff_power,
        )
        return (
            np.array(sizes, dtype=np.intc),
            np.array([self.r_min, self.cutoff]),
            self.scaling * self._coefficients,
            self._linear,
            self.channels,
            *self.basis.kernel_tables,
        )

    def _arrays(self, graph, scaled, tangents=False):
        """Return the tables, pairs and scratch arrays of a kernel call."""
        topology, tables = graph.topology, self._tables()
        if "most" not in topology.cache:
            topology.cache["most"] = int(np.diff(graph.offsets).max(initial=0))
        most = topology.cache["most"]
        sizes = _kernels.moment_tensor.scratch_sizes(tables, most, tangents)
        pairs = (
            graph.offsets,
            graph.neighbors,
            self.kinds(graph),
            graph.distances,
            topology.translation,
            *graph.rows,
            scaled,
        )
        threads = threads_for(_VISITS * graph.n_pairs)
        scratch = np.empty((threads, sizes[0]))
        lanes = np.empty((threads, sizes[1]), dtype=np.intc)
        return tables, pairs, scratch, lanes, most

    def parameter_vjp(self, graph, moments, weights):
        moments = np.ascontiguousarray(moments, dtype=float)
        scaled = self._prepared(graph, moments)
        energies = np.zeros(graph.n_sites) if weights.energies is None else weights.energies
        turns = np.zeros_like(moments) if weights.magforces is None else -weights.magforces
        parts = max(1, min(_PARTS, graph.n_sites))
        out = np.zeros((parts, self._n_coefficients + self.n_scalars))
        if graph.n_pairs:
            _kernels.moment_tensor.cotangent(
                *self._arrays(graph, scaled, tangents=True),
                np.ascontiguousarray(energies, dtype=float),
                _contiguous(weights.forces),
                _contiguous(weights.virials),
                self._scaled_tangents(graph, turns),
                out,
            )
        out = out.sum(axis=0)
        out[: self._n_coefficients] *= self.scaling
        rest = self._sites.cotangent(self.kinds(graph), moments, energies, turns)
        return np.concatenate([out, rest])

    def design(self, graph, moments, *, lattice=True):
        moments = np.ascontiguousarray(moments, dtype=float)
        scaled = self._prepared(graph, moments)
        tables = self._arrays(graph, scaled)
        batch = max(1, _DESIGN // max(1, (3 + self.dimension) * graph.n_pairs))
        rows = []
        for first in range(0, self.n_scalars, batch):
            n = min(batch, self.n_scalars - first)
            energies, own, turn, pairs = self._design_batch(graph, tables, first, n, lattice)
            for k in range(n):
                gradient = own[k]
                if graph.n_pairs:
                    graph.gather_incoming(turn[k], gradient)
                rows.append(
                    Response.from_gradients(
                        graph,
                        Gradients(energies[k], self._unscaled(graph, gradient), pairs=pairs[k]),
                        lattice=lattice,
                    )
                )
        rows.extend(
            Response.from_gradients(graph, gradients, lattice=lattice)
            for gradients in self._sites.design(self.kinds(graph), moments, graph.n_sites)
        )
        return Response(
            *(
                None
                if getattr(rows[0], part) is None
                else np.array([getattr(r, part) for r in rows])
                for part in ("energies", "magforces", "forces", "virials")
            )
        )

    def _design_batch(self, graph, arrays, first, n, lattice):
        d = self.dimension
        energies, own = np.zeros((n, graph.n_sites)), np.zeros((n, graph.n_atoms, d))
        turn = np.zeros((n, graph.n_pairs, d))
        pairs = np.zeros((n, graph.n_pairs, 3)) if lattice else None
        if graph.n_pairs:
            _kernels.moment_tensor.design(*arrays, first, energies, own, turn, pairs)
        return energies, own, turn, [None] * n if pairs is None else pairs

    def to_dict(self):
        return {
            "species": list(self.species),
            "level": self.level,
            "magnetic_basis": self.magnetic_basis,
            "cutoff": self.cutoff,
            "n_radial_basis": self.n_radial_basis,
            "r_min": self.r_min,
            "max_moment": dict(zip(self.species, self.max_moment.tolist(), strict=True)),
            "cutoff_power": self.cutoff_power,
            "max_factors": self.max_factors,
            "onsite": self.onsite,
            "extrapolate": self.extrapolate,
            "basis": self.basis,
            "scaling": self.scaling,
            "parameters": self.parameters,
        }


def _whole(name, value, least):
    if int(value) != value or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, got {value}")
    return int(value)


def _contiguous(array):
    return None if array is None else np.ascontiguousarray(array, dtype=float)
