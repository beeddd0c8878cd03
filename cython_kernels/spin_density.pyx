"""Densities of neighbors and of the angles between moments, and the derivatives of their features.

C_i[k, n, l] = scale[n, l] sum_j f(r_ij) sin(n pi r_ij/R)/r_ij P_l(u_i.u_j) over the neighbors j of
kind k with r_ij < R. The flat feature index is (k n_radial + n - 1)(l_max + 1) + l.
``pairs`` is a tuple: offsets, neighbors, kinds of the atoms (below 0: no part), distances,
directions u padded to four columns, number of kinds, number of radial functions, R, envelope f,
R/decay.
``scratch`` has one row for each thread, of ``scratch_size(n_radial, n_angular)`` numbers.
"""

from cython.parallel cimport prange, threadid

from lanes cimport lanes_clear, lanes_contract, lanes_outer, lanes_total
from spin_density cimport Sites, dot, gather, legendre_block, radial_block, sites_of, take


def scratch_size(long n_radial, long n_angular):
    """Number of doubles that one thread needs."""
    return 8*(n_radial*n_angular + 2*n_radial + 2*n_angular)


cdef void forward_site(
    const Sites* s, long i, long first, long last, long n_angular, const double* scale,
    double* work, double* out,
) noexcept nogil:
    cdef long kind, q, n, k, size = s.n_radial*n_angular
    cdef int lanes[8]
    cdef double there[24]
    cdef double x[8]
    cdef double* value = work + 8*size
    cdef double* angular = value + 8*s.n_radial
    for kind in range(s.n_kinds):
        lanes_clear(work, size)
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, value, NULL)
            gather(s, lanes, s.directions, there)
            dot(s.directions + 4*i, there, x)
            legendre_block(x, n_angular, angular, NULL)
            lanes_outer(s.n_radial, n_angular, value, angular, work)
        for k in range(size):
            out[kind*size + k] = scale[k]*lanes_total(work + 8*k)


cdef void pull_site(
    const Sites* s, long i, long first, long last, long n_angular, const double* scale,
    const double* cotangents, double* work, double* turn, double* stretch,
) noexcept nogil:
    """turn = d<c, C>/d(u_i.u_j) and stretch = d<c, C>/dr_ij of the pairs of a site."""
    cdef long kind, q, n, k, lane, size = s.n_radial*n_angular
    cdef int lanes[8]
    cdef double there[24]
    cdef double x[8]
    cdef double a[8]
    cdef double* value = work + 8*size
    cdef double* angular = value + 8*s.n_radial
    cdef double* rise = angular + 8*n_angular
    cdef double* slope = NULL
    if stretch != NULL:
        slope = rise + 8*n_angular
    for kind in range(s.n_kinds):
        for k in range(size):
            work[k] = scale[k]*cotangents[kind*size + k]
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, value, slope)
            gather(s, lanes, s.directions, there)
            dot(s.directions + 4*i, there, x)
            legendre_block(x, n_angular, angular, rise)
            lanes_clear(a, 1)
            lanes_contract(s.n_radial, n_angular, work, value, rise, a)
            for lane in range(n):
                turn[lanes[lane]] = a[lane]
            if stretch != NULL:
                lanes_clear(a, 1)
                lanes_contract(s.n_radial, n_angular, work, slope, angular, a)
                for lane in range(n):
                    stretch[lanes[lane]] = a[lane]


cdef void push_site(
    const Sites* s, long i, long first, long last, long n_angular, const double* scale,
    const double* tangents, const double* stretch, double* work, double* out,
) noexcept nogil:
    cdef long kind, q, n, k, lane, size = s.n_radial*n_angular
    cdef int lanes[8]
    cdef double there[24]
    cdef double moving[24]
    cdef double x[8]
    cdef double a[8]
    cdef double b[8]
    cdef double* value = work + 8*size
    cdef double* angular = value + 8*s.n_radial
    cdef double* rise = angular + 8*n_angular
    cdef double* slope = rise + 8*n_angular
    for kind in range(s.n_kinds):
        lanes_clear(work, size)
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, value, slope)
            gather(s, lanes, s.directions, there)
            gather(s, lanes, tangents, moving)
            dot(s.directions + 4*i, there, x)
            dot(s.directions + 4*i, moving, a)
            dot(tangents + 4*i, there, b)
            legendre_block(x, n_angular, angular, rise)
            for k in range(n_angular):
                for lane in range(8):
                    rise[8*k + lane] *= a[lane] + b[lane]
            for k in range(s.n_radial):
                for lane in range(8):
                    slope[8*k + lane] *= stretch[lanes[lane]]
            lanes_outer(s.n_radial, n_angular, value, rise, work)
            lanes_outer(s.n_radial, n_angular, slope, angular, work)
        for k in range(size):
            out[kind*size + k] = scale[k]*lanes_total(work + 8*k)


def forward(
    tuple pairs, const double[:, ::1] scale, double[:, ::1] scratch, double[:, ::1] out,
):
    """Features of every site; ``out`` has to be zero. There is at least one pair."""
    cdef Sites s = sites_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef long n_angular = scale.shape[1]
    cdef int threads = scratch.shape[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                forward_site(
                    &s, i, offsets[i], offsets[i + 1], n_angular, &scale[0, 0],
                    &scratch[threadid(), 0], &out[i, 0],
                )


def pull(
    tuple pairs, const double[:, ::1] scale, const double[:, ::1] cotangents,
    double[:, ::1] scratch, double[::1] turn, double[::1] stretch,
):
    """Derivatives of sum(cotangents * C) by u_i.u_j and by r_ij (None: not wanted); set to zero.

    There is at least one pair.
    """
    cdef Sites s = sites_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef long n_angular = scale.shape[1]
    cdef int threads = scratch.shape[0]
    cdef double* lattice = NULL if stretch is None else &stretch[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                pull_site(
                    &s, i, offsets[i], offsets[i + 1], n_angular, &scale[0, 0],
                    &cotangents[i, 0], &scratch[threadid(), 0], &turn[0], lattice,
                )


def push(
    tuple pairs, const double[:, ::1] scale, const double[:, ::1] tangents,
    const double[::1] stretch, double[:, ::1] scratch, double[:, ::1] out,
):
    """Change of the features with u (``tangents``, padded to four columns) and r (``stretch``).

    ``out`` has to be zero. There is at least one pair.
    """
    cdef Sites s = sites_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef long n_angular = scale.shape[1]
    cdef int threads = scratch.shape[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                push_site(
                    &s, i, offsets[i], offsets[i + 1], n_angular, &scale[0, 0],
                    &tangents[0, 0], &stretch[0], &scratch[threadid(), 0], &out[i, 0],
                )


def collect(
    const int[::1] offsets, const int[::1] neighbors, const int[::1] reverse,
    const int[::1] incoming_offsets, const int[::1] incoming, const int[::1] centers,
    const double[:, ::1] directions, const double[::1] turn, double[:, ::1] out, int threads,
):
    """out_k = sum_{p: i=k} turn_p u_j + sum_{p: j=k} turn_p u_i over pairs p = (i, j).

    The pairs that end on an atom are the ``reverse`` of those that start there; where that is None
    they are ``incoming``, and ``centers`` are their i. Directions have four columns.
    """
    cdef Py_ssize_t k, n_sites = offsets.shape[0] - 1
    cdef long p, q
    cdef double x, y, z, g
    cdef const double* u = &directions[0, 0]
    with nogil:
        for k in prange(out.shape[0], schedule="static", num_threads=threads):
            x = 0.0
            y = 0.0
            z = 0.0
            if k < n_sites:
                for p in range(offsets[k], offsets[k + 1]):
                    g = turn[p]
                    if reverse is not None:
                        g = g + turn[reverse[p]]
                    q = 4*neighbors[p]
                    x = x + g*u[q]
                    y = y + g*u[q + 1]
                    z = z + g*u[q + 2]
            if reverse is None:
                for p in range(incoming_offsets[k], incoming_offsets[k + 1]):
                    g = turn[incoming[p]]
                    q = 4*centers[incoming[p]]
                    x = x + g*u[q]
                    y = y + g*u[q + 1]
                    z = z + g*u[q + 2]
            out[k, 0] = x
            out[k, 1] = y
            out[k, 2] = z
