"""Landau-Lifshitz-Gilbert dynamics at frozen positions, many steps in one call."""

from enum import IntEnum

from bilinear cimport Form, eight_fields, make_form
from cython.parallel cimport prange
from libc.math cimport fabs
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy
from philox cimport ase_mag_normals
from precession cimport (
    DEPONDT,
    HEUN,
    LANES,
    MIDPOINT,
    Block,
    block_axis,
    correct,
    load,
    predict,
    remove_parallel,
    store,
)

#: The schemes of ``precession.pxd``, by name.
Scheme = IntEnum("Scheme", {"MIDPOINT": MIDPOINT, "DEPONDT": DEPONDT, "HEUN": HEUN})


cdef struct Run:
    # What all steps of one call share; arrays of four columns and a multiple of eight rows.
    Form form
    int scheme
    double dt
    const double* rate          # gamma/(1 + alpha^2)
    const double* ratio         # alpha/|M|
    const double* deviation     # of the noise in B
    bint noisy
    uint64_t seed
    uint32_t stream
    const uint32_t* atoms       # to which the noise belongs; NULL: in this order
    bint iterated               # the corrector is repeated
    double* moments             # at the start of the step
    double* trial               # at its end, so far (the moments themselves, unless iterated)
    double* point               # where the corrector takes the fields
    double* first               # axes at the start of the step
    double* noise


cdef inline void block_fields(
    const Run* r, Py_ssize_t start, const double* moments, Block* b,
) noexcept nogil:
    """Fields -dE/dM of eight moments, with the noise of this step."""
    cdef double rows[32]
    cdef Py_ssize_t k, c
    eight_fields(&r.form, start, moments, rows)
    if r.noisy:
        for k in range(LANES):
            for c in range(4):
                rows[4*k + c] += r.deviation[start + k]*r.noise[4*(start + k) + c]
    load(rows, b)


cdef inline void first_stage(const Run* r, Py_ssize_t start, uint64_t step) noexcept nogil:
    """Predictor of eight moments."""
    cdef Block now, b, a, new
    cdef Py_ssize_t k
    if r.noisy:
        ase_mag_normals(r.seed, step, r.stream, r.atoms, start, r.noise + 4*start)
    load(r.moments + 4*start, &now)
    block_fields(r, start, r.moments, &b)
    block_axis(&now, &b, r.rate + start, r.ratio + start, &a)
    predict(r.scheme, &now, &a, r.dt, &new)
    if r.iterated:
        store(&new, r.trial + 4*start)
    if r.scheme == MIDPOINT:
        for k in range(LANES):
            new.x[k] = 0.5*(now.x[k] + new.x[k])
            new.y[k] = 0.5*(now.y[k] + new.y[k])
            new.z[k] = 0.5*(now.z[k] + new.z[k])
    else:
        store(&a, r.first + 4*start)
    store(&new, r.point + 4*start)


cdef inline double second_stage(const Run* r, Py_ssize_t start) noexcept nogil:
    """Corrector of eight moments; returns the largest change, if iterated."""
    cdef Block now, at, start_axis, b, a, new
    cdef Py_ssize_t k
    cdef double worst = 0.0
    load(r.moments + 4*start, &now)
    load(r.point + 4*start, &at)
    if r.scheme != MIDPOINT:
        load(r.first + 4*start, &start_axis)
    block_fields(r, start, r.point, &b)
    block_axis(&at, &b, r.rate + start, r.ratio + start, &a)
    correct(r.scheme, &now, &start_axis, &a, &at, r.dt, &new)
    if r.iterated:
        load(r.trial + 4*start, &at)
        for k in range(LANES):
            worst = max(worst, fabs(new.x[k] - at.x[k]))
            worst = max(worst, fabs(new.y[k] - at.y[k]))
            worst = max(worst, fabs(new.z[k] - at.z[k]))
    store(&new, r.trial + 4*start)
    return worst


cdef void first_stages(
    const Run* r, Py_ssize_t blocks, uint64_t step, int threads,
) noexcept nogil:
    cdef Py_ssize_t k
    if threads > 1:
        for k in prange(blocks, schedule="static", num_threads=threads):
            first_stage(r, k*LANES, step)
    else:  # without the overhead of a parallel region, which small systems would feel
        for k in range(blocks):
            first_stage(r, k*LANES, step)


cdef void second_stages(
    const Run* r, Py_ssize_t blocks, double* change, int threads,
) noexcept nogil:
    cdef Py_ssize_t k
    if threads > 1:
        for k in prange(blocks, schedule="static", num_threads=threads):
            change[k] = second_stage(r, k*LANES)
    else:
        for k in range(blocks):
            change[k] = second_stage(r, k*LANES)


cdef Run make_run(
    tuple terms,
    double[:, ::1] moments,
    const double[::1] rate,
    const double[::1] ratio,
    const double[::1] deviation,
    const uint32_t[::1] atoms,
    int scheme,
    bint iterated,
    double dt,
    uint64_t seed,
    uint32_t stream,
    double[:, ::1] trial,
    double[:, ::1] point,
    double[:, ::1] first,
    double[:, ::1] noise,
) except *:
    """Gather the arguments of a call that has at least one site."""
    cdef Run r
    cdef Py_ssize_t i
    r.form = make_form(terms)
    r.scheme = scheme
    r.dt = dt
    r.rate = &rate[0]
    r.ratio = &ratio[0]
    r.deviation = &deviation[0]
    r.noisy = False
    for i in range(r.form.n):
        r.noisy = r.noisy or deviation[i] > 0.0
    r.seed = seed
    r.stream = stream
    r.atoms = NULL if atoms is None else &atoms[0]
    r.iterated = iterated
    r.moments = &moments[0, 0]
    r.trial = &trial[0, 0] if iterated else r.moments
    r.point = &point[0, 0]
    r.first = NULL if scheme == MIDPOINT else &first[0, 0]
    r.noise = &noise[0, 0] if r.noisy else NULL
    return r


def advance(
    tuple terms,
    double[:, ::1] moments,
    const double[::1] rate,
    const double[::1] ratio,
    const double[::1] deviation,
    const uint32_t[::1] atoms,
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

    ``terms`` is ``BilinearForm.arrays``. ``moments`` and the scratch arrays after ``n_steps`` have
    four columns (a vector and a zero) and a multiple of eight rows; ``trial`` (one iteration),
    ``first`` (midpoint) and ``noise`` (no deviation) may have no rows where they are not needed.
    ``rate`` = gamma/(1 + alpha^2), ``ratio`` = alpha/|M| and ``deviation``, the standard deviation
    of each noise component of B (eV/mu_B), are padded with zeros to as many rows. The noise of
    step s is a function of (seed, s, stream, atom); ``atoms`` are the numbers of the atoms, None:
    0, 1, 2, ... The corrector of the midpoint scheme is repeated until no component moves by more
    than ``tolerance`` (mu_B), at most ``iterations`` times. Returns the number of steps whose
    corrector did not reach the tolerance.
    """
    cdef Run r
    cdef Py_ssize_t i, k, n = len(terms[0]) - 1, s, failed = 0, blocks = moments.shape[0]//LANES
    cdef int _turn
    cdef double worst = 0.0
    cdef double* swap
    if n == 0 or n_steps == 0:
        return 0
    r = make_run(
        terms, moments, rate, ratio, deviation, atoms, scheme, iterations > 1, dt, seed, stream,
        trial, point, first, noise,
    )
    with nogil:
        for s in range(n_steps):
            first_stages(&r, blocks, first_step + s, threads)
            for _turn in range(iterations):
                second_stages(&r, blocks, &change[0], threads)
                if not r.iterated:
                    break
                worst = 0.0
                for k in range(blocks):
                    worst = max(worst, change[k])
                if worst <= tolerance:
                    break
                for i in range(4*n):
                    r.point[i] = 0.5*(r.moments[i] + r.trial[i])
            if worst > tolerance:
                failed += 1
            swap = r.moments
            r.moments = r.trial
            r.trial = swap
        if r.moments != &moments[0, 0]:
            memcpy(&moments[0, 0], r.moments, 4*n*sizeof(double))
    return failed


def half_step(
    bint predictor,
    tuple terms,
    double[:, ::1] moments,
    const double[::1] rate,
    const double[::1] ratio,
    const double[::1] deviation,
    const uint32_t[::1] atoms,
    int scheme,
    bint iterated,
    double dt,
    uint64_t seed,
    uint64_t step,
    uint32_t stream,
    double[:, ::1] trial,
    double[:, ::1] point,
    double[:, ::1] first,
    double[:, ::1] noise,
    double[::1] change,
    int threads,
):
    """The predictor or the corrector of one step of :func:`advance`, for the sites of the form.

    Rows after those of the sites are of ghosts; whoever calls sets them in ``moments`` before the
    predictor and in ``point`` before every corrector. Up to seven of them are written to. Returns
    the largest change of a component (``iterated`` correctors).
    """
    cdef Run r
    cdef Py_ssize_t k, blocks, n = len(terms[0]) - 1
    cdef double worst = 0.0
    if n == 0:
        return 0.0
    r = make_run(
        terms, moments, rate, ratio, deviation, atoms, scheme, iterated, dt, seed, stream, trial,
        point, first, noise,
    )
    blocks = (n + LANES - 1)//LANES
    with nogil:
        if predictor:
            first_stages(&r, blocks, step, threads)
        else:
            second_stages(&r, blocks, &change[0], threads)
            for k in range(blocks):
                worst = max(worst, change[k])
    return worst


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
            load(&moments[start, 0], &m)
            load(&point[start, 0], &p)
            load(&fields[start, 0], &b)
            remove_parallel(&p, &b)
            block_axis(&p, &b, &rate[start], &ratio[start], &a)
            if predictor:
                store(&a, &first[start, 0])
                predict(scheme, &m, &a, dt, &new)
            else:
                load(&first[start, 0], &f)
                correct(scheme, &m, &f, &a, &p, dt, &new)
            store(&new, &out[start, 0])
