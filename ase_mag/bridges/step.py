"""One time step on many processes, made where LAMMPS has the atoms at new places."""

import sys
import time
import traceback

import numpy as np
from ase.data import chemical_symbols

from ase_mag.bridges.blocks import Blocks
from ase_mag.bridges.halo import Halo
from ase_mag.core import State
from ase_mag.core.graph import check_finite
from ase_mag.dynamics import GeneralizedLangevin, Precession
from ase_mag.dynamics.boundedness import check_bounded, with_energy

#: What travels with the atoms: the state at the end of a step, and ahead of it by half a step.
VECTORS = ("moments", "momenta", "moments_ahead", "momenta_ahead")


def spin_propagator(surface, noise, settings):
    """Return the propagator of the moments for the settings of a simulation, a dict."""
    bath = (settings["spin_temperature_K"], noise, settings["spin_timestep"])
    if settings["longitudinal"]:
        return GeneralizedLangevin(surface, *bath, settings["longitudinal_rate"])
    if settings["damping"] > 0:
        return Precession(surface, settings["damping"], *bath)
    return Precession(surface, 0.0, timestep=settings["spin_timestep"], method="implicit")


class Stepper:
    """Makes the steps K/2 S/2 D/2 O D/2 S/2 K/2 around the drifts of an :class:`Engine`.

    The engine calls when atoms have drifted: the second half of a step (S/2, forces, K/2) gives
    the state at its end, which observers see; then comes the first half of the next one (K/2, S/2,
    and O, which is drawn before the drift that it cuts in two), whose mean velocity the engine
    drifts with. Kicks and turns of moments commute: either reads what the other leaves alone.

    Parameters
    ----------
    engine : Engine, with the properties :data:`VECTORS`.
    surface : DistributedSurface
    spins : SpinPropagator
    bath : LangevinBath or None
    noises : list of Noise, those of which every atom draws its own.
    dt : float, time step, ASE time.
    seen : callable (step) of no result, called when the state at the end of a step is there.

    Attributes
    ----------
    state : State of the owned atoms, without positions (those are with ``surface.blocks``).
    noted : callable () -> bool; whether the run shall end after this step, the same on every
        process.
    heat : float, energy that the bath has given to the owned atoms of this process so far, eV.
    rebuilds : int, how often pairs and owners were taken over anew.
    """

    def __init__(self, engine, surface, spins, bath, noises, dt, seen):
        self.engine, self.surface, self.spins, self.bath = engine, surface, spins, bath
        self.noises, self.dt, self.seen = noises, dt, seen
        self.noted = lambda: False
        self.state = None
        self.thermal_sizes = isinstance(spins, GeneralizedLangevin)
        self.heat = 0.0
        self.rebuilds = 0
        self._rebuilds = self._error = None
        engine.callback = self._guarded

    def run(self, first, steps):
        """Make steps from the state with the number ``first`` on."""
        if self._error is not None:
            raise RuntimeError(
                f"the run ended in the middle of a step by {self._error!r}: make a new simulation, "
                "from a checkpoint if there is one (restart=True)"
            )
        self._fresh, self._first, self._last = True, first, first + steps
        self._next, self._stopped = first, False
        self._start = self.engine.step
        try:
            self.engine.run(steps, self.dt)
        except self.engine.aborted:
            self._abort(self.engine.step - self._start + first)
            raise
        if self._error is None and not self._stopped and self._next <= self._last:
            self._error = _lost(self._next)
        if self._error is not None:
            raise self._error

    def _guarded(self, step):
        """Make one step; an error ends all processes (or this run, if there is only one)."""
        if self._error is not None:
            return
        step += self._first - self._start
        try:
            # An exception between Python and LAMMPS, such as Ctrl-C there, is lost on its way.
            if step != self._next:
                raise _lost(self._next)
            self._make(step)
            self._next = step + 1
        except BaseException as error:
            if self.surface.comm.size > 1:
                self._abort(step)
            self._error = error
            self.engine.stop()

    def _abort(self, step):
        # The others wait for a message of this process that is never going to come.
        comm = self.surface.comm
        sys.stderr.write(
            f"{traceback.format_exc()}process {comm.rank} of {comm.size} failed at step {step} "
            "with the error above: all processes end\n"
        )
        sys.stderr.flush()
        # The launcher forgets what it has not passed on yet when a job is aborted.
        time.sleep(0.5)
        comm.Abort(1)

    def _make(self, step):
        fresh, self._fresh = self._fresh, False
        self._renew(fresh)
        engine, state, half = self.engine, self.state, 0.5 * self.dt
        ahead = "" if fresh else "_ahead"
        state.moments[:] = engine.read("moments" + ahead)
        state.momenta[:] = engine.read("momenta" + ahead)
        state.moments_changed()
        if not fresh:
            self.spins.advance(state, half)
        forces = self.surface.forces(state) + engine.take_forces()
        if not fresh:
            state.momenta += half * forces
            engine.write("moments", state.moments)
            engine.write("momenta", state.momenta)
        self.seen(step)
        if step < self._last:
            if self.noted():
                self._stopped = True
                self.engine.stop()
            else:
                self._go_ahead(half, forces)

    def _go_ahead(self, half, forces):
        """Make the first half of the next step, and let the engine drift."""
        engine, state = self.engine, self.state
        state.momenta += half * forces
        self.spins.advance(state, half)
        velocities = state.momenta / state.masses[:, None]
        if self.bath is not None:
            before = state.kinetic_energy()
            self.bath.advance(state, self.dt)
            self.heat += state.kinetic_energy() - before
            velocities = 0.5 * (velocities + state.momenta / state.masses[:, None])
        engine.write("moments_ahead", state.moments)
        engine.write("momenta_ahead", state.momenta)
        engine.set_velocities(velocities)

    def _renew(self, fresh):
        """Take over positions, and pairs and owners where they have changed."""
        engine = self.engine
        rebuilds = engine.rebuilds()
        # The count starts again in every run, whose start sorts the atoms anew.
        renewed = fresh or rebuilds != self._rebuilds
        if renewed:
            self._rebuilds = rebuilds
            self.rebuilds += 1
            self._blocks = None
            self.surface.forget()
            topology, self._ghosts = engine.neighbors()
            self._blocks = Blocks(topology)
            n, tags = engine.n_owned, engine.tags(ghosts=True)
            self._halo = Halo(self.surface.comm, tags[:n], tags[self._ghosts])
            numbers = topology.numbers[:n]
            masses = engine.masses[np.searchsorted(engine.kinds, numbers)]
            none = np.zeros((n, 3))
            self.state = State(numbers, masses, none, none, none, engine.cell, engine.box.periodic)
            for noise in self.noises:
                noise.atoms = tags[:n] - 1
        cell = engine.cell
        volume = float(abs(np.linalg.det(cell))) if engine.box.periodic.all() else None
        positions = engine.positions(self._ghosts)
        check_finite(positions, cell)
        self._blocks.place(positions, cell, volume, engine.cutoff)
        self.surface.renew(self._blocks, self._halo)
        self.state.geometry_changed()
        if renewed and self.thermal_sizes and self.surface.pairwise is not None:
            self.spins.moving = self._with_energy()

    def _with_energy(self):
        """Return the mask of moments with an energy; ValueError where their size has no bounds."""
        form, moments = self.surface.pairwise, self.engine.read("moments")
        present = with_energy(form, moments)
        if np.asarray(self.spins.bath.rate) == 0:
            return present
        highest = np.zeros(len(moments)) if form.landau is None else form.landau[:, 1:].any(axis=1)
        loose = np.flatnonzero(present & (highest == 0))
        if len(loose):
            raise ValueError(
                f"nothing bounds the moment of {chemical_symbols[self.state.numbers[loose[0]]]}: "
                "it has no m^4 or m^6 term; add a models.Landau term with b > 0 (whether a "
                "quadratic energy of all atoms is bounded is found by SpinLatticeDynamics only)"
            )
        check_bounded(form, ~present)
        return present


def _lost(step):
    return RuntimeError(f"the run was interrupted before step {step} was made")
