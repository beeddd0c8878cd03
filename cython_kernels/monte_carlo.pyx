"""Monte Carlo sweeps over the moments of a bilinear form, many in one call.

Moments are updated color by color in blocks of eight; the random numbers of an update are a
function of (seed, sweep, stream, atom), so results do not depend on the number of threads.
"""

from bilinear cimport Form, linear_field, make_form
from cython.parallel cimport prange
from libc.math cimport exp
from libc.stdint cimport uint32_t, uint64_t
from onsite cimport onsite_energy
from philox cimport ase_mag_philox
from precession cimport Block

cdef extern from *:
    """
    /* A number in (0, 1) of 52 random bits. */
    static inline double ase_mag_unit(uint32_t high, uint32_t low) {
        uint64_t bits = ((uint64_t) high << 20) | (low >> 12) | 0x3FF0000000000000u;
        double x;
        memcpy(&x, &bits, 8);
        return x - (1.0 - 1.1102230246251565e-16);
    }

    /* exp(t) for |t| < 700, relative error below 1e-15. */
    static inline double ase_mag_exp(double t) {
        double n, r, p;
        uint64_t bits;
        n = t*1.4426950408889634 + 6755399441055744.0;
        memcpy(&bits, &n, 8);
        n -= 6755399441055744.0;
        r = t - n*0.693147180369123816490;
        r -= n*1.90821492927058770002e-10;
        p = 1.0 + r*(1.0 + r/2*(1.0 + r/3*(1.0 + r/4*(1.0 + r/5*(1.0 + r/6*(1.0 + r/7*(1.0
            + r/8*(1.0 + r/9*(1.0 + r/10*(1.0 + r/11*(1.0 + r/12*(1.0 + r/13))))))))))));
        bits = (bits + 1023) << 52;
        memcpy(&n, &bits, 8);
        return n*p;
    }

    /* ln(x) of a normal positive number; ln m = 2 atanh((m - 1)/(m + 1)), 0.7 < m < 1.42. */
    static inline double ase_mag_log(double x) {
        double m, e, f, s;
        uint64_t bits, part;
        memcpy(&bits, &x, 8);
        part = (bits >> 52) | 0x4330000000000000u;
        memcpy(&e, &part, 8);
        e -= 4503599627370496.0 + 1023.0;
        part = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
        memcpy(&m, &part, 8);
        s = m > 1.4142135623730951 ? 1.0 : 0.0;
        e += s;
        m -= 0.5*s*m;
        f = (m - 1.0)/(m + 1.0);
        s = f*f;
        s = 1.0 + s*(1.0/3 + s*(1.0/5 + s*(1.0/7 + s*(1.0/9 + s*(1.0/11 + s*(1.0/13
            + s*(1.0/15 + s*(1.0/17 + s*(1.0/19)))))))));
        return e*0.6931471805599453 + 2.0*f*s;
    }

    /* Directions of eight moments m (sizes kept) from p(M) ~ exp(beta M.B), to x, y, z:
       cos = 1 - d, d = -ln(1 - v (1 - exp(-2 k)))/k, k = beta |M| |B|, v uniform. */
    static inline void ase_mag_heat_bath(
            const double *mx, const double *my, const double *mz,
            const double *bx, const double *by, const double *bz, double beta,
            const uint32_t *w0, const uint32_t *w1, const uint32_t *w2,
            double *x, double *y, double *z) {
        double size[ASE_MAG_LANES], d[ASE_MAG_LANES], ux[ASE_MAG_LANES], uy[ASE_MAG_LANES];
        double uz[ASE_MAG_LANES], c[ASE_MAG_LANES], s[ASE_MAG_LANES], b[ASE_MAG_LANES];
        double none[ASE_MAG_LANES], along[ASE_MAG_LANES], weak[ASE_MAG_LANES], t[ASE_MAG_LANES];
        /* Branches are sums with factors of 0 and 1, in loops of their own: these vectorize. */
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            b[k] = sqrt(bx[k]*bx[k] + by[k]*by[k] + bz[k]*bz[k]);
            size[k] = sqrt(mx[k]*mx[k] + my[k]*my[k] + mz[k]*mz[k]);
            along[k] = beta*size[k]*b[k];
            none[k] = b[k] > 1e-300 ? 0.0 : 1.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double inverse = (1.0 - none[k])/(b[k] + none[k]);
            ux[k] = bx[k]*inverse;
            uy[k] = by[k]*inverse;
            uz[k] = bz[k]*inverse + none[k];
            weak[k] = along[k] > 1e-5 ? 0.0 : 1.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            t[k] = along[k] < 300.0 ? along[k] : 300.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double v = ase_mag_unit(w0[k], w1[k]), value;
            value = -ase_mag_log((1.0 - v) + v*ase_mag_exp(-2.0*t[k]))/(along[k] + weak[k]);
            value += weak[k]*(2.0*v*(1.0 - along[k]*(1.0 - v)) - value);
            d[k] = value < 2.0 ? value : 2.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            ase_mag_angle(w2[k], &c[k], &s[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            /* Two vectors normal to u (Duff et al., J. Comput. Graph. Tech. 6, 1 (2017)). */
            double sign = uz[k] < 0.0 ? -1.0 : 1.0, a = -1.0/(sign + uz[k]), f = ux[k]*uy[k]*a;
            double across = size[k]*sqrt(d[k]*(2.0 - d[k])), g = size[k]*(1.0 - d[k]);
            double p = across*c[k], q = across*s[k];
            x[k] = g*ux[k] + p*(1.0 + sign*ux[k]*ux[k]*a) + q*f;
            y[k] = g*uy[k] + p*sign*f + q*(sign + uy[k]*uy[k]*a);
            z[k] = g*uz[k] - p*sign*ux[k] - q*uy[k];
        }
    }

    /* Three standard normal numbers for each of eight moments from four words each. */
    static inline void ase_mag_gaussians(
            const uint32_t *w0, const uint32_t *w1, const uint32_t *w2, const uint32_t *w3,
            double *x, double *y, double *z) {
        double a[ASE_MAG_LANES], b[ASE_MAG_LANES], c[ASE_MAG_LANES], unused[ASE_MAG_LANES];
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            x[k] = ase_mag_radius(w0[k]);
            z[k] = ase_mag_radius(w2[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            ase_mag_angle(w1[k], &a[k], &b[k]);
            ase_mag_angle(w3[k], &c[k], &unused[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            y[k] = x[k]*b[k];
            x[k] = x[k]*a[k];
            z[k] = z[k]*c[k];
        }
    }

    /* New directions: e + width g, or g alone (an eighth of the time); sizes kept. */
    static inline void ase_mag_turn(
            const double *mx, const double *my, const double *mz, const double *width,
            const double *choice, double *x, double *y, double *z) {
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double size = sqrt(mx[k]*mx[k] + my[k]*my[k] + mz[k]*mz[k]), norm;
            double anew = choice[k] < 0.125 ? 1.0 : 0.0;
            double old = (1.0 - anew)/(size + (size > 0.0 ? 0.0 : 1.0));
            double step = anew + (1.0 - anew)*width[k];
            x[k] = old*mx[k] + step*x[k];
            y[k] = old*my[k] + step*y[k];
            z[k] = old*mz[k] + step*z[k];
            norm = size/sqrt(x[k]*x[k] + y[k]*y[k] + z[k]*z[k]);
            x[k] *= norm;
            y[k] *= norm;
            z[k] *= norm;
        }
    }

    /* New moments: M + width g, or (m + width g_x) M/m (a quarter of the time), and the ratio of
       the measures, (m'/m)^(p - 2) of the first and (m'/m)^p of the second. */
    static inline void ase_mag_stretch(
            const double *mx, const double *my, const double *mz, const double *width,
            const double *choice, int measure, double *x, double *y, double *z, double *ratio) {
        const double p0 = measure == 0 ? 1.0 : 0.0, p1 = measure == 1 ? 1.0 : 0.0;
        const double p2 = 1.0 - p0 - p1;
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double size = sqrt(mx[k]*mx[k] + my[k]*my[k] + mz[k]*mz[k]), grown, r, inverse;
            double zero = size > 0.0 ? 0.0 : 1.0, divisor = size + zero;
            double line = (choice[k] < 0.25 ? 1.0 : 0.0)*(1.0 - zero), free = 1.0 - line;
            double along = 1.0 + line*width[k]*x[k]/divisor, step = free*width[k];
            x[k] = along*mx[k] + step*x[k];
            y[k] = along*my[k] + step*y[k];
            z[k] = along*mz[k] + step*z[k];
            grown = sqrt(x[k]*x[k] + y[k]*y[k] + z[k]*z[k]);
            r = zero + (1.0 - zero)*grown/divisor;
            inverse = 1.0/(r + 1e-100);
            ratio[k] = line*(p0 + p1*r + p2*r*r) + free*(p0*inverse*inverse + p1*inverse + p2);
        }
    }
    """
    double ase_mag_unit(uint32_t high, uint32_t low) noexcept nogil
    double ase_mag_exp(double t) noexcept nogil
    void ase_mag_heat_bath(
        const double* mx, const double* my, const double* mz,
        const double* bx, const double* by, const double* bz, double beta,
        const uint32_t* w0, const uint32_t* w1, const uint32_t* w2,
        double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_gaussians(
        const uint32_t* w0, const uint32_t* w1, const uint32_t* w2, const uint32_t* w3,
        double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_turn(
        const double* mx, const double* my, const double* mz, const double* width,
        const double* choice, double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_stretch(
        const double* mx, const double* my, const double* mz, const double* width,
        const double* choice, int measure, double* x, double* y, double* z, double* ratio
    ) noexcept nogil


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
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] exchange,
    const double[:, :, ::1] tensors,
    const double[:, ::1] field,
    const double[:, ::1] landau,
    const double[:, :, ::1] quadric,
    const double[:, ::1] cubic,
    const double[:, :, ::1] axes,
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
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
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
    rules.onsite = (lengths and landau is not None) or quadric is not None or cubic is not None
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
