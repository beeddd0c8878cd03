"""What advances the momenta and moments that a process owns, with settings of single atoms."""

import numpy as np
from ase.data import chemical_symbols

from ase_mag.bridges.barostat import DistributedRescaling
from ase_mag.bridges.distributed import DistributedSurface
from ase_mag.core import State, get_moments
from ase_mag.core.boundedness import check_bounded, with_energy
from ase_mag.core.sizes import unheld
from ase_mag.dynamics import GeneralizedLangevin, InertialSizes, LangevinBath, Precession
from ase_mag.dynamics.base import free_atoms
from ase_mag.dynamics.noise import Noise
from ase_mag.dynamics.propagators import Metered


class Propagation:
    """The propagators of a run, for the atoms that a process owns at present.

    Settings of single atoms (masses, damping, rates, inertia, constraints) are arrays over all
    atoms, of which :meth:`own` picks those of this process.

    Parameters
    ----------
    surface : DistributedSurface
    atoms : ase.Atoms, all atoms of the system.
    settings : dict of the settings of :class:`LammpsSimulation`.

    Attributes
    ----------
    noises : list of Noise.
    barostat : DistributedRescaling or None.
    spins : SpinPropagator
    bath : Propagator of the momenta, or None.
    sizes : InertialSizes or None; resize : the propagator that advances them.
    free : (n_owned,) bool array, the owned atoms that may move, or None: all.
    index : (n_owned,) int array, places of the owned atoms in ``atoms``.
    """

    def __init__(self, surface, atoms, settings):
        self.surface, self.settings = surface, settings
        self.noises = [Noise(settings["seed"], stream) for stream in (1, 2, 3, 4)]
        self.free = self.bath = self.sizes = None
        self._free = free_atoms(atoms)
        self._masses, self._size_velocities = atoms.get_masses(), None
        self._meters, self._picked = {}, [(self, "free", self._free)]
        lattice, spins, cell, sizes = self.noises
        if settings["friction"]:
            bath = LangevinBath(settings["friction"], settings["temperature_K"], lattice)
            self._picked.append((bath, "free", self._free))
            self.bath = self._meters["lattice"] = Metered(bath, State.kinetic_energy)
        self._turn = self.spins = self._spin_propagator(spins)
        if settings["longitudinal"] == "inertial":
            self.sizes = InertialSizes(
                surface,
                settings["spin_temperature_K"],
                sizes,
                settings["spin_timestep"],
                self._of_atoms("inertia"),
                settings["longitudinal_friction"],
            )
            self._pick(self.sizes, "inertia")
        self.resize, self.barostat = self.sizes, None
        if settings["account"] and settings["temperature_K"] is not None:
            self.spins = self._meters["spins"] = Metered(self._turn, self._spin_energy)
            if self.sizes is not None:
                self.resize = self._meters["sizes"] = Metered(self.sizes, self._size_energy)

        if settings["pressure"] is not None:
            self.barostat = DistributedRescaling(
                surface,
                pressure=settings["pressure"],
                temperature_K=settings["temperature_K"],
                noise=cell,
                time=settings["pressure_time"],
                compressibility=settings["compressibility"],
                full=settings["full_cell"],
            )

    def _of_atoms(self, name):
        return np.asarray(self.settings[name], dtype=float)

    def _pick(self, target, name, setting=None):
        values = self._of_atoms(setting or name)
        self._picked.append((target, name, values if values.ndim else None))

    def _spin_propagator(self, noise):
        settings, surface = self.settings, self.surface
        bath = (settings["spin_temperature_K"], noise, settings["spin_timestep"])
        if settings["longitudinal"] is True:
            spins = GeneralizedLangevin(surface, *bath, self._of_atoms("longitudinal_rate"))
            self._pick(spins.bath, "rate", "longitudinal_rate")
            return spins
        damping = self._of_atoms("damping")
        if (damping > 0).any():
            spins = Precession(surface, damping, *bath)
            self._pick(spins, "damping")
            return spins
        return Precession(surface, 0.0, timestep=settings["spin_timestep"], method="implicit")

    def own(self, index):
        """Take over atoms; ``index``: (n_owned,) int array, their places in all ``atoms``."""
        self.index = index
        lattice, spins, _cell, sizes = self.noises
        for noise in (lattice, spins, sizes):
            noise.atoms = index
        for target, name, values in self._picked:
            if values is not None:
                setattr(target, name, values[index])

    def resume(self, heat, size_velocities, first):
        """Go on after a checkpoint; the ``first`` process takes the heat of the baths."""
        if first:
            self.heat = heat
        self._size_velocities = size_velocities

    def begin(self, engine, atoms):
        """Put the state of ``atoms`` into a new :class:`Engine`."""
        self.own(engine.tags() - 1)
        engine.write("moments", get_moments(atoms)[self.index])
        engine.write("momenta", self.hold(atoms.get_momenta()[self.index]))
        if self._size_velocities is not None:
            engine.write("size_velocities", self._size_velocities[self.index])

    @property
    def masses(self):
        """Masses of the owned atoms, (n_owned,), amu."""
        return self._masses[self.index]

    def hold(self, vectors):
        """Set the rows of atoms that may not move to zero, in place; returns ``vectors``."""
        if self.free is not None:
            vectors[~self.free] = 0.0
        return vectors

    def settle_sizes(self, state, moments):
        """Find which moments may change their sizes, where pairs are new.

        Raises
        ------
        ValueError
            If nothing bounds the size of a moment that may change it.
        """
        resized = self._turn if self.settings["longitudinal"] is True else self.sizes
        if resized is None:
            return
        # As in serial runs the field that counts is the one at the start.
        form = self.surface.pairwise_at(0.0)
        resized.moving = None if form is None else self._with_energy(form, state, moments)
        if form is None:
            self._check_sizes(state, moments)

    def _changing(self):
        """Return where sizes change, (n_owned,) bool or bool; those with inertia need no bath."""
        if self.sizes is not None:
            return np.True_
        rate = self._of_atoms("longitudinal_rate")
        return (rate[self.index] if rate.ndim else rate) > 0

    def _check_sizes(self, state, moments):
        """Raise ValueError as :func:`ase_mag.core.sizes.check_sizes`, without quadratic forms."""
        terms = self.surface.model.addends
        turning = [term for term in terms if term.directional]
        if not turning:
            return
        loose = np.isin(state.numbers, sorted({z for term in turning for z in term.numbers}))
        loose &= moments.any(axis=1) & self._changing()
        highest = np.zeros((len(moments), 2))
        for term in terms:
            if term.directional:
                continue
            own = DistributedSurface(term, self.surface.comm)
            own.renew(self.surface.blocks, self.surface.halo)
            if own.pairwise is None:
                loose &= ~own.response_of_moments(state).magforces.any(axis=1)
            elif own.pairwise.landau is not None:
                highest += own.pairwise.landau[:, 1:]
        quartic, sextic = highest.T
        loose &= ~((sextic > 0) | ((sextic == 0) & (quartic > 0)))
        if loose.any():
            first = int(np.argmax(loose))
            raise ValueError(unheld(f"atom {self.index[first]}", state.numbers[first], turning))

    def _with_energy(self, form, state, moments):
        present = with_energy(form, moments)
        changing = present & self._changing()
        highest = np.zeros(len(moments)) if form.landau is None else form.landau[:, 1:].any(axis=1)
        loose = np.flatnonzero(changing & (highest == 0))
        if len(loose):
            raise ValueError(
                f"nothing bounds the moment of {chemical_symbols[state.numbers[loose[0]]]}: "
                "it has no m^4 or m^6 term; add a models.Landau term with b > 0 (whether a "
                "quadratic energy of all atoms is bounded is found by SpinLatticeDynamics only)"
            )
        check_bounded(form, ~changing, self.index)
        return present

    def _spin_energy(self, state):
        return self.surface.energy_of_moments(state)

    def _size_energy(self, state):
        return self._spin_energy(state) + self.sizes.kinetic_energy()

    @property
    def heat(self):
        """Energy that each bath has given to the owned atoms so far, dict name -> eV.

        The sum over all processes counts, for atoms change process.
        """
        return {name: meter.heat for name, meter in self._meters.items()}

    @heat.setter
    def heat(self, heat):
        for name, meter in self._meters.items():
            meter.heat = float(heat[name])
