"""Radial and magnetic symmetry functions at a geometry that stays, from two numbers per pair.

The features are those of ``radial_spin.pyx`` with ``spaced`` functions, at most ``MOST`` of them:
g_ij,h = decays[h] A_ij q_ij^(h - m), see ``powers.pxd``. ``first`` holds A and ``ratio`` holds q of
all pairs and four entries more; ``plain`` (n_sites, n_functions) holds G.
"""

from cython.parallel cimport prange
from libc.string cimport memset

from gaussians cimport ASE_MAG_BATCH, Gaussians, gaussians_of
from powers cimport ASE_MAG_POWERS, ase_mag_power_sums, ase_mag_power_values, ase_mag_powers

MOST = ASE_MAG_POWERS


cdef inline long least(long a, long b) noexcept nogil:
    return a if a < b else b


cdef inline double dot(const double* a, const double* b) noexcept nogil:
    return a[0]*b[0] + a[1]*b[1] + a[2]*b[2]


cdef void tabulate_site(
    const Gaussians* g, long i, long p, long last, const int* neighbors, const double* distances,
    const double* weights, double* first, double* ratio,
) noexcept nogil:
    cdef double[ASE_MAG_BATCH] w
    cdef long k, n
    while p < last:
        n = least(last - p, ASE_MAG_BATCH)
        for k in range(n):
            w[k] = weights[neighbors[p + k]]
        ase_mag_powers(g, weights[i], distances + p, w, n, first + p, ratio + p)
        p += n


cdef void sum_site(
    const Gaussians* g, long p, long last, const double* first, const double* ratio, double* plain,
) noexcept nogil:
    cdef double[ASE_MAG_BATCH] one
    cdef long h, k, n
    memset(plain, 0, g.n*sizeof(double))
    while p < last:
        n = least(last - p, ASE_MAG_BATCH)
        for k in range(n):
            one[k] = 1.0
        # Up to a multiple of four: values of other pairs, times zero.
        while n % 4:
            one[n] = 0.0
            n += 1
        ase_mag_power_sums(g.n, g.m, n, one, first + p, ratio + p, plain)
        p += n
    for h in range(g.n):
        plain[h] *= g.decays[h]


cdef void forward_site(
    const Gaussians* g, long i, long p, long last, const int* neighbors, const double* moments,
    const double* first, const double* ratio, const double* plain, double* out,
) noexcept nogil:
    cdef double[ASE_MAG_BATCH] t
    cdef const double* own = moments + 3*i
    cdef double square = dot(own, own)
    cdef long h, k, n
    memset(out + g.n, 0, g.n*sizeof(double))
    while p < last:
        n = least(last - p, ASE_MAG_BATCH)
        for k in range(n):
            t[k] = dot(own, moments + 3*neighbors[p + k])
        while n % 4:
            t[n] = 0.0
            n += 1
        ase_mag_power_sums(g.n, g.m, n, t, first + p, ratio + p, out + g.n)
        p += n
    for h in range(g.n):
        out[h] = plain[h]
        out[g.n + h] *= g.decays[h]
        out[2*g.n + h] = plain[h]*square
        out[3*g.n + h] = plain[h]*square*square


cdef double pull_site(
    const Gaussians* g, long p, long last, const double* own, const double* first,
    const double* ratio, const double* plain, const double* cotangents, double* turn,
) noexcept nogil:
    cdef double[ASE_MAG_POWERS] b
    cdef double square = dot(own, own), total = 0.0
    cdef long h
    for h in range(g.n):
        b[h] = g.decays[h]*cotangents[g.n + h]
        total += plain[h]*(2.0*cotangents[2*g.n + h] + 4.0*square*cotangents[3*g.n + h])
    ase_mag_power_values(g.n, g.m, last - p, b, first + p, ratio + p, turn + p)
    return total


def tabulate(
    tuple functions, const int[::1] offsets, const int[::1] neighbors,
    const double[::1] distances, const double[::1] weights, double[::1] first, double[::1] ratio,
    double[:, ::1] plain, int threads,
):
    """Write ``first``, ``ratio`` and ``plain``; there is at least one pair."""
    cdef Gaussians g = gaussians_of(functions)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1, p
    for p in range(neighbors.shape[0], first.shape[0]):
        first[p], ratio[p] = 0.0, 1.0
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            tabulate_site(
                &g, i, offsets[i], offsets[i + 1], &neighbors[0], &distances[0], &weights[0],
                &first[0], &ratio[0],
            )
        # Sums read up to three pairs of the next site.
        for i in prange(n_sites, schedule="static", num_threads=threads):
            sum_site(&g, offsets[i], offsets[i + 1], &first[0], &ratio[0], &plain[i, 0])


def forward(
    tuple functions, const int[::1] offsets, const int[::1] neighbors,
    const double[:, ::1] moments, const double[::1] first, const double[::1] ratio,
    const double[:, ::1] plain, double[:, ::1] out, int threads,
):
    """Features of every site, ``out`` (n_sites, 4 n_functions); there is at least one pair."""
    cdef Gaussians g = gaussians_of(functions)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            forward_site(
                &g, i, offsets[i], offsets[i + 1], &neighbors[0], &moments[0, 0], &first[0],
                &ratio[0], &plain[i, 0], &out[i, 0],
            )


def pull(
    tuple functions, const int[::1] offsets, const double[:, ::1] moments,
    const double[::1] first, const double[::1] ratio, const double[:, ::1] plain,
    const double[:, ::1] cotangents, double[::1] own, double[::1] turn, int threads,
):
    """``own`` and ``turn`` of ``radial_spin.pull``; there is at least one pair."""
    cdef Gaussians g = gaussians_of(functions)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            own[i] = pull_site(
                &g, offsets[i], offsets[i + 1], &moments[i, 0], &first[0], &ratio[0],
                &plain[i, 0], &cotangents[i, 0], &turn[0],
            )
