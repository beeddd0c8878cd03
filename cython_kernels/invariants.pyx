"""Rotation-invariant sums over the neighbors of a site, and their derivatives.

D_i[k, q, n] = sum_j f_n(r_ij) s_ij^q over the neighbors j of kind k with r_ij < R,
s_ij = u_i.u_j, f_n(r) = T_n(2 r/R - 1) (1 - (r/R)^2)^3 with Chebyshev polynomials T_n.
The flat feature index is (k (q_max + 1) + q) n_max + n. A kind below 0 is left out.
"""

from cython.parallel cimport prange

cdef enum:
    MOST = 32  # radial functions


cdef inline void radial(
    double r, double cutoff, Py_ssize_t n, double* value, double* slope,
) noexcept nogil:
    """f_m(r) and f_m'(r) for m < n."""
    cdef Py_ssize_t m
    cdef double y = r/cutoff, x = 2.0*y - 1.0, w = 1.0 - y*y
    cdef double edge = w*w*w, fall = -6.0*y*w*w/cutoff, rate = 2.0/cutoff
    value[0] = 1.0
    slope[0] = 0.0
    if n > 1:
        value[1] = x
        slope[1] = 1.0
    for m in range(2, n):
        value[m] = 2.0*x*value[m - 1] - value[m - 2]
        slope[m] = 2.0*value[m - 1] + 2.0*x*slope[m - 1] - slope[m - 2]
    for m in range(n):
        slope[m] = edge*rate*slope[m] + fall*value[m]
        value[m] = edge*value[m]


cdef inline double product(const double[:, ::1] u, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    return u[i, 0]*u[j, 0] + u[i, 1]*u[j, 1] + u[i, 2]*u[j, 2]


cdef void add_site(
    Py_ssize_t i, const int[::1] offsets, const int[::1] neighbors, const int[::1] kinds,
    const double[::1] distances, const double[:, ::1] directions, double cutoff,
    Py_ssize_t n_radial, Py_ssize_t n_powers, double* out,
) noexcept nogil:
    cdef Py_ssize_t p, _q, n
    cdef double power, s
    cdef double[MOST] value
    cdef double[MOST] slope
    cdef double* row
    for p in range(offsets[i], offsets[i + 1]):
        if distances[p] >= cutoff or kinds[neighbors[p]] < 0:
            continue
        radial(distances[p], cutoff, n_radial, value, slope)
        s = product(directions, i, neighbors[p])
        power = 1.0
        row = out + kinds[neighbors[p]]*n_powers*n_radial
        for _q in range(n_powers):
            for n in range(n_radial):
                row[n] += power*value[n]
            row += n_radial
            power *= s


cdef void pull_site(
    Py_ssize_t i, const int[::1] offsets, const int[::1] neighbors, const int[::1] kinds,
    const double[::1] distances, const double[:, ::1] directions, double cutoff,
    Py_ssize_t n_radial, Py_ssize_t n_powers, const double* cotangents,
    double* stretch, double* turn,
) noexcept nogil:
    """stretch_p = d<c, D>/dr_p and turn_p = d<c, D>/ds_p of the pairs of a site."""
    cdef Py_ssize_t p, q, n
    cdef double power, lower, s, a, b
    cdef double[MOST] value
    cdef double[MOST] slope
    cdef const double* row
    for p in range(offsets[i], offsets[i + 1]):
        stretch[p] = 0.0
        turn[p] = 0.0
        if distances[p] >= cutoff or kinds[neighbors[p]] < 0:
            continue
        radial(distances[p], cutoff, n_radial, value, slope)
        s = product(directions, i, neighbors[p])
        power = 1.0
        lower = 0.0
        row = cotangents + kinds[neighbors[p]]*n_powers*n_radial
        for q in range(n_powers):
            a = 0.0
            b = 0.0
            for n in range(n_radial):
                a += row[n]*slope[n]
                b += row[n]*value[n]
            stretch[p] += power*a
            turn[p] += q*lower*b
            lower = power
            power *= s
            row += n_radial


cdef void push_site(
    Py_ssize_t i, const int[::1] offsets, const int[::1] neighbors, const int[::1] kinds,
    const double[::1] distances, const double[:, ::1] directions, double cutoff,
    Py_ssize_t n_radial, Py_ssize_t n_powers, const double* stretch, const double* turn,
    double* out,
) noexcept nogil:
    """out = sum over pairs of dD/dr_p stretch_p + dD/ds_p turn_p."""
    cdef Py_ssize_t p, q, n
    cdef double power, lower, s
    cdef double[MOST] value
    cdef double[MOST] slope
    cdef double* row
    for p in range(offsets[i], offsets[i + 1]):
        if distances[p] >= cutoff or kinds[neighbors[p]] < 0:
            continue
        radial(distances[p], cutoff, n_radial, value, slope)
        s = product(directions, i, neighbors[p])
        power = 1.0
        lower = 0.0
        row = out + kinds[neighbors[p]]*n_powers*n_radial
        for q in range(n_powers):
            for n in range(n_radial):
                row[n] += power*slope[n]*stretch[p] + q*lower*value[n]*turn[p]
            row += n_radial
            lower = power
            power *= s


def forward(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] kinds,
    const double[::1] distances,
    const double[:, ::1] directions,
    double cutoff,
    Py_ssize_t n_radial,
    Py_ssize_t n_powers,
    double[:, ::1] out,
    int threads,
):
    """Features of every site; ``out`` (n_sites, n_features) has to be zero."""
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    if n_sites == 0 or out.shape[1] == 0:
        return
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            add_site(
                i, offsets, neighbors, kinds, distances, directions, cutoff, n_radial, n_powers,
                &out[i, 0],
            )


def pull(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] kinds,
    const double[::1] distances,
    const double[:, ::1] directions,
    double cutoff,
    Py_ssize_t n_radial,
    Py_ssize_t n_powers,
    const double[:, ::1] cotangents,
    double[::1] stretch,
    double[::1] turn,
    int threads,
):
    """Derivatives of sum(cotangents * D) with respect to r_ij and s_ij of every pair."""
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    if n_sites == 0 or stretch.shape[0] == 0:
        return
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            pull_site(
                i, offsets, neighbors, kinds, distances, directions, cutoff, n_radial, n_powers,
                &cotangents[i, 0], &stretch[0], &turn[0],
            )


def push(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] kinds,
    const double[::1] distances,
    const double[:, ::1] directions,
    double cutoff,
    Py_ssize_t n_radial,
    Py_ssize_t n_powers,
    const double[::1] stretch,
    const double[::1] turn,
    double[:, ::1] out,
    int threads,
):
    """Change of the features with changes of r_ij and s_ij; ``out`` has to be zero."""
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    if n_sites == 0 or stretch.shape[0] == 0:
        return
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            push_site(
                i, offsets, neighbors, kinds, distances, directions, cutoff, n_radial, n_powers,
                &stretch[0], &turn[0], &out[i, 0],
            )
