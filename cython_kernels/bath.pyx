"""Overdamped Langevin dynamics of moment vectors (Heun steps)."""

from bilinear cimport Form, eight_fields, make_form
from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t
from philox cimport ASE_MAG_LANES, ase_mag_normals


cdef struct Run:
    # What all steps of one call share; arrays of four columns and a multiple of eight rows.
    Form form
    const double* relax         # Gamma dt
    const double* deviation     # sqrt(2 Gamma kT dt)
    bint noisy
    uint64_t seed
    uint32_t stream
    const uint32_t* atoms       # to which the noise belongs; NULL: in this order
    double* moments
    double* trial
    double* first               # what the start of the step gives to its end


cdef inline void first_stage(const Run* r, Py_ssize_t start, uint64_t step) noexcept nogil:
    """trial = M + relax B(M) + deviation xi, eight moments."""
    cdef Py_ssize_t k, c, i
    cdef double push, drift
    cdef double xi[4*ASE_MAG_LANES]
    cdef double fields[4*ASE_MAG_LANES]
    if r.noisy:
        ase_mag_normals(r.seed, step, r.stream, r.atoms, start, xi)
    else:
        for k in range(4*ASE_MAG_LANES):
            xi[k] = 0.0
    eight_fields(&r.form, start, r.moments, fields)
    for k in range(min(<Py_ssize_t> ASE_MAG_LANES, r.form.n - start)):
        for c in range(4):
            i = 4*(start + k) + c
            push = r.deviation[start + k]*xi[4*k + c]
            drift = r.relax[start + k]*fields[4*k + c]
            r.first[i] = 0.5*drift + push
            r.trial[i] = r.moments[i] + drift + push


cdef inline void second_stage(const Run* r, Py_ssize_t start) noexcept nogil:
    """M <- M + relax (B(M) + B(trial))/2 + deviation xi, eight moments."""
    cdef Py_ssize_t k, c, i
    cdef double fields[4*ASE_MAG_LANES]
    eight_fields(&r.form, start, r.trial, fields)
    for k in range(min(<Py_ssize_t> ASE_MAG_LANES, r.form.n - start)):
        for c in range(4):
            i = 4*(start + k) + c
            r.moments[i] += 0.5*r.relax[start + k]*fields[4*k + c] + r.first[i]


cdef void stages(const Run* r, bint predictor, uint64_t step, int threads) noexcept nogil:
    cdef Py_ssize_t k
    for k in prange((r.form.n + ASE_MAG_LANES - 1)//ASE_MAG_LANES, schedule="static",
                    num_threads=threads):
        if predictor:
            first_stage(r, k*ASE_MAG_LANES, step)
        else:
            second_stage(r, k*ASE_MAG_LANES)


cdef Run make_run(
    tuple terms,
    double[:, ::1] moments,
    const double[::1] relax,
    const double[::1] deviation,
    const uint32_t[::1] atoms,
    uint64_t seed,
    uint32_t stream,
    double[:, ::1] trial,
    double[:, ::1] first,
) except *:
    """Gather the arguments of a call that has at least one site."""
    cdef Run r
    cdef Py_ssize_t i
    r.form = make_form(terms)
    r.relax = &relax[0]
    r.deviation = &deviation[0]
    r.noisy = False
    for i in range(r.form.n):
        r.noisy = r.noisy or deviation[i] > 0.0
    r.seed = seed
    r.stream = stream
    r.atoms = NULL if atoms is None else &atoms[0]
    r.moments = &moments[0, 0]
    r.trial = &trial[0, 0]
    r.first = &first[0, 0]
    return r


def heun(
    tuple terms,
    double[:, ::1] moments,
    const double[::1] relax,
    const double[::1] deviation,
    const uint32_t[::1] atoms,
    uint64_t seed,
    uint64_t first_step,
    uint32_t stream,
    Py_ssize_t n_steps,
    double[:, ::1] trial,
    double[:, ::1] first,
    int threads,
):
    """dM = Gamma B dt + sqrt(2 Gamma kT) dW at frozen positions, in place, ``n_steps`` steps.

    ``terms`` is ``BilinearForm.arrays``, ``relax`` = Gamma dt of each atom (mu_B^2/eV),
    ``deviation`` = sqrt(2 Gamma kT dt) (mu_B); where both are zero a moment keeps its bits.
    ``moments``, ``trial`` and ``first`` (scratch) have four columns (the last one
    zero) and a multiple of eight rows. The noise of step s is a function of (seed, s, stream,
    atom); ``atoms`` are the numbers of the atoms, padded to as many rows, None: 0, 1, 2, ...
    """
    cdef Run r
    cdef Py_ssize_t s
    if len(terms[0]) < 2:
        return
    r = make_run(terms, moments, relax, deviation, atoms, seed, stream, trial, first)
    with nogil:
        for s in range(n_steps):
            stages(&r, True, first_step + s, threads)
            stages(&r, False, first_step + s, threads)


def half_step(
    bint predictor,
    tuple terms,
    double[:, ::1] moments,
    const double[::1] relax,
    const double[::1] deviation,
    const uint32_t[::1] atoms,
    uint64_t seed,
    uint64_t step,
    uint32_t stream,
    double[:, ::1] trial,
    double[:, ::1] first,
    int threads,
):
    """The predictor or the corrector of one step of :func:`heun`, for the sites of the form.

    Rows after those of the sites are of ghosts; whoever calls sets them in ``moments`` before the
    predictor and in ``trial`` before the corrector.
    """
    cdef Run r
    if len(terms[0]) < 2:
        return
    r = make_run(terms, moments, relax, deviation, atoms, seed, stream, trial, first)
    with nogil:
        stages(&r, predictor, step, threads)
