"""Rows of numbers that are added one by one, and may be more than memory holds."""

import weakref
from tempfile import SpooledTemporaryFile

import numpy as np

#: Bytes that are read from a file at a time.
_CHUNK = 8_000_000


class Rows:
    """Rows of one length; the first ``memory`` bytes stay in memory, more go to a temporary file.

    The file has no name, lies where the environment variable TMPDIR says, and is gone when this
    object is (or earlier, with ``close()``).

    Parameters
    ----------
    width : int, numbers in a row.
    dtype : their type.
    memory : int, bytes.
    """

    def __init__(self, width, dtype=float, memory=64_000_000):
        self.width, self.dtype = width, np.dtype(dtype)
        self._file = SpooledTemporaryFile(max_size=int(memory))  # noqa: SIM115  (closed below)
        self.close = weakref.finalize(self, self._file.close)
        self._count = 0

    def append(self, row):
        """Add a row, an array of ``width`` numbers of any shape.

        Raises
        ------
        ValueError
            For another number of numbers.
        """
        row = np.ascontiguousarray(row, dtype=self.dtype)
        if row.size != self.width:
            raise ValueError(f"a row has {self.width} numbers, got the shape {row.shape}")
        self._file.write(row.tobytes())
        self._count += 1

    def __len__(self):
        return self._count

    def columns(self, start=0, stop=None):
        """Return the columns from ``start`` up to ``stop``, (n_rows, n_columns)."""
        stop = self.width if stop is None else min(stop, self.width)
        out = np.empty((self._count, stop - start), self.dtype)
        at_once = max(1, _CHUNK // max(1, self.width * self.dtype.itemsize))
        self._file.seek(0)
        for first in range(0, self._count, at_once):
            rows = min(at_once, self._count - first)
            data = self._file.read(rows * self.width * self.dtype.itemsize)
            out[first : first + rows] = np.frombuffer(data, self.dtype).reshape(rows, -1)[
                :, start:stop
            ]
        self._file.seek(0, 2)
        return out

    def parts(self, step=1, memory=32_000_000):
        """Yield (start, columns) of consecutive parts of a multiple of ``step`` columns.

        ``memory``: bytes that a part may have (a single step may have more).
        """
        each = int(memory // max(1, self._count * self.dtype.itemsize * step)) or 1
        for start in range(0, self.width, each * step):
            yield start, self.columns(start, start + each * step)
