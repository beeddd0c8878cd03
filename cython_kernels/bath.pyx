"""Overdamped Langevin dynamics of moment vectors (Heun steps)."""

from bilinear cimport Form, make_form, site
from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t
from philox cimport normal3


cdef inline void first_stage(
    const Form* form, Py_ssize_t i, const double* m, double relax, double deviation,
    uint64_t seed, uint64_t step, uint32_t stream, double* field, double* push, double* trial,
) noexcept nogil:
    """trial = M + relax B(M) + push, with a new push."""
    cdef double b[3]
    cdef int c
    site(form, i, m, b)
    if deviation > 0.0:
        normal3(seed, step, <uint32_t> i, stream, push + 3*i)
    for c in range(3):
        push[3*i + c] = deviation*push[3*i + c] if deviation > 0.0 else 0.0
        field[3*i + c] = b[c]
        trial[3*i + c] = m[3*i + c] + relax*b[c] + push[3*i + c]


cdef inline void second_stage(
    const Form* form, Py_ssize_t i, const double* trial, double relax, const double* field,
    const double* push, double* m,
) noexcept nogil:
    """M <- M + relax (B(M) + B(trial))/2 + push."""
    cdef double b[3]
    cdef int c
    site(form, i, trial, b)
    for c in range(3):
        m[3*i + c] += 0.5*relax*(field[3*i + c] + b[c]) + push[3*i + c]


def heun(
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
    const double[::1] relax,
    const double[::1] deviation,
    uint64_t seed,
    uint64_t first_step,
    uint32_t stream,
    Py_ssize_t n_steps,
    double[:, ::1] predicted,
    double[:, ::1] start_fields,
    double[:, ::1] push,
    int threads,
):
    """dM = Gamma B dt + sqrt(2 Gamma kT) dW at frozen positions, in place, ``n_steps`` steps.

    ``relax`` = Gamma dt of each atom (mu_B^2/eV), ``deviation`` = sqrt(2 Gamma kT dt) (mu_B). The
    three arrays before ``threads`` are scratch.
    """
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
    cdef Py_ssize_t i, n = moments.shape[0], s
    if n == 0 or n_steps == 0:
        return
    cdef double* m = &moments[0, 0]
    cdef double* trial = &predicted[0, 0]
    cdef double* b = &start_fields[0, 0]
    cdef double* xi = &push[0, 0]
    with nogil:
        for s in range(n_steps):
            for i in prange(n, schedule="static", num_threads=threads):
                first_stage(&form, i, m, relax[i], deviation[i], seed, first_step + s, stream,
                            b, xi, trial)
            for i in prange(n, schedule="static", num_threads=threads):
                second_stage(&form, i, trial, relax[i], b, xi, m)
