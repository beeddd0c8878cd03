"""Reproducible noise: a function of seed, stream and step, not of threads or order."""

import numbers

import numpy as np

from ase_mag import _kernels
from ase_mag.core import padded, threads_for


def seed_from(rng):
    """Return a 64-bit seed from ``rng``.

    Parameters
    ----------
    rng : int (the seed itself), numpy Generator (one number is drawn), or None (from the system).

    Raises
    ------
    TypeError
        For anything else.
    """
    if rng is None:
        rng = np.random.default_rng()
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if isinstance(rng, numbers.Integral) and not isinstance(rng, bool):
        return int(rng) % 2**64
    raise TypeError(
        f"rng must be an integer seed, a numpy.random.Generator or None, got {type(rng).__name__}"
    )


class Noise:
    """One stream of standard normal numbers (Philox4x32-10, Box-Muller).

    Parameters
    ----------
    seed : int, shared by all streams of a run.
    stream : int, different for every propagator of a run.

    Attributes
    ----------
    step : int, the number of draws so far; with seed and stream it is the whole state.
    atoms : (n,) int array or None; the numbers of the atoms that rows belong to, where a process
        holds a part of a system in an order of its own. None: rows are atoms 0, 1, 2, ...
    """

    atoms = None

    def __init__(self, seed, stream):
        self.seed = seed
        self.stream = stream
        self.step = 0

    def normal(self, n):
        """Return (n, 3) standard normal numbers and go one step on."""
        out, atoms = padded(np.zeros((n, 3))), None
        if self.atoms is not None:
            atoms = np.zeros(len(out), dtype=np.uint32)
            atoms[:n] = self.atoms
        _kernels.noise.normal(self.seed, self.step, self.stream, atoms, out, threads_for(20 * n))
        self.step += 1
        return out[:n, :3]

    def get_state(self):
        """Return the number of draws so far."""
        return {"step": self.step}

    def set_state(self, state):
        """Go on after as many draws as another stream."""
        self.step = int(state["step"])
