"""The one object: a model turns (geometry, moments) into energy and its derivatives."""

import copy
from abc import ABC, abstractmethod

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from ase_mag.core import storage
from ase_mag.core.response import Response


class Model(ABC):
    """A pure function of (graph, moments): E = sum_i E_i with derivatives.

    Subclasses implement :meth:`gradients`; everything else (assembly of forces and virial, sums,
    saving) follows. A model has no hidden state and changes none of its inputs; values that
    depend on the geometry only are kept in ``graph.cache``.

    Attributes
    ----------
    species : tuple of str, the chemical symbols that the model describes. Atoms of other species
        have no part in the model. A structure may only hold species that the complete model
        (the sum) names: :meth:`check_species`.
    cutoff : float, angstrom; the graph must list all pairs below it (0: no pairs needed).
    moment_axis : (3,) float array or None; a unit vector: the model reads moments along it and
        raises ValueError for a transverse part (collinear models).
    homogeneous : bool; True: the terms of an atom depend on the species and the places of the
        atoms around it only, never on their numbers, so that the unit cell of a crystal stands
        for all of it. Models that say so get the fast path of :class:`LatticeForm`. Every class
        says it for itself; it is not inherited.
    directional : bool; True: the energy depends on the directions of moments only, so that magnetic
        forces are perpendicular to them. Sizes must not change then unless another term of a sum
        holds them (:func:`ase_mag.core.sizes.check_sizes`).
    """

    species: tuple
    cutoff: float = 0.0
    moment_axis: np.ndarray | None = None
    homogeneous: bool = False
    directional: bool = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # A subclass may break what its base promises: it has to say so for itself.
        if "homogeneous" not in cls.__dict__:
            cls.homogeneous = False

    @abstractmethod
    def gradients(self, graph, moments, *, lattice=True):
        """Return site energies and raw derivatives.

        Parameters
        ----------
        graph : PairGraph
        moments : (n_atoms, 3) float array, C order, mu_B.
        lattice : bool; False leaves out the pair gradients dE/dr.

        Returns
        -------
        Gradients, whose arrays are the caller's to change; those that are kept on the graph must
        be read-only.
        """

    def evaluate(self, graph, moments, *, lattice=True):
        """Return energies, magforces and, with ``lattice``, forces and virials.

        Parameters
        ----------
        graph : PairGraph, made with a cutoff of at least ``self.cutoff``.
        moments : (n_atoms, 3) float array, mu_B.
        lattice : bool; False: energies and magforces only (cheaper).

        Returns
        -------
        Response

        Raises
        ------
        ValueError
            If the graph's cutoff is too small or the moments have the wrong shape.
        """
        if graph.cutoff < self.cutoff:
            raise ValueError(
                f"the graph lists pairs up to {graph.cutoff:g} angstrom, but the model reaches to "
                f"{self.cutoff:g}: build it with cutoff=model.cutoff"
            )
        moments = np.ascontiguousarray(moments, dtype=float)
        if moments.shape != (graph.n_atoms, 3):
            raise ValueError(f"moments must have shape ({graph.n_atoms}, 3), got {moments.shape}")
        gradients = self.gradients(graph, moments, lattice=lattice)
        return Response.from_gradients(graph, gradients, lattice=lattice)

    def bilinear(self, graph):
        """Return a :class:`BilinearForm` equal to this model on ``graph``, or None.

        None means that the energy is not a quadratic form plus on-site polynomials.
        """
        return None

    @property
    def addends(self):
        """Models whose energies add up to this one, or a multiple of it; sums name their terms."""
        return (self,)

    def parameter_key(self):
        """Return what changes whenever parameters are assigned (a tuple; fixed models: empty).

        Whoever keeps results of a model compares it before using them again.
        """
        return ()

    @property
    def numbers(self):
        """Atomic numbers of ``species``, a tuple."""
        return tuple(atomic_numbers[symbol] for symbol in self.species)

    def kinds(self, graph):
        """Return the index into ``species`` of every atom, (n_atoms,) intc; -1: not described."""
        return graph.topology.kinds(self.numbers)

    def check_species(self, numbers):
        """Raise ValueError if a structure holds species that the model does not describe."""
        unknown = sorted(set(np.asarray(numbers).tolist()) - set(self.numbers))
        if unknown:
            names = ", ".join(chemical_symbols[z] for z in unknown)
            raise ValueError(
                f"the structure holds {names}, but the model describes only "
                f"{', '.join(self.species)}: add a model for {names} (models add with +; "
                f"models.NonMagnetic('{chemical_symbols[unknown[0]]}') declares a species without "
                "any interaction)"
            )

    def __add__(self, other):
        if not isinstance(other, Model):
            return NotImplemented
        return Sum([self, other])

    def to_dict(self):
        """Return the constructor arguments as a dict, for saving."""
        raise TypeError(f"models of class {type(self).__name__} cannot be saved")

    def save(self, path, **metadata):
        """Write the model to ``path`` (npz with a json description)."""
        storage.save(self, path, **metadata)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(self.species)}; cutoff {self.cutoff:g} angstrom)"


class Trainable(Model):
    """A model with parameters that can be fitted.

    Attributes
    ----------
    parameters : (n_parameters,) float64 array; assigning a new array changes the model.
    prepared : bool, False as long as a fit has to call :meth:`prepare` first.
    """

    prepared = True

    @property
    @abstractmethod
    def parameters(self):
        """All parameters as one flat float64 array (a copy)."""

    def prepare(self, structures, rng=0):
        """Learn what is not fitted (scales, reference points) from training structures.

        Parameters
        ----------
        structures : iterable of (PairGraph, (n_atoms, 3) float array of moments, mu_B).
        rng : int or numpy.random.Generator
        """

    def parameter_key(self):
        return (self.parameters.tobytes(),)

    @abstractmethod
    def parameter_vjp(self, graph, moments, weights):
        """Return d(<weights, response>)/d(parameters), (n_parameters,).

        Parameters
        ----------
        graph : PairGraph
        moments : (n_atoms, 3) float array, mu_B.
        weights : Response, the cotangents of energies, magforces, forces and virials (None: 0).
        """

    @property
    def linear(self):
        """Indices of the linear parameters, (n_linear,) intp array; empty by default.

        Linear: with all other parameters fixed, the response is an affine function of these, so
        that a least-squares problem determines them at once.
        """
        return np.empty(0, dtype=np.intp)

    @property
    def prior(self):
        """Precisions of the parameters before any data, (n_parameters,) float array; default: 0.

        A fit adds sum_k prior_k p_k^2 to its weighted squares: with weights that are 1/variance of
        the labels, p_k is normally distributed around 0 with the variance 1/prior_k.
        """
        return np.zeros(len(self.parameters))

    def design(self, graph, moments, *, lattice=True):
        """Return the derivatives of the response with respect to the linear parameters.

        response(p) = response(p with p[linear] = 0) + sum_k p[linear[k]] design_k.

        Here by n_linear + 1 evaluations, exact because the response is affine; models with many
        linear parameters do better.

        Parameters
        ----------
        graph : PairGraph
        moments : (n_atoms, 3) float array, mu_B.
        lattice : bool; False leaves out forces and virials (None).

        Returns
        -------
        Response, whose arrays have n_linear as an additional first axis: energies
        (n_linear, n_sites), magforces and forces (n_linear, n_atoms, 3), virials
        (n_linear, n_sites, 3, 3).
        """
        linear = self.linear
        model, parameters = copy.deepcopy(self), self.parameters
        parameters[linear] = 0.0

        def response(unit):
            changed = parameters.copy()
            changed[unit] = 1.0
            model.parameters = changed
            return model.evaluate(graph, moments, lattice=lattice)

        origin = response([])
        units = [response(index) for index in linear]

        def part(name):
            zero = getattr(origin, name)
            if zero is None:
                return None
            rows = [getattr(unit, name) - zero for unit in units]
            return np.array(rows).reshape(len(units), *zero.shape)

        return Response(*(part(name) for name in ("energies", "magforces", "forces", "virials")))

    def energy_design(self, graph, moments):
        """Return the energies of :meth:`design`, (n_linear, n_sites): what fits to energies need.

        Parameters
        ----------
        graph : PairGraph
        moments : (n_atoms, 3) float array, mu_B.
        """
        return self.design(graph, moments, lattice=False).energies


def common_axis(models):
    """Return the ``moment_axis`` of models that are added, or None.

    Raises
    ------
    ValueError
        If there are several.
    """
    axes = [model.moment_axis for model in models if model.moment_axis is not None]
    if any(abs(axis @ axes[0]) < 1.0 - 1e-12 for axis in axes):
        raise ValueError(
            f"collinear models of different axes, {', '.join(str(a.tolist()) for a in axes)}, "
            "cannot be added: moments cannot be along all of them"
        )
    return axes[0] if axes else None


@storage.storable
class Sum(Model):
    """Sum of models: E = sum_t E_t. Made by ``+``; nested plain sums are flattened.

    Parameters
    ----------
    terms : list of Model
    """

    def __init__(self, terms):
        self.terms = tuple(
            part for term in terms for part in (term.terms if type(term) is Sum else (term,))
        )
        if not self.terms:
            raise ValueError("a sum of models needs at least one term")
        self.species = tuple(
            dict.fromkeys(symbol for term in self.terms for symbol in term.species)
        )
        self.cutoff = max(term.cutoff for term in self.terms)
        self.homogeneous = all(term.homogeneous for term in self.terms)
        self.directional = all(term.directional for term in self.terms)
        self.moment_axis = common_axis(self.terms)

    @property
    def addends(self):
        return tuple(part for term in self.terms for part in term.addends)

    def gradients(self, graph, moments, *, lattice=True):
        total = self.terms[0].gradients(graph, moments, lattice=lattice)
        for term in self.terms[1:]:
            total.add(term.gradients(graph, moments, lattice=lattice))
        return total

    def parameter_key(self):
        return sum((term.parameter_key() for term in self.terms), ())

    def bilinear(self, graph):
        total = None
        for term in self.terms:
            form = term.bilinear(graph)
            if form is None or (total is not None and total.conflicts(form)):
                return None
            total = form if total is None else total + form
        return total

    def to_dict(self):
        return {"terms": list(self.terms)}

    def __repr__(self):
        return " + ".join(repr(term) for term in self.terms)
