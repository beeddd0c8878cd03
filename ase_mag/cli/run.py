"""Run the dynamics that a job file describes.

An example, job.toml:

    version = 1
    seed = 1

    [structure]
    bulk = "Fe"
    a_angstrom = 2.8494
    repeat = 4
    moments = 2.145

    [model]
    name = "FeHL-1"

    [dynamics]
    kind = "spin-lattice"
    timestep_fs = 1.0
    steps = 1000
    temperature_K = 300
    damping = 0.1
    friction_per_fs = 0.01

    ase-mag run job.toml --dry-run      checks everything, measures some steps, writes nothing
    ase-mag run job.toml                writes job.traj, job.log and job.checkpoint.npz
    ase-mag run job.toml --resume       goes on after a stop, exactly as without it

    mpirun -n 4 ase-mag run job.toml --engine lammps     the same job on many processes

`ase-mag info --keys` lists all keys with their units. The trajectory keeps the text of the job
file, digests of the files that it names, the seed and all versions: `ase-mag info job.traj`.
"""

import sys
import warnings
from time import perf_counter

from ase_mag import analysis
from ase_mag.analysis.run_report import run_report
from ase_mag.bridges.machine import launched
from ase_mag.cli import job_arguments, origin
from ase_mag.cli.estimate import estimate
from ase_mag.cli.job import InputError, read, wrong_input
from ase_mag.cli.job.dynamics import ENGINES, Setup
from ase_mag.cli.job.sections import Output
from ase_mag.cli.processes import MpiProcesses, Processes
from ase_mag.core.extras import require

SUMMARY = "dynamics from a job file"


def add_arguments(parser):
    """Add the arguments of ``ase-mag run``."""
    job_arguments.add(parser)
    parser.add_argument("--dry-run", action="store_true", help="check, and estimate the cost")
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default="serial",
        help="one process, or LAMMPS on all processes that mpirun has started",
    )
    parser.add_argument(
        "--oversubscribe", action="store_true", help="allow more processes than cores (lammps)"
    )


def run(arguments):
    """Run the job.

    Raises
    ------
    InputError
        For whatever is wrong with the job file, for outputs that are there already, and for more
        processes than cores.
    ImportError
        Without the packages of the engine; it names the extra.
    RuntimeError
        If the launcher, mpi4py and LAMMPS belong to different MPI libraries.
    """
    processes = _processes(arguments)
    with processes.together(warn_once=True):
        if arguments.engine == "lammps":
            processes.share_cores(arguments.oversubscribe)
        job = read(arguments.job)
        setup, output = Setup(job, arguments.engine), job["output"] or Output()
        page = None
        if output.report is not False:
            require("matplotlib", extra="plot")
            page = job.output(None if output.report is True else output.report, ".html")
        files = _files(job, output)
        made_by = None
        if processes.first and not arguments.dry_run:
            pages = [] if page is None else [page]
            outputs = [*files.values(), *pages]
            job_arguments.prepare(job, outputs, arguments, files["checkpoint"])
            made_by = origin.describe(job)
            if arguments.resume:
                with wrong_input(files["trajectory"]):
                    origin.warn_if_other(files["trajectory"], made_by)
    if arguments.dry_run:
        with processes.together():
            found = estimate(setup, files, output.interval, processes)
        if processes.first:
            print(found)
        return
    with processes.together(warn_once=True):
        dynamics = setup.make(
            trajectory=files["trajectory"],
            logfile=str(files["log"]),
            checkpoint=files["checkpoint"],
            restart=arguments.resume,
            origin=made_by,
            progress=False if arguments.quiet else None,
            loginterval=output.interval,
            checkpoint_interval=output.checkpoint_interval,
        )
    with dynamics, processes.together():
        _run(dynamics, setup.section.steps, files, arguments.quiet, processes)
    if page is not None and processes.first:
        run_report(analysis.read(files["trajectory"])).write(page)
        if not arguments.quiet:
            print(f"{'report':11} {page}")


def _processes(arguments):
    if arguments.engine == "lammps":
        return MpiProcesses()
    if arguments.oversubscribe:
        raise InputError("--oversubscribe belongs to --engine lammps; serial runs are one process")
    started, variable = launched()
    if started > 1:
        warnings.warn(
            f"{started} processes were started (says {variable}), and each of them runs a whole "
            "job: for one job on all of them say --engine lammps",
            UserWarning,
            stacklevel=2,
        )
    return Processes()


def _run(dynamics, steps, files, quiet, processes):
    before, start = dynamics.nsteps, perf_counter()
    try:
        dynamics.run_to(steps)
        dynamics.checkpoint.write()
    except SystemExit:
        if processes.first:
            print(f"stopped after {dynamics.nsteps} steps; go on with --resume", file=sys.stderr)
        raise
    if quiet or not processes.first:
        return
    seconds, done = perf_counter() - start, dynamics.nsteps - before
    each = f", {1e3 * seconds / done:.3g} ms per step" if done else ""
    where = f" on {processes.size} processes" if processes.size > 1 else ""
    print(f"{done} steps in {seconds:.3g} s{each}{where}; {dynamics.nsteps} in all")
    for name, path in files.items():
        print(f"{name:11} {path}")


def _files(job, output):
    if output.trajectory is not None and not output.trajectory.endswith(".traj"):
        raise InputError(
            f"{job.place('output', 'trajectory')}: trajectory is {output.trajectory!r}, but frames "
            "are written as .traj (ase-mag convert makes other formats of it)"
        )
    return {
        "trajectory": job.output(output.trajectory, ".traj"),
        "log": job.output(output.log, ".log"),
        "checkpoint": job.output(output.checkpoint, ".checkpoint.npz"),
    }
