"""Three-body spin densities: products of sums over the neighbors of a site, and derivatives.

A_i[b, s, k, n] = sum_j f(r) sin(n pi r/R)/r Y_b(r_ij/r) Y_s(u_j) over the neighbors j of kind k
with r < R; without bonds (``vectors`` None) Y_b is 1. Features are the products of
``spin_density_triples.pxd``, in the order [coupling][L][r2][r1], r1 <= r2 where n1 = n2.
``pairs`` is the tuple of ``spin_density``. ``couplings`` is a tuple: rows (n0, n1, n2, place),
coefficients, norms of harmonics, degree of the spins' and of the bonds' harmonics.
``scratch`` has one row for each thread, of ``scratch_size(pairs, couplings)`` numbers.
"""

from cython.parallel cimport prange, threadid
from libc.string cimport memset

from harmonics cimport harmonics_block
from lanes cimport lanes_clear
from quads cimport quads_outer, quads_pull
from spin_density cimport Sites, gather, radial_block, sites_of, take
from spin_density_triples cimport Couplings, Work, divide, multiply, quads_of, work_of


cdef Couplings couplings_of(tuple pairs, tuple couplings):
    """Addresses of the arrays, which ``couplings`` keeps alive."""
    cdef const int[:, ::1] rows = couplings[0]
    cdef const double[::1] coefficients = couplings[1]
    cdef long degree = couplings[3], kinds = pairs[5], n_radial = pairs[6]
    cdef Couplings c
    c.n = rows.shape[0]
    c.rows = &rows[0, 0]
    c.coefficients = &coefficients[0]
    c.bond_degree = couplings[4]
    c.n_rows = kinds*n_radial
    c.stride = 4*quads_of(c.n_rows)
    c.n_spin = (degree + 1)*(degree + 1)
    c.n_bond = (c.bond_degree + 1)*(c.bond_degree + 1)
    return c


def scratch_size(tuple pairs, tuple couplings):
    """Number of doubles that one thread needs."""
    cdef Couplings c = couplings_of(pairs, couplings)
    cdef double* start = NULL
    return work_of(&c, pairs[6], start).end - start


cdef inline void enter(
    const Sites* s, const Work* w, const int* lanes, const double* vectors, const double* norms,
    long degree, long bond_degree, bint slopes, double* unit,
) noexcept nogil:
    """Harmonics of eight neighbors, and the directions of their bonds."""
    cdef long lane, c
    cdef double there[24]
    cdef double over[8]
    gather(s, lanes, s.directions, there)
    harmonics_block(
        there, degree, norms, w.spin, w.spin + 8*(degree + 1)*(degree + 1) if slopes else NULL
    )
    if vectors == NULL:
        for lane in range(8):
            w.bond[lane] = 1.0
        return
    for lane in range(8):
        over[lane] = 1.0/s.distances[lanes[lane]]
    for lane in range(8):
        for c in range(3):
            unit[8*c + lane] = vectors[3*lanes[lane] + c]*over[lane]
    harmonics_block(
        unit, bond_degree, norms, w.bond,
        w.bond + 8*(bond_degree + 1)*(bond_degree + 1) if slopes else NULL,
    )


cdef inline void combine(const Couplings* c, const Work* w) noexcept nogil:
    """Products of the harmonics of eight neighbors."""
    cdef long b, k, lane
    cdef double* out = w.products
    for b in range(c.n_bond):
        for k in range(c.n_spin):
            for lane in range(8):
                out[lane] = w.bond[8*b + lane]*w.spin[8*k + lane]
            out += 8


cdef inline void own_harmonics(
    const Sites* s, const Work* w, long i, const double* norms, long degree
) noexcept nogil:
    cdef long lane, c
    cdef double here[24]
    for c in range(3):
        for lane in range(8):
            here[8*c + lane] = s.directions[4*i + c]
    harmonics_block(here, degree, norms, w.own, w.own + 8*(degree + 1)*(degree + 1))


cdef inline void add_sums(
    const Sites* s, const Couplings* c, long kind, const double* harmonics, const double* value,
    double* radial, double* sums,
) noexcept nogil:
    """Add harmonics times radial functions (``value``) of eight neighbors of a kind."""
    cdef long k, lane, n = quads_of(s.n_radial)
    for k in range(4*n):
        for lane in range(8):
            radial[32*(k//4) + 4*lane + k % 4] = value[8*k + lane]
    sums += kind*s.n_radial
    for k in range(n):
        quads_outer(c.n_bond*c.n_spin, harmonics, radial + 32*k, sums + 4*k, c.stride)


cdef inline void clear(const Sites* s, const Couplings* c, const Work* w) noexcept nogil:
    """Zeros in sums, and in the rows that fill up the radial functions."""
    cdef long k, n = s.n_radial
    for k in range(8*n, 32*quads_of(n)):
        w.value[k] = 0.0
        w.slope[k] = 0.0
    memset(w.sums, 0, (c.n_bond*c.n_spin*c.stride + 4)*sizeof(double))
    memset(w.dsums, 0, (c.n_bond*c.n_spin*c.stride + 4)*sizeof(double))


cdef inline void gather_sums(
    const Sites* s, const Couplings* c, const Work* w, long first, long last,
    const double* vectors, const double* norms, long degree,
) noexcept nogil:
    """Fill ``sums``."""
    cdef long kind, q, n
    cdef int lanes[8]
    cdef double unit[24]
    clear(s, c, w)
    for kind in range(s.n_kinds):
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, w.value, NULL)
            enter(s, w, lanes, vectors, norms, degree, c.bond_degree, False, unit)
            combine(c, w)
            add_sums(s, c, kind, w.products, w.value, w.radial, w.sums)


cdef void forward_site(
    const Sites* s, const Couplings* c, const Work* w, long i, long first, long last,
    const double* vectors, const double* norms, long degree, double* out,
) noexcept nogil:
    gather_sums(s, c, w, first, last, vectors, norms, degree)
    own_harmonics(s, w, i, norms, degree)
    multiply(c, w.own, NULL, w.sums, NULL, out)


cdef void pull_site(
    const Sites* s, const Couplings* c, const Work* w, long i, long first, long last,
    const double* vectors, const double* norms, long degree, const double* cotangents,
    double* own, double* turn, double* stretch, double* pairs,
) noexcept nogil:
    """Gradients by u_i (added), u_j, and by r_ij: ``stretch`` along it, ``pairs`` the rest."""
    cdef long kind, q, n, k, b, m, lane, axis
    cdef int lanes[8]
    cdef double unit[24]
    cdef double g[8]
    cdef double rates[32]
    cdef double along[8]
    cdef double across[24]
    cdef double total
    cdef const double* gradient
    gather_sums(s, c, w, first, last, vectors, norms, degree)
    own_harmonics(s, w, i, norms, degree)
    memset(w.own_slopes, 0, c.n_spin*sizeof(double))
    divide(c, w.own, w.sums, cotangents, w.own_slopes, w.dsums)
    for axis in range(3):
        total = 0.0
        for k in range(c.n_spin):
            total += w.own_slopes[k]*w.own[8*((axis + 1)*c.n_spin + k)]
        own[axis] += total
    for kind in range(s.n_kinds):
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, w.value, NULL if stretch == NULL else w.slope)
            enter(s, w, lanes, vectors, norms, degree, c.bond_degree, True, unit)
            lanes_clear(w.spin_slopes, c.n_spin)
            lanes_clear(w.bond_slopes, c.n_bond)
            lanes_clear(g, 1)
            for k in range(quads_of(s.n_radial)):
                lanes_clear(rates, 4)
                quads_pull(
                    c.n_bond, c.n_spin, w.dsums + kind*s.n_radial + 4*k, c.stride,
                    w.value + 32*k, w.bond, w.spin, w.bond_slopes, w.spin_slopes,
                    NULL if stretch == NULL else rates,
                )
                for m in range(4):
                    for lane in range(8):
                        g[lane] += rates[8*m + lane]*w.slope[32*k + 8*m + lane]
            for axis in range(3):
                lanes_clear(across, 1)
                gradient = w.spin + 8*(axis + 1)*c.n_spin
                for m in range(c.n_spin):
                    for lane in range(8):
                        across[lane] += w.spin_slopes[8*m + lane]*gradient[8*m + lane]
                for lane in range(n):
                    turn[3*lanes[lane] + axis] = across[lane]
            if stretch == NULL:
                continue
            for lane in range(n):
                stretch[lanes[lane]] = g[lane]
            if pairs == NULL:
                continue
            lanes_clear(across, 3)
            for axis in range(3):
                gradient = w.bond + 8*(axis + 1)*c.n_bond
                for b in range(c.n_bond):
                    for lane in range(8):
                        across[8*axis + lane] += w.bond_slopes[8*b + lane]*gradient[8*b + lane]
            for lane in range(8):
                along[lane] = (
                    across[lane]*unit[lane] + across[8 + lane]*unit[8 + lane]
                    + across[16 + lane]*unit[16 + lane]
                )
            for axis in range(3):
                for lane in range(n):
                    pairs[3*lanes[lane] + axis] = (
                        across[8*axis + lane] - along[lane]*unit[8*axis + lane]
                    )/s.distances[lanes[lane]]


cdef void push_site(
    const Sites* s, const Couplings* c, const Work* w, long i, long first, long last,
    const double* vectors, const double* norms, long degree, const double* tangents,
    const double* stretch, const double* changes, double* out,
) noexcept nogil:
    cdef long kind, q, n, k, b, m, lane, axis
    cdef int lanes[8]
    cdef double unit[24]
    cdef double moving[24]
    cdef double swing[24]
    cdef double along
    cdef double* dspin = w.spin_slopes
    cdef double* dbond = w.bond_slopes
    clear(s, c, w)
    for kind in range(s.n_kinds):
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, w.value, w.slope)
            enter(s, w, lanes, vectors, norms, degree, c.bond_degree, True, unit)
            combine(c, w)
            add_sums(s, c, kind, w.products, w.value, w.radial, w.sums)
            for k in range(s.n_radial):
                for lane in range(8):
                    w.slope[8*k + lane] *= stretch[lanes[lane]]
            add_sums(s, c, kind, w.products, w.slope, w.radial, w.dsums)
            gather(s, lanes, tangents, moving)
            lanes_clear(dspin, c.n_spin)
            lanes_clear(dbond, c.n_bond)
            for axis in range(3):
                for k in range(c.n_spin):
                    for lane in range(8):
                        dspin[8*k + lane] += (
                            moving[8*axis + lane]*w.spin[8*((axis + 1)*c.n_spin + k) + lane]
                        )
            if vectors != NULL:
                for lane in range(8):
                    along = stretch[lanes[lane]]
                    for axis in range(3):
                        swing[8*axis + lane] = (
                            changes[3*lanes[lane] + axis] - along*unit[8*axis + lane]
                        )/s.distances[lanes[lane]]
                for axis in range(3):
                    for k in range(c.n_bond):
                        for lane in range(8):
                            dbond[8*k + lane] += (
                                swing[8*axis + lane]*w.bond[8*((axis + 1)*c.n_bond + k) + lane]
                            )
            for b in range(c.n_bond):
                for m in range(c.n_spin):
                    k = 8*(b*c.n_spin + m)
                    for lane in range(8):
                        w.rates[k + lane] = (
                            dbond[8*b + lane]*w.spin[8*m + lane]
                            + w.bond[8*b + lane]*dspin[8*m + lane]
                        )
            add_sums(s, c, kind, w.rates, w.value, w.radial, w.dsums)
    own_harmonics(s, w, i, norms, degree)
    lanes_clear(dspin, c.n_spin)
    for axis in range(3):
        for k in range(c.n_spin):
            dspin[8*k] += tangents[4*i + axis]*w.own[8*((axis + 1)*c.n_spin + k)]
    multiply(c, w.own, dspin, w.sums, w.dsums, out)


def forward(
    tuple pairs, const double[:, ::1] vectors, tuple couplings, double[:, ::1] scratch,
    double[:, ::1] out,
):
    """Features of every site; ``out`` has to be zero. There is at least one pair."""
    cdef Sites s = sites_of(pairs)
    cdef Couplings c = couplings_of(pairs, couplings)
    cdef const int[::1] offsets = pairs[0]
    cdef const double[::1] norms = couplings[2]
    cdef long degree = couplings[3]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0]
    cdef Work w
    cdef const double* bonds = NULL
    if vectors is not None:
        bonds = <const double*> &vectors[0, 0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                w = work_of(&c, s.n_radial, &scratch[threadid(), 0])
                forward_site(
                    &s, &c, &w, i, offsets[i], offsets[i + 1], bonds, &norms[0], degree, &out[i, 0]
                )


def pull(
    tuple pairs, const double[:, ::1] vectors, tuple couplings, const double[:, ::1] cotangents,
    double[:, ::1] scratch, double[:, ::1] own, double[:, ::1] turn, double[::1] stretch,
    double[:, ::1] gradients,
):
    """Gradients of sum(cotangents * F) by u_i, u_j and r_ij (along it, and across it) of pairs.

    ``own`` is added to; ``turn``, ``stretch`` and ``gradients`` have to be zero. Without
    ``stretch`` (None) the lattice is left out; without ``vectors`` there are no ``gradients``.
    There is at least one pair.
    """
    cdef Sites s = sites_of(pairs)
    cdef Couplings c = couplings_of(pairs, couplings)
    cdef const int[::1] offsets = pairs[0]
    cdef const double[::1] norms = couplings[2]
    cdef long degree = couplings[3]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0]
    cdef Work w
    cdef double* lattice = NULL if stretch is None else &stretch[0]
    cdef double* across = NULL if gradients is None else &gradients[0, 0]
    cdef const double* bonds = NULL
    if vectors is not None:
        bonds = <const double*> &vectors[0, 0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                w = work_of(&c, s.n_radial, &scratch[threadid(), 0])
                pull_site(
                    &s, &c, &w, i, offsets[i], offsets[i + 1], bonds, &norms[0], degree,
                    &cotangents[i, 0], &own[i, 0], &turn[0, 0], lattice, across,
                )


def push(
    tuple pairs, const double[:, ::1] vectors, tuple couplings, const double[:, ::1] tangents,
    const double[::1] stretch, const double[:, ::1] changes, double[:, ::1] scratch,
    double[:, ::1] out,
):
    """Change of the features with u (``tangents``, four columns) and r_ij (``changes``).

    ``stretch`` is the part of the changes along r_ij. ``out`` has to be zero. There is at least
    one pair.
    """
    cdef Sites s = sites_of(pairs)
    cdef Couplings c = couplings_of(pairs, couplings)
    cdef const int[::1] offsets = pairs[0]
    cdef const double[::1] norms = couplings[2]
    cdef long degree = couplings[3]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0]
    cdef Work w
    cdef const double* bonds = NULL
    if vectors is not None:
        bonds = <const double*> &vectors[0, 0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                w = work_of(&c, s.n_radial, &scratch[threadid(), 0])
                push_site(
                    &s, &c, &w, i, offsets[i], offsets[i + 1], bonds, &norms[0], degree,
                    &tangents[0, 0], &stretch[0], &changes[0, 0], &out[i, 0],
                )
