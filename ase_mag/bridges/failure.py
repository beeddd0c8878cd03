"""Errors of one process, which end all processes of a job."""

import sys
import time


def abort(comm, text, where=""):
    """Write the traceback of an error, ``text``, and end all processes.

    The others wait for a message of this process that is never going to come.
    """
    sys.stderr.write(
        f"{text}process {comm.rank} of {comm.size} failed{where} with the error above: all "
        "processes end\n"
    )
    sys.stderr.flush()
    # The launcher forgets what it has not passed on yet when a job is aborted.
    time.sleep(0.5)
    comm.Abort(1)


def end_together(comm):
    """Have an exception that ends the script of one process end all processes of ``comm``.

    Without it the others would wait for that process for ever, unless the job was started with
    ``python -m mpi4py``. The hook that was there (``sys.excepthook``) still writes the traceback;
    SystemExit ends the process that raises it only.
    """
    before = sys.excepthook
    if comm.size == 1 or getattr(before, "ends_all", False):
        return

    def hook(kind, error, trace):
        try:
            before(kind, error, trace)
        finally:
            abort(comm, "")

    hook.ends_all = True
    sys.excepthook = hook
