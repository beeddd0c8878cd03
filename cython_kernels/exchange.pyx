"""Energies and gradients of pair couplings of moments.

The site energy is E_i = -1/2 sum_j M_i.C_ij.M_j with C = J (a number) or T (3x3) and C_ji = C_ij^T.
On a full list without ghosts dE/dM_i = -sum_j C_ij M_j; with ghosts the pairs of a site hold half
of it (``share`` = 0.5) and the ``incoming`` functions add the other half to the neighbors.
"""

from cython.parallel cimport prange


def isotropic(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] exchange,
    const double[:, ::1] moments,
    const double[:, ::1] partners,
    double share,
    double[::1] energies,
    double[:, ::1] gradient,
    int threads,
):
    """E_i = -1/2 sum_j J_ij M_i.P_j and gradient_i = -share sum_j J_ij P_j of the sites.

    The partners are P = M, or P = S M with a symmetric matrix S.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef int j
    cdef double value, x, y, z
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            x = 0.0
            y = 0.0
            z = 0.0
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                value = exchange[p]
                x = x + value*partners[j, 0]
                y = y + value*partners[j, 1]
                z = z + value*partners[j, 2]
            energies[i] = -0.5*(moments[i, 0]*x + moments[i, 1]*y + moments[i, 2]*z)
            gradient[i, 0] = -share*x
            gradient[i, 1] = -share*y
            gradient[i, 2] = -share*z


def isotropic_incoming(
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    const int[::1] centers,
    const double[::1] exchange,
    const double[:, ::1] partners,
    double[:, ::1] gradient,
    int threads,
):
    """gradient_k -= 1/2 sum of J_p P_i over the pairs p = (i, j) with j = k."""
    cdef Py_ssize_t n_atoms = incoming_offsets.shape[0] - 1, k, p, q
    cdef int i
    cdef double value, x, y, z
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            x = 0.0
            y = 0.0
            z = 0.0
            for q in range(incoming_offsets[k], incoming_offsets[k + 1]):
                p = incoming[q]
                i = centers[p]
                value = exchange[p]
                x = x + value*partners[i, 0]
                y = y + value*partners[i, 1]
                z = z + value*partners[i, 2]
            gradient[k, 0] -= 0.5*x
            gradient[k, 1] -= 0.5*y
            gradient[k, 2] -= 0.5*z


def isotropic_pairs(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] slopes,
    const double[:, ::1] moments,
    const double[:, ::1] partners,
    double[::1] radial,
    int threads,
):
    """radial_p = dE/d|r_p| = -1/2 J'(r_p) (M_i.P_j)."""
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef int j
    cdef double value, x, y, z
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            x = moments[i, 0]
            y = moments[i, 1]
            z = moments[i, 2]
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                value = x*partners[j, 0] + y*partners[j, 1] + z*partners[j, 2]
                radial[p] = -0.5*slopes[p]*value


def tensorial(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[:, :, ::1] tensors,
    const double[:, ::1] moments,
    double share,
    double[::1] energies,
    double[:, ::1] gradient,
    int threads,
):
    """E_i = -1/2 sum_j M_i.T_ij.M_j and gradient_i = -share sum_j T_ij M_j of the sites."""
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef int j
    cdef double x, y, z, mx, my, mz
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            x = 0.0
            y = 0.0
            z = 0.0
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                mx = moments[j, 0]
                my = moments[j, 1]
                mz = moments[j, 2]
                x = x + tensors[p, 0, 0]*mx + tensors[p, 0, 1]*my + tensors[p, 0, 2]*mz
                y = y + tensors[p, 1, 0]*mx + tensors[p, 1, 1]*my + tensors[p, 1, 2]*mz
                z = z + tensors[p, 2, 0]*mx + tensors[p, 2, 1]*my + tensors[p, 2, 2]*mz
            energies[i] = -0.5*(moments[i, 0]*x + moments[i, 1]*y + moments[i, 2]*z)
            gradient[i, 0] = -share*x
            gradient[i, 1] = -share*y
            gradient[i, 2] = -share*z


def tensorial_incoming(
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    const int[::1] centers,
    const double[:, :, ::1] tensors,
    const double[:, ::1] moments,
    double[:, ::1] gradient,
    int threads,
):
    """gradient_k -= 1/2 sum of T_p^T M_i over the pairs p = (i, j) with j = k."""
    cdef Py_ssize_t n_atoms = incoming_offsets.shape[0] - 1, k, p, q
    cdef int i
    cdef double x, y, z, mx, my, mz
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            x = 0.0
            y = 0.0
            z = 0.0
            for q in range(incoming_offsets[k], incoming_offsets[k + 1]):
                p = incoming[q]
                i = centers[p]
                mx = moments[i, 0]
                my = moments[i, 1]
                mz = moments[i, 2]
                x = x + tensors[p, 0, 0]*mx + tensors[p, 1, 0]*my + tensors[p, 2, 0]*mz
                y = y + tensors[p, 0, 1]*mx + tensors[p, 1, 1]*my + tensors[p, 2, 1]*mz
                z = z + tensors[p, 0, 2]*mx + tensors[p, 1, 2]*my + tensors[p, 2, 2]*mz
            gradient[k, 0] -= 0.5*x
            gradient[k, 1] -= 0.5*y
            gradient[k, 2] -= 0.5*z


def directed(
    const double[:, ::1] vectors,
    const double[::1] distances,
    const double[::1] values,
    const double[:, ::1] rule,
    double[:, :, ::1] tensors,
    int threads,
):
    """T_p of D_p.(M_i x M_j) = M_i.T_p.M_j with D_p = values_p rule r_p/|r_p|."""
    cdef Py_ssize_t n_pairs = values.shape[0], p
    cdef double g, x, y, z, dx, dy, dz
    with nogil:
        for p in prange(n_pairs, schedule="static", num_threads=threads):
            g = values[p]/distances[p]
            x = g*vectors[p, 0]
            y = g*vectors[p, 1]
            z = g*vectors[p, 2]
            dx = rule[0, 0]*x + rule[0, 1]*y + rule[0, 2]*z
            dy = rule[1, 0]*x + rule[1, 1]*y + rule[1, 2]*z
            dz = rule[2, 0]*x + rule[2, 1]*y + rule[2, 2]*z
            tensors[p, 0, 0] = 0.0
            tensors[p, 0, 1] = dz
            tensors[p, 0, 2] = -dy
            tensors[p, 1, 0] = -dz
            tensors[p, 1, 1] = 0.0
            tensors[p, 1, 2] = dx
            tensors[p, 2, 0] = dy
            tensors[p, 2, 1] = -dx
            tensors[p, 2, 2] = 0.0


def directed_pairs(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] values,
    const double[::1] slopes,
    const double[:, ::1] rule,
    const double[:, ::1] vectors,
    const double[::1] distances,
    const double[:, ::1] moments,
    double[:, ::1] pairs,
    int threads,
):
    """pairs_p = dE/dr_p of -1/2 g (A r).C, g = D(r)/r, C = M_i x M_j.

    dE/dr = -1/2 [g' (A r).C r/|r| + g A^T C], g' = (D' - g)/|r|; A is ``rule``.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef int j
    cdef double x, y, z, cx, cy, cz, ax, ay, az, g, value
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            x = moments[i, 0]
            y = moments[i, 1]
            z = moments[i, 2]
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                cx = y*moments[j, 2] - z*moments[j, 1]
                cy = z*moments[j, 0] - x*moments[j, 2]
                cz = x*moments[j, 1] - y*moments[j, 0]
                ax = rule[0, 0]*cx + rule[1, 0]*cy + rule[2, 0]*cz
                ay = rule[0, 1]*cx + rule[1, 1]*cy + rule[2, 1]*cz
                az = rule[0, 2]*cx + rule[1, 2]*cy + rule[2, 2]*cz
                g = values[p]/distances[p]
                value = ax*vectors[p, 0] + ay*vectors[p, 1] + az*vectors[p, 2]
                value = value*(slopes[p] - g)/(distances[p]*distances[p])
                pairs[p, 0] = -0.5*(value*vectors[p, 0] + g*ax)
                pairs[p, 1] = -0.5*(value*vectors[p, 1] + g*ay)
                pairs[p, 2] = -0.5*(value*vectors[p, 2] + g*az)
