"""Models whose parameters stay as they are in a fit."""

import numpy as np

from ase_mag.core import Gradients, Model, Trainable, storable

_PARTS = ("moments", "pairs", "radial")


@storable
class Held(Model):
    """A model as it is, whose parameters no fit changes.

    ``Held(known) + unknown`` fits the parameters of ``unknown`` to what ``known`` leaves over. The
    gradients of the last moments are kept on the graph: a fit evaluates the same frames again and
    again. Do not change the parameters of the model while that lasts.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model):
        self.model = model
        self.species, self.cutoff = model.species, model.cutoff
        self.moment_axis, self.homogeneous = model.moment_axis, model.homogeneous
        self.directional = model.directional

    @property
    def addends(self):
        return self.model.addends

    def gradients(self, graph, moments, *, lattice=True):
        key = self.model.parameter_key()
        known = graph.cache.get((self, lattice))
        if known is None or known[0] != key or not np.array_equal(known[1], moments):
            found = self.model.gradients(graph, moments, lattice=lattice)
            for name in _PARTS:
                if getattr(found, name) is not None:
                    getattr(found, name).flags.writeable = False
            known = key, moments.copy(), found
            graph.cache[self, lattice] = known
        found = known[2]
        return Gradients(found.energies.copy(), found.moments, found.pairs, found.radial)

    def bilinear(self, graph):
        return self.model.bilinear(graph)

    def parameter_key(self):
        return self.model.parameter_key()

    def to_dict(self):
        return {"model": self.model}

    def __repr__(self):
        return f"Held({self.model!r})"


@storable
class View(Trainable):
    """A trainable model of which a fit sees some parameters only; the others are held.

    Parameters
    ----------
    model : Trainable; it is changed through the view.
    free : (n,) int array, indices of the parameters that are seen; None: all.
    linear : bool; False hides which of them are linear, so that a fit moves them in steps, from
        where they are, and does not solve for them.

    Raises
    ------
    ValueError
        For indices that are repeated or out of range, or none.
    """

    def __init__(self, model, free=None, linear=True):
        count = len(model.parameters)
        self.model, self._linear = model, bool(linear)
        self.free = np.arange(count) if free is None else np.array(free, dtype=np.intp)
        allowed = np.unique(self.free)
        if not len(allowed) or len(allowed) < len(self.free) or not allowed[0] >= 0:
            raise ValueError(f"free must be different indices of parameters, got {free!r}")
        if allowed[-1] >= count:
            raise ValueError(
                f"free names parameter {allowed[-1]}, but {model!r} has {count} parameters"
            )
        self.species, self.cutoff = model.species, model.cutoff
        self.moment_axis, self.homogeneous = model.moment_axis, model.homogeneous
        self.directional = model.directional

    @property
    def addends(self):
        return self.model.addends

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)

    def bilinear(self, graph):
        return self.model.bilinear(graph)

    @property
    def parameters(self):
        return self.model.parameters[self.free]

    @parameters.setter
    def parameters(self, values):
        if np.shape(values) != self.free.shape:
            raise ValueError(
                f"{self!r} has {len(self.free)} parameters, got an array of shape "
                f"{np.shape(values)}"
            )
        parameters = self.model.parameters
        parameters[self.free] = values
        self.model.parameters = parameters

    def parameter_key(self):
        return self.model.parameter_key()

    @property
    def linear(self):
        if not self._linear:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(np.isin(self.free, self.model.linear))

    @property
    def prepared(self):
        return self.model.prepared

    def prepare(self, structures, rng=0):
        self.model.prepare(structures, rng)

    def parameter_vjp(self, graph, moments, weights):
        return self.model.parameter_vjp(graph, moments, weights)[self.free]

    def to_dict(self):
        return {"model": self.model, "free": self.free, "linear": self._linear}

    def __repr__(self):
        return f"View({len(self.free)} parameters of {self.model!r})"
