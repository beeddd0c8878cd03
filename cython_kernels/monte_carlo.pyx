"""Monte Carlo sweeps over the moments of a bilinear form, many in one call.

Moments are updated color by color in blocks of eight; the random numbers of an update are a
function of (seed, sweep, stream, atom), so results do not depend on the number of threads.
"""

from bilinear cimport Form, linear_field, make_form
from cython.parallel cimport prange
from libc.math cimport exp
from libc.stdint cimport uint32_t, uint64_t
from moves cimport (
    ase_mag_exp,
    ase_mag_gaussians,
    ase_mag_heat_bath,
    ase_mag_stretch,
    ase_mag_turn,
    ase_mag_unit,
)
from onsite cimport onsite_energy
from philox cimport ase_mag_philox
from precession cimport Block


cdef enum:
    LANES = 8
    COLUMNS = 5     # of the changes: energy, three of the order parameter, accepted moves


cdef struct Rules:
    # What one sweep does; the same for all moments.
    bint heat_bath      # directions from the field, before any Metropolis move
    bint metropolis     # Metropolis moves
    bint lengths        # ... of the moment vectors instead of their directions
    int measure         # power of m in the phase-space measure, for lengths
    bint onsite         # on-site terms change the energy of the moves
    bint tune           # step widths follow the acceptance
    double beta         # 1/kT, 1/eV
    uint64_t seed
    uint64_t sweep
    uint32_t stream


cdef struct Words:
    # Four random words for each of eight moments.
    uint32_t a[8]
    uint32_t b[8]
    uint32_t c[8]
    uint32_t d[8]


cdef inline void draw(
    const Rules* rules, uint32_t number, const int* atoms, Words* words,
) noexcept nogil:
    """Random words number ``number`` of this sweep for eight atoms."""
    cdef int k
    for k in range(LANES):
        words.a[k] = <uint32_t> atoms[k]
        words.b[k] = rules.stream + (number << 16)
        words.c[k] = <uint32_t> rules.sweep
        words.d[k] = <uint32_t> (rules.sweep >> 32)
    ase_mag_philox(words.a, words.b, words.c, words.d,
                   <uint32_t> rules.seed, <uint32_t> (rules.seed >> 32))


cdef inline double onsite(
    const Form* form, Py_ssize_t i, double x, double y, double z,
) noexcept nogil:
    """On-site energy of moment i."""
    cdef double unused = 0.0
    cdef const double* landau = form.landau
    cdef const double* quadric = form.quadric
    cdef const double* cubic = form.cubic
    cdef const double* axes = form.axes
    if landau != NULL:
        landau += 3*i
    if quadric != NULL:
        quadric += 9*i
    if cubic != NULL:
        cubic += 2*i
        axes += 9*i
    return onsite_energy(landau, quadric, cubic, axes, x, y, z, &unused, &unused, &unused)


cdef inline void gather(
    const Form* form, const int* order, Py_ssize_t count, const double* moments, bint with_onsite,
    int* atoms, Block* m, Block* b, double* local,
) noexcept nogil:
    """Moments, linear fields and on-site energies of ``count`` moments; other lanes are zero."""
    cdef double value[4]
    cdef Py_ssize_t k, i
    for k in range(LANES):
        atoms[k] = 0
        local[k] = 0.0
        m.x[k] = 0.0
        m.y[k] = 0.0
        m.z[k] = 0.0
        b.x[k] = 0.0
        b.y[k] = 0.0
        b.z[k] = 0.0
    for k in range(count):
        i = order[k]
        atoms[k] = <int> i
        m.x[k] = moments[4*i]
        m.y[k] = moments[4*i + 1]
        m.z[k] = moments[4*i + 2]
        linear_field(form, i, moments, value)
        b.x[k] = value[0]
        b.y[k] = value[1]
        b.z[k] = value[2]
        if with_onsite:
            local[k] = onsite(form, i, m.x[k], m.y[k], m.z[k])


cdef inline void accept(
    const Form* form, const int* atoms, Py_ssize_t count, const Block* b, bint linear,
    bint with_onsite, double beta, const double* ratio, const double* unit, const Block* new,
    Block* m, double* local, int* accepted,
) noexcept nogil:
    """Metropolis: take ``new`` with probability min(1, ratio exp(-beta dE)).

    dE is the change of the on-site terms and, with ``linear``, of -M.B.
    """
    cdef double energy[8]
    cdef double change[8]
    cdef Py_ssize_t k
    for k in range(LANES):
        energy[k] = 0.0
    if with_onsite:
        for k in range(count):
            energy[k] = onsite(form, atoms[k], new.x[k], new.y[k], new.z[k])
    for k in range(LANES):
        change[k] = energy[k] - local[k]
    if linear:
        for k in range(LANES):
            change[k] -= ((new.x[k] - m.x[k])*b.x[k] + (new.y[k] - m.y[k])*b.y[k]
                          + (new.z[k] - m.z[k])*b.z[k])
    for k in range(LANES):
        change[k] = min(-beta*change[k], 600.0)
    for k in range(LANES):
        change[k] = max(change[k], -600.0)
    for k in range(LANES):
        accepted[k] = unit[k] < ratio[k]*ase_mag_exp(change[k])
    for k in range(LANES):
        m.x[k] = new.x[k] if accepted[k] else m.x[k]
        m.y[k] = new.y[k] if accepted[k] else m.y[k]
        m.z[k] = new.z[k] if accepted[k] else m.z[k]
        local[k] = energy[k] if accepted[k] else local[k]


cdef inline void scatter(
    const int* atoms, Py_ssize_t count, const Block* old, const double* old_local, const Block* b,
    const Block* m, const double* local, const double* weights, double* moments, double* change,
) noexcept nogil:
    """Write the moments back; add the change of energy and order parameter to ``change``."""
    cdef Py_ssize_t k, i
    cdef double x, y, z, w
    for k in range(count):
        i = atoms[k]
        moments[4*i] = m.x[k]
        moments[4*i + 1] = m.y[k]
        moments[4*i + 2] = m.z[k]
        x = m.x[k] - old.x[k]
        y = m.y[k] - old.y[k]
        z = m.z[k] - old.z[k]
        w = weights[i]
        change[0] += local[k] - old_local[k] - (x*b.x[k] + y*b.y[k] + z*b.z[k])
        change[1] += w*x
        change[2] += w*y
        change[3] += w*z


cdef inline void update(
    const Form* form, const int* order, Py_ssize_t count, const Rules* rules, double* widths,
    const double* weights, double* moments, double* change,
) noexcept nogil:
    """One update of at most eight moments of one color."""
    cdef Block m, b, new, old
    cdef Words words
    cdef double local[8]
    cdef double old_local[8]
    cdef double unit[8]
    cdef double ratio[8]
    cdef double width[8]
    cdef double choice[8]
    cdef int accepted[8]
    cdef int atoms[8]
    cdef Py_ssize_t k
    cdef double target
    gather(form, order, count, moments, rules.onsite, atoms, &m, &b, local)
    old = m
    for k in range(LANES):
        old_local[k] = local[k]
        accepted[k] = 1
        ratio[k] = 1.0
    if rules.heat_bath:
        draw(rules, 0, atoms, &words)
        ase_mag_heat_bath(m.x, m.y, m.z, b.x, b.y, b.z, rules.beta, words.a, words.b, words.c,
                          new.x, new.y, new.z)
        if rules.onsite:
            for k in range(LANES):
                unit[k] = ase_mag_unit(words.d[k], 0)
            accept(form, atoms, count, &b, False, True, rules.beta, ratio, unit, &new, &m, local,
                   accepted)
        else:
            m = new
    if rules.metropolis:
        for k in range(LANES):
            width[k] = widths[atoms[k]]
        draw(rules, 1, atoms, &words)
        ase_mag_gaussians(words.a, words.b, words.c, words.d, new.x, new.y, new.z)
        draw(rules, 2, atoms, &words)
        for k in range(LANES):
            unit[k] = ase_mag_unit(words.a[k], words.b[k])
            choice[k] = ase_mag_unit(words.c[k], words.d[k])
        if rules.lengths:
            ase_mag_stretch(m.x, m.y, m.z, width, choice, rules.measure, new.x, new.y, new.z,
                            ratio)
        else:
            ase_mag_turn(m.x, m.y, m.z, width, choice, new.x, new.y, new.z)
        accept(form, atoms, count, &b, True, rules.onsite, rules.beta, ratio, unit, &new, &m,
               local, accepted)
        if rules.tune:
            target = 0.4 if rules.lengths else 0.5
            for k in range(count):
                widths[atoms[k]] = min(max(width[k]*exp(0.1*(accepted[k] - target)), 1e-4), 1e2)
    scatter(atoms, count, &old, old_local, &b, &m, local, weights, moments, change)
    for k in range(count):
        change[4] += accepted[k]


cdef inline void reflect(
    const Form* form, const int* order, Py_ssize_t count, const double* weights, double* moments,
    double* change,
) noexcept nogil:
    """Half turn of moments of one color about their fields: M' = 2 (M.B) B/B^2 - M."""
    cdef double b[4]
    cdef Py_ssize_t k, i
    cdef double* m
    cdef double b2, factor, x, y, z, w, sx = 0.0, sy = 0.0, sz = 0.0
    for k in range(count):
        i = order[k]
        m = moments + 4*i
        linear_field(form, i, moments, b)
        b2 = b[0]*b[0] + b[1]*b[1] + b[2]*b[2]
        factor = 2.0*(m[0]*b[0] + m[1]*b[1] + m[2]*b[2])/(b2 if b2 > 1e-300 else 1.0)
        x = factor*b[0] - m[0]
        y = factor*b[1] - m[1]
        z = factor*b[2] - m[2]
        w = weights[i]
        sx += w*(x - m[0])
        sy += w*(y - m[1])
        sz += w*(z - m[2])
        m[0] = x
        m[1] = y
        m[2] = z
    change[1] += sx
    change[2] += sy
    change[3] += sz


cdef inline void reflect_onsite(
    const Form* form, const int* order, Py_ssize_t count, const Rules* rules, uint32_t number,
    const double* weights, double* moments, double* change,
) noexcept nogil:
    """The same with on-site terms, whose change of energy is accepted or not."""
    cdef Block m, b, new, old
    cdef Words words
    cdef double local[8]
    cdef double old_local[8]
    cdef double unit[8]
    cdef double ratio[8]
    cdef int accepted[8]
    cdef int atoms[8]
    cdef Py_ssize_t k
    cdef double b2, factor
    gather(form, order, count, moments, True, atoms, &m, &b, local)
    draw(rules, number, atoms, &words)
    for k in range(LANES):
        b2 = b.x[k]*b.x[k] + b.y[k]*b.y[k] + b.z[k]*b.z[k]
        factor = 2.0*(m.x[k]*b.x[k] + m.y[k]*b.y[k] + m.z[k]*b.z[k])/(b2 if b2 > 1e-300 else 1.0)
        new.x[k] = factor*b.x[k] - m.x[k]
        new.y[k] = factor*b.y[k] - m.y[k]
        new.z[k] = factor*b.z[k] - m.z[k]
        old_local[k] = local[k]
        ratio[k] = 1.0
        unit[k] = ase_mag_unit(words.a[k], words.b[k])
    old = m
    accept(form, atoms, count, &b, False, True, rules.beta, ratio, unit, &new, &m, local, accepted)
    scatter(atoms, count, &old, old_local, &b, &m, local, weights, moments, change)


def sweep(
    tuple terms,
    double[:, ::1] moments,
    const int[::1] order,
    const int[::1] color_offsets,
    bint heat_bath,
    bint metropolis,
    bint lengths,
    int measure,
    double beta,
    int reflections,
    uint64_t seed,
    uint64_t first_sweep,
    uint32_t stream,
    uint64_t tuning,
    double[::1] widths,
    const double[::1] weights,
    double[:, ::1] changes,
    double[:, ::1] series,
    int threads,
):
    """Make ``len(series)`` sweeps over ``moments`` (n, 4), in place.

    A sweep visits all colors with heat bath and/or Metropolis moves and then ``reflections`` times
    with reflections. ``order`` lists the moments by color; those of one color are not neighbors.
    Step widths ``widths`` (one per moment; of the directions, or in mu_B with ``lengths``) follow
    the acceptance in sweeps before number ``tuning``. ``changes`` is scratch, one row of five per
    block of eight moments of one color. ``series`` gets, for every sweep, the change of the
    energy (eV), of sum_i w_i M_i (three columns) with ``weights`` w, and the number of accepted
    moves.
    """
    cdef Form form = make_form(terms)
    cdef Py_ssize_t s, k, c, block, first, count, base, n_colors = color_offsets.shape[0] - 1
    cdef Py_ssize_t n_sweeps = series.shape[0], blocks = changes.shape[0]
    cdef int turn, column
    cdef Rules rules
    cdef double* m
    cdef double* change
    cdef double* width
    cdef const double* w
    cdef const int* atoms
    if order.shape[0] == 0 or n_sweeps == 0:
        return
    m = &moments[0, 0]
    change = &changes[0, 0]
    width = &widths[0]
    w = &weights[0]
    atoms = &order[0]
    rules.heat_bath = heat_bath
    rules.metropolis = metropolis
    rules.lengths = lengths
    rules.measure = measure
    rules.onsite = (
        (lengths and form.landau != NULL) or form.quadric != NULL or form.cubic != NULL
    )
    rules.beta = beta
    rules.seed = seed
    rules.stream = stream
    with nogil:
        for s in range(n_sweeps):
            rules.sweep = first_sweep + s
            rules.tune = rules.sweep < tuning
            for k in range(COLUMNS*blocks):
                change[k] = 0.0
            for turn in range(reflections + 1):
                base = 0
                for c in range(n_colors):
                    first = color_offsets[c]
                    count = color_offsets[c + 1] - first
                    for block in prange((count + LANES - 1)//LANES, schedule="static",
                                        num_threads=threads):
                        if turn == 0:
                            update(&form, atoms + first + LANES*block,
                                   min(<Py_ssize_t> LANES, count - LANES*block), &rules, width, w,
                                   m, change + COLUMNS*(base + block))
                        elif rules.onsite:
                            reflect_onsite(&form, atoms + first + LANES*block,
                                           min(<Py_ssize_t> LANES, count - LANES*block), &rules,
                                           <uint32_t> (turn + 2), w, m,
                                           change + COLUMNS*(base + block))
                        else:
                            reflect(&form, atoms + first + LANES*block,
                                    min(<Py_ssize_t> LANES, count - LANES*block), w, m,
                                    change + COLUMNS*(base + block))
                    base = base + (count + LANES - 1)//LANES
            for column in range(COLUMNS):
                series[s, column] = 0.0
            for k in range(blocks):
                for column in range(COLUMNS):
                    series[s, column] += change[COLUMNS*k + column]
