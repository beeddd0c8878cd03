"""Landau-Lifshitz-Gilbert dynamics at frozen positions, many steps in one call."""

from bilinear cimport Form, make_form, site
from cython.parallel cimport prange
from libc.math cimport fabs, sqrt
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from philox cimport ase_mag_normals
from precession cimport (
    LANES,
    Block,
    block_axis,
    block_cayley,
    block_rodrigues,
    load,
    remove_parallel,
    store,
)

cpdef enum Scheme:
    # One step from M with a(M) of ``precession.block_axis`` and the trial moment M1:
    MIDPOINT   # M1 = cayley(M, a(M)); M' = cayley(M, a((M + M1)/2)), repeated to a tolerance
    DEPONDT    # M1 = rodrigues(M, a(M)); M' = rodrigues(M, (a(M) + a(M1))/2)
    HEUN       # M1 = M + dt M x a(M); M' = M + dt/2 (M x a(M) + M1 x a(M1)), |M'| restored


cdef inline void predict(
    int scheme, const Block* m, const Block* a, double dt, Block* out,
) noexcept nogil:
    """Trial moments from the axes at the start of the step."""
    cdef int k
    if scheme == MIDPOINT:
        block_cayley(m, a, dt, out)
    elif scheme == DEPONDT:
        block_rodrigues(m, a, dt, out)
    else:
        for k in range(LANES):
            out.x[k] = m.x[k] + dt*(m.y[k]*a.z[k] - m.z[k]*a.y[k])
            out.y[k] = m.y[k] + dt*(m.z[k]*a.x[k] - m.x[k]*a.z[k])
            out.z[k] = m.z[k] + dt*(m.x[k]*a.y[k] - m.y[k]*a.x[k])


cdef inline void correct(
    int scheme, const Block* m, const Block* first, const Block* a, const Block* trial, double dt,
    Block* out,
) noexcept nogil:
    """End of the step from the axes at its start and the axes ``a`` at the trial point."""
    cdef Block mean
    cdef double old, new
    cdef int k
    if scheme == MIDPOINT:
        block_cayley(m, a, dt, out)
        return
    if scheme == DEPONDT:
        for k in range(LANES):
            mean.x[k] = 0.5*(first.x[k] + a.x[k])
            mean.y[k] = 0.5*(first.y[k] + a.y[k])
            mean.z[k] = 0.5*(first.z[k] + a.z[k])
        block_rodrigues(m, &mean, dt, out)
        return
    for k in range(LANES):
        out.x[k] = m.x[k] + 0.5*dt*(m.y[k]*first.z[k] - m.z[k]*first.y[k]
                                    + trial.y[k]*a.z[k] - trial.z[k]*a.y[k])
        out.y[k] = m.y[k] + 0.5*dt*(m.z[k]*first.x[k] - m.x[k]*first.z[k]
                                    + trial.z[k]*a.x[k] - trial.x[k]*a.z[k])
        out.z[k] = m.z[k] + 0.5*dt*(m.x[k]*first.y[k] - m.y[k]*first.x[k]
                                    + trial.x[k]*a.y[k] - trial.y[k]*a.x[k])
        old = sqrt(m.x[k]*m.x[k] + m.y[k]*m.y[k] + m.z[k]*m.z[k])
        new = sqrt(out.x[k]*out.x[k] + out.y[k]*out.y[k] + out.z[k]*out.z[k])
        new = old/new if new > 0.0 else 0.0
        out.x[k] *= new
        out.y[k] *= new
        out.z[k] *= new


cdef inline void block_fields(
    const Form* form, Py_ssize_t start, Py_ssize_t count, const double* moments,
    const double* deviation, const double* noise, Block* b,
) noexcept nogil:
    """Fields -dE/dM of the moments start .. start + count - 1, with the noise of this step."""
    cdef double value[4]
    cdef double d
    cdef Py_ssize_t k
    for k in range(count):
        site(form, start + k, moments, value)
        d = deviation[start + k]
        b.x[k] = value[0] + d*noise[4*(start + k)]
        b.y[k] = value[1] + d*noise[4*(start + k) + 1]
        b.z[k] = value[2] + d*noise[4*(start + k) + 2]
    for k in range(count, LANES):
        b.x[k] = 0.0
        b.y[k] = 0.0
        b.z[k] = 0.0


cdef inline void first_stage(
    const Form* form, Py_ssize_t start, const double* m, const double* rate, const double* ratio,
    const double* deviation, const double* noise, int scheme, double dt, double* first,
    double* trial, double* point,
) noexcept nogil:
    """Predictor of a block; ``point`` is where the corrector takes the fields."""
    cdef Block now, b, a, new
    cdef Py_ssize_t k, count = min(<Py_ssize_t> LANES, form.n - start)
    load(m + 4*start, count, &now)
    block_fields(form, start, count, m, deviation, noise, &b)
    block_axis(&now, &b, rate + start, ratio + start, &a)
    predict(scheme, &now, &a, dt, &new)
    store(&new, count, trial + 4*start)
    if scheme == MIDPOINT:
        for k in range(LANES):
            new.x[k] = 0.5*(now.x[k] + new.x[k])
            new.y[k] = 0.5*(now.y[k] + new.y[k])
            new.z[k] = 0.5*(now.z[k] + new.z[k])
    else:
        store(&a, count, first + 4*start)
    store(&new, count, point + 4*start)


cdef inline double second_stage(
    const Form* form, Py_ssize_t start, const double* m, const double* point, const double* rate,
    const double* ratio, const double* deviation, const double* noise, int scheme, double dt,
    const double* first, double* trial, bint measure,
) noexcept nogil:
    """Corrector of a block into ``trial``; returns its largest change, if asked to measure it."""
    cdef Block now, at, start_axis, b, a, new
    cdef Py_ssize_t k, count = min(<Py_ssize_t> LANES, form.n - start)
    cdef double worst = 0.0
    load(m + 4*start, count, &now)
    load(point + 4*start, count, &at)
    if scheme != MIDPOINT:
        load(first + 4*start, count, &start_axis)
    block_fields(form, start, count, point, deviation, noise, &b)
    block_axis(&at, &b, rate + start, ratio + start, &a)
    correct(scheme, &now, &start_axis, &a, &at, dt, &new)
    if measure:
        load(trial + 4*start, count, &at)
        for k in range(count):
            worst = max(worst, fabs(new.x[k] - at.x[k]))
            worst = max(worst, fabs(new.y[k] - at.y[k]))
            worst = max(worst, fabs(new.z[k] - at.z[k]))
    store(&new, count, trial + 4*start)
    return worst


def advance(
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
    const double[::1] rate,
    const double[::1] ratio,
    const double[::1] deviation,
    int scheme,
    int iterations,
    double tolerance,
    double dt,
    uint64_t seed,
    uint64_t first_step,
    uint32_t stream,
    Py_ssize_t n_steps,
    double[:, ::1] trial,
    double[:, ::1] point,
    double[:, ::1] first,
    double[:, ::1] noise,
    double[::1] change,
    int threads,
):
    """Advance ``moments`` in place by ``n_steps`` steps of ``dt``.

    ``moments`` and the scratch arrays after ``n_steps`` have four columns (a vector and a zero) and
    a multiple of eight rows; ``noise`` is zero on entry. ``rate`` = gamma/(1 + alpha^2), ``ratio``
    = alpha/|M| and ``deviation``, the standard deviation of each noise component of B (eV/mu_B),
    are padded with zeros to as many rows. The noise of step s is a function of (seed, s, stream,
    atom). The corrector of the midpoint scheme is repeated until no component moves by more than
    ``tolerance`` (mu_B), at most ``iterations`` times. Returns the number of steps whose corrector
    did not reach the tolerance.
    """
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
    cdef Py_ssize_t i, k, n = form.n, s, failed = 0, blocks = moments.shape[0]//LANES
    cdef int _turn
    cdef double worst = 0.0
    cdef bint noisy = False, measure = iterations > 1
    cdef double* m
    cdef double* out
    cdef double* at
    cdef double* swap
    cdef double* a0
    cdef double* xi
    cdef const double* r
    cdef const double* q
    cdef const double* d
    if n == 0 or n_steps == 0:
        return 0
    m = &moments[0, 0]
    out = &trial[0, 0]
    at = &point[0, 0]
    a0 = &first[0, 0]
    xi = &noise[0, 0]
    r = &rate[0]
    q = &ratio[0]
    d = &deviation[0]
    with nogil:
        for i in range(n):
            noisy = noisy or deviation[i] > 0.0
        for s in range(n_steps):
            for k in prange(blocks, schedule="static", num_threads=threads):
                if noisy:
                    ase_mag_normals(
                        seed, first_step + s, stream, <uint32_t> (k*LANES), xi + 4*LANES*k
                    )
                first_stage(&form, k*LANES, m, r, q, d, xi, scheme, dt, a0, out, at)
            for _turn in range(iterations):
                for k in prange(blocks, schedule="static", num_threads=threads):
                    change[k] = second_stage(&form, k*LANES, m, at, r, q, d, xi, scheme, dt, a0,
                                             out, measure)
                if not measure:
                    break
                worst = 0.0
                for k in range(blocks):
                    worst = max(worst, change[k])
                if worst <= tolerance:
                    break
                for i in range(4*n):
                    at[i] = 0.5*(m[i] + out[i])
            if worst > tolerance:
                failed += 1
            swap = m
            m = out
            out = swap
        if m != &moments[0, 0]:
            memcpy(&moments[0, 0], m, 4*n*sizeof(double))
    return failed


def stage(
    int scheme,
    bint predictor,
    const double[:, ::1] moments,
    const double[:, ::1] point,
    const double[:, ::1] fields,
    const double[::1] rate,
    const double[::1] ratio,
    double dt,
    double[:, ::1] first,
    double[:, ::1] out,
):
    """Predictor or corrector of all moments for fields (noise included) from any source.

    The part of a field along the moment it was taken at is left out: from a Landau term it is
    large, it exerts no torque, but it would turn the moment at the start of the step. All
    two-dimensional arrays are padded to four columns and a multiple of eight rows.
    """
    cdef Py_ssize_t k, start
    cdef Block m, p, b, a, f, new
    with nogil:
        for k in range(moments.shape[0]//LANES):
            start = k*LANES
            load(&moments[start, 0], LANES, &m)
            load(&point[start, 0], LANES, &p)
            load(&fields[start, 0], LANES, &b)
            remove_parallel(&p, &b)
            block_axis(&p, &b, &rate[start], &ratio[start], &a)
            if predictor:
                store(&a, LANES, &first[start, 0])
                predict(scheme, &m, &a, dt, &new)
            else:
                load(&first[start, 0], LANES, &f)
                correct(scheme, &m, &f, &a, &p, dt, &new)
            store(&new, LANES, &out[start, 0])
