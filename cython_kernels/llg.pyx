"""Landau-Lifshitz-Gilbert dynamics: semi-implicit midpoint steps (Mentink et al. 2010, SIB)."""

from bilinear cimport Form, make_form, site
from cython.parallel cimport prange
from libc.math cimport sqrt
from libc.stdint cimport uint32_t, uint64_t
from philox cimport normal3
from precession cimport precess


cdef inline void stage(
    const Form* form, Py_ssize_t i, const double* start, const double* mean, double damping,
    double size, double deviation, double rate, uint64_t seed, uint64_t step, uint32_t stream,
    double* noise, bint first, double* out,
) noexcept nogil:
    """Rotate moment i by the field at ``mean`` plus noise, which the first stage draws."""
    cdef double b[3]
    cdef int c
    site(form, i, mean, b)
    if deviation > 0.0:
        if first:
            normal3(seed, step, <uint32_t> i, stream, noise + 3*i)
        for c in range(3):
            b[c] += deviation*noise[3*i + c]
    precess(start + 3*i, mean + 3*i, b, damping, size, rate, out + 3*i)


def midpoint(
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
    const double[::1] damping,
    const double[::1] deviation,
    double gamma,
    double dt,
    uint64_t seed,
    uint64_t first_step,
    uint32_t stream,
    Py_ssize_t n_steps,
    double[:, ::1] predicted,
    double[:, ::1] mean,
    double[:, ::1] noise,
    double[::1] sizes,
    int threads,
):
    """Advance ``moments`` in place by ``n_steps`` steps of ``dt`` at frozen positions.

    ``deviation`` is the standard deviation of each noise component of B (eV/mu_B), zero without
    a bath; noise of step s is a function of (seed, s, stream, atom). The last four arrays before
    ``threads`` are scratch.
    """
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
    cdef Py_ssize_t i, n = moments.shape[0], s
    cdef int c
    cdef uint64_t step
    cdef double rate
    if n == 0 or n_steps == 0:
        return
    cdef double* m = &moments[0, 0]
    cdef double* half = &mean[0, 0]
    cdef double* trial = &predicted[0, 0]
    cdef double* xi = &noise[0, 0]
    with nogil:
        for i in range(n):
            sizes[i] = sqrt(m[3*i]*m[3*i] + m[3*i + 1]*m[3*i + 1] + m[3*i + 2]*m[3*i + 2])
        for s in range(n_steps):
            step = first_step + s
            for i in prange(n, schedule="static", num_threads=threads):
                rate = 0.5*gamma*dt/(1.0 + damping[i]*damping[i])
                stage(&form, i, m, m, damping[i], sizes[i], deviation[i], rate,
                      seed, step, stream, xi, True, trial)
                for c in range(3):
                    half[3*i + c] = 0.5*(m[3*i + c] + trial[3*i + c])
            for i in prange(n, schedule="static", num_threads=threads):
                rate = 0.5*gamma*dt/(1.0 + damping[i]*damping[i])
                stage(&form, i, m, half, damping[i], sizes[i], deviation[i], rate,
                      seed, step, stream, xi, False, trial)
            for i in range(n):
                for c in range(3):
                    m[3*i + c] = trial[3*i + c]


def rotate(
    const double[:, ::1] moments,
    const double[:, ::1] mean,
    const double[:, ::1] fields,
    const double[:, ::1] noise,
    const double[::1] damping,
    const double[::1] deviation,
    double gamma,
    double dt,
    double[:, ::1] out,
):
    """One stage of the midpoint step for fields from any source; see ``precession.precess``."""
    cdef Py_ssize_t i
    cdef double size
    cdef double b[3]
    with nogil:
        for i in range(moments.shape[0]):
            size = sqrt(moments[i, 0]*moments[i, 0] + moments[i, 1]*moments[i, 1]
                        + moments[i, 2]*moments[i, 2])
            b[0] = fields[i, 0] + deviation[i]*noise[i, 0]
            b[1] = fields[i, 1] + deviation[i]*noise[i, 1]
            b[2] = fields[i, 2] + deviation[i]*noise[i, 2]
            precess(&moments[i, 0], &mean[i, 0], b, damping[i], size,
                    0.5*gamma*dt/(1.0 + damping[i]*damping[i]), &out[i, 0])
