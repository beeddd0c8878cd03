"""Running the program of a code in a folder."""

import os
import shlex
import shutil
import signal
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


def execute(words, folder, log, *, timeout=None, threads=1):
    """Run a program in ``folder`` with its output in the file ``log`` there.

    Parameters
    ----------
    words : list of str, the command.
    folder : Path. log : str, name of a file.
    timeout : float, seconds, or None; then the program and what it started are ended.
    threads : int, of OpenMP and BLAS where the environment does not say otherwise: codes of
        density-functional theory run as many processes instead.

    Returns
    -------
    int, float
        The exit status and the wall time in seconds.

    Raises
    ------
    TimeoutError
        After ``timeout``.
    """
    defaults = {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    start = perf_counter()
    with open(folder / log, "wb") as file:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=defaults | os.environ,
            # A group of its own, so that all of it can be ended.
            start_new_session=timeout is not None,
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"{words[0]} did not end within {timeout:g} s and was stopped"
                f"{last_lines(folder / log)}"
            ) from None
        finally:
            if process.poll() is None:
                _end(process, whole_group=timeout is not None)
    return status, perf_counter() - start


def last_lines(path, count=10):
    """Return "; the last lines of PATH:" and these lines, or that there are none, for messages."""
    lines = path.read_text(encoding="utf-8", errors="replace").rstrip().splitlines()[-count:]
    if not lines:
        return f"; {path} is empty"
    return f"; the last lines of {path}:\n" + "\n".join(lines)


def _end(process, whole_group):
    if whole_group:
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
