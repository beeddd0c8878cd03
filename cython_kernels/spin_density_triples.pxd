# Products of the sums of a site for three-body spin densities.
#
# Sums A[b][s][r]: harmonics b of the bond, harmonics s of the neighbor's direction, radial
# functions r (kind, then n), with zeros up to a multiple of four: products are made of four r
# at once. Coupling (n0; n1, n2) of the harmonics of the site and two neighbors: F = sum G[m0,
# m1, m2] Y_(n0 m0)(u_i) A[r1][L, M][n1, m1] A[r2][L, M][n2, m2].

from libc.string cimport memset

from quads cimport quads_combine, quads_gram, quads_products, quads_turn

cdef enum:
    WIDE = 9                    # 2*MOST_DEGREE + 1


cdef struct Couplings:
    long n                      # how many
    const int* rows             # [coupling][n0, n1, n2, place in coefficients]
    const double* coefficients  # [m0][m1][m2] of each
    long n_rows                 # radial functions of all kinds
    long stride                 # n_rows, up to a multiple of four
    long n_spin                 # harmonics of the neighbor's direction
    long n_bond                 # harmonics of the bond
    long bond_degree


# Where the arrays of one thread are; rows are eight doubles, quads four.
cdef struct Work:
    double* value               # [n] rows, then zeros up to a multiple of four
    double* slope               # [n] rows, then zeros
    double* radial              # [n/4][eight lanes] quads
    double* products            # [q] rows
    double* rates               # [q] rows
    double* spin                # [s] rows, then three blocks of gradients
    double* bond                # [b] rows, then three blocks of gradients
    double* spin_slopes         # [s] rows
    double* bond_slopes         # [b] rows
    double* own                 # [s] rows, then three blocks of gradients
    double* sums                # [q][r], and room for one quad
    double* dsums               # [q][r], and room for one quad
    double* own_slopes          # [s]
    double* end


cdef inline long quads_of(long n) noexcept nogil:
    return (n + 3)//4


cdef inline Work work_of(const Couplings* c, long n_radial, double* start) noexcept nogil:
    cdef Work w
    cdef long size = c.n_bond*c.n_spin, n_quads = quads_of(n_radial)
    w.value = start
    w.slope = w.value + 32*n_quads
    w.radial = w.slope + 32*n_quads
    w.products = w.radial + 32*n_quads
    w.rates = w.products + 8*size
    w.spin = w.rates + 8*size
    w.bond = w.spin + 32*c.n_spin
    w.spin_slopes = w.bond + 32*c.n_bond
    w.bond_slopes = w.spin_slopes + 8*c.n_spin
    w.own = w.bond_slopes + 8*c.n_bond
    w.sums = w.own + 32*c.n_spin
    w.dsums = w.sums + size*c.stride + 4
    w.own_slopes = w.dsums + size*c.stride + 4
    w.end = w.own_slopes + c.n_spin
    return w


cdef inline void mix(
    const int* row, const double* coefficients, const double* own, double* out
) noexcept nogil:
    """out[m1][m2] = sum_m0 G[m0, m1, m2] Y_(n0 m0); ``own`` has steps of eight."""
    cdef long m, k, size = (2*row[1] + 1)*(2*row[2] + 1)
    cdef const double* g = coefficients + row[3]
    cdef const double* y = own + 8*row[0]*row[0]
    memset(out, 0, size*sizeof(double))
    for m in range(2*row[0] + 1):
        for k in range(size):
            out[k] += g[m*size + k]*y[8*m]


cdef inline void spread(
    const int* row, const double* coefficients, const double* mixed, double* own
) noexcept nogil:
    """own[m0] += sum G[m0, m1, m2] mixed[m1][m2]."""
    cdef long m, k, size = (2*row[1] + 1)*(2*row[2] + 1)
    cdef const double* g = coefficients + row[3]
    cdef double total
    for m in range(2*row[0] + 1):
        total = 0.0
        for k in range(size):
            total += g[m*size + k]*mixed[k]
        own[row[0]*row[0] + m] += total


cdef inline void transpose(long n1, long n2, const double* x, double* out) noexcept nogil:
    cdef long i, k
    for i in range(n1):
        for k in range(n2):
            out[k*n1 + i] = x[i*n2 + k]


cdef inline long place(const int* row, long n_rows, long r2) noexcept nogil:
    """Where products with r2 begin."""
    return r2*(r2 + 1)//2 if row[1] == row[2] else r2*n_rows


cdef inline void multiply(
    const Couplings* c, const double* own, const double* change, const double* sums,
    const double* dsums, double* out,
) noexcept nogil:
    """All F; with ``dsums`` (else NULL) their change with Y(u_i) (``change``) and the sums."""
    cdef long k, degree, r1, r2, m, n1, n2, at, first, full, last, a, b, step = c.stride
    cdef double mixed[WIDE*WIDE]
    cdef double dmixed[WIDE*WIDE]
    cdef double x[WIDE*WIDE*4]
    cdef double dx[WIDE*WIDE*4]
    cdef double tile[16]
    cdef const int* row
    for k in range(c.n):
        row = c.rows + 4*k
        n1 = 2*row[1] + 1
        n2 = 2*row[2] + 1
        mix(row, c.coefficients, own, mixed)
        if dsums != NULL:
            mix(row, c.coefficients, change, dmixed)
        for degree in range(c.bond_degree + 1):
            first = degree*degree*c.n_spin
            full = (2*degree + 1)*n1
            for r2 in range(0, c.n_rows, 4):
                memset(x, 0, 4*full*sizeof(double))
                memset(dx, 0, 4*full*sizeof(double))
                for m in range(2*degree + 1):
                    at = step*(first + m*c.n_spin + row[2]*row[2]) + r2
                    quads_combine(n1, n2, mixed, sums + at, step, x + 4*m*n1, 4)
                    if dsums != NULL:
                        quads_combine(n1, n2, mixed, dsums + at, step, dx + 4*m*n1, 4)
                        quads_combine(n1, n2, dmixed, sums + at, step, dx + 4*m*n1, 4)
                for r1 in range(0, r2 + 1 if row[1] == row[2] else c.n_rows, 4):
                    memset(tile, 0, sizeof(tile))
                    for m in range(2*degree + 1):
                        at = step*(first + m*c.n_spin + row[1]*row[1]) + r1
                        if dsums == NULL:
                            quads_gram(n1, x + 4*m*n1, sums + at, step, tile)
                        else:
                            quads_gram(n1, x + 4*m*n1, dsums + at, step, tile)
                            quads_gram(n1, dx + 4*m*n1, sums + at, step, tile)
                    for a in range(min(4, c.n_rows - r2)):
                        last = r2 + a + 1 if row[1] == row[2] else c.n_rows
                        at = place(row, c.n_rows, r2 + a) + r1
                        for b in range(min(4, last - r1)):
                            out[at + b] = tile[4*a + b]
            out += place(row, c.n_rows, c.n_rows)


cdef inline void divide(
    const Couplings* c, const double* own, const double* sums, const double* cotangents,
    double* own_slopes, double* slopes,
) noexcept nogil:
    """Add the derivatives of sum(cotangents * F) by Y(u_i) and by the sums."""
    cdef long k, degree, r1, r2, m, n1, n2, at, first, full, last, a, b, step = c.stride
    cdef double mixed[WIDE*WIDE]
    cdef double turned[WIDE*WIDE]
    cdef double back[WIDE*WIDE*4]
    cdef double x[WIDE*WIDE*4]
    cdef double h[WIDE*WIDE*4]
    cdef double tile[16]
    cdef double other[16]
    cdef const int* row
    for k in range(c.n):
        row = c.rows + 4*k
        n1 = 2*row[1] + 1
        n2 = 2*row[2] + 1
        mix(row, c.coefficients, own, mixed)
        transpose(n1, n2, mixed, turned)
        memset(back, 0, 4*n1*n2*sizeof(double))
        for degree in range(c.bond_degree + 1):
            first = degree*degree*c.n_spin
            full = (2*degree + 1)*n1
            for r2 in range(0, c.n_rows, 4):
                memset(x, 0, 4*full*sizeof(double))
                memset(h, 0, 4*full*sizeof(double))
                for m in range(2*degree + 1):
                    at = step*(first + m*c.n_spin + row[2]*row[2]) + r2
                    quads_combine(n1, n2, mixed, sums + at, step, x + 4*m*n1, 4)
                for r1 in range(0, r2 + 1 if row[1] == row[2] else c.n_rows, 4):
                    memset(tile, 0, sizeof(tile))
                    for a in range(min(4, c.n_rows - r2)):
                        last = r2 + a + 1 if row[1] == row[2] else c.n_rows
                        at = place(row, c.n_rows, r2 + a) + r1
                        for b in range(min(4, last - r1)):
                            tile[4*a + b] = cotangents[at + b]
                    transpose(4, 4, tile, other)
                    for m in range(2*degree + 1):
                        at = step*(first + m*c.n_spin + row[1]*row[1]) + r1
                        quads_turn(n1, x + 4*m*n1, 4, tile, slopes + at, step)
                        quads_turn(n1, sums + at, step, other, h + 4*m*n1, 4)
                for m in range(2*degree + 1):
                    at = step*(first + m*c.n_spin + row[2]*row[2]) + r2
                    quads_combine(n2, n1, turned, h + 4*m*n1, 4, slopes + at, step)
                    quads_products(n1, n2, h + 4*m*n1, sums + at, step, back)
            cotangents += place(row, c.n_rows, c.n_rows)
        for m in range(n1*n2):
            mixed[m] = (back[4*m] + back[4*m + 2]) + (back[4*m + 1] + back[4*m + 3])
        spread(row, c.coefficients, mixed, own_slopes)
