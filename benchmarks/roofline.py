"""The roofline of the machine: what its arithmetic units and its memory allow."""

from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from scipy.linalg.blas import daxpy, dgemm
from threadpoolctl import threadpool_limits


@dataclass
class Roofline:
    """Measured limits of the machine, one thread or several.

    Attributes
    ----------
    peak : float, GFlop/s of fused multiply-adds (a matrix product).
    bandwidths : dict from the size of the arrays in bytes to GB/s of y <- y + a x (two reads and
        a write, as in the triad of STREAM; the read for ownership of the written line is one of
        the two reads).
    """

    peak: float
    bandwidths: dict

    @property
    def memory(self):
        """GB/s from memory: that of the largest arrays."""
        return self.bandwidths[max(self.bandwidths)]

    def limit(self, intensity):
        """Return the attainable GFlop/s at an intensity in Flop/byte."""
        return np.minimum(self.peak, self.memory * np.asarray(intensity))


def roofline(threads=1, size=1024, sizes=(2**18, 2**22, 2**28), repeats=5, clock="wall"):
    """Measure the roofline.

    Parameters
    ----------
    threads : int, BLAS threads.
    size : int, rows of the matrices.
    sizes : bytes of both arrays of y <- y + a x together.
    repeats : int; the best is kept.
    clock : ``"wall"`` or, for one thread, ``"processor"``.
    """
    now = process_time if clock == "processor" else perf_counter
    with threadpool_limits(threads, user_api="blas"):
        a = np.asfortranarray(np.random.default_rng(1).normal(size=(size, size)))
        out = np.zeros_like(a)
        product = _best(lambda: dgemm(1.0, a, a, c=out, overwrite_c=True), repeats, now)
        bandwidths = {n: _bandwidth(n // 16, repeats, now) for n in sizes}
    return Roofline(2e-9 * size**3 / product, bandwidths)


def _bandwidth(n, repeats, now):
    x, y = np.ones(n), np.zeros(n)
    calls = max(1, 2**22 // n)

    def add():
        for _ in range(calls):
            daxpy(x, y, a=1e-3)

    return 1e-9 * 24 * n * calls / _best(add, repeats, now)


def _best(action, repeats, now):
    times = []
    for _ in range(repeats + 1):
        start = now()
        action()
        times.append(now() - start)
    return min(times)
