# Products of the sums of a site for three-body spin densities.
#
# Sums A[r][b][s]: radial functions r (kind, then n), harmonics b of the bond, harmonics s of the
# neighbor's direction. Coupling (n0; n1, n2) of the harmonics of the site and two neighbors:
# F = sum G[m0, m1, m2] Y_(n0 m0)(u_i) A[r1][L, M][n1, m1] A[r2][L, M][n2, m2].

from libc.string cimport memset

cdef enum:
    WIDE = 9                    # 2*MOST_DEGREE + 1


cdef struct Couplings:
    long n                      # how many
    const int* rows             # [coupling][n0, n1, n2, place in coefficients]
    const double* coefficients  # [m0][m1][m2] of each
    long n_rows                 # radial functions of all kinds
    long n_spin                 # harmonics of the neighbor's direction
    long n_bond                 # harmonics of the bond
    long bond_degree


# Where the arrays of one thread are; rows are eight doubles.
cdef struct Work:
    double* totals              # [n][q] rows, then as many for tangents
    double* value               # [n] rows
    double* slope               # [n] rows
    double* products            # [q] rows
    double* rates               # [q] rows
    double* spin                # [s] rows, then three blocks of gradients
    double* bond                # [b] rows, then three blocks of gradients
    double* spin_slopes         # [s] rows
    double* bond_slopes         # [b] rows
    double* own                 # [s] rows, then three blocks of gradients
    double* sums                # [k][n][q]
    double* dsums               # [k][n][q]
    double* turned              # [q][n]
    double* own_slopes          # [s]
    double* end


cdef inline Work work_of(const Couplings* c, long n_radial, double* start) noexcept nogil:
    cdef Work w
    cdef long size = c.n_bond*c.n_spin
    w.totals = start
    w.value = w.totals + 16*n_radial*size
    w.slope = w.value + 8*n_radial
    w.products = w.slope + 8*n_radial
    w.rates = w.products + 8*size
    w.spin = w.rates + 8*size
    w.bond = w.spin + 32*c.n_spin
    w.spin_slopes = w.bond + 32*c.n_bond
    w.bond_slopes = w.spin_slopes + 8*c.n_spin
    w.own = w.bond_slopes + 8*c.n_bond
    w.sums = w.own + 32*c.n_spin
    w.dsums = w.sums + c.n_rows*size
    w.turned = w.dsums + c.n_rows*size
    w.own_slopes = w.turned + n_radial*size
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


cdef inline void half(
    long n1, long n2, const double* mixed, const double* sums, double* out
) noexcept nogil:
    """out[m1] += sum_m2 mixed[m1][m2] sums[m2]."""
    cdef long i, k
    for i in range(n1):
        for k in range(n2):
            out[i] += mixed[i*n2 + k]*sums[k]


cdef inline double inner(long n, const double* x, const double* y) noexcept nogil:
    cdef double total = 0.0
    cdef long k
    for k in range(n):
        total += x[k]*y[k]
    return total


cdef inline void multiply(
    const Couplings* c, const double* own, const double* change, const double* sums,
    const double* dsums, double* out,
) noexcept nogil:
    """All F; with ``dsums`` (else NULL) their change with Y(u_i) (``change``) and the sums."""
    cdef long k, degree, r1, r2, m, n1, n2, at, size = c.n_bond*c.n_spin
    cdef double mixed[WIDE*WIDE]
    cdef double dmixed[WIDE*WIDE]
    cdef double b[WIDE*WIDE]
    cdef double db[WIDE*WIDE]
    cdef double value
    cdef const int* row
    for k in range(c.n):
        row = c.rows + 4*k
        n1 = 2*row[1] + 1
        n2 = 2*row[2] + 1
        mix(row, c.coefficients, own, mixed)
        if dsums != NULL:
            mix(row, c.coefficients, change, dmixed)
        for degree in range(c.bond_degree + 1):
            for r2 in range(c.n_rows):
                memset(b, 0, sizeof(b))
                memset(db, 0, sizeof(db))
                for m in range(2*degree + 1):
                    at = r2*size + (degree*degree + m)*c.n_spin + row[2]*row[2]
                    half(n1, n2, mixed, sums + at, b + m*n1)
                    if dsums != NULL:
                        half(n1, n2, mixed, dsums + at, db + m*n1)
                        half(n1, n2, dmixed, sums + at, db + m*n1)
                for r1 in range(r2 + 1 if row[1] == row[2] else c.n_rows):
                    value = 0.0
                    for m in range(2*degree + 1):
                        at = r1*size + (degree*degree + m)*c.n_spin + row[1]*row[1]
                        if dsums == NULL:
                            value += inner(n1, sums + at, b + m*n1)
                        else:
                            value += inner(n1, dsums + at, b + m*n1)
                            value += inner(n1, sums + at, db + m*n1)
                    out[0] = value
                    out += 1


cdef inline void divide(
    const Couplings* c, const double* own, const double* sums, const double* cotangents,
    double* own_slopes, double* slopes,
) noexcept nogil:
    """Add the derivatives of sum(cotangents * F) by Y(u_i) and by the sums."""
    cdef long k, degree, r1, r2, m, i, j, n1, n2, at, size = c.n_bond*c.n_spin
    cdef double mixed[WIDE*WIDE]
    cdef double back[WIDE*WIDE]
    cdef double b[WIDE*WIDE]
    cdef double h[WIDE*WIDE]
    cdef double g
    cdef const int* row
    for k in range(c.n):
        row = c.rows + 4*k
        n1 = 2*row[1] + 1
        n2 = 2*row[2] + 1
        mix(row, c.coefficients, own, mixed)
        memset(back, 0, sizeof(back))
        for degree in range(c.bond_degree + 1):
            for r2 in range(c.n_rows):
                memset(b, 0, sizeof(b))
                memset(h, 0, sizeof(h))
                for m in range(2*degree + 1):
                    at = r2*size + (degree*degree + m)*c.n_spin + row[2]*row[2]
                    half(n1, n2, mixed, sums + at, b + m*n1)
                for r1 in range(r2 + 1 if row[1] == row[2] else c.n_rows):
                    g = cotangents[0]
                    cotangents += 1
                    for m in range(2*degree + 1):
                        at = r1*size + (degree*degree + m)*c.n_spin + row[1]*row[1]
                        for i in range(n1):
                            slopes[at + i] += g*b[m*n1 + i]
                            h[m*n1 + i] += g*sums[at + i]
                for m in range(2*degree + 1):
                    at = r2*size + (degree*degree + m)*c.n_spin + row[2]*row[2]
                    for i in range(n1):
                        g = h[m*n1 + i]
                        for j in range(n2):
                            slopes[at + j] += g*mixed[i*n2 + j]
                            back[i*n2 + j] += g*sums[at + j]
        spread(row, c.coefficients, back, own_slopes)
