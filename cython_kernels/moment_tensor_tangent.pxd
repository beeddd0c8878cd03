# Tangents of the moments of a site, and parameter derivatives by reverse over forward.

from lanes cimport lanes_add, lanes_add_product, lanes_clear, lanes_product, lanes_spread
from moment_tensor_site cimport (
    Neighborhood, Potential, Rows, Site, basic_moments, pull_functions,
)


cdef inline void multiply_tangent(
    const Potential* p, const double* moments, double* rates
) noexcept nogil:
    """Add the tangents of the products of moments."""
    cdef long k, m, a, b, c
    cdef const int* row
    for k in range(p.n_times):
        row = p.times + 4*k
        a = row[0]*p.n_signs
        b = row[1]*p.n_signs
        c = row[3]*p.n_signs
        for m in range(p.n_signs):
            rates[c + m] += row[2]*(moments[a + m]*rates[b + m] + rates[a + m]*moments[b + m])


cdef inline void divide_tangent(
    const Potential* p, const double* moments, const double* rates, double* adjoints,
    double* second,
) noexcept nogil:
    """Adjoints of factors from those of products, and the tangents of these adjoints."""
    cdef long k, m, a, b, c
    cdef double g, dg
    cdef const int* row
    for k in range(p.n_times - 1, -1, -1):
        row = p.times + 4*k
        a = row[0]*p.n_signs
        b = row[1]*p.n_signs
        c = row[3]*p.n_signs
        for m in range(p.n_signs):
            g = row[2]*adjoints[c + m]
            dg = row[2]*second[c + m]
            adjoints[a + m] += g*moments[b + m]
            adjoints[b + m] += g*moments[a + m]
            second[a + m] += dg*moments[b + m] + g*rates[b + m]
            second[b + m] += dg*moments[a + m] + g*rates[a + m]


cdef inline void tangents_of_pairs(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site* s, long i, long block,
    const double* forces, const double* virials, const double* turns, double* rates,
) noexcept nogil:
    """Tangents of radius, unit vector and of the three magnetic variables (rows of ``rates``)."""
    cdef double* record = s.records + block*rows.size
    cdef const double* turn = turns + i*p.dimension
    cdef const double* other
    cdef double t[3]
    cdef double pace
    cdef long lane, q, c, a, j
    for lane in range(8):
        q = s.lanes[8*block + lane]
        if q < 0:
            record[rows.radius_rate + lane] = 0.0
            for c in range(3):
                record[rows.unit_rate + 8*c + lane] = 0.0
                rates[8*c + lane] = 0.0
            continue
        j = h.neighbors[q]
        pace = 0.0
        for c in range(3):
            t[c] = 0.0
            if forces != NULL:
                t[c] += forces[3*i + c] - forces[3*j + c]
            if virials != NULL:
                for a in range(3):
                    t[c] += virials[9*i + 3*a + c]*record[rows.unit + 8*a + lane]*h.distances[q]
            pace += t[c]*record[rows.unit + 8*c + lane]
        record[rows.radius_rate + lane] = pace
        for c in range(3):
            record[rows.unit_rate + 8*c + lane] = record[rows.inverse + lane]*(
                t[c] - pace*record[rows.unit + 8*c + lane]
            )
        other = turns + j*p.dimension
        if p.dimension == 1:
            rates[lane] = turn[0]
            rates[8 + lane] = other[0]
            rates[16 + lane] = 0.0
        else:
            rates[lane] = 0.0
            rates[8 + lane] = 0.0
            rates[16 + lane] = 0.0
            for c in range(3):
                rates[lane] += 4.0*s.moment[c]*turn[c]
                rates[8 + lane] += 4.0*record[rows.moment + 8*c + lane]*other[c]
                rates[16 + lane] += (
                    turn[c]*record[rows.moment + 8*c + lane] + s.moment[c]*other[c]
                )


cdef inline void push_site(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site* s, long i,
    const double* forces, const double* virials, const double* turns, double* out,
) noexcept nogil:
    """Fill the tangents of all records, and add those of the basic moments to ``out``."""
    cdef long block, c, k, m, function
    cdef double weight
    cdef double* record
    cdef double* rates = s.work
    cdef double* x = rates + 24
    cdef double* y = x + 8
    cdef double* z = y + 8
    cdef double* target
    cdef const int* row
    for block in range(s.n_blocks):
        record = s.records + block*rows.size
        tangents_of_pairs(p, rows, h, s, i, block, forces, virials, turns, rates)
        lanes_clear(record + rows.f_rate, p.n_signs*p.n_functions)
        for c in range(p.n_channels):
            row = p.channels + 4*c
            lanes_clear(z, 1)
            lanes_product(x, record + rows.other + 8*row[1], record + rows.both + 8*row[2])
            lanes_add_product(z, s.own[32 + row[0]], x, rates)
            lanes_product(x, record + rows.dother + 8*row[1], record + rows.both + 8*row[2])
            lanes_add_product(z, s.own[row[0]], x, rates + 8)
            lanes_product(x, record + rows.other + 8*row[1], record + rows.dboth + 8*row[2])
            lanes_add_product(z, s.own[row[0]], x, rates + 16)
            lanes_clear(record + rows.channel_rate + 8*c, 1)
            lanes_add(record + rows.channel_rate + 8*c, 1.0, z)
            lanes_product(y, record + rows.channel + 8*c, record + rows.radius_rate)
            for m in range(p.n_signs):
                weight = row[3] if m else 1.0
                for function in range(p.n_functions):
                    k = 8*(c*p.n_functions + function)
                    target = record + rows.f_rate + 8*(m*p.n_functions + function)
                    lanes_add_product(target, weight, z, record + rows.value + k)
                    lanes_add_product(target, weight, y, record + rows.rate + k)
        lanes_clear(record + rows.monomial_rate, 1)
        for k in range(1, p.n_monomials):
            row = p.monomials + 8*k
            target = record + rows.monomial_rate + 8*k
            lanes_product(
                target, record + rows.monomial_rate + 8*row[0], record + rows.unit + 8*row[1]
            )
            lanes_add_product(
                target, 1.0, record + rows.monomial + 8*row[0],
                record + rows.unit_rate + 8*row[1],
            )
    basic_moments(p, rows, s, rows.f_rate, rows.monomial, out)
    basic_moments(p, rows, s, rows.f, rows.monomial_rate, out)


cdef inline void spread_site(
    const Potential* p, const Rows* rows, Site* s, const double* values, double* out,
) noexcept nogil:
    """Derivatives by the coefficients, eight lanes each.

    ``values`` are the adjoints of the basic moments, those of their tangents are in the site.
    """
    cdef long block, c, m, function, n = p.n_signs*p.n_functions
    cdef double weight
    cdef double* record
    cdef double* value = s.work
    cdef double* rate = value + 8*n
    cdef double* x = rate + 8*n
    cdef double* y = x + 8
    cdef double* a = y + 8
    cdef double* b = a + 8
    cdef double* target
    for block in range(s.n_blocks):
        record = s.records + block*rows.size
        lanes_clear(value, 2*n)
        pull_functions(p, values, record + rows.monomial, value)
        pull_functions(p, s.adjoints, record + rows.monomial_rate, value)
        pull_functions(p, s.adjoints, record + rows.monomial, rate)
        target = out + 8*p.n_radial*p.n_functions*p.n_channels*(
            s.kind*p.n_kinds + s.block_kinds[block]
        )
        for c in range(p.n_channels):
            for function in range(p.n_functions):
                lanes_clear(x, 4)
                for m in range(p.n_signs):
                    weight = p.channels[4*c + 3] if m else 1.0
                    lanes_add(x, weight, value + 8*(m*p.n_functions + function))
                    lanes_add(y, weight, rate + 8*(m*p.n_functions + function))
                lanes_add_product(a, 1.0, x, record + rows.channel + 8*c)
                lanes_add_product(a, 1.0, y, record + rows.channel_rate + 8*c)
                lanes_product(b, y, record + rows.channel + 8*c)
                lanes_product(b, b, record + rows.radius_rate)
                lanes_spread(
                    p.n_radial, a, b, record + rows.radial, record + rows.slope, target
                )
                target += 8*p.n_radial
