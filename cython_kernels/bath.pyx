"""Overdamped Langevin dynamics of moment vectors (Heun steps)."""

from bilinear cimport Form, make_form, site
from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t
from philox cimport ASE_MAG_LANES, ase_mag_normals


cdef inline void first_stage(
    const Form* form, Py_ssize_t i, const double* m, double relax, double deviation,
    double* field, double* push, double* trial,
) noexcept nogil:
    """push <- deviation push; trial = M + relax B(M) + push."""
    cdef double b[3]
    cdef int c
    site(form, i, m, b)
    for c in range(3):
        push[4*i + c] = deviation*push[4*i + c] if deviation > 0.0 else 0.0
        field[4*i + c] = b[c]
        trial[4*i + c] = m[4*i + c] + relax*b[c] + push[4*i + c]


cdef inline void second_stage(
    const Form* form, Py_ssize_t i, const double* trial, double relax, const double* field,
    const double* push, double* m,
) noexcept nogil:
    """M <- M + relax (B(M) + B(trial))/2 + push."""
    cdef double b[3]
    cdef int c
    site(form, i, trial, b)
    for c in range(3):
        m[4*i + c] += 0.5*relax*(field[4*i + c] + b[c]) + push[4*i + c]


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

    ``relax`` = Gamma dt of each atom (mu_B^2/eV), ``deviation`` = sqrt(2 Gamma kT dt) (mu_B).
    ``moments`` and the three scratch arrays before ``threads`` have four columns (the last one
    zero) and a multiple of eight rows.
    """
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
    cdef Py_ssize_t i, k, n = form.n, s, blocks = moments.shape[0]//ASE_MAG_LANES
    cdef bint noisy = False
    if n == 0 or n_steps == 0:
        return
    cdef double* m = &moments[0, 0]
    cdef double* trial = &predicted[0, 0]
    cdef double* b = &start_fields[0, 0]
    cdef double* xi = &push[0, 0]
    with nogil:
        for i in range(n):
            noisy = noisy or deviation[i] > 0.0
        for s in range(n_steps):
            for k in prange(blocks, schedule="static", num_threads=threads):
                if noisy:
                    ase_mag_normals(seed, first_step + s, stream, <uint32_t> (k*ASE_MAG_LANES),
                                    xi + 4*ASE_MAG_LANES*k)
                for i in range(k*ASE_MAG_LANES, min((k + 1)*ASE_MAG_LANES, n)):
                    first_stage(&form, i, m, relax[i], deviation[i], b, xi, trial)
            for i in prange(n, schedule="static", num_threads=threads):
                second_stage(&form, i, trial, relax[i], b, xi, m)
