"""Running the program of a code in a folder."""

import os
import shlex
import shutil
import subprocess
from time import perf_counter


def split_command(command, code, remedy):
    """Return ``command`` (a str) as a list of words whose first one is a program that exists.

    Raises
    ------
    FileNotFoundError
        If the program is not there; the message says where it was looked for.
    """
    words = shlex.split(command)
    if not words:
        raise ValueError(f"the command of {code} is empty: {remedy}")
    if shutil.which(words[0]) is None:
        places = os.environ.get("PATH", "").replace(os.pathsep, ", ")
        looked = "at that path" if os.path.dirname(words[0]) else f"in the PATH ({places})"
        raise FileNotFoundError(
            f"{code} was not found: the command is {command!r}, and {words[0]!r} was looked for "
            f"{looked}. {remedy}"
        )
    return words


def execute(words, folder, log):
    """Run a program in ``folder`` with its output in the file ``log`` there.

    Threads of BLAS and OpenMP are one where the environment does not say otherwise: codes of
    density-functional theory run as many processes instead.

    Returns
    -------
    int, float
        The exit status and the wall time in seconds.
    """
    environment = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} | os.environ
    start = perf_counter()
    with open(folder / log, "wb") as file:
        done = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
    return done.returncode, perf_counter() - start
