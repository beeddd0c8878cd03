"""Counter-based noise."""

from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t
from philox cimport ASE_MAG_LANES, ase_mag_normals, ase_mag_philox


def normal(
    uint64_t seed,
    uint64_t step,
    uint32_t stream,
    const uint32_t[::1] atoms,
    double[:, ::1] out,
    int threads,
):
    """Fill ``out`` (n, 4), n a multiple of 8, with standard normal numbers; last column zero.

    The numbers are a function of (seed, step, stream, atom); ``atoms`` are the numbers of the
    rows (n,), None: 0, 1, 2, ...
    """
    cdef Py_ssize_t k, blocks = out.shape[0]//ASE_MAG_LANES
    cdef const uint32_t* numbers = NULL if atoms is None else &atoms[0]
    with nogil:
        for k in prange(blocks, schedule="static", num_threads=threads):
            ase_mag_normals(
                seed, step, stream, numbers, k*ASE_MAG_LANES, &out[k*ASE_MAG_LANES, 0]
            )


def words(counter, key):
    """Return the four 32-bit words of Philox4x32-10 for a counter of 4 and a key of 2 words."""
    cdef uint32_t c[4][8]
    cdef int i, k
    for i in range(4):
        for k in range(8):
            c[i][k] = counter[i]
    ase_mag_philox(c[0], c[1], c[2], c[3], key[0], key[1])
    return [c[i][5] for i in range(4)]
