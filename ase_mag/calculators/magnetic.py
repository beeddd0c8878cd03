"""The ASE calculator of a model: energy, forces, stress and magnetic forces."""

from functools import partial

import numpy as np
from ase.calculators.calculator import (
    CalculationFailed,
    PropertyNotImplementedError,
    all_changes,
)
from ase.stress import full_3x3_to_voigt_6_stress

from ase_mag.calculators.base import MomentCalculator
from ase_mag.core import Model, ModelSurface, State, get_moments
from ase_mag.core.hessian import hessian_of
from ase_mag.core.minimization import minimize
from ase_mag.io.properties import warn_unless_registered

#: What a calculation without derivatives with respect to the positions gives.
_WITHOUT_LATTICE = {"energy", "free_energy", "energies", "magmom", "magmoms", "magforces"}

#: A relaxed moment below this fraction of the given one counts as vanished.
_VANISHED = 0.05


class MagneticCalculator(MomentCalculator):
    """Energy and derivatives of a model; positions *and* moments are the state.

    The moments are ``atoms.arrays['initial_magmoms']`` (see :func:`ase_mag.get_moments`): (N, 3),
    or (N,) along z, or absent (all zero), in mu_B. A change of the moments alone reuses the
    neighbor list and all that the model derives from the positions.

    ``moments='fixed'``: E(R, M) at the given moments.

    ``moments='relaxed'``: E(R) = min_M E(R, M) over all 3N components, so that ASE's optimizers,
    molecular dynamics, phonons and equations of state include the magnetism. The minimization
    starts from the moments of the atoms and afterwards from the last relaxed ones (as long as the
    moments of the atoms stay the same); it finds a local minimum, and a symmetric start (all
    zero, or collinear) keeps its symmetry. Forces are exact (Hellmann-Feynman), since dE/dM = 0.
    ``magmoms`` are the relaxed moments; the atoms are not changed.

    Results: ``energy`` = ``free_energy`` (eV), ``energies`` (N,) with sum = energy, ``forces``
    -dE/dR (N, 3) (eV/angstrom), ``stress`` (6,) in ASE's sign and Voigt order and ``stresses``
    (N, 6) with sum = stress (eV/angstrom^3; the symmetric part, only for cells periodic in three
    directions; ASE's share of each site, its virial over the volume of the cell: N times it is the
    stress of the site in its volume V/N, see :func:`ase_mag.analysis.site_maps`), ``magmoms``
    (N, 3) and ``magmom`` (z component of their sum, as for collinear calculators; mu_B),
    ``magforces`` -dE/dM (N, 3) (eV/mu_B).

    Parameters
    ----------
    model : Model
    moments : 'fixed' or 'relaxed'.
    skin : float, angstrom; pairs are searched again when an atom has moved by half of it.
    fmax : float, eV/mu_B; relaxed moments have max |dE/dM_i| < fmax.
    max_steps : int, bound for the Newton steps of one relaxation.

    Raises
    ------
    TypeError
        If ``model`` is not a Model.
    ValueError
        For bad parameters; in a calculation for species that the model lacks, and for positions,
        cells or moments that are not finite or have the wrong shape.
    ase.calculators.calculator.PropertyNotImplementedError
        For the stress of a system that is not periodic in three directions.
    ase.calculators.calculator.CalculationFailed
        (a RuntimeError) If relaxed moments do not converge.
    """

    implemented_properties = [  # noqa: RUF012 - ASE's protocol
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "stresses",
        "magmom",
        "magmoms",
        "magforces",
    ]
    default_parameters = {  # noqa: RUF012
        "moments": "fixed",
        "skin": 0.5,
        "fmax": 1e-6,
        "max_steps": 200,
    }
    ignored_changes = {"initial_charges"}  # noqa: RUF012

    def __init__(self, model, moments="fixed", skin=0.5, fmax=1e-6, max_steps=200):
        self._forget()
        self.model = model
        super().__init__(moments=moments, skin=skin, fmax=fmax, max_steps=max_steps)

    @property
    def model(self):
        """The model; assigning another one discards all results."""
        return self._model

    @model.setter
    def model(self, model):
        if not isinstance(model, Model):
            raise TypeError(
                f"a calculator needs a model (for example models.named('FeHL-1')), got {model!r}"
            )
        self._model = model
        self.reset()

    def set(self, **kwargs):
        """Change parameters (moments, skin, fmax, max_steps); results are discarded."""
        unknown = set(kwargs) - set(self.default_parameters)
        if unknown:
            raise TypeError(
                f"unknown parameter {', '.join(sorted(unknown))}; "
                f"allowed are {', '.join(self.default_parameters)}"
            )
        if kwargs.get("moments", "fixed") not in ("fixed", "relaxed"):
            raise ValueError(f"moments must be 'fixed' or 'relaxed', got {kwargs['moments']!r}")
        for name in ("fmax", "max_steps"):
            if name in kwargs and not kwargs[name] > 0:
                raise ValueError(f"{name} must be positive, got {kwargs[name]!r}")
        return super().set(**kwargs)

    def reset(self):
        """Discard all results, the neighbor list and the relaxed moments."""
        super().reset()
        self._forget()
        self._forces_wanted = False

    def get_state(self):
        """Return where neighbor pairs were searched last, for :meth:`set_state`."""
        return {} if self._surface is None else self._surface.get_state()

    def set_state(self, state):
        """Start anew with the neighbor pairs of another calculator (for exact restarts)."""
        self.reset()
        self._pending = state

    def check_state(self, atoms, tol=1e-15):
        """Return the names of what differs from the last calculation; also 'parameters'.

        These are the parameters of the model, which a fit may have changed in place.
        """
        changes = super().check_state(atoms, tol)
        if self.model.parameter_key() != self._parameter_key:
            changes.append("parameters")
        return changes

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Fill ``results``; see the class for what they hold.

        Energies and magnetic forces alone, with fixed moments, leave out forces and stress; these
        follow when they are asked for, and from then on they come with every new geometry. (A
        crystal of a million atoms then needs no list of its pairs.)
        """
        if atoms is not None:
            self.atoms = atoms.copy()
        atoms, self.results = self.atoms, {}
        self._parameter_key = self.model.parameter_key()
        if not {"stress", "stresses"}.isdisjoint(properties):
            self._check_periodic(atoms)
        surface, state = self._synchronize(atoms)
        asked = not _WITHOUT_LATTICE.issuperset(properties)
        if self.parameters["moments"] == "relaxed":
            self._relax(surface, state)
            asked = True
        self._forces_wanted |= asked
        moved = not {"initial_magmoms"}.issuperset(system_changes)
        lattice = asked or (moved and self._forces_wanted)
        self.results = self._collect(surface.response(state, lattice=lattice), state)

    def _collect(self, response, state):
        energy = response.energy
        results = {
            "energy": energy,
            "free_energy": energy,
            "energies": response.energies,
            "magmoms": state.moments.copy(),
            "magmom": float(state.moments[:, 2].sum()),
            "magforces": response.magforces,
        }
        if response.forces is not None:
            results["forces"] = response.forces
            if state.pbc.all():
                volume = abs(np.linalg.det(state.cell))
                results["stress"] = full_3x3_to_voigt_6_stress(response.virial) / volume
                results["stresses"] = full_3x3_to_voigt_6_stress(response.virials) / volume
        return results

    def _check_periodic(self, atoms):
        if not atoms.pbc.all():
            raise PropertyNotImplementedError(
                "the stress needs a system that is periodic in three directions, but pbc is "
                f"{atoms.pbc.tolist()}: set a cell and pbc=True"
            )

    def _synchronize(self, atoms):
        """Bring the state up to date with ``atoms``; make a new surface for other species."""
        moments = get_moments(atoms)
        surface, state = self._surface, self._state
        if (
            surface is None
            or len(state.numbers) != len(atoms)
            or not (state.numbers == atoms.numbers).all()
            or not (state.pbc == atoms.pbc).all()
        ):
            self._forget()
            skin = self.parameters["skin"]
            surface = ModelSurface(self.model, atoms.numbers, atoms.pbc, skin)
            state = State.from_atoms(atoms)
            if self._pending:
                surface.set_state(self._pending)
                self._pending = None
            self._surface, self._state, self._given = surface, state, moments
            return surface, state
        if not (
            (state.positions == atoms.positions).all() and (state.cell == atoms.cell.array).all()
        ):
            state.positions[:] = atoms.positions
            state.cell[:] = atoms.cell.array
            state.geometry_changed()
        if self._given is None or not (self._given == moments).all():
            self._given = moments
            state.moments[:] = moments
            state.moments_changed()
        return surface, state

    def energy_of_moments(self, atoms):
        """Return the energy as a function of the moments at the positions of ``atoms``.

        The functions belong to this calculator and hold until it is asked for something else.
        They are much faster than changing the moments of the atoms.

        Parameters
        ----------
        atoms : ase.Atoms, not changed.

        Returns
        -------
        evaluate : function of moments (N, 3), mu_B, that returns energies of sites (eV) and dE/dM
            (N, 3), eV/mu_B.
        hessian : function of moments that returns the function v -> H v with H = d2E/dM dM,
            or None if the model is no bilinear form.
        """
        surface, state = self._synchronize(atoms)
        self._given = None  # the state's moments are no longer those of any atoms
        return self._energy_of_moments(surface, state), self._hessian(surface, state)

    @staticmethod
    def _hessian(surface, state):
        form = surface.form(state)
        return None if form is None else partial(hessian_of, form)

    def _energy_of_moments(self, surface, state):
        """Return a function M -> (site energies, dE/dM) at the state's positions."""
        form = surface.form(state)

        def evaluate(moments):
            if form is not None:
                energies, magforces = form.evaluate(moments)
            else:
                state.moments[:] = moments
                state.moments_changed()
                response = surface.response(state, lattice=False)
                energies, magforces = response.energies, response.magforces
            return energies, -magforces

        return evaluate

    def check_sizes(self, atoms):
        """Raise ValueError if no term of the model holds the sizes of the moments of ``atoms``.

        See :func:`ase_mag.core.sizes.check_sizes`: directional models need a Landau term where
        sizes relax.
        """
        surface, state = self._synchronize(atoms)
        surface.check_sizes(state)

    def _relax(self, surface, state):
        surface.check_sizes(state)
        fmax, max_steps = self.parameters["fmax"], self.parameters["max_steps"]
        given, self._given = self._given, None  # a failure must not leave its moments behind
        # A warm start is no good from moments that have vanished: they stay on the saddle.
        sizes, wanted = (np.linalg.norm(m, axis=1) for m in (state.moments, given))
        if (sizes < _VANISHED * wanted).any():
            state.moments[:] = given
        found = minimize(
            self._energy_of_moments(surface, state),
            state.moments,
            fmax=fmax,
            max_steps=max_steps,
            hessian=self._hessian(surface, state),
        )
        if not found.converged:
            raise CalculationFailed(
                f"the moments did not relax: after {found.n_steps} steps the largest |dE/dM| is "
                f"{found.slope:.3g} eV/mu_B (atom {found.worst}, |M| "
                f"{np.linalg.norm(found.x[found.worst]):.3g} mu_B), fmax is {fmax:g}: start from "
                "other moments or raise max_steps; a model without a Landau term has no minimum"
            )
        state.moments[:] = found.x
        state.moments_changed()
        self._given = given

    #: What tells whether the model has been fitted since.
    _parameter_key = ()
    #: Neighbor pairs to start with; see :meth:`set_state`.
    _pending = None
    #: Whether forces or stress have been asked for.
    _forces_wanted = False

    def _forget(self):
        self._surface = self._state = self._given = None

    def __getstate__(self):
        return self.__dict__ | {"_surface": None, "_state": None, "_given": None}

    def todict(self, skip_default=False):
        """Return the parameters as a JSON-able dict; the model is its ``repr``."""
        warn_unless_registered()
        return {"model": repr(self.model), **super().todict(skip_default=skip_default)}

    def __repr__(self):
        return f"{type(self).__name__}({self.model!r}, moments={self.parameters['moments']!r})"
