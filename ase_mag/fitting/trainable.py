"""The parameters of a model, or of all trainable terms of a sum, as one vector."""

import copy
from itertools import pairwise

import numpy as np

from ase_mag.core import Response, Sum, Trainable, storage

_PARTS = ("energies", "magforces", "forces", "virials")


class TrainableParts:
    """All trainable terms of a model; terms without parameters stay as they are.

    Named parameter sets (FeHL-1) are terms without parameters: they mean what their name says.

    Parameters
    ----------
    potential : Model, trainable or a sum with trainable terms. It is changed in place.

    Attributes
    ----------
    parameters : (n_parameters,) float array, those of all terms in the order of the sum.
    linear, nonlinear : index arrays; together all parameters.

    Raises
    ------
    TypeError
        If the model has no trainable term.
    ValueError
        If one term appears twice, also inside of a fixed one.
    """

    def __init__(self, potential):
        self.potential = potential
        terms = _terms(potential)
        self.terms = [term for term in terms if isinstance(term, Trainable)]
        self._check_apart([term for term in terms if not isinstance(term, Trainable)])
        self._number()

    def _number(self):
        """Give every parameter its place."""
        counts = [len(term.parameters) for term in self.terms]
        if not sum(counts):
            raise TypeError(
                f"{self.potential!r} has no parameters to fit: give a trainable model (e.g. "
                "models.Landau, models.SeriesExchange), or a sum with one"
            )
        ends = np.cumsum([0, *counts])
        self.places = [slice(a, b) for a, b in pairwise(ends)]
        self.linear = np.concatenate(
            [t.linear + p.start for t, p in zip(self.terms, self.places, strict=True)]
        ).astype(np.intp)
        self.nonlinear = np.setdiff1d(np.arange(ends[-1]), self.linear)
        self.n_parameters = int(ends[-1])

    def _check_apart(self, fixed):
        """Raise ValueError if a trainable term is a part of another term, or stands there twice."""
        held = [id(part) for term in fixed for part in _inside(term)]
        for k, term in enumerate(self.terms):
            if id(term) in held or any(term is other for other in self.terms[:k]):
                raise ValueError(
                    f"the trainable term {term!r} appears twice in {self.potential!r}, so that its "
                    "parameters would count twice: use a copy (copy.deepcopy) in one of the places"
                )

    @property
    def parameters(self):
        return np.concatenate([term.parameters for term in self.terms])

    @parameters.setter
    def parameters(self, values):
        if np.shape(values) != (self.n_parameters,):
            raise ValueError(
                f"{self.potential!r} has {self.n_parameters} parameters, got an array of shape "
                f"{np.shape(values)}"
            )
        for term, place in zip(self.terms, self.places, strict=True):
            term.parameters = values[place]

    @property
    def prior(self):
        """Precisions of all parameters, see :attr:`ase_mag.core.Trainable.prior`."""
        return np.concatenate([term.prior for term in self.terms])

    def structure(self):
        """Return a string that is equal for models that differ in their parameters only."""
        model = copy.deepcopy(self.potential)
        try:
            TrainableParts(model).parameters = np.zeros(self.n_parameters)
            return f"{model!r} {storage.digest(model)[:12]}"
        except (TypeError, ValueError):  # it cannot be saved, or refuses zeros
            return f"{self.potential!r} {self.n_parameters}"

    def prepare(self, structures):
        """Let every term that is not prepared yet learn its scales from training structures.

        The number of parameters of a term may change here, and only here.

        Parameters
        ----------
        structures : list of (PairGraph, moments).
        """
        for term in self.terms:
            if not term.prepared:
                term.prepare(structures)
        self._number()

    def parameter_vjp(self, graph, moments, weights):
        """Return d<weights, response>/d parameters, (n_parameters,)."""
        return np.concatenate([t.parameter_vjp(graph, moments, weights) for t in self.terms])

    def design(self, graph, moments, *, lattice=True):
        """Return the derivatives with respect to the linear parameters, a Response."""
        parts = [
            term.design(graph, moments, lattice=lattice) for term in self.terms if len(term.linear)
        ]
        if len(parts) == 1:
            return parts[0]
        return Response(*(_joined([getattr(part, name) for part in parts]) for name in _PARTS))

    def energy_design(self, graph, moments):
        """Return the derivatives of site energies with respect to the linear parameters."""
        return np.concatenate(
            [term.energy_design(graph, moments) for term in self.terms if len(term.linear)]
        )


def _joined(arrays):
    return None if arrays[0] is None else np.concatenate(arrays)


def _terms(model):
    """Return the terms of a sum; named sets, which are sums of their own class, stay whole."""
    if type(model) is not Sum:
        return [model]
    return [part for term in model.terms for part in _terms(term)]


def _inside(model):
    """Yield the models that a fixed term is made of."""
    inner = getattr(model, "model", None)
    for part in (*getattr(model, "terms", ()), *(() if inner is None else (inner,))):
        yield part
        yield from _inside(part)
