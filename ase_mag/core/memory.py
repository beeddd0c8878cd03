"""Memory that is used again."""

import sys
import threading

import numpy as np

#: Whether references to an object can be counted; otherwise all memory is fresh.
COUNTED = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class Memory:
    """Gives out arrays; the memory of those that nobody holds any more is used again.

    The operating system takes longer to hand out fresh memory than a kernel takes to fill it. Up to
    a quarter more than asked for may lie behind an array.
    """

    def __init__(self):
        self._blocks = []
        self._lock = threading.Lock()

    def empty(self, shape, dtype=float):
        """Return an uninitialized array.

        Parameters
        ----------
        shape : tuple of int
        dtype : numpy dtype
        """
        dtype = np.dtype(dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        with self._lock:
            for block in self._blocks:
                # Held by the list, by ``block`` and as the argument, but by no array.
                if size <= len(block) <= 1.25 * size and sys.getrefcount(block) == 3:
                    break
            else:
                block = np.empty(_rounded(size), dtype=np.uint8)
                if COUNTED:
                    self._blocks.append(block)
            return block[:size].view(dtype).reshape(shape)


def _rounded(size):
    """Return up to an eighth more than ``size``: arrays of nearly equal sizes share memory."""
    step = 1 << max(0, size.bit_length() - 4)
    return -(-size // step) * step
