"""The one assembler: per-pair gradients to forces, magnetic gradients and virial.

Every sum runs in a fixed order per atom, so results do not depend on the number of threads.
"""

from cython.parallel cimport prange


def forces_virials(
    const int[::1] offsets,
    const double[:, ::1] vectors,
    const double[:, ::1] gradients,
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    double[:, ::1] forces,
    double[:, :, ::1] virials,
    int threads,
):
    """Forces and site virials from dE/dr_p of pairs p = (i, j), r_p = x_j - x_i.

    F_k = sum_{p: i=k} dE/dr_p - sum_{p: j=k} dE/dr_p; W_k = sum_{p: i=k} r_p (x) dE/dr_p.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, n_atoms = incoming_offsets.shape[0] - 1
    cdef Py_ssize_t k, p, q
    cdef double fx, fy, fz, gx, gy, gz, x, y, z
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            fx = 0.0
            fy = 0.0
            fz = 0.0
            if k < n_sites:
                virials[k, :, :] = 0.0
                for p in range(offsets[k], offsets[k + 1]):
                    gx = gradients[p, 0]
                    gy = gradients[p, 1]
                    gz = gradients[p, 2]
                    x = vectors[p, 0]
                    y = vectors[p, 1]
                    z = vectors[p, 2]
                    fx = fx + gx
                    fy = fy + gy
                    fz = fz + gz
                    virials[k, 0, 0] += x*gx
                    virials[k, 0, 1] += x*gy
                    virials[k, 0, 2] += x*gz
                    virials[k, 1, 0] += y*gx
                    virials[k, 1, 1] += y*gy
                    virials[k, 1, 2] += y*gz
                    virials[k, 2, 0] += z*gx
                    virials[k, 2, 1] += z*gy
                    virials[k, 2, 2] += z*gz
            for q in range(incoming_offsets[k], incoming_offsets[k + 1]):
                p = incoming[q]
                fx = fx - gradients[p, 0]
                fy = fy - gradients[p, 1]
                fz = fz - gradients[p, 2]
            forces[k, 0] = fx
            forces[k, 1] = fy
            forces[k, 2] = fz


def gather_incoming(
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    const double[:, ::1] values,
    double[:, ::1] out,
    int threads,
):
    """out[k] += sum of values[p] over the pairs p = (i, j) with j = k."""
    cdef Py_ssize_t n_atoms = incoming_offsets.shape[0] - 1, n = values.shape[1], k, q, c
    cdef double total
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            for c in range(n):
                total = 0.0
                for q in range(incoming_offsets[k], incoming_offsets[k + 1]):
                    total = total + values[incoming[q], c]
                out[k, c] += total


def sum_pairs(
    const int[::1] offsets,
    const double[::1] values,
    double[::1] out,
    int threads,
):
    """out[i] = sum of values[p] over the pairs p of site i."""
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef double total
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            total = 0.0
            for p in range(offsets[i], offsets[i + 1]):
                total = total + values[p]
            out[i] = total
