"""Models whose energy is a sum of parameters times functions without parameters."""

from abc import abstractmethod

import numpy as np

from ase_mag.core.model import Trainable
from ase_mag.core.response import Response
from ase_mag.models.stacked import stacked

_PARTS = ("energies", "magforces", "forces", "virials")


class LinearModel(Trainable):
    """E = sum_k p_k E_k: base of the models that least squares fit at once.

    Subclasses keep the parameters and implement :meth:`basis`.
    """

    @abstractmethod
    def basis(self, graph, moments, *, lattice=True):
        """Yield the :class:`ase_mag.core.Gradients` of every E_k, in their order."""

    @property
    def linear(self):
        return np.arange(len(self.parameters), dtype=np.intp)

    def design(self, graph, moments, *, lattice=True):
        return stacked(
            Response.from_gradients(graph, gradients, lattice=lattice)
            for gradients in self.basis(graph, moments, lattice=lattice)
        )

    def parameter_vjp(self, graph, moments, weights):
        lattice = weights.forces is not None or weights.virials is not None
        design = self.design(graph, moments, lattice=lattice)
        total = np.zeros(len(self.parameters))
        for name in _PARTS:
            cotangent = getattr(weights, name)
            if cotangent is not None:
                total += np.tensordot(getattr(design, name), cotangent, axes=np.ndim(cotangent))
        return total


def as_parameters(values, count):
    """Return new parameters as a flat float array; raise ValueError unless count are finite."""
    array = np.array(values, dtype=float)
    if array.shape != (count,):
        raise ValueError(f"the model has {count} parameters, got an array of shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"parameters must be finite numbers, got {array.tolist()}")
    return array
