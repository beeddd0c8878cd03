"""Moments of the products of two directions and the bond between them, and their derivatives.

S_i[k, n, m] = sum_j f(r) sin(n pi r/R)/r a^p b^q c^s t^v over the neighbors j of kind k, r < R,
a = u_i.u_j, b = u_i.e, c = u_j.e, t = e.(u_i x u_j), e = r_ij/r, with the exponents
(p, q, s, v) = exponents[m], v < 2, the others below ``MOST``.
``pairs`` is the tuple of ``spin_density``; ``vectors`` are r_ij.
``scratch`` has one row for each thread, of ``scratch_size(n_radial, n_monomials)`` numbers.
"""

from cython.parallel cimport prange, threadid
from libc.string cimport memset

from lanes cimport lanes_clear, lanes_combine, lanes_outer, lanes_total
from spin_density cimport Sites, dot, gather, radial_block, sites_of, take

cdef enum:
    MOST = 5                    # powers of a product


# The products of eight pairs, their powers and the vectors that they are made of.
cdef struct Block:
    double[24] bond             # e
    double[24] there            # u_j
    double[24] normal           # u_i x u_j
    double[8] inverse           # 1/r
    double[160] powers          # [a, b, c, t][power] rows


cdef inline void cross(const double* u, const double* rows, double* out) noexcept nogil:
    """out = u x v of the eight vectors in three rows."""
    cdef long lane
    for lane in range(8):
        out[lane] = u[1]*rows[16 + lane] - u[2]*rows[8 + lane]
        out[8 + lane] = u[2]*rows[lane] - u[0]*rows[16 + lane]
        out[16 + lane] = u[0]*rows[8 + lane] - u[1]*rows[lane]


cdef inline void dots(const double* x, const double* y, double* out) noexcept nogil:
    """out = x.y of eight pairs of vectors in three rows each."""
    cdef long lane
    for lane in range(8):
        out[lane] = x[lane]*y[lane] + x[8 + lane]*y[8 + lane] + x[16 + lane]*y[16 + lane]


cdef inline void enter(
    const Sites* s, const int* lanes, const double* vectors, const double* own, Block* b
) noexcept nogil:
    """Fill the block of eight pairs."""
    cdef long lane, c, k
    cdef double* row
    for lane in range(8):
        b.inverse[lane] = 1.0/s.distances[lanes[lane]]
        for c in range(3):
            b.bond[8*c + lane] = vectors[3*lanes[lane] + c]*b.inverse[lane]
    gather(s, lanes, s.directions, b.there)
    cross(own, b.there, b.normal)
    dot(own, b.there, b.powers + 8)
    dot(own, b.bond, b.powers + 8*(MOST + 1))
    dots(b.there, b.bond, b.powers + 8*(2*MOST + 1))
    dots(b.bond, b.normal, b.powers + 8*(3*MOST + 1))
    for c in range(4):
        row = b.powers + 8*MOST*c
        for lane in range(8):
            row[lane] = 1.0
        for k in range(16, 8*MOST, 8):
            for lane in range(8):
                row[k + lane] = row[k - 8 + lane]*row[8 + lane]


cdef inline void monomials(
    const Block* b, const int* exponents, long n, double* out
) noexcept nogil:
    cdef long m, lane
    cdef const double* x
    cdef const double* y
    cdef const double* z
    cdef const double* w
    for m in range(n):
        x = b.powers + 8*exponents[4*m]
        y = b.powers + 8*(MOST + exponents[4*m + 1])
        z = b.powers + 8*(2*MOST + exponents[4*m + 2])
        w = b.powers + 8*(3*MOST + exponents[4*m + 3])
        for lane in range(8):
            out[8*m + lane] = x[lane]*y[lane]*z[lane]*w[lane]


cdef inline void slopes(
    const Block* b, const int* exponents, long axis, double* out
) noexcept nogil:
    """The derivative of one monomial by a, b, c or t (``axis``), whose exponent is not 0."""
    cdef long k, lane, power
    cdef const double* x
    for lane in range(8):
        out[lane] = exponents[axis]
    for k in range(4):
        power = exponents[k] - 1 if k == axis else exponents[k]
        if power > 0:
            x = b.powers + 8*(MOST*k + power)
            for lane in range(8):
                out[lane] *= x[lane]


def scratch_size(long n_radial, long n_monomials):
    """Number of doubles that one thread needs."""
    return 8*(n_radial*n_monomials + 2*n_radial + 4*n_monomials)


cdef void forward_site(
    const Sites* s, long i, long first, long last, const double* vectors, const int* exponents,
    long n_monomials, double* work, double* out,
) noexcept nogil:
    cdef long kind, q, n, k, size = s.n_radial*n_monomials
    cdef int lanes[8]
    cdef Block b
    cdef double* value = work + 8*size
    cdef double* products = value + 8*s.n_radial
    for kind in range(s.n_kinds):
        lanes_clear(work, size)
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, value, NULL)
            enter(s, lanes, vectors, s.directions + 4*i, &b)
            monomials(&b, exponents, n_monomials, products)
            lanes_outer(s.n_radial, n_monomials, value, products, work)
        for k in range(size):
            out[kind*size + k] = lanes_total(work + 8*k)


cdef void pull_site(
    const Sites* s, long i, long first, long last, const double* vectors, const int* exponents,
    long n_monomials, const double* cotangents, double* work, double* own, double* turn,
    double* pairs,
) noexcept nogil:
    """own and turn: gradients by u_i and u_j; pairs (or NULL): by r_ij."""
    cdef long kind, q, n, k, c, axis, lane, p, size = s.n_radial*n_monomials
    cdef int lanes[8]
    cdef Block b
    cdef double g[32]
    cdef double x[8]
    cdef double stretch[8]
    cdef double mine[24]
    cdef double aside[24]
    cdef double along
    cdef double* value = work
    cdef double* slope = value + 8*s.n_radial
    cdef double* products = slope + 8*s.n_radial
    cdef double* weights = products + 8*n_monomials
    cdef double* rates = weights + 8*n_monomials
    cdef const double* u = s.directions + 4*i
    memset(mine, 0, sizeof(mine))
    for kind in range(s.n_kinds):
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, value, NULL if pairs == NULL else slope)
            enter(s, lanes, vectors, u, &b)
            lanes_combine(
                n_monomials, s.n_radial, cotangents + kind*size, value,
                value if pairs == NULL else slope, weights, rates,
            )
            lanes_clear(g, 4)
            for k in range(n_monomials):
                for axis in range(4):
                    if exponents[4*k + axis] > 0:
                        slopes(&b, exponents + 4*k, axis, x)
                        for lane in range(8):
                            g[8*axis + lane] += weights[8*k + lane]*x[lane]
            # dt/du_j = e x u_i, dt/du_i = u_j x e.
            cross(u, b.bond, aside)
            for c in range(3):
                for lane in range(n):
                    turn[3*lanes[lane] + c] = (
                        g[lane]*u[c] + g[16 + lane]*b.bond[8*c + lane]
                        - g[24 + lane]*aside[8*c + lane]
                    )
                for lane in range(8):
                    mine[8*c + lane] += (
                        g[lane]*b.there[8*c + lane] + g[8 + lane]*b.bond[8*c + lane]
                        + g[24 + lane]*(
                            b.there[8*((c + 1) % 3) + lane]*b.bond[8*((c + 2) % 3) + lane]
                            - b.there[8*((c + 2) % 3) + lane]*b.bond[8*((c + 1) % 3) + lane]
                        )
                    )
            if pairs == NULL:
                continue
            monomials(&b, exponents, n_monomials, products)
            lanes_clear(stretch, 1)
            for k in range(n_monomials):
                for lane in range(8):
                    stretch[lane] += rates[8*k + lane]*products[8*k + lane]
            for lane in range(n):
                p = 3*lanes[lane]
                along = stretch[lane] - b.inverse[lane]*(
                    g[8 + lane]*b.powers[8*(MOST + 1) + lane]
                    + g[16 + lane]*b.powers[8*(2*MOST + 1) + lane]
                    + g[24 + lane]*b.powers[8*(3*MOST + 1) + lane]
                )
                for c in range(3):
                    pairs[p + c] = along*b.bond[8*c + lane] + b.inverse[lane]*(
                        g[8 + lane]*u[c] + g[16 + lane]*b.there[8*c + lane]
                        + g[24 + lane]*b.normal[8*c + lane]
                    )
    for c in range(3):
        own[c] += lanes_total(mine + 8*c)


cdef void push_site(
    const Sites* s, long i, long first, long last, const double* vectors, const int* exponents,
    long n_monomials, const double* tangents, const double* changes, double* work, double* out,
) noexcept nogil:
    cdef long kind, q, n, k, c, axis, lane, size = s.n_radial*n_monomials
    cdef int lanes[8]
    cdef Block b
    cdef double d[32]
    cdef double x[8]
    cdef double y[8]
    cdef double stretch[8]
    cdef double moving[24]
    cdef double swing[24]
    cdef double aside[24]
    cdef double* value = work + 8*size
    cdef double* slope = value + 8*s.n_radial
    cdef double* products = slope + 8*s.n_radial
    cdef double* rates = products + 8*n_monomials
    cdef const double* u = s.directions + 4*i
    cdef const double* du = tangents + 4*i
    for kind in range(s.n_kinds):
        lanes_clear(work, size)
        q = first
        while True:
            n = take(s, kind, &q, last, lanes)
            if n == 0:
                break
            radial_block(s, lanes, n, value, slope)
            enter(s, lanes, vectors, u, &b)
            gather(s, lanes, tangents, moving)
            for c in range(3):
                for lane in range(8):
                    swing[8*c + lane] = changes[3*lanes[lane] + c]
            dots(b.bond, swing, stretch)
            for c in range(3):
                for lane in range(8):
                    swing[8*c + lane] = b.inverse[lane]*(
                        swing[8*c + lane] - stretch[lane]*b.bond[8*c + lane]
                    )
            dot(u, moving, d)
            dot(du, b.there, x)
            dot(u, swing, d + 8)
            dot(du, b.bond, y)
            for lane in range(8):
                d[lane] += x[lane]
                d[8 + lane] += y[lane]
            dots(moving, b.bond, d + 16)
            dots(b.there, swing, x)
            for lane in range(8):
                d[16 + lane] += x[lane]
            dots(swing, b.normal, d + 24)
            cross(du, b.there, aside)
            dots(b.bond, aside, x)
            cross(u, moving, aside)
            dots(b.bond, aside, y)
            for lane in range(8):
                d[24 + lane] += x[lane] + y[lane]
            monomials(&b, exponents, n_monomials, products)
            lanes_clear(rates, n_monomials)
            for k in range(n_monomials):
                for axis in range(4):
                    if exponents[4*k + axis] > 0:
                        slopes(&b, exponents + 4*k, axis, x)
                        for lane in range(8):
                            rates[8*k + lane] += d[8*axis + lane]*x[lane]
            for k in range(s.n_radial):
                for lane in range(8):
                    slope[8*k + lane] *= stretch[lane]
            lanes_outer(s.n_radial, n_monomials, value, rates, work)
            lanes_outer(s.n_radial, n_monomials, slope, products, work)
        for k in range(size):
            out[kind*size + k] = lanes_total(work + 8*k)


def forward(
    tuple pairs, const double[:, ::1] vectors, const int[:, ::1] exponents,
    double[:, ::1] scratch, double[:, ::1] out,
):
    """The moments [k][n][m] of every site; ``out`` has to be zero. There is at least one pair."""
    cdef Sites s = sites_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef long n_monomials = exponents.shape[0]
    cdef int threads = scratch.shape[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                forward_site(
                    &s, i, offsets[i], offsets[i + 1], &vectors[0, 0], &exponents[0, 0],
                    n_monomials, &scratch[threadid(), 0], &out[i, 0],
                )


def pull(
    tuple pairs, const double[:, ::1] vectors, const int[:, ::1] exponents,
    const double[:, ::1] cotangents, double[:, ::1] scratch, double[:, ::1] own,
    double[:, ::1] turn, double[:, ::1] gradients,
):
    """Gradients of sum(cotangents * S), cotangents [k][m][n], by u_i, u_j and r_ij of every pair.

    ``own`` is added to; ``turn`` and ``gradients`` (None: not wanted) have to be zero. There is at
    least one pair.
    """
    cdef Sites s = sites_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef long n_monomials = exponents.shape[0]
    cdef int threads = scratch.shape[0]
    cdef double* lattice = NULL if gradients is None else &gradients[0, 0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                pull_site(
                    &s, i, offsets[i], offsets[i + 1], &vectors[0, 0], &exponents[0, 0],
                    n_monomials, &cotangents[i, 0], &scratch[threadid(), 0], &own[i, 0],
                    &turn[0, 0], lattice,
                )


def push(
    tuple pairs, const double[:, ::1] vectors, const int[:, ::1] exponents,
    const double[:, ::1] tangents, const double[:, ::1] changes, double[:, ::1] scratch,
    double[:, ::1] out,
):
    """Change of the moments with u (``tangents``, four columns) and r_ij (``changes``).

    ``out`` has to be zero. There is at least one pair.
    """
    cdef Sites s = sites_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef long n_monomials = exponents.shape[0]
    cdef int threads = scratch.shape[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            if s.kinds[i] >= 0:
                push_site(
                    &s, i, offsets[i], offsets[i + 1], &vectors[0, 0], &exponents[0, 0],
                    n_monomials, &tangents[0, 0], &changes[0, 0], &scratch[threadid(), 0],
                    &out[i, 0],
                )
