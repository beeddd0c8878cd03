"""The processes that run a command: one, or all of an MPI job."""

import os
import sys
import traceback
import warnings
from contextlib import contextmanager
from time import monotonic, sleep

import numpy as np
from threadpoolctl import threadpool_limits

from ase_mag.cli.job import InputError
from ase_mag.core import get_threads, set_threads
from ase_mag.core.extras import require

#: Seconds after which processes that do not notice the failure of another one are ended.
PATIENCE = 10.0
#: Where launchers write how many processes they have started.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


class Processes:
    """One process.

    Attributes
    ----------
    rank, size : int, number of this process and of all of them.
    """

    rank, size = 0, 1

    @property
    def first(self):
        """Whether this process is the one that prints and writes."""
        return self.rank == 0

    @contextmanager
    def together(self, warn_once=False):
        """End all processes where one of them fails; ``warn_once``: only the first one warns."""
        yield

    def same(self, value):
        """Return the value of the first process."""
        return value

    def total(self, value):
        """Return the sum of a number over all processes."""
        return value


class MpiProcesses(Processes):
    """The processes of an MPI job.

    Raises
    ------
    ImportError
        Without mpi4py or lammps.
    RuntimeError
        If the launcher belongs to another MPI library than mpi4py.
    """

    def __init__(self):
        require("lammps", "lammps")
        self._mpi = require("mpi4py.MPI", "lammps")
        self.comm = self._mpi.COMM_WORLD.Dup()
        self.rank, self.size = self.comm.rank, self.comm.size
        started, variable = launched()
        if self.size == 1 and started > 1:
            raise RuntimeError(
                f"{started} processes were started (says {variable}), but mpi4py, which is linked "
                f"to {self._library()}, is alone in each of them: the launcher belongs to "
                "another MPI library; start with its own one, here probably "
                f"{os.path.join(sys.prefix, 'bin', 'mpirun')}"
            )

    def _library(self):
        return " ".join(self._mpi.Get_library_version().split("\n")[0].split()).strip("\x00")

    def share_cores(self, oversubscribe=False):
        """Divide the cores of every machine between its processes, if OMP_NUM_THREADS does not.

        Raises
        ------
        InputError
            If there are more processes than cores on this machine, unless ``oversubscribe``.
        """
        node = self.comm.Split_type(self._mpi.COMM_TYPE_SHARED)
        cores, here = len(set().union(*node.allgather(_cores()))), node.size
        node.Free()
        if here > cores and not oversubscribe:
            raise InputError(
                f"{here} processes share {cores} core{'s' * (cores != 1)} of this machine, but "
                "those that wait for others keep their core busy, which makes such a job many "
                f"times slower: start at most {cores} here, or insist with --oversubscribe"
            )
        if "OMP_NUM_THREADS" not in os.environ:
            share = max(1, min(get_threads(), cores // here))
            set_threads(share)
            threadpool_limits(share)

    @contextmanager
    def together(self, warn_once=False):
        """End all processes where one of them fails.

        Where all others have come to the end of the block too, the error is raised in the first
        process that has one, and SystemExit of the same status in all others. Processes that do
        not come to its end, for they wait for the one that has failed, are aborted after
        ``PATIENCE`` seconds, with its traceback.
        """
        error = None
        try:
            with warnings.catch_warnings():
                if warn_once and not self.first:
                    warnings.simplefilter("ignore")
                yield
        except BaseException as raised:
            error = raised
        states = self._states(error)
        failed = np.flatnonzero(states)
        if not len(failed):
            return
        if self.rank != failed[0]:
            raise SystemExit(int(states[failed[0]]))
        if not self.first:
            print(f"process {self.rank} of {self.size}:", file=sys.stderr)
        raise error

    def _states(self, error):
        """Return the exit status of every process, 0 for those without error."""
        states = np.zeros(self.size, dtype=np.intc)
        request = self.comm.Iallgather(np.array([_status(error)], dtype=np.intc), states)
        if error is None:
            request.Wait()
            return states
        end = monotonic() + PATIENCE
        while not request.Test():
            if monotonic() > end:
                self._abort(error)
            sleep(0.01)
        return states

    def _abort(self, error):
        text = "".join(traceback.format_exception(error))
        print(
            f"{text}process {self.rank} of {self.size} failed with the error above, and the others "
            "wait for it: all processes end",
            file=sys.stderr,
            flush=True,
        )
        # The launcher forgets what it has not passed on yet when a job is aborted.
        sleep(0.5)
        self._mpi.COMM_WORLD.Abort(_status(error))

    def same(self, value):
        return self.comm.bcast(value)

    def total(self, value):
        return self.comm.allreduce(value)


def launched():
    """Return how many processes the launcher of this one has started, and who says so."""
    for name in _SIZES:
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name]), name
    return 1, None


def _cores():
    """Return the numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count()))


def _status(error):
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, InputError) else 1
