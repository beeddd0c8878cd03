# The neighborhood of one site for moment tensor potentials: radial and magnetic functions, moments.
#
# Neighbors of one kind are taken eight at a time (a block); what belongs to a block is a record of
# rows of eight doubles. Lanes without a neighbor have radial functions of zero.

from lanes cimport (
    lanes_add, lanes_add_product, lanes_clear, lanes_combine, lanes_product, lanes_total,
)


cdef struct Potential:
    long n_kinds
    long n_radial               # Chebyshev polynomials of the distance
    long n_functions            # radial functions f_mu
    long n_channels             # functions of the moments of a pair
    long n_orders               # Chebyshev polynomials of one magnetic variable
    long dimension              # 1: collinear, 3: vectors
    long n_signs                # 2: energies of M and -M are averaged
    long n_basic
    long n_monomials
    long n_moments              # basic moments and their products
    long n_times
    long n_scalars
    long power                  # of the cutoff function
    double shortest
    double cutoff
    const double* coefficients  # [kind of i][kind of j][channel][function][radial]
    const double* linear        # [scalar]
    const int* channels         # [channel][own, neighbor's, product's polynomial, parity]
    const int* basics           # [basic][function, monomial]
    const int* users            # basic moments sorted by monomial
    const int* starts           # [monomial + 1] into users
    const int* monomials        # [monomial][parent, axis, three exponents, three lower ones]
    const int* times            # [product][factor, factor, coefficient, result]
    const int* scalars          # moment of every scalar


cdef struct Neighborhood:
    const int* neighbors
    const int* kinds
    const double* distances
    const int* translation
    const double* translations  # [translation][4], the last one is not read
    const double* positions     # [atom][4]
    const double* scaled        # [atom][dimension], moments over the largest moment


# Rows of a record, in units of eight doubles.
cdef struct Rows:
    long unit, inverse, radial, slope, value, rate, channel, f, df, monomial, moment
    long other, dother, both, dboth
    long radius_rate, unit_rate, channel_rate, f_rate, monomial_rate
    long size


cdef struct Site:
    double* records
    double* sums                # [sign][basic] rows of eight
    double* moments             # [moment][sign], then their tangents
    double* adjoints            # [moment][sign], then their tangents
    double* work                # rows of eight
    double own[64]              # polynomials of the site's moment, slopes from 32
    int* lanes                  # pairs of the lanes, -1: none
    int* block_kinds
    long n_blocks
    long kind
    const double* moment
    const double* position


cdef inline Rows rows_of(const Potential* p, bint tangents) noexcept nogil:
    cdef Rows r
    cdef long pairs = p.n_channels*p.n_functions, signed_ = p.n_signs*p.n_functions
    r.unit = 0
    r.inverse = 24
    r.radial = 32
    r.slope = r.radial + 8*p.n_radial
    r.value = r.slope + 8*p.n_radial
    r.rate = r.value + 8*pairs
    r.channel = r.rate + 8*pairs
    r.f = r.channel + 8*p.n_channels
    r.df = r.f + 8*signed_
    r.monomial = r.df + 8*signed_
    r.moment = r.monomial + 8*p.n_monomials
    r.other = r.moment + 8*p.dimension
    r.dother = r.other + 8*p.n_orders
    r.both = r.dother + 8*p.n_orders
    r.dboth = r.both + 8*p.n_orders
    r.radius_rate = r.dboth + 8*p.n_orders
    r.unit_rate = r.radius_rate + 8
    r.channel_rate = r.unit_rate + 24
    r.f_rate = r.channel_rate + 8*p.n_channels
    r.monomial_rate = r.f_rate + 8*signed_
    r.size = r.monomial_rate + 8*p.n_monomials if tangents else r.radius_rate
    return r


cdef inline void chebyshev(
    const double* x, long n, long lanes, double* value, double* slope
) noexcept nogil:
    """T_k(x) and T_k'(x) of ``lanes`` numbers, k < n; rows of ``lanes`` numbers."""
    cdef long k, row, j
    for j in range(lanes):
        value[j] = 1.0
        slope[j] = 0.0
        if n > 1:
            value[lanes + j] = x[j]
            slope[lanes + j] = 1.0
    for row in range(2, n):
        k = row*lanes
        for j in range(lanes):
            value[k + j] = 2.0*x[j]*value[k - lanes + j] - value[k - 2*lanes + j]
            slope[k + j] = (
                2.0*value[k - lanes + j] + 2.0*x[j]*slope[k - lanes + j] - slope[k - 2*lanes + j]
            )


cdef inline void own_polynomials(const Potential* p, Site* s) noexcept nogil:
    """Polynomials of the site's own moment: of m, or of 2 m^2 - 1 for vectors."""
    cdef double x = s.moment[0]
    if p.dimension == 3:
        x = 2.0*(x*x + s.moment[1]*s.moment[1] + s.moment[2]*s.moment[2]) - 1.0
    chebyshev(&x, p.n_orders, 1, s.own, s.own + 32)


cdef inline void finish_block(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site* s, long kind, long n,
) noexcept nogil:
    """Fill the record of the last block, whose first ``n`` lanes are pairs."""
    cdef double* record = s.records + s.n_blocks*rows.size
    cdef int* lanes = s.lanes + 8*s.n_blocks
    cdef long lane, k, _k, q, c, m, function
    cdef double r, gap, edge
    cdef const double* there
    cdef const double* shift
    cdef double x[8]
    cdef double cut[8]
    cdef double fall[8]
    cdef double* phi = record + rows.radial
    cdef double* dphi = record + rows.slope
    cdef double* channel
    cdef const int* row
    cdef double weight, scale = 2.0/(p.cutoff - p.shortest)
    for lane in range(8):
        q = lanes[lane] if lane < n else lanes[0]
        r = h.distances[q]
        record[rows.inverse + lane] = 1.0/r
        there = h.positions + 4*h.neighbors[q]
        shift = h.translations + 4*h.translation[q]
        for c in range(3):
            record[rows.unit + 8*c + lane] = (there[c] - s.position[c] + shift[c])/r
        for c in range(p.dimension):
            record[rows.moment + 8*c + lane] = h.scaled[p.dimension*h.neighbors[q] + c]
        gap = p.cutoff - r
        edge = 1.0 if lane < n else 0.0
        for _k in range(p.power - 1):
            edge *= gap
        cut[lane] = edge*gap
        fall[lane] = -p.power*edge
        x[lane] = (r - p.shortest)*scale - 1.0
        if lane >= n:
            lanes[lane] = -1
    chebyshev(x, p.n_radial, 8, phi, dphi)
    for k in range(p.n_radial):
        for lane in range(8):
            dphi[8*k + lane] = scale*cut[lane]*dphi[8*k + lane] + fall[lane]*phi[8*k + lane]
            phi[8*k + lane] *= cut[lane]
    lanes_combine(
        p.n_channels*p.n_functions, p.n_radial,
        p.coefficients
        + (s.kind*p.n_kinds + kind)*p.n_channels*p.n_functions*p.n_radial,
        phi, dphi, record + rows.value, record + rows.rate,
    )
    for lane in range(8):
        x[lane] = record[rows.moment + lane]
        if p.dimension == 3:
            x[lane] = 2.0*(
                x[lane]*x[lane] + record[rows.moment + 8 + lane]*record[rows.moment + 8 + lane]
                + record[rows.moment + 16 + lane]*record[rows.moment + 16 + lane]
            ) - 1.0
    chebyshev(x, p.n_orders, 8, record + rows.other, record + rows.dother)
    if p.dimension == 3:
        for lane in range(8):
            x[lane] = (
                s.moment[0]*record[rows.moment + lane] + s.moment[1]*record[rows.moment + 8 + lane]
                + s.moment[2]*record[rows.moment + 16 + lane]
            )
    chebyshev(x, p.n_orders, 8, record + rows.both, record + rows.dboth)
    lanes_clear(record + rows.f, 2*p.n_signs*p.n_functions)
    for c in range(p.n_channels):
        row = p.channels + 4*c
        channel = record + rows.channel + 8*c
        lanes_product(channel, record + rows.other + 8*row[1], record + rows.both + 8*row[2])
        for lane in range(8):
            channel[lane] *= s.own[row[0]]
        for m in range(p.n_signs):
            weight = row[3] if m else 1.0
            for function in range(p.n_functions):
                q = 8*(c*p.n_functions + function)
                k = 8*(m*p.n_functions + function)
                lanes_add_product(
                    record + rows.f + k, weight, channel, record + rows.value + q
                )
                lanes_add_product(
                    record + rows.df + k, weight, channel, record + rows.rate + q
                )
    for lane in range(8):
        record[rows.monomial + lane] = 1.0
    for k in range(1, p.n_monomials):
        row = p.monomials + 8*k
        lanes_product(
            record + rows.monomial + 8*k, record + rows.monomial + 8*row[0],
            record + rows.unit + 8*row[1],
        )
    s.block_kinds[s.n_blocks] = kind
    s.n_blocks += 1


cdef inline void gather(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site* s, long first, long last,
) noexcept nogil:
    """Fill the records of a site whose kind, moment and position are set."""
    cdef long kind, q, n
    s.n_blocks = 0
    own_polynomials(p, s)
    for kind in range(p.n_kinds):
        n = 0
        for q in range(first, last):
            if h.kinds[h.neighbors[q]] == kind and h.distances[q] < p.cutoff:
                s.lanes[8*s.n_blocks + n] = q
                n += 1
                if n == 8:
                    finish_block(p, rows, h, s, kind, n)
                    n = 0
        if n > 0:
            finish_block(p, rows, h, s, kind, n)


cdef inline void basic_moments(
    const Potential* p, const Rows* rows, Site* s, long f, long monomial, double* out,
) noexcept nogil:
    """out[moment][sign] += sum over the neighbors of f[sign][function] monomial."""
    cdef long k, m, block
    cdef const double* fs
    cdef const double* ms
    lanes_clear(s.sums, p.n_signs*p.n_basic)
    for block in range(s.n_blocks):
        fs = s.records + block*rows.size + f
        ms = s.records + block*rows.size + monomial
        for m in range(p.n_signs):
            for k in range(p.n_basic):
                lanes_add_product(
                    s.sums + 8*(m*p.n_basic + k), 1.0,
                    fs + 8*(m*p.n_functions + p.basics[2*k]), ms + 8*p.basics[2*k + 1],
                )
    for k in range(p.n_basic):
        for m in range(p.n_signs):
            out[k*p.n_signs + m] += lanes_total(s.sums + 8*(m*p.n_basic + k))


cdef inline void multiply(const Potential* p, double* moments) noexcept nogil:
    """Add the products of moments, in the order of ``times``."""
    cdef long k, m, a, b, c
    cdef const int* row
    for k in range(p.n_times):
        row = p.times + 4*k
        a = row[0]*p.n_signs
        b = row[1]*p.n_signs
        c = row[3]*p.n_signs
        for m in range(p.n_signs):
            moments[c + m] += row[2]*moments[a + m]*moments[b + m]


cdef inline void divide(
    const Potential* p, const double* moments, double* adjoints
) noexcept nogil:
    """Adjoints of factors from those of products."""
    cdef long k, m, a, b, c
    cdef double g
    cdef const int* row
    for k in range(p.n_times - 1, -1, -1):
        row = p.times + 4*k
        a = row[0]*p.n_signs
        b = row[1]*p.n_signs
        c = row[3]*p.n_signs
        for m in range(p.n_signs):
            g = row[2]*adjoints[c + m]
            if g != 0.0:
                adjoints[a + m] += g*moments[b + m]
                adjoints[b + m] += g*moments[a + m]


cdef inline void pull_functions(
    const Potential* p, const double* adjoints, const double* monomials, double* out,
) noexcept nogil:
    """out[sign][function] += sum of adjoint monomial over the basic moments."""
    cdef long k, m
    for m in range(p.n_signs):
        for k in range(p.n_basic):
            lanes_add(
                out + 8*(m*p.n_functions + p.basics[2*k]), adjoints[k*p.n_signs + m],
                monomials + 8*p.basics[2*k + 1],
            )
