"""Pair gradients of energies that depend on r_ij through a site density rho_i and a pair term."""

from cython.parallel cimport prange


def gradients(
    const int[::1] offsets,
    const double[::1] site_slopes,
    const double[::1] density_slopes,
    const double[::1] pair_slopes,
    double[::1] radial,
    int threads,
):
    """radial[p] = dE/d|r_p| = s_i psi'(r_p) + V'(r_p)/2 of every pair p = (i, j).

    ``site_slopes`` s_i = dE_i/d rho_i and ``density_slopes`` psi' belong together (both or
    neither); ``pair_slopes`` V' may be None.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i, p
    cdef double slope
    cdef bint dense = density_slopes is not None, paired = pair_slopes is not None
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if dense and paired:
                slope = site_slopes[i]
                for p in range(offsets[i], offsets[i + 1]):
                    radial[p] = slope*density_slopes[p] + 0.5*pair_slopes[p]
            elif dense:
                slope = site_slopes[i]
                for p in range(offsets[i], offsets[i + 1]):
                    radial[p] = slope*density_slopes[p]
            else:
                for p in range(offsets[i], offsets[i + 1]):
                    radial[p] = 0.5*pair_slopes[p]
