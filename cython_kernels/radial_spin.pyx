"""Radial and magnetic symmetry functions of a site, and their derivatives.

With g_ij,h = w_i w_j f_c(r_ij) exp(-eta_h (r_ij - R_h)^2) the features of site i are, in this
order, G_h = sum_j g_ij,h, H_h = sum_j g_ij,h M_i.M_j, A_h = G_h M_i^2 and B_h = G_h M_i^4.
The functions are a tuple (centers, widths, cutoffs, decays, smooth, spaced, middle, spacing), see
``gaussians.pxd``. ``weights`` belong to atoms; those of weight zero have no part. ``scratch`` is
one row of ``scratch_size`` doubles per thread.
"""

from cython.parallel cimport prange, threadid
from libc.string cimport memset

from gaussians cimport (
    ASE_MAG_BATCH, Gaussians, ase_mag_contract, ase_mag_row_sums, ase_mag_tabulate,
    gaussians_of,
)


cdef struct Pairs:
    const int* offsets
    const int* neighbors
    const double* distances
    const double* weights
    const double* moments
    double cutoff


# Neighbors of one site, filled up to a multiple of four with pairs of weight zero.
cdef struct Batch:
    long count
    long n
    double r[ASE_MAG_BATCH]
    double w[ASE_MAG_BATCH]     # of the neighbor
    double t[ASE_MAG_BATCH]     # M_i.M_j
    int pair[ASE_MAG_BATCH]


cdef struct Work:
    double* value
    double* slope
    double* rows                # six rows of one number per function


def scratch_size(Py_ssize_t n_functions):
    """Doubles of scratch that a thread needs."""
    return (2*ASE_MAG_BATCH + 6)*n_functions


cdef inline Work work_of(double* scratch, long n) noexcept nogil:
    cdef Work w
    w.value = scratch
    w.slope = w.value + ASE_MAG_BATCH*n
    w.rows = w.slope + ASE_MAG_BATCH*n
    return w


cdef inline double dot(const double* a, const double* b) noexcept nogil:
    return a[0]*b[0] + a[1]*b[1] + a[2]*b[2]


cdef inline long collect(const Pairs* s, long i, long p, Batch* b) noexcept nogil:
    """Take neighbors of site ``i`` from pair ``p`` on; return the first pair that is left."""
    cdef long last = s.offsets[i + 1], count = 0, j
    cdef const int* neighbors = s.neighbors
    cdef const double* distances = s.distances
    cdef const double* weights = s.weights
    cdef const double* moments = s.moments
    cdef double cutoff = s.cutoff, r, w
    cdef double x = moments[3*i], y = moments[3*i + 1], z = moments[3*i + 2]
    while p < last and count < ASE_MAG_BATCH:
        j = neighbors[p]
        r = distances[p]
        w = weights[j]
        b.r[count] = r
        b.w[count] = w
        b.t[count] = x*moments[3*j] + y*moments[3*j + 1] + z*moments[3*j + 2]
        b.pair[count] = <int> p
        count += (r < cutoff) & (w != 0.0)
        p += 1
    b.count = count
    while count % 4:
        b.r[count] = s.cutoff
        b.w[count] = 0.0
        b.t[count] = 0.0
        count += 1
    b.n = count
    return p


cdef void forward_site(
    const Gaussians* g, const Pairs* s, Work work, long i, double* out,
) noexcept nogil:
    cdef Batch b
    cdef long h, n = g.n, p = s.offsets[i]
    cdef double w = s.weights[i], square = dot(s.moments + 3*i, s.moments + 3*i)
    memset(out, 0, 4*n*sizeof(double))
    if w == 0.0:
        return
    while p < s.offsets[i + 1]:
        p = collect(s, i, p, &b)
        ase_mag_tabulate(g, b.r, b.w, b.n, work.value, NULL)
        ase_mag_row_sums(n, b.n, b.t, work.value, out, out + n)
    for h in range(n):
        out[h] *= w
        out[n + h] *= w
        out[2*n + h] = out[h]*square
        out[3*n + h] = out[h]*square*square


cdef double pull_site(
    const Gaussians* g, const Pairs* s, Work work, long i, const double* cotangents,
    double* turn, double* stretch,
) noexcept nogil:
    """d<c, D>/d(M_i.M_j) and d<c, D>/dr_ij of the pairs; returns d<c, A + B>/d(M_i^2/2)."""
    cdef Batch b
    cdef long h, k, n = g.n, p = s.offsets[i], last = s.offsets[i + 1]
    cdef double w = s.weights[i], square = dot(s.moments + 3*i, s.moments + 3*i), own = 0.0
    cdef double* plain = work.rows
    cdef double* times = plain + n
    cdef double* sized = times + n
    cdef double[ASE_MAG_BATCH] turned
    cdef double[ASE_MAG_BATCH] stretched
    memset(turn + p, 0, (last - p)*sizeof(double))
    if stretch != NULL:
        memset(stretch + p, 0, (last - p)*sizeof(double))
    if w == 0.0:
        return 0.0
    for h in range(n):
        plain[h] = w*(
            cotangents[h] + square*(cotangents[2*n + h] + square*cotangents[3*n + h])
        )
        times[h] = w*cotangents[n + h]
        sized[h] = w*(2.0*cotangents[2*n + h] + 4.0*square*cotangents[3*n + h])
    while p < last:
        p = collect(s, i, p, &b)
        ase_mag_tabulate(
            g, b.r, b.w, b.n, work.value, NULL if stretch == NULL else work.slope
        )
        own += ase_mag_contract(
            n, b.n, plain, times, sized, b.t, work.value,
            NULL if stretch == NULL else work.slope, turned, stretched,
        )
        for k in range(b.count):
            turn[b.pair[k]] = turned[k]
        if stretch != NULL:
            for k in range(b.count):
                stretch[b.pair[k]] = stretched[k]
    return own


cdef void push_site(
    const Gaussians* g, const Pairs* s, Work work, long i, const double* turns,
    const double* vectors, const double* tangents, double* out,
) noexcept nogil:
    cdef Batch b
    cdef long h, k, j, n = g.n, p = s.offsets[i]
    cdef const double* own = s.moments + 3*i
    cdef double w = s.weights[i], square = dot(own, own), growth = 2.0*dot(own, turns + 3*i)
    cdef double* value = work.rows
    cdef double* turned = value + n
    cdef double* unused = turned + n
    cdef double* stretched = unused + n
    cdef double* both = stretched + n
    cdef double[ASE_MAG_BATCH] dt
    cdef double[ASE_MAG_BATCH] dr
    memset(out, 0, 4*n*sizeof(double))
    if w == 0.0:
        return
    memset(work.rows, 0, 5*n*sizeof(double))
    while p < s.offsets[i + 1]:
        p = collect(s, i, p, &b)
        memset(dt, 0, sizeof(dt))
        memset(dr, 0, sizeof(dr))
        for k in range(b.count):
            j = s.neighbors[b.pair[k]]
            dt[k] = dot(own, turns + 3*j) + dot(turns + 3*i, s.moments + 3*j)
            dr[k] = dot(vectors + 3*b.pair[k], tangents + 3*b.pair[k])/b.r[k]
        ase_mag_tabulate(g, b.r, b.w, b.n, work.value, work.slope)
        ase_mag_row_sums(n, b.n, dt, work.value, value, turned)
        ase_mag_row_sums(n, b.n, dr, work.slope, unused, stretched)
        for k in range(b.n):
            dr[k] *= b.t[k]
        ase_mag_row_sums(n, b.n, dr, work.slope, unused, both)
    for h in range(n):
        out[h] = w*stretched[h]
        out[n + h] = w*(turned[h] + both[h])
        out[2*n + h] = w*(stretched[h]*square + value[h]*growth)
        out[3*n + h] = w*square*(stretched[h]*square + 2.0*value[h]*growth)


cdef Pairs pairs_of(
    const int[::1] offsets, const int[::1] neighbors, const double[::1] distances,
    const double[::1] weights, const double[:, ::1] moments, double cutoff,
):
    cdef Pairs s
    s.offsets = &offsets[0]
    s.neighbors = NULL
    s.distances = NULL
    if neighbors.shape[0] > 0:
        s.neighbors = &neighbors[0]
        s.distances = &distances[0]
    s.weights = &weights[0]
    s.moments = <const double*> &moments[0, 0]
    s.cutoff = cutoff
    return s


def forward(
    tuple functions, const int[::1] offsets, const int[::1] neighbors,
    const double[::1] distances, const double[::1] weights, const double[:, ::1] moments,
    double cutoff, double[:, ::1] scratch, double[:, ::1] out,
):
    """Features of every site, ``out`` (n_sites, 4 n_functions); there is at least one site."""
    cdef Gaussians g = gaussians_of(functions)
    cdef Pairs s = pairs_of(offsets, neighbors, distances, weights, moments, cutoff)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            forward_site(&g, &s, work_of(&scratch[threadid(), 0], g.n), i, &out[i, 0])


def pull(
    tuple functions, const int[::1] offsets, const int[::1] neighbors,
    const double[::1] distances, const double[::1] weights, const double[:, ::1] moments,
    double cutoff, double[:, ::1] scratch, const double[:, ::1] cotangents, double[::1] own,
    double[::1] turn, double[::1] stretch,
):
    """Derivatives of sum(cotangents * D); there is at least one pair.

    ``turn`` is the one with respect to M_i.M_j and ``stretch`` (None: not wanted) to r_ij of every
    pair; ``own`` times M_i is the one with respect to M_i in M_i^2 and M_i^4 of a site.
    """
    cdef Gaussians g = gaussians_of(functions)
    cdef Pairs s = pairs_of(offsets, neighbors, distances, weights, moments, cutoff)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0]
    cdef double* stretched = NULL if stretch is None else &stretch[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            own[i] = pull_site(
                &g, &s, work_of(&scratch[threadid(), 0], g.n), i, &cotangents[i, 0], &turn[0],
                stretched,
            )


def push(
    tuple functions, const int[::1] offsets, const int[::1] neighbors,
    const double[::1] distances, const double[::1] weights, const double[:, ::1] moments,
    double cutoff, double[:, ::1] scratch, const double[:, ::1] moment_tangents,
    const double[:, ::1] vectors, const double[:, ::1] pair_tangents, double[:, ::1] out,
):
    """Change of the features with changes of the moments and of the vectors of the pairs.

    There is at least one pair.
    """
    cdef Gaussians g = gaussians_of(functions)
    cdef Pairs s = pairs_of(offsets, neighbors, distances, weights, moments, cutoff)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            push_site(
                &g, &s, work_of(&scratch[threadid(), 0], g.n), i, &moment_tangents[0, 0],
                &vectors[0, 0], &pair_tangents[0, 0], &out[i, 0],
            )


cdef inline void add_moment(
    const double* moments, long j, double slope, double* total,
) noexcept nogil:
    total[0] += slope*moments[3*j]
    total[1] += slope*moments[3*j + 1]
    total[2] += slope*moments[3*j + 2]


cdef void turn_atom(
    long k, long n_sites, const int* offsets, const int* neighbors, const int* reverse,
    const int* incoming_offsets, const int* incoming, const int* centers, const double* moments,
    const double* own, const double* turn, double* out,
) noexcept nogil:
    cdef double[3] total
    cdef double[3] odd
    cdef long p, q, last
    memset(total, 0, sizeof(total))
    memset(odd, 0, sizeof(odd))
    if k < n_sites:
        add_moment(moments, k, own[k], total)
        p, last = offsets[k], offsets[k + 1]
        if reverse != NULL:
            while p + 1 < last:
                add_moment(moments, neighbors[p], turn[p] + turn[reverse[p]], total)
                add_moment(moments, neighbors[p + 1], turn[p + 1] + turn[reverse[p + 1]], odd)
                p += 2
            if p < last:
                add_moment(moments, neighbors[p], turn[p] + turn[reverse[p]], total)
        else:
            for q in range(p, last):
                add_moment(moments, neighbors[q], turn[q], total)
    if reverse == NULL:
        for q in range(incoming_offsets[k], incoming_offsets[k + 1]):
            p = incoming[q]
            add_moment(moments, centers[p], turn[p], odd)
    out[0] = total[0] + odd[0]
    out[1] = total[1] + odd[1]
    out[2] = total[2] + odd[2]


def turns(
    const int[::1] offsets, const int[::1] neighbors, const int[::1] reverse,
    const int[::1] incoming_offsets, const int[::1] incoming, const int[::1] centers,
    const double[:, ::1] moments, const double[::1] own, const double[::1] turn,
    double[:, ::1] out, int threads,
):
    """Gradients with respect to the moments, from ``own`` and ``turn`` of ``pull``.

    out_k = own_k M_k + sum_{p: i=k} turn_p M_j + sum_{p: j=k} turn_p M_i. Pairs that end on an atom
    are the ``reverse`` of those that start there; without it (None) they are ``incoming``, and
    ``centers`` are their i.
    """
    cdef Py_ssize_t k, n_sites = offsets.shape[0] - 1, n_atoms = out.shape[0]
    cdef const int* back = NULL
    cdef const int* ends = NULL
    cdef const int* ending = NULL
    cdef const int* starts = NULL
    if reverse is not None:
        back = &reverse[0]
    else:
        ends, ending, starts = &incoming_offsets[0], &incoming[0], &centers[0]
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            turn_atom(
                k, n_sites, &offsets[0], &neighbors[0], back, ends, ending, starts,
                &moments[0, 0], &own[0], &turn[0], &out[k, 0],
            )
