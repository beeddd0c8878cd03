"""Counter-based noise."""

from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t
from philox cimport normal3, philox


def normal(uint64_t seed, uint64_t step, uint32_t stream, double[:, ::1] out, int threads):
    """Fill ``out`` (n, 3) with standard normal numbers, a function of (seed, step, stream, row)."""
    cdef Py_ssize_t i
    with nogil:
        for i in prange(out.shape[0], schedule="static", num_threads=threads):
            normal3(seed, step, <uint32_t> i, stream, &out[i, 0])


def words(counter, key):
    """Return the four 32-bit words of Philox4x32-10 for a counter of 4 and a key of 2 words."""
    cdef uint32_t c[4]
    cdef int i
    for i in range(4):
        c[i] = counter[i]
    philox(c, key[0], key[1])
    return [c[i] for i in range(4)]
