"""The processes of a job on their machines: who has started them, and the cores that they share."""

import os
import sys

from threadpoolctl import threadpool_limits

from ase_mag.core import get_threads, set_threads
from ase_mag.core.extras import require

#: Where launchers write how many processes they have started.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


def launched():
    """Return how many processes the launcher of this one has started, and who says so."""
    for name in _SIZES:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name]), name
    return 1, None


def processes(comm=None, oversubscribe=False):
    """Return a communicator (None: of all processes), checked, whose processes share cores.

    Parameters and errors are those of :func:`share_cores` and :func:`check_launcher`.
    """
    comm = require("mpi4py.MPI", "lammps").COMM_WORLD if comm is None else comm
    check_launcher()
    share_cores(comm, oversubscribe)
    return comm


def check_launcher():
    """Raise RuntimeError if the launcher belongs to another MPI library than mpi4py.

    Every process would be alone then, and all would write the same files.
    """
    mpi = require("mpi4py.MPI", "lammps")
    started, variable = launched()
    if mpi.COMM_WORLD.size > 1 or started == 1:
        return
    library = " ".join(mpi.Get_library_version().split("\n")[0].split()).strip("\x00")
    raise RuntimeError(
        f"{started} processes were started (says {variable}), but mpi4py, which is linked "
        f"to {library}, is alone in each of them: the launcher belongs to "
        "another MPI library; start with its own one, here probably "
        f"{os.path.join(sys.prefix, 'bin', 'mpirun')}"
    )


def share_cores(comm, oversubscribe=False, insist="oversubscribe=True"):
    """Divide the cores of every machine between its processes, if OMP_NUM_THREADS does not.

    Every process of ``comm`` calls it; those of other communicators do not count. The number of
    threads of the kernels and of linear algebra is made smaller, never larger.

    Parameters
    ----------
    comm : mpi4py communicator.
    oversubscribe : bool, allow more processes than cores.
    insist : str, how the user says so, for the error.

    Raises
    ------
    ValueError
        On every process, if a machine has more processes than cores, unless ``oversubscribe``.
    """
    node = comm.Split_type(require("mpi4py.MPI", "lammps").COMM_TYPE_SHARED)
    cores, here = len(set().union(*node.allgather(_cores()))), node.size
    node.Free()
    crowded = next((pair for pair in comm.allgather((here, cores)) if pair[0] > pair[1]), None)
    if crowded and not oversubscribe:
        here, cores = crowded
        raise ValueError(
            f"{here} processes share {cores} core{'s' * (cores != 1)} of one machine, but "
            "those that wait for others keep their core busy, which makes such a job many "
            f"times slower: start at most {cores} there, or insist with {insist}"
        )
    if here > 1 and "OMP_NUM_THREADS" not in os.environ:
        share = max(1, min(get_threads(), cores // here))
        set_threads(share)
        threadpool_limits(share)


def _cores():
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count()))
