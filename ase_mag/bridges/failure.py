"""Errors of one process, which end all processes of a job."""

import sys
import time

import numpy as np

#: How far (in cell vectors) an atom may be outside of the box.
_ROUNDING = 1e-6


class LostAtoms(RuntimeError):
    """No process has some of the atoms any more; every process raises it, at the same step."""


def check_complete(engine, step):
    """Raise :class:`LostAtoms` if not all atoms are owned, within the box; all processes ask.

    Parameters
    ----------
    engine : Engine, at a step in which owners are new.
    step : int, its number.
    """
    tags, box = engine.tags(), engine.box
    scaled = box.scaled(engine.placed()[: len(tags)])[:, box.periodic]
    # LAMMPS brings atoms back by one cell vector, and those of other processes by none.
    within = tags[(np.abs(scaled - 0.5) < 0.5 + _ROUNDING).all(axis=1)]
    if engine.comm.allreduce(len(within)) == engine.n_atoms:
        return
    found = np.concatenate(engine.comm.allgather(within))
    lost = (np.setdiff1d(np.arange(1, engine.n_atoms + 1), found) - 1).tolist()
    which = f"atom {lost[0]} was" if len(lost) == 1 else f"{len(lost)} atoms were"
    first = f" (the first: {', '.join(map(str, lost[:5]))})" if len(lost) > 1 else ""
    raise LostAtoms(
        f"{which} lost{first} before step {step}: in one step they went further than the cell of "
        "a process is wide; the time step is too long, or momenta or forces are too large (are "
        "atoms too close to each other?)"
    )


def check_numbers(step, index, **columns):
    """Raise ValueError for values of atoms that are not finite, naming the first such atom.

    Parameters
    ----------
    step : int, number of the step.
    index : (n,) int array, places of the atoms of this process in ``atoms``.
    **columns : (n, 3) float arrays, what an error calls them.
    """
    for name, values in columns.items():
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise ValueError(
                f"the {name} of atom {index[bad[0]]} is not finite at step {step}: "
                f"{values[bad[0]].tolist()}; the time step is too long, atoms are too close to "
                "each other, or the model has failed"
            )


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
