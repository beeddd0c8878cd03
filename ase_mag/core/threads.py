"""How many threads the kernels use."""

import os

from ase_mag import _kernels
from ase_mag.core.config import configured

#: Below this many pair (or atom) visits a parallel region costs more than it saves.
_WORTH_A_THREAD = 20_000

_limit = None


def set_threads(n):
    """Set the number of threads of all kernels (None: OMP_NUM_THREADS, else ``threads`` of the
    section [ase_mag] of ASE's configuration, else the core count).

    Results do not depend on it.

    Parameters
    ----------
    n : int or None

    Raises
    ------
    ValueError
        For a number below one.
    """
    global _limit
    if n is not None and (int(n) != n or n < 1):
        raise ValueError(f"the number of threads must be a positive integer or None, got {n!r}")
    _limit = None if n is None else int(n)


def get_threads():
    """Return the number of threads that large systems use."""
    if _limit is not None:
        return _limit
    value = os.environ.get("OMP_NUM_THREADS", "")
    if value.isdigit():
        return max(1, int(value))
    return configured("threads") or _kernels.cpu.max_threads()


def threads_for(work):
    """Return the number of threads for ``work`` inner-loop visits."""
    return max(1, min(get_threads(), work // _WORTH_A_THREAD))
