"""Checkpoints of runs on many processes."""

import re
from pathlib import Path

from ase.parallel import DummyMPI

from ase_mag.core import State
from ase_mag.dynamics.checkpoint import (
    Checkpoint,
    check_folder,
    check_numbers,
    shorten_log,
    shorten_trajectory,
)
from ase_mag.dynamics.frame_file import FrameCount


class BridgeCheckpoint:
    """The complete state of a run on many processes, in one file that process 0 writes.

    The file is a :class:`Checkpoint`; it does not know the number of processes, so that a run goes
    on with any. Process 0 holds positions, momenta and moments of all atoms while it writes, 72
    bytes per atom.

    Parameters
    ----------
    path : str or Path
    simulation : LammpsSimulation
    interval : int, steps between two frames.
    """

    def __init__(self, path, simulation, interval):
        self.path, self.simulation = Path(path), simulation
        self.frames = FrameCount(simulation, interval)

    def write(self):
        """Write the checkpoint of the present step; every process calls it."""
        simulation = self.simulation
        columns, heat = simulation.collect(), simulation.heat
        if simulation.comm.rank == 0:
            whole = _Whole(simulation, heat, columns.get("size_velocities"))
            # Not into atoms, which have to stay the same on every process.
            whole.state.cell = simulation.engine.cell
            for name in ("positions", "momenta", "moments"):
                setattr(whole.state, name, columns[name])
            Checkpoint(self.path, whole).write()
        simulation.comm.barrier()

    def read(self):
        """Put the checkpoint into ``atoms`` and the simulation, before there is an engine.

        Raises
        ------
        Exception
            On every process, that of :class:`Checkpoint`; ValueError for a file that it refuses.
        """
        simulation, comm = self.simulation, self.simulation.comm
        whole, error = _Whole(simulation), None
        if comm.rank == 0:
            try:
                Checkpoint(self.path, whole).read()
            except Exception as refused:
                error = refused
        error = comm.bcast(error)
        if error is not None:
            raise error
        whole.state, whole.nsteps = comm.bcast((whole.state, whole.nsteps))
        parts = {name: part.get_state() for name, part in whole.parts().items()}
        for name, state in comm.bcast(parts).items():
            whole.parts()[name].set_state(state)
        whole.state.write(simulation.atoms)
        simulation.propagation.resume(whole.heat, whole.size_velocities, comm.rank == 0)

    def shorten(self, trajectory, dump, logfile):
        """Cut trajectory, log and dump back to the checkpoint.

        Where it is its turn, LAMMPS writes the frame of the checkpoint again.
        """
        frames, step = self.frames.before, self.simulation.nsteps
        if dump is not None:
            shorten_dump(dump, step + bool(step % self.frames.interval))
        if trajectory is not None:
            shorten_trajectory(trajectory, frames, DummyMPI())
        if isinstance(logfile, str | Path) and logfile != "-":
            shorten_log(logfile, frames + 1)


#: Ends of names by which LAMMPS compresses a dump or writes it in its binary format.
_ENCODED = (".gz", ".bz2", ".xz", ".lzma", ".zst", ".lz4", ".bin")


def check_files(checkpoint, restart, dump):
    """Raise ValueError or FileNotFoundError for files that a run could not go on with."""
    if checkpoint is None:
        if restart:
            raise ValueError("restart needs the file of the checkpoint: checkpoint='run.npz'")
        return
    check_folder(checkpoint)
    if dump is not None:
        check_dump(dump)


def check_dump(path):
    """Raise ValueError for a dump that a run could not go on with from a checkpoint."""
    name = Path(path).name
    if "%" in name or ("*" not in name and name.endswith(_ENCODED)):
        raise ValueError(
            f"a run with a checkpoint cannot go on with the dump {str(path)!r}: LAMMPS does not "
            "append to compressed and binary files, and % makes a file for each process; write "
            "text, e.g. 'run.dump', and compress it after the run, or one file for each frame, "
            "e.g. 'run.*.dump.gz'"
        )


def shorten_dump(path, step):
    """Keep the frames of a dump of LAMMPS before a time step.

    With ``*`` in the name, which LAMMPS replaces by the number of the step, these are files.
    """
    path = Path(path)
    if "*" in path.name:
        name = re.compile("([0-9]+)".join(map(re.escape, path.name.split("*", 1))))
        for file in list(path.parent.iterdir()):
            found = name.fullmatch(file.name)
            if found and int(found[1]) >= step:
                file.unlink()
        return
    if not path.exists():
        return
    with path.open("r+b") as file:
        place = 0
        for line in iter(file.readline, b""):
            if line.startswith(b"ITEM: TIMESTEP"):
                number = file.readline()
                if not number.endswith(b"\n") or int(number) >= step:
                    file.truncate(place)
                    return
            place = file.tell()


class _Whole:
    """A run as :class:`Checkpoint` sees it.

    Parameters
    ----------
    simulation : LammpsSimulation
    heat : dict, energy that its baths have given, eV.
    size_velocities : (N,) float array, or None where sizes have no inertia.
    """

    def __init__(self, simulation, heat=None, size_velocities=None):
        self.simulation, self.heat = simulation, heat or {}
        self.size_velocities = size_velocities
        self.state = State.from_atoms(simulation.atoms)

    @property
    def nsteps(self):
        return self.simulation.nsteps

    @nsteps.setter
    def nsteps(self, nsteps):
        self.simulation.nsteps = nsteps

    def todict(self):
        return self.simulation.todict()

    def energy_sources(self):
        return {"model": self.simulation.model}

    def parts(self):
        simulation = self.simulation
        parts = {f"noise{noise.stream}": noise for noise in simulation.propagation.noises}
        parts |= {"baths": self, "frames": simulation.checkpoint.frames}
        if simulation.barostat is not None:
            parts["barostat"] = simulation.barostat
        return parts

    def get_state(self):
        sizes = self.size_velocities
        return {"heat": self.heat} | ({} if sizes is None else {"size_velocities": sizes})

    def set_state(self, state):
        self.heat, self.size_velocities = state["heat"], state.get("size_velocities")
        if self.size_velocities is not None:
            path = self.simulation.checkpoint.path
            check_numbers(path, "size_velocities", self.size_velocities)
