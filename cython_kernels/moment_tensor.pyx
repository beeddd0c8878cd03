"""Moment tensor potentials: E_i = sum_a xi_a B_a, B_a the contractions of M_mu = sum_j f_mu u^n.

f_mu = sum c[channel, mu, k] T_k(r) (R - r)^power T(own moment) T(neighbor's) T(product), u = r/|r|.
``tables`` is a tuple of the arrays of ``struct Potential``: sizes, (shortest, cutoff),
coefficients, linear, channels, basics, users, starts, monomials, times, scalars.
``pairs`` is a tuple: offsets, neighbors, kinds, distances, translation of every pair, translations
and positions (padded to four columns), scaled moments.
``scratch`` and ``lanes`` have one row for each thread, of ``scratch_sizes(tables, most)`` numbers,
where ``most`` is the largest number of pairs of a site.
"""

from cython.parallel cimport prange, threadid
from libc.string cimport memset

from lanes cimport lanes_add, lanes_add_product, lanes_clear, lanes_product, lanes_total
from moment_tensor_site cimport (
    Neighborhood, Potential, Rows, Site, basic_moments, divide, gather, multiply, rows_of,
)
from moment_tensor_tangent cimport divide_tangent, multiply_tangent, push_site, spread_site


cdef Potential potential_of(tuple tables):
    """Addresses of the arrays, which ``tables`` keeps alive."""
    cdef const int[::1] sizes = tables[0]
    cdef const double[::1] range_ = tables[1]
    cdef const double[::1] coefficients = tables[2]
    cdef const double[::1] linear = tables[3]
    cdef const int[:, ::1] channels = tables[4]
    cdef const int[:, ::1] basics = tables[5]
    cdef const int[::1] users = tables[6]
    cdef const int[::1] starts = tables[7]
    cdef const int[:, ::1] monomials = tables[8]
    cdef const int[:, ::1] times = tables[9]
    cdef const int[::1] scalars = tables[10]
    cdef Potential p
    p.n_kinds = sizes[0]
    p.n_radial = sizes[1]
    p.n_functions = sizes[2]
    p.n_orders = sizes[3]
    p.dimension = sizes[4]
    p.n_signs = sizes[5]
    p.n_moments = sizes[6]
    p.power = sizes[7]
    p.n_channels = channels.shape[0]
    p.n_basic = basics.shape[0]
    p.n_monomials = monomials.shape[0]
    p.n_times = times.shape[0]
    p.n_scalars = scalars.shape[0]
    p.shortest = range_[0]
    p.cutoff = range_[1]
    p.coefficients = &coefficients[0]
    p.linear = &linear[0]
    p.channels = &channels[0, 0]
    p.basics = &basics[0, 0]
    p.users = &users[0]
    p.starts = &starts[0]
    p.monomials = &monomials[0, 0]
    p.times = &times[0, 0]
    p.scalars = &scalars[0]
    return p


cdef Neighborhood neighborhood_of(tuple pairs):
    cdef const int[::1] neighbors = pairs[1]
    cdef const int[::1] kinds = pairs[2]
    cdef const double[::1] distances = pairs[3]
    cdef const int[::1] translation = pairs[4]
    cdef const double[:, ::1] translations = pairs[5]
    cdef const double[:, ::1] positions = pairs[6]
    cdef const double[:, ::1] scaled = pairs[7]
    cdef Neighborhood h
    h.neighbors = &neighbors[0]
    h.kinds = &kinds[0]
    h.distances = &distances[0]
    h.translation = &translation[0]
    h.translations = &translations[0, 0]
    h.positions = &positions[0, 0]
    h.scaled = &scaled[0, 0]
    return h


cdef inline long coefficients_of(const Potential* p) noexcept nogil:
    return p.n_kinds*p.n_kinds*p.n_channels*p.n_functions*p.n_radial


cdef inline long work_size(const Potential* p) noexcept nogil:
    return 8*(4*p.n_signs*p.n_functions + 24)


def scratch_sizes(tuple tables, long most, bint tangents=False):
    """Numbers of doubles and of ints that one thread needs."""
    cdef Potential p = potential_of(tables)
    cdef Rows rows = rows_of(&p, tangents)
    cdef long blocks = most//8 + p.n_kinds, size = blocks*rows.size
    size += 8*p.n_signs*p.n_basic + 4*p.n_moments*p.n_signs + work_size(&p)
    if tangents:
        size += 8*coefficients_of(&p)
    return size, 9*blocks


cdef inline Site site_of(
    const Potential* p, const Rows* rows, double* scratch, int* lanes, long most
) noexcept nogil:
    cdef Site s
    cdef long blocks = most//8 + p.n_kinds
    s.records = scratch
    s.sums = s.records + blocks*rows.size
    s.moments = s.sums + 8*p.n_signs*p.n_basic
    s.adjoints = s.moments + 2*p.n_moments*p.n_signs
    s.work = s.adjoints + 2*p.n_moments*p.n_signs
    s.lanes = lanes
    s.block_kinds = lanes + 8*blocks
    return s


cdef inline void enter(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site* s, long i, const int* offsets
) noexcept nogil:
    """Records, moments and their products of site i."""
    s.kind = h.kinds[i]
    s.moment = h.scaled + i*p.dimension
    s.position = h.positions + 4*i
    gather(p, rows, h, s, offsets[i], offsets[i + 1])
    memset(s.moments, 0, p.n_moments*p.n_signs*sizeof(double))
    basic_moments(p, rows, s, rows.f, rows.monomial, s.moments)
    multiply(p, s.moments)


cdef void pull_site(
    const Potential* p, const Rows* rows, Site* s, double* own, double* turn, double* pairs,
) noexcept nogil:
    """Gradients of the scalar whose adjoints are given, by own and neighbors' moments and r_ij.

    ``own`` is added to; ``turn`` and ``pairs`` (NULL: not wanted) are set for pairs in range.
    """
    cdef long block, k, lane, m, c, q, function, d = p.dimension
    cdef double g, radial, weight
    cdef const int* row
    cdef double* record
    cdef double* back = s.work
    cdef double* gradient = back + 8*p.n_signs*p.n_functions
    cdef double* total = gradient + 24
    cdef double* slopes = total + 8
    cdef double* stretch = slopes + 24
    cdef double* channel = stretch + 8
    cdef double* folded = channel + 8
    for block in range(s.n_blocks):
        record = s.records + block*rows.size
        lanes_clear(back, p.n_signs*p.n_functions + 8)
        for k in range(p.n_monomials):
            lanes_clear(total, 1)
            for q in range(p.starts[k], p.starts[k + 1]):
                function = p.basics[2*p.users[q]]
                for m in range(p.n_signs):
                    g = s.adjoints[p.users[q]*p.n_signs + m]
                    if g != 0.0:
                        c = 8*(m*p.n_functions + function)
                        lanes_add(back + c, g, record + rows.monomial + 8*k)
                        lanes_add(total, g, record + rows.f + c)
            if pairs != NULL:
                row = p.monomials + 8*k
                for c in range(3):
                    if row[2 + c] > 0:
                        lanes_add_product(
                            gradient + 8*c, row[2 + c], total,
                            record + rows.monomial + 8*row[5 + c],
                        )
        for k in range(p.n_signs*p.n_functions):
            lanes_add_product(stretch, 1.0, back + 8*k, record + rows.df + 8*k)
        for c in range(p.n_channels):
            row = p.channels + 4*c
            lanes_clear(channel, 1)
            for function in range(p.n_functions):
                lanes_clear(folded, 1)
                for m in range(p.n_signs):
                    weight = row[3] if m else 1.0
                    lanes_add(folded, weight, back + 8*(m*p.n_functions + function))
                lanes_add_product(
                    channel, 1.0, folded, record + rows.value + 8*(c*p.n_functions + function)
                )
            lanes_product(folded, channel, record + rows.both + 8*row[2])
            lanes_add_product(
                slopes, s.own[32 + row[0]], folded, record + rows.other + 8*row[1]
            )
            lanes_add_product(
                slopes + 8, s.own[row[0]], folded, record + rows.dother + 8*row[1]
            )
            if d == 3:
                lanes_product(folded, channel, record + rows.dboth + 8*row[2])
                lanes_add_product(
                    slopes + 16, s.own[row[0]], folded, record + rows.other + 8*row[1]
                )
        for lane in range(8):
            q = s.lanes[8*block + lane]
            if q < 0:
                continue
            if d == 1:
                own[0] += slopes[lane]
                turn[q] = slopes[8 + lane]
            else:
                for c in range(3):
                    g = record[rows.moment + 8*c + lane]
                    own[c] += 4.0*slopes[lane]*s.moment[c] + slopes[16 + lane]*g
                    turn[3*q + c] = 4.0*slopes[8 + lane]*g + slopes[16 + lane]*s.moment[c]
            if pairs != NULL:
                radial = 0.0
                for c in range(3):
                    radial += gradient[8*c + lane]*record[rows.unit + 8*c + lane]
                for c in range(3):
                    pairs[3*q + c] = (
                        (stretch[lane] - radial*record[rows.inverse + lane])
                        * record[rows.unit + 8*c + lane]
                        + gradient[8*c + lane]*record[rows.inverse + lane]
                    )


cdef void evaluate_site(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site s, long i, const int* offsets,
    double* energy, double* own, double* turn, double* pairs,
) noexcept nogil:
    cdef long k, m, d = p.dimension, n = offsets[i + 1] - offsets[i]
    cdef double share = 1.0/p.n_signs
    memset(own, 0, d*sizeof(double))
    memset(turn + d*offsets[i], 0, n*d*sizeof(double))
    if pairs != NULL:
        memset(pairs + 3*offsets[i], 0, 3*n*sizeof(double))
    energy[0] = 0.0
    if h.kinds[i] < 0:
        return
    enter(p, rows, h, &s, i, offsets)
    memset(s.adjoints, 0, p.n_moments*p.n_signs*sizeof(double))
    for k in range(p.n_scalars):
        for m in range(p.n_signs):
            s.adjoints[p.scalars[k]*p.n_signs + m] += share*p.linear[k]
            energy[0] += share*p.linear[k]*s.moments[p.scalars[k]*p.n_signs + m]
    divide(p, s.moments, s.adjoints)
    pull_site(p, rows, &s, own, turn, pairs)


cdef void design_site(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site s, long i, const int* offsets,
    long first, long last, long n_sites, long n_atoms, long n_pairs,
    double* energies, double* own, double* turn, double* pairs,
) noexcept nogil:
    """As ``evaluate_site`` for the scalars from ``first`` to before ``last``, one after the other.

    Only what is not zero is written.
    """
    cdef long a, m, d = p.dimension, row
    cdef double share = 1.0/p.n_signs
    if h.kinds[i] < 0:
        return
    enter(p, rows, h, &s, i, offsets)
    for a in range(first, last):
        row = a - first
        memset(s.adjoints, 0, p.n_moments*p.n_signs*sizeof(double))
        for m in range(p.n_signs):
            s.adjoints[p.scalars[a]*p.n_signs + m] = share
            energies[row*n_sites + i] += share*s.moments[p.scalars[a]*p.n_signs + m]
        divide(p, s.moments, s.adjoints)
        pull_site(
            p, rows, &s, own + (row*n_atoms + i)*d, turn + row*n_pairs*d,
            NULL if pairs == NULL else pairs + 3*row*n_pairs,
        )


cdef void cotangent_site(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site s, long i, const int* offsets,
    double weight, const double* forces, const double* virials, const double* turns,
    double* spread, double* linear,
) noexcept nogil:
    """Derivatives of weight E_i + dE_i(tangents) by the linear parameters and coefficients."""
    cdef long k, m, n = p.n_moments*p.n_signs
    cdef double share = 1.0/p.n_signs
    cdef double* rate = s.moments + n
    cdef double* second = s.adjoints + n
    if h.kinds[i] < 0:
        return
    enter(p, rows, h, &s, i, offsets)
    memset(rate, 0, n*sizeof(double))
    push_site(p, rows, h, &s, i, forces, virials, turns, rate)
    multiply_tangent(p, s.moments, rate)
    memset(s.adjoints, 0, 2*n*sizeof(double))
    for k in range(p.n_scalars):
        for m in range(p.n_signs):
            linear[k] += share*(
                weight*s.moments[p.scalars[k]*p.n_signs + m] + rate[p.scalars[k]*p.n_signs + m]
            )
            s.adjoints[p.scalars[k]*p.n_signs + m] += share*p.linear[k]
    divide_tangent(p, s.moments, rate, s.adjoints, second)
    for k in range(p.n_basic*p.n_signs):
        second[k] += weight*s.adjoints[k]
    spread_site(p, rows, &s, second, spread)


def evaluate(
    tuple tables, tuple pairs, double[:, ::1] scratch, int[:, ::1] lanes, long most,
    double[::1] energies, double[:, ::1] own, double[:, ::1] turn, double[:, ::1] gradients,
):
    """Site energies, dE/d(own moment), dE/d(neighbor's moment) and dE/dr_ij of every pair.

    Moments are scaled. ``gradients`` may be None.
    """
    cdef Potential p = potential_of(tables)
    cdef Rows rows = rows_of(&p, False)
    cdef Neighborhood h = neighborhood_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0], thread
    cdef double* lattice = NULL if gradients is None else &gradients[0, 0]
    with nogil:
        for i in prange(n, schedule="static", num_threads=threads):
            thread = threadid()
            evaluate_site(
                &p, &rows, &h, site_of(&p, &rows, &scratch[thread, 0], &lanes[thread, 0], most), i,
                &offsets[0], &energies[i], &own[i, 0], &turn[0, 0], lattice,
            )


def design(
    tuple tables, tuple pairs, double[:, ::1] scratch, int[:, ::1] lanes, long most, long first,
    double[:, ::1] energies, double[:, :, ::1] own, double[:, :, ::1] turn,
    double[:, :, ::1] gradients,
):
    """``evaluate`` of the scalars B_a, a = first, first + 1, ...; outputs have to be zero."""
    cdef Potential p = potential_of(tables)
    cdef Rows rows = rows_of(&p, False)
    cdef Neighborhood h = neighborhood_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t i, n = offsets.shape[0] - 1
    cdef long n_atoms = own.shape[1], n_pairs = turn.shape[1], last = first + energies.shape[0]
    cdef int threads = scratch.shape[0], thread
    cdef double* lattice = NULL if gradients is None else &gradients[0, 0, 0]
    with nogil:
        for i in prange(n, schedule="static", num_threads=threads):
            thread = threadid()
            design_site(
                &p, &rows, &h, site_of(&p, &rows, &scratch[thread, 0], &lanes[thread, 0], most), i,
                &offsets[0], first, last, n, n_atoms, n_pairs, &energies[0, 0], &own[0, 0, 0],
                &turn[0, 0, 0], lattice,
            )


cdef void cotangent_sites(
    const Potential* p, const Rows* rows, const Neighborhood* h, Site s, long first, long last,
    const int* offsets, const double* weights, const double* forces,
    const double* virials, const double* turns, double* out,
) noexcept nogil:
    """Sum of ``cotangent_site`` over sites: coefficients, then linear parameters."""
    cdef long i, k, n = coefficients_of(p)
    cdef double* spread = s.work + work_size(p)
    memset(spread, 0, 8*n*sizeof(double))
    for i in range(first, last):
        cotangent_site(
            p, rows, h, s, i, offsets, weights[i], forces, virials, turns, spread, out + n
        )
    for k in range(n):
        out[k] = lanes_total(spread + 8*k)


def cotangent(
    tuple tables, tuple pairs, double[:, ::1] scratch, int[:, ::1] lanes, long most,
    const double[::1] weights, const double[:, ::1] forces, const double[:, :, ::1] virials,
    const double[:, ::1] turns, double[:, ::1] out,
):
    """d[sum_i weights_i E_i + dE(tangents)]/d(coefficients, linear), one row per part of the sites.

    Tangents of r_ij: forces_i - forces_j + r_ij.virials_i (either may be None); of the scaled
    moments: ``turns``. ``out`` has to be zero; its number of rows decides the order of the sums.
    """
    cdef Potential p = potential_of(tables)
    cdef Rows rows = rows_of(&p, True)
    cdef Neighborhood h = neighborhood_of(pairs)
    cdef const int[::1] offsets = pairs[0]
    cdef Py_ssize_t part, parts = out.shape[0], n = offsets.shape[0] - 1
    cdef int threads = scratch.shape[0], thread
    cdef const double* pull = NULL
    cdef const double* strain = NULL
    if forces is not None:
        pull = <const double*> &forces[0, 0]
    if virials is not None:
        strain = <const double*> &virials[0, 0, 0]
    with nogil:
        for part in prange(parts, schedule="static", num_threads=threads):
            thread = threadid()
            cotangent_sites(
                &p, &rows, &h, site_of(&p, &rows, &scratch[thread, 0], &lanes[thread, 0], most),
                n*part//parts, n*(part + 1)//parts, &offsets[0], &weights[0], pull, strain,
                &turns[0, 0], &out[part, 0],
            )
