"""Potential-energy surfaces: where energies, forces and magnetic forces come from."""

from abc import ABC, abstractmethod

import numpy as np
from ase.stress import voigt_6_to_full_3x3_stress

from ase_mag.core.graph import NeighborList, check_finite
from ase_mag.core.lattice import find_lattice
from ase_mag.core.lattice_form import LatticeForm
from ase_mag.core.response import Response
from ase_mag.core.sizes import check_sizes


class Surface(ABC):
    """Energy and derivatives of a :class:`State`, kept until the state changes."""

    @abstractmethod
    def response(self, state, *, lattice=True):
        """Return the :class:`Response` of ``state``.

        With ``lattice=False`` forces and virials may be missing.
        """

    def maximum(self, value):
        """Return the largest ``value`` of all processes that hold parts of the system."""
        return value

    def spread_form(self, state):
        """Return the merged form of the sites that a process owns, beside ghosts; None: no ghosts.

        Such surfaces also have ``n_rows``, the number of owned atoms and ghosts, ``refresh(rows)``,
        which sets the rows of the ghosts by those of their owners, and ``with_ghosts(values)``,
        which returns values of the owned atoms followed by those of the ghosts.
        """
        return None

    def form(self, state):
        """Return the merged :class:`BilinearForm` at the state's geometry, or None."""
        return None

    def check_sizes(self, state, free=None):
        """Raise ValueError if sizes may change that nothing holds, where that is known.

        See :func:`ase_mag.core.sizes.check_sizes`.
        """
        return None

    def lattice_form(self, state):
        """Return the :class:`LatticeForm` equal to ``form`` if the state is a crystal, or None."""
        return None


class ModelSurface(Surface):
    """The surface of a :class:`Model`, with a neighbor list that is reused within a skin.

    A change of the moments alone reuses the graph and everything the model keeps on it; after a
    change of the parameters of the model (a fit in place) everything is computed anew.

    Parameters
    ----------
    model : Model
    numbers : (N,) int array, atomic numbers.
    pbc : three bool.
    skin : float, angstrom.
    frozen : bool; True: the positions hardly ever change, so that a skin has no use and it pays to
        look for a perfect lattice, which then takes the place of the pairs for all but forces and
        stress.

    Raises
    ------
    ValueError
        If the structure holds species that the model does not describe.
    """

    def __init__(self, model, numbers, pbc, skin=0.5, frozen=False):
        model.check_species(numbers)
        self.model = model
        self.frozen = frozen
        self.neighbor_list = NeighborList(numbers, pbc, model.cutoff, 0.0 if frozen else skin)
        self._graph = self._graph_key = None
        self._form = self._form_key = None
        self._lattice_form = self._lattice_key = None
        self._response = self._response_key = None

    def get_state(self):
        """Return where neighbor pairs were searched last; see :meth:`NeighborList.get_state`."""
        return self.neighbor_list.get_state()

    def set_state(self, state):
        """Take over the pairs of another surface, so that sums run in the same order."""
        self.neighbor_list.set_state(state)
        self._graph_key = self._form_key = self._response_key = None

    def check_sizes(self, state, free=None):
        if any(term.directional for term in self.model.addends):
            check_sizes(self.model, self.graph(state), state.moments, free)

    def _geometry(self, state):
        return state.serial, state.geometry_version, self.model.parameter_key()

    def graph(self, state):
        """Return the :class:`PairGraph` of the state's geometry."""
        key = self._geometry(state)
        if key != self._graph_key:
            self._graph = self.neighbor_list.graph(state.positions, state.cell)
            self._graph_key = key
        return self._graph

    def form(self, state):
        key = self._geometry(state)
        if self._form_key != key:
            crystal = self.lattice_form(state)
            if crystal is not None:
                self._form = crystal.expanded()
            else:
                graph = self.graph(state)
                form = self.model.bilinear(graph)
                if form is not None and not _is_merged(graph, form):
                    form = form.merged(graph.topology.memory)
                self._form = form
            self._form_key = key
        return self._form

    def lattice_form(self, state):
        return self._crystal(state) if self.frozen else None

    def _crystal(self, state):
        key = self._geometry(state)
        if self._lattice_key != key:
            check_finite(state.positions, state.cell)
            found = find_lattice(state.positions, state.cell, state.pbc, state.numbers)
            self._lattice_form = LatticeForm.of(self.model, found)
            self._lattice_key = key
        return self._lattice_form

    def response(self, state, *, lattice=True):
        key = (state.serial, *state.version, self.model.parameter_key())
        if key != self._response_key or (lattice and self._response.forces is None):
            # Pairs that are there already serve as well.
            paired = not self.frozen and self._graph_key == self._geometry(state)
            crystal = None if lattice or paired else self._crystal(state)
            if crystal is not None:
                self._response = Response(*crystal.evaluate(state.moments))
            else:
                self._response = self.model.evaluate(
                    self.graph(state), state.moments, lattice=lattice
                )
            self._response_key = key
        return self._response


class CalculatorSurface(Surface):
    """The surface of an ASE calculator whose moments are those of the state.

    Every response writes the state into ``atoms`` and asks ``atoms.calc``: with constrained DFT
    the calculator constrains the moments to the ones in ``atoms``.

    Parameters
    ----------
    atoms : ase.Atoms with a calculator.
    stress : bool, ask for the stress too (a code may need longer for it).

    Raises
    ------
    ValueError
        If ``atoms`` has no calculator, one that relaxes the moments itself, or one without stress
        where it is asked for.
    """

    def __init__(self, atoms, stress=False):
        if atoms.calc is None:
            raise ValueError("atoms have no calculator: set atoms.calc before making the dynamics")
        refuse_relaxed(atoms.calc)
        if stress and "stress" not in atoms.calc.implemented_properties:
            raise ValueError(
                f"the calculator {type(atoms.calc).__name__} has no stress, which a pressure needs"
            )
        self.atoms = atoms
        self.stress = stress
        self._response = self._response_key = None

    def response(self, state, *, lattice=True):
        model = getattr(self.atoms.calc, "model", None)
        key = (state.serial, *state.version, getattr(model, "parameter_key", tuple)())
        if key != self._response_key or (lattice and self._response.forces is None):
            state.write(self.atoms)
            self._response = self._ask(lattice)
            self._response_key = key
        return self._response

    def _ask(self, lattice):
        atoms, calc = self.atoms, self.atoms.calc
        implemented = calc.implemented_properties
        forces = np.array(calc.get_property("forces", atoms)) if lattice else None

        def value(name):
            # What came with the forces belongs to the same atoms: no need to compare them again.
            known = getattr(calc, "results", {}).get(name) if lattice else None
            return calc.get_property(name, atoms) if known is None else known

        # Forces are the derivative of the free energy where a code has both (smearing).
        name = "free_energy" if "free_energy" in implemented else "energy"
        # One energy for all atoms: most calculators have no site energies.
        energies = np.zeros(len(atoms))
        energies[:1] = value(name)
        magforces = np.zeros((len(atoms), 3))
        if "magforces" in implemented:
            magforces[:] = value("magforces")
        virials = None
        if lattice and self.stress:
            virials = np.zeros((len(atoms), 3, 3))
            virials[:1] = atoms.get_volume() * voigt_6_to_full_3x3_stress(value("stress"))
        return Response(energies, magforces, forces, virials)


def _is_merged(graph, form):
    """Return whether merging would change nothing (and only take memory)."""
    return (
        form.neighbors is graph.neighbors
        and form.tensors is None
        and form.exchange is not None
        and graph.frozen
        and graph.topology.distinct
        and bool(form.exchange.all())
    )


def refuse_relaxed(calc):
    """Raise an error for a calculator that moves the moments itself.

    Parameters
    ----------
    calc : ase.calculators.calculator.Calculator

    Raises
    ------
    ValueError
        If its ``moments`` are ``'relaxed'``: its forces do not belong to the moments of the atoms.
    """
    if getattr(calc, "parameters", {}).get("moments") == "relaxed":
        raise ValueError(
            f"{type(calc).__name__} has moments='relaxed', so its forces do not belong to the "
            "moments of the atoms: use moments='fixed'"
        )
