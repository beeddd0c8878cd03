"""Geometry of neighbor pairs."""

from cython.parallel cimport prange
from libc.math cimport sqrt


def pair_vectors(
    const int[::1] centers,
    const int[::1] neighbors,
    const int[:, ::1] shifts,
    const double[:, ::1] positions,
    const double[:, ::1] cell,
    double[:, ::1] vectors,
    double[::1] distances,
    int threads,
):
    """vectors[p] = positions[j] - positions[i] + shifts[p] . cell, and their lengths."""
    cdef Py_ssize_t p, n_pairs = centers.shape[0]
    cdef int i, j
    cdef double x, y, z, s0, s1, s2
    with nogil:
        for p in prange(n_pairs, schedule="static", num_threads=threads):
            i = centers[p]
            j = neighbors[p]
            s0 = shifts[p, 0]
            s1 = shifts[p, 1]
            s2 = shifts[p, 2]
            x = positions[j, 0] - positions[i, 0] + s0*cell[0, 0] + s1*cell[1, 0] + s2*cell[2, 0]
            y = positions[j, 1] - positions[i, 1] + s0*cell[0, 1] + s1*cell[1, 1] + s2*cell[2, 1]
            z = positions[j, 2] - positions[i, 2] + s0*cell[0, 2] + s1*cell[1, 2] + s2*cell[2, 2]
            vectors[p, 0] = x
            vectors[p, 1] = y
            vectors[p, 2] = z
            distances[p] = sqrt(x*x + y*y + z*z)


def incoming_pairs(const int[::1] neighbors, int[::1] offsets, int[::1] pairs):
    """Group the pairs by their neighbor atom j (counting sort, stable).

    ``pairs[offsets[j]:offsets[j + 1]]`` are the pairs that end on j, in ascending order;
    ``offsets`` has one entry more than there are atoms and must be zero on entry.
    """
    cdef Py_ssize_t p, j, n_pairs = neighbors.shape[0], n_atoms = offsets.shape[0] - 1
    with nogil:
        for p in range(n_pairs):
            offsets[neighbors[p] + 1] += 1
        for j in range(n_atoms):
            offsets[j + 1] += offsets[j]
        for p in range(n_pairs):
            j = neighbors[p]
            pairs[offsets[j]] = <int> p
            offsets[j] += 1
        for j in range(n_atoms, 0, -1):
            offsets[j] = offsets[j - 1]
        offsets[0] = 0
