"""Pair gradients of energies that depend on r_ij through a site density rho_i and a pair term."""

from cython.parallel cimport prange


def gradients(
    const int[::1] offsets,
    const double[:, ::1] vectors,
    const double[::1] distances,
    const double[::1] site_slopes,
    const double[::1] density_slopes,
    const double[::1] pair_slopes,
    double[:, ::1] out,
    int threads,
):
    """out[p] = [s_i psi'(r_p) + V'(r_p)/2] r_p/|r_p| of every pair p = (i, j).

    ``site_slopes`` s_i = dE_i/d rho_i and ``density_slopes`` psi' belong together (both or
    neither); ``pair_slopes`` V' may be None.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef double slope, factor
    cdef bint dense = density_slopes is not None, paired = pair_slopes is not None
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            slope = 0.0
            if dense:
                slope = site_slopes[i]
            for p in range(offsets[i], offsets[i + 1]):
                factor = 0.0
                if dense:
                    factor = slope*density_slopes[p]
                if paired:
                    factor = factor + 0.5*pair_slopes[p]
                if factor != 0.0:
                    factor = factor/distances[p]
                out[p, 0] = factor*vectors[p, 0]
                out[p, 1] = factor*vectors[p, 1]
                out[p, 2] = factor*vectors[p, 2]
