"""A descriptor whose features are weighted."""

import numpy as np

from ase_mag.core import storable


@storable
class WeightedDescriptor:
    """The features of a descriptor times constant weights, w_k D_k.

    What is learned from features depends on their relative sizes through the prior of the
    regressor: a feature of twice the weight is expected to matter twice as much. Weights state that
    expectation apart from the definition of the features. Values and derivatives are those of the
    descriptor; no precision is lost, however far the sizes of features and weights are apart.

    Parameters
    ----------
    descriptor : object with ``species``, ``cutoff``, ``n_features`` and the products ``forward``,
        ``vjp`` and ``jvp``.
    weights : (n_features,) float array, positive.

    Raises
    ------
    ValueError
        For weights of another number, or that are not positive and finite.
    """

    def __init__(self, descriptor, weights):
        weights = np.array(weights, dtype=float)
        if weights.shape != (descriptor.n_features,):
            raise ValueError(
                f"{descriptor!r} has {descriptor.n_features} features, so weights must have the "
                f"shape ({descriptor.n_features},), got {weights.shape}"
            )
        if not (np.isfinite(weights) & (weights > 0)).all():
            raise ValueError("the weights of features must be positive and finite numbers")
        self.descriptor, self.weights = descriptor, weights
        self.species, self.cutoff = tuple(descriptor.species), descriptor.cutoff
        self.n_features = descriptor.n_features

    def forward(self, graph, moments):
        """Return the weighted features, (n_sites, n_features)."""
        return self.descriptor.forward(graph, moments) * self.weights

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * w * D), an :class:`ase_mag.core.Gradients`."""
        if np.shape(cotangents)[-1:] == self.weights.shape:
            cotangents = cotangents * self.weights
        return self.descriptor.vjp(graph, moments, cotangents, lattice=lattice)

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors."""
        return self.descriptor.jvp(graph, moments, moment_tangents, pair_tangents) * self.weights

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return {"descriptor": self.descriptor, "weights": self.weights}

    def __repr__(self):
        return f"WeightedDescriptor({self.descriptor!r})"
