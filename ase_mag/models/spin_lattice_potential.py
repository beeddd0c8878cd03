"""The machine-learned spin-lattice potential (MSLP): known physics and what a network adds."""

from itertools import pairwise

import numpy as np

from ase_mag.core.model import Trainable
from ase_mag.core.response import Response
from ase_mag.core.storage import storable
from ase_mag.core.tangents import tangents
from ase_mag.descriptors import RadialSpinDescriptor
from ase_mag.models.descriptor_model import DescriptorModel
from ase_mag.models.heisenberg_landau import HeisenbergLandau
from ase_mag.models.hopping_embedded_atom import HoppingEmbeddedAtom, along
from ase_mag.models.nonmagnetic import as_species
from ase_mag.regressors import Perceptron

_PARTS = ("energies", "magforces", "forces", "virials")


@storable
class SpinLatticePotential(Trainable):
    """E = V^NM(R) + V^HL(R, M) + V^NN(R, M): embedded atom, Heisenberg-Landau and a network.

    J. B. J. Chapman and P.-W. Ma (2022), eqs 2-27. V^NM: :class:`HoppingEmbeddedAtom`; V^HL:
    :class:`HeisenbergLandau`, in the same density; V^NN: :class:`DescriptorModel` with
    :class:`ase_mag.descriptors.RadialSpinDescriptor` and :class:`ase_mag.regressors.Perceptron`,
    zero until it is trained. Every parameter is trainable, in this order of the three terms; the
    t_n act on V^NM and, through the density, on V^HL. :func:`ase_mag.fitting.fit_stages` fits the
    terms one after the other.

    The energy is bounded below: C > 0 in V^HL outgrows the network, which is at most linear in
    features of the fourth order of the moments. At short distance the nuclear repulsion outgrows
    everything else. The potential has no spin-orbit terms: turning all moments together costs
    nothing.

    Parameters
    ----------
    species : str or tuple of str
    cutoff : float, angstrom, of all three terms.
    lattice : HoppingEmbeddedAtom, optional; V^NM with its own arguments.
    moments : HeisenbergLandau, optional; V^HL, made with this ``lattice``.
    network : DescriptorModel, optional; V^NN.
    hidden : tuple of int; activation : str; seed : int, of the default network. The paper's
        activation is 'twisted'; 'algebraic' is its smooth twin, with which fits to forces go on
        where those with kinks stop.

    Attributes
    ----------
    lattice, moments, network : the three terms; their parameters are those of the potential.
    n_parameters : int

    Raises
    ------
    ValueError
        If the terms are made for other species, cutoffs or densities.

    Examples
    --------
    >>> from ase_mag import models
    >>> models.SpinLatticePotential('Fe')
    SpinLatticePotential(Fe; cutoff 5.3 angstrom, 31 + 8 + 882 parameters)
    """

    homogeneous = True

    def __init__(
        self,
        species="Fe",
        cutoff=5.3,
        *,
        lattice=None,
        moments=None,
        network=None,
        hidden=(16, 16),
        activation="algebraic",
        seed=0,
    ):
        self.species = as_species(species)
        self.cutoff = float(cutoff)
        if lattice is None:
            lattice = HoppingEmbeddedAtom(self.species, cutoff) if moments is None else None
        self.lattice = moments.lattice if lattice is None else lattice
        self.moments = HeisenbergLandau(self.lattice) if moments is None else moments
        if network is None:
            descriptor = RadialSpinDescriptor(self.species, cutoff)
            function = Perceptron(descriptor.n_features, hidden, activation, seed=seed)
            network = DescriptorModel(descriptor, function)
        self.network = network
        if self.moments.lattice is not self.lattice:
            raise ValueError(
                "moments has another lattice than this potential: make it with "
                "HeisenbergLandau(lattice), or leave lattice out"
            )
        for name, term in (("lattice", self.lattice), ("network", network)):
            if term.species != self.species or term.cutoff > self.cutoff:
                raise ValueError(
                    f"{name} describes {', '.join(term.species)} to {term.cutoff:g} angstrom, but "
                    f"the potential is made for {', '.join(self.species)} to {self.cutoff:g}"
                )
        self._terms = (self.lattice, self.moments, self.network)

    def gradients(self, graph, moments, *, lattice=True):
        total = self.network.gradients(graph, moments, lattice=lattice)
        for term in self._terms[:2]:
            total.add(term.gradients(graph, moments, lattice=lattice))
        return total

    # Parameters ---------------------------------------------------------------------------------

    @property
    def _places(self):
        ends = np.cumsum([0, *(len(term.parameters) for term in self._terms)])
        return [slice(a, b) for a, b in pairwise(ends)]

    @property
    def parameters(self):
        return np.concatenate([term.parameters for term in self._terms])

    @parameters.setter
    def parameters(self, values):
        values, places = np.array(values, dtype=float), self._places
        if values.shape != (self.n_parameters,) or not np.isfinite(values).all():
            raise ValueError(
                f"parameters must be {self.n_parameters} finite numbers, got an array of shape "
                f"{values.shape}"
            )
        for term, place in zip(self._terms, places, strict=True):
            term.parameters = values[place]

    @property
    def n_parameters(self):
        """Number of all parameters."""
        return self._places[-1].stop

    def parameter_key(self):
        return sum((term.parameter_key() for term in self._terms), ())

    @property
    def linear(self):
        return np.concatenate(
            [t.linear + p.start for t, p in zip(self._terms, self._places, strict=True)]
        ).astype(np.intp)

    def initial_parameters(self, rng=0):
        """Return parameters to start a fit from: the present ones, with new weights, (n,)."""
        return np.concatenate(
            [self.lattice.parameters, self.moments.parameters, self.network.initial_parameters(rng)]
        )

    @property
    def prepared(self):
        return self.network.prepared

    def prepare(self, structures, rng=0):
        self.network.prepare(structures, rng)

    def parameter_vjp(self, graph, moments, weights):
        moments = np.ascontiguousarray(moments, dtype=float)
        energies, turns, pairs = tangents(graph, moments, weights)
        radial = along(graph, pairs)
        own, others = self.moments.tangent_gradient(graph, moments, energies, turns, radial)
        lattice = self.lattice.tangent_gradient(graph, energies, radial, others)
        network = self.network.tangent_gradient(graph, moments, energies, turns, pairs)
        return np.concatenate([lattice, own, network])

    def design(self, graph, moments, *, lattice=True):
        parts = [
            term.design(graph, moments, lattice=lattice) for term in self._terms if len(term.linear)
        ]
        return Response(
            *(
                None
                if getattr(parts[0], name) is None
                else np.concatenate([getattr(part, name) for part in parts])
                for name in _PARTS
            )
        )

    def to_dict(self):
        return {
            "species": list(self.species),
            "cutoff": self.cutoff,
            "moments": self.moments,
            "network": self.network,
        }

    def __repr__(self):
        counts = " + ".join(str(len(term.parameters)) for term in self._terms)
        return (
            f"{type(self).__name__}({', '.join(self.species)}; cutoff {self.cutoff:g} angstrom, "
            f"{counts} parameters)"
        )
