"""Independent jobs on any executor, and names by which finished work is found again."""

import json
from concurrent.futures import FIRST_COMPLETED, wait
from hashlib import sha256
from itertools import islice

import joblib
import numpy as np
from ase.calculators.calculator import BaseCalculator

from ase_mag.core import storage
from ase_mag.core.model import Model
from ase_mag.core.moments import get_moments

#: Jobs that are handed to an executor at a time if nothing else is asked for.
IN_FLIGHT = 2000


def run_jobs(function, jobs, executor=None, max_concurrent=None):
    """Yield (key, function(*arguments)) of every job as they finish.

    Parameters
    ----------
    function : callable; with an executor of processes it and all arguments are pickled.
    jobs : dict, key -> tuple of arguments.
    executor : concurrent.futures.Executor, optional
        Without it the jobs run here, one after the other.
    max_concurrent : int, optional
        Bound for the number of jobs that are with the executor at a time.

    Raises
    ------
    ValueError
        If ``max_concurrent`` is not a positive integer.
    Exception
        Of the first job that raises; jobs that have not started are then cancelled.
    """
    if max_concurrent is None:
        max_concurrent = IN_FLIGHT
    elif int(max_concurrent) != max_concurrent or max_concurrent < 1:
        raise ValueError(
            f"max_concurrent must be a positive integer or None, got {max_concurrent!r}"
        )
    waiting = iter(jobs.items())
    if executor is None:
        for key, arguments in waiting:
            yield key, function(*arguments)
        return
    running = {}
    try:
        while True:
            for key, arguments in islice(waiting, int(max_concurrent) - len(running)):
                running[executor.submit(function, *arguments)] = key
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


def frame_digest(atoms):
    """Return a hexadecimal digest of species, positions, cell, periodicity and moments."""
    parts = (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, get_moments(atoms))
    return sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()


def calculator_identity(calc):
    """Return a string that tells calculators with different energies apart.

    It is the name of the calculator and a digest of ``calc.todict()`` and of its model, if it has
    one, of the lattice calculator of a sum, and of the folders of its data sets; where a calculator
    runs and what it has computed do not count.
    """
    name = getattr(calc, "name", None) or type(calc).__name__
    settings = calc.todict() if hasattr(calc, "todict") else {}
    model = getattr(calc, "model", None)
    if isinstance(model, Model):
        try:
            settings["model"] = storage.digest(model)
        except TypeError:
            settings["model"] = joblib.hash(model)  # a model that cannot be saved
    lattice = getattr(calc, "lattice", None)
    if isinstance(lattice, BaseCalculator):
        settings["lattice"] = calculator_identity(lattice)
    if hasattr(calc, "data_sets"):
        settings["data_sets"] = calc.data_sets()
    text = json.dumps(settings, sort_keys=True, default=repr)
    return f"{name} {sha256(text.encode()).hexdigest()[:16]}"
