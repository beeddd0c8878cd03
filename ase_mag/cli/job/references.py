"""Reference calculators and executors that sections [reference] and [executor] describe."""

from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from ase_mag import reference
from ase_mag.cli.job.errors import InputError, wrong_input
from ase_mag.cli.job.keys import arguments
from ase_mag.cli.job.system import make_model
from ase_mag.core.extras import require

_CODES = {"abinit": reference.ConstrainedAbinit, "vasp": reference.ConstrainedVasp}


def make_reference(job):
    """Return the calculator of section [reference], or that of [model] without one.

    Raises
    ------
    InputError
        If there are both or none of them, or for what the class refuses.
    """
    section = job["reference"]
    if section is None or section.code == "model":
        if section is not None:
            reason = "belongs to abinit and vasp, not to the embedded model"
            job.refuse("reference", ("command", "constraint", "directory", "settings"), reason)
        job.require("model")
        return reference.ConstrainedModel(make_model(job))
    if job["model"] is not None:
        raise InputError(
            f"{job.place('reference')}: energies come from {section.code} and from [model]: leave "
            "one of the two sections out"
        )
    if section.command is not None and section.code != "vasp":
        raise InputError(
            f"{job.place('reference', 'command')}: command is for vasp; that of abinit is in "
            "section [abinit] of ASE's configuration file"
        )
    options = arguments(section, ("command", "constraint"))
    if section.directory is not None:
        options["directory"] = job.beside(section.directory)
    settings = section.settings or {}
    twice = sorted(set(settings) & {*options, "directory"})
    if twice:
        raise InputError(
            f"{job.place('reference', 'settings')}: {', '.join(twice)} is a key of [reference], "
            "not of its settings"
        )
    with wrong_input(job.place("reference", "settings")):
        return _CODES[section.code](**options, **_tuples(settings))


def _tuples(settings):
    """Return settings with lists as tuples, which is what calculators of ASE take."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}


@contextmanager
def executor(job):
    """Yield the executor of section [executor], or None without one.

    Raises
    ------
    InputError
        For keys of the other kind, or a dask cluster that cannot be reached.
    ImportError
        Without dask; it names the extra.
    """
    section = job["executor"]
    if section is None:
        yield None
    elif section.kind == "processes":
        job.refuse("executor", ("scheduler",), "belongs to dask")
        # New processes: threads of compiled code do not survive a fork.
        with ProcessPoolExecutor(section.workers, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        with _client(job, section) as client:
            yield client.get_executor()


def _client(job, section):
    distributed = require("distributed", extra="dask")
    if section.scheduler is None:
        return distributed.Client(n_workers=section.workers, threads_per_worker=1)
    job.refuse("executor", ("workers",), "is for a new local cluster, but scheduler names one")
    file = job.beside(section.scheduler)
    options = {"scheduler_file": str(file)} if Path(file).is_file() else {}
    address = () if options else (section.scheduler,)
    with wrong_input(job.place("executor", "scheduler")):
        return distributed.Client(*address, **options, timeout=30)
