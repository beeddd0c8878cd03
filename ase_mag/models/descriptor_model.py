"""A descriptor and a function of its features: learned models of every kind."""

import numpy as np

from ase_mag.core.model import Trainable
from ase_mag.core.response import Gradients, Response
from ase_mag.core.storage import storable
from ase_mag.core.tangents import tangents
from ase_mag.models.stacked import stacked
from ase_mag.regressors.basis_function import BasisFunction
from ase_mag.regressors.site_function import SiteFunction

#: Sites that prepare a function: if there are more, about so many of them, drawn at random.
_SAMPLE = 20_000


@storable
class DescriptorModel(Trainable):
    """E = sum_i e_a(D_i): a function of the features D_i of every site, a the species of site i.

    dE/dM and dE/dr_ij are the vector-Jacobian product of the descriptor with de/dD; derivatives by
    the parameters p of e need its Jacobian-vector product only,
    d<weights, response>/dp = d/dp sum_i [w_i e(D_i) + de/dD.D_dot_i], with D_dot the change of the
    features along the cotangents of forces, virials and magnetic forces
    (:func:`ase_mag.core.tangents.tangents`). The Jacobian itself is never stored.

    Parameters
    ----------
    descriptor : object with ``species``, ``cutoff``, ``n_features`` and the products ``forward``,
        ``vjp`` and ``jvp`` of :func:`ase_mag.testing.check_descriptor`.
    function : SiteFunction, one for all species, or dict from symbol to SiteFunction.

    Raises
    ------
    ValueError
        If a function takes another number of features, or species are missing or unknown.
    TypeError
        If a function is no SiteFunction.
    """

    homogeneous = True

    def __init__(self, descriptor, function):
        self.descriptor = descriptor
        self.species, self.cutoff = tuple(descriptor.species), float(descriptor.cutoff)
        self._shared = not isinstance(function, dict)
        table = {"all species": function} if self._shared else function
        if not self._shared and set(table) != set(self.species):
            raise ValueError(
                f"function must have one entry for each of {', '.join(self.species)}, got "
                f"{', '.join(map(str, table)) or 'none'}"
            )
        for name, entry in table.items():
            if not isinstance(entry, SiteFunction):
                raise TypeError(
                    f"the function of {name} must be a SiteFunction (ase_mag.regressors), got "
                    f"{type(entry).__name__}"
                )
            if entry.n_features != descriptor.n_features:
                raise ValueError(
                    f"the function of {name} takes {entry.n_features} features, but the "
                    f"descriptor has {descriptor.n_features}"
                )
        #: The functions, one for all species or one each in the order of ``species``.
        self.functions = (
            (function,) if self._shared else tuple(function[symbol] for symbol in self.species)
        )
        if len({id(entry) for entry in self.functions}) < len(self.functions):
            raise ValueError(
                "two species have the same function object: give one function for all species, or "
                "a copy (copy.deepcopy) for each"
            )

    def _sites(self, graph):
        """Yield every function with the indices of its sites."""
        kinds = self.kinds(graph)[: graph.n_sites]
        if self._shared:
            yield self.functions[0], np.flatnonzero(kinds >= 0)
            return
        for kind, function in enumerate(self.functions):
            yield function, np.flatnonzero(kinds == kind)

    def gradients(self, graph, moments, *, lattice=True):
        features = self.descriptor.forward(graph, moments)
        sites = list(self._sites(graph))
        if len(sites[0][1]) == len(features):
            energies, slopes = sites[0][0].evaluate(features)
            return self._pulled(graph, moments, energies, slopes, lattice)
        energies, slopes = np.zeros(graph.n_sites), np.zeros_like(features)
        for function, chosen in sites:
            if len(chosen):
                energies[chosen], slopes[chosen] = function.evaluate(features[chosen])
        return self._pulled(graph, moments, energies, slopes, lattice)

    def _pulled(self, graph, moments, energies, slopes, lattice):
        gradients = self.descriptor.vjp(graph, moments, slopes, lattice=lattice)
        return Gradients(energies, gradients.moments, gradients.pairs, gradients.radial)

    # Parameters ---------------------------------------------------------------------------------

    @property
    def n_parameters(self):
        """Number of all parameters."""
        return sum(len(function.parameters) for function in self.functions)

    @property
    def parameters(self):
        return np.concatenate([function.parameters for function in self.functions])

    @parameters.setter
    def parameters(self, values):
        values = np.array(values, dtype=float)
        if values.shape != (self.n_parameters,) or not np.isfinite(values).all():
            raise ValueError(
                f"parameters must be {self.n_parameters} finite numbers, got an array of shape "
                f"{values.shape}"
            )
        for function, place in self._places():
            function.parameters = values[place]

    def _places(self):
        start = 0
        for function in self.functions:
            end = start + len(function.parameters)
            yield function, slice(start, end)
            start = end

    def parameter_key(self):
        return (*super().parameter_key(), self.prepared)

    @property
    def linear(self):
        return np.concatenate(
            [function.linear + place.start for function, place in self._places()]
        ).astype(np.intp)

    @property
    def prior(self):
        return np.concatenate([function.prior for function in self.functions])

    def initial_parameters(self, rng=0):
        """Return parameters to start a fit from, (n_parameters,)."""
        rng = np.random.default_rng(rng)
        return np.concatenate([function.initial_parameters(rng) for function in self.functions])

    @property
    def prepared(self):
        return all(function.prepared for function in self.functions)

    def prepare(self, structures, rng=0):
        rng = np.random.default_rng(rng)
        structures, rows = list(structures), [[] for _ in self.functions]
        counts = np.array(
            [[len(sites) for _, sites in self._sites(graph)] for graph, _ in structures]
        ).reshape(-1, len(rows))
        parts = _SAMPLE / np.maximum(counts.sum(axis=0), _SAMPLE)
        for graph, moments in structures:
            moments = np.ascontiguousarray(moments, dtype=float)
            features = self.descriptor.forward(graph, moments)
            for place, part, (_, sites) in zip(rows, parts, self._sites(graph), strict=True):
                chosen = sites if part == 1 else sites[rng.random(len(sites)) < part]
                place.append(features[chosen])
        names = ("all species",) if self._shared else self.species
        squares = np.mean(np.square(counts, dtype=float), axis=0).tolist()
        for symbol, function, place, square in zip(
            names, self.functions, rows, squares, strict=True
        ):
            X = np.concatenate([np.zeros((0, self.descriptor.n_features)), *place])
            if not len(X):
                raise ValueError(
                    f"the training data hold no atoms of {symbol}, which {self!r} describes: add "
                    "some, or make the model without it"
                )
            if not function.prepared:
                function.prepare(X, rng)
                if isinstance(function, BasisFunction):
                    function.weigh(square)

    def unresolved(self, graph, moments):
        """Return prior variances that the basis of the functions lacks (sparse points).

        Relative to the variance of the noise of energies of weight one, as the prior is.

        Returns
        -------
        (n_sites,) float array, of the sites, and a float, of their sum.
        """
        features = self.descriptor.forward(graph, np.ascontiguousarray(moments, dtype=float))
        sites, total = np.zeros(graph.n_sites), 0.0
        for function, places in self._sites(graph):
            if getattr(function, "precision", None):
                sites[places] = function.unresolved(features[places]) / function.precision
                total += function.unresolved_sum(features[places]) / function.precision
        return sites, total

    def parameter_vjp(self, graph, moments, weights):
        moments = np.ascontiguousarray(moments, dtype=float)
        return self.tangent_gradient(graph, moments, *tangents(graph, moments, weights))

    def tangent_gradient(self, graph, moments, energies, turns, pairs):
        """Return d/dp [sum_i w_i E_i + sum_k dM_k.dE/dM_k + sum_ij dr_ij.dE/dr_ij].

        Parameters
        ----------
        graph, moments : geometry and (n_atoms, 3) float array, mu_B.
        energies, turns, pairs : w, dM and dr, see :func:`ase_mag.core.tangents.tangents`.
        """
        if pairs is None:
            pairs = np.zeros((graph.n_pairs, 3))
        features = self.descriptor.forward(graph, moments)
        changes = self.descriptor.jvp(graph, moments, turns, pairs)
        return np.concatenate(
            [
                function.parameter_gradient(features[sites], energies[sites], changes[sites])
                for function, sites in self._sites(graph)
            ]
        )

    def design(self, graph, moments, *, lattice=True):
        moments = np.ascontiguousarray(moments, dtype=float)
        features, rows = self.descriptor.forward(graph, moments), []
        for function, sites in self._sites(graph):
            for values, gradients in function.design(features[sites]):
                energies, slopes = np.zeros(graph.n_sites), np.zeros_like(features)
                energies[sites], slopes[sites] = values, gradients
                pulled = self._pulled(graph, moments, energies, slopes, lattice)
                rows.append(Response.from_gradients(graph, pulled, lattice=lattice))
        if not rows:
            return super().design(graph, moments, lattice=lattice)
        return stacked(rows)

    def energy_design(self, graph, moments):
        moments = np.ascontiguousarray(moments, dtype=float)
        features, rows = self.descriptor.forward(graph, moments), []
        for function, sites in self._sites(graph):
            if isinstance(function, BasisFunction):
                values = function.columns(features[sites]).T
            else:
                found = [value for value, _ in function.design(features[sites])]
                values = np.array(found).reshape(-1, len(sites))
            block = np.zeros((len(values), graph.n_sites))
            block[:, sites] = values
            rows.append(block)
        return np.concatenate(rows)

    def to_dict(self):
        function = (
            self.functions[0]
            if self._shared
            else dict(zip(self.species, self.functions, strict=True))
        )
        return {"descriptor": self.descriptor, "function": function}

    def __repr__(self):
        return (
            f"{type(self).__name__}({', '.join(self.species)}; cutoff {self.cutoff:g} angstrom, "
            f"{self.n_parameters} parameters)"
        )
