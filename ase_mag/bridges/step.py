"""One time step on many processes, made where LAMMPS has the atoms at new places."""

import time
import traceback
from collections import defaultdict

import numpy as np

from ase_mag.bridges.blocks import Blocks
from ase_mag.bridges.failure import LostAtoms, abort, check_complete, check_numbers
from ase_mag.bridges.halo import Halo
from ase_mag.bridges.heap import trim
from ase_mag.core import State

#: What travels with the atoms: the state ahead of a drift, or that at the end of a run.
VECTORS = ("moments", "momenta")
#: The same for sizes with inertia: dm/dt, mu_B per ASE time.
SIZES = ("size_velocities",)


class Stepper:
    """Makes the steps K/2 Z/2 S/2 D/2 O D/2 S/2 Z/2 K/2 around the drifts of an :class:`Engine`.

    The engine calls when atoms have drifted: the second half of a step (S/2, sizes with inertia
    Z/2, forces, K/2) gives the state at its end, which observers see; then comes the first half of
    the next one (K/2, Z/2, S/2, and O, which is drawn before the drift that it cuts in two), whose
    mean velocity the engine drifts with.

    Parameters
    ----------
    engine : Engine, with the properties :data:`VECTORS`, and :data:`SIZES` for such sizes.
    surface : DistributedSurface
    propagation : Propagation
    dt : float, time step, ASE time.
    seen : callable (step) of no result, called when the state at the end of a step is there.

    Attributes
    ----------
    state : State of the owned atoms, without positions (those are with ``surface.blocks``).
    noted : callable () -> bool; whether the run shall end after this step, the same on every
        process.
    rebuilds : int, how often pairs and owners were taken over anew.
    """

    def __init__(self, engine, surface, propagation, dt, seen):
        self.engine, self.surface, self.propagation = engine, surface, propagation
        self.dt, self.seen = dt, seen
        self.noted = lambda: False
        self.state = None
        self.rebuilds = 0
        self._seconds = defaultdict(float)
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
            self._timed("run", self.engine.run, steps, self.dt)
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
            if self.surface.comm.size > 1 and not isinstance(error, LostAtoms):
                self._abort(step)
            self._error = error
            self.engine.stop()

    def _abort(self, step):
        abort(self.surface.comm, traceback.format_exc(), f" at step {step}")

    def _make(self, step):
        fresh, self._fresh = self._fresh, False
        self._renew(fresh, step)
        engine, state, half = self.engine, self.state, 0.5 * self.dt
        self.surface.time = (step - 1) * self.dt + half if step else 0.0
        if self._renewed:
            self.propagation.settle_sizes(state, state.moments)
        if not fresh:
            self._turn(half)
            self._resize(half)
        forces = self._timed("forces", self.surface.forces, state)
        others = engine.take_forces()
        if others is not None:
            forces = forces + others
        self.propagation.hold(forces)
        check_numbers(step, self.propagation.index, moment=state.moments, force=forces)
        if not fresh:
            state.momenta += half * forces
        self.seen(step)
        if step < self._last and not self.noted():
            self.surface.time = step * self.dt + half
            self._go_ahead(half, forces)
        else:
            self._write()
            if step < self._last:
                self._stopped = True
                engine.stop()

    def _write(self):
        """Give the state to LAMMPS, which may send atoms to other processes in a drift."""
        engine, state, sizes = self.engine, self.state, self.propagation.sizes
        engine.write("moments", state.moments)
        engine.write("momenta", state.momenta)
        if sizes is not None:
            engine.write("size_velocities", sizes.velocities)

    def _go_ahead(self, half, forces):
        """Make the first half of the next step, and let the engine drift."""
        engine, state, propagation = self.engine, self.state, self.propagation
        state.momenta += half * forces
        self._resize(half)
        self._turn(half)
        velocities = state.momenta / state.masses[:, None]
        if propagation.bath is not None:
            propagation.bath.advance(state, self.dt)
            velocities = 0.5 * (velocities + state.momenta / state.masses[:, None])
        self._write()
        engine.set_velocities(velocities)

    def _turn(self, duration):
        self._timed("spins", self.propagation.spins.advance, self.state, duration)

    def _resize(self, duration):
        if self.propagation.resize is not None:
            self._timed("sizes", self.propagation.resize.advance, self.state, duration)

    def _timed(self, part, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        self._seconds[part] += time.perf_counter() - start
        return result

    def parts_of_time(self):
        """Return the seconds of this process in all steps: forces, spins, sizes and the rest."""
        parts = {part: seconds for part, seconds in self._seconds.items() if part != "run"}
        return parts | {"other": self._seconds["run"] - sum(parts.values())}

    def _renew(self, fresh, step):
        """Take over positions, and pairs and owners where they have changed."""
        engine = self.engine
        rebuilds = engine.rebuilds()
        # The count starts again in every run, whose start sorts the atoms anew.
        self._renewed = fresh or rebuilds != self._rebuilds
        if self._renewed:
            self._rebuilds = rebuilds
            self.rebuilds += 1
            # What belongs to the pairs and owners before goes first, so that memory is there twice
            # nowhere.
            self._blocks = self._halo = self.state = None
            self.surface.forget()
            trim()
            check_complete(engine, step)
            topology, self._ghosts = engine.neighbors()
            n, tags = engine.n_owned, engine.tags(ghosts=True)
            numbers = topology.numbers[:n].copy()
            topology.labels = np.concatenate([tags[:n], tags[self._ghosts]]) - 1
            self._blocks = Blocks(topology)
            del topology
            self._halo = Halo(self.surface.comm, tags[:n], tags[self._ghosts])
            self.propagation.own(tags[:n] - 1)
            self.state = State(
                numbers,
                self.propagation.masses,
                np.empty((0, 3)),
                engine.read("momenta"),
                engine.read("moments"),
                engine.cell,
                engine.box.periodic,
            )
            if self.propagation.sizes is not None:
                self.propagation.sizes.velocities = engine.read("size_velocities")
        cell = engine.cell
        volume = float(abs(np.linalg.det(cell))) if engine.box.periodic.all() else None
        positions = engine.positions(self._ghosts)
        check_numbers(step, self.propagation.index, position=positions[: engine.n_owned])
        self._blocks.place(positions, cell, volume, engine.cutoff)
        self.surface.renew(self._blocks, self._halo)
        self.state.geometry_changed()


def _lost(step):
    return RuntimeError(f"the run was interrupted before step {step} was made")
