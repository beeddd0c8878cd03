"""Landau-Lifshitz-Gilbert dynamics at frozen positions, many steps in one call."""

from bilinear cimport Form, make_form, site
from cython.parallel cimport prange
from libc.math cimport fabs, sqrt
from libc.stdint cimport uint32_t, uint64_t
from philox cimport normal3
from precession cimport axis, cayley, rodrigues

cpdef enum Scheme:
    # One step from M with a(M) of ``precession.axis`` and the trial moment M1:
    MIDPOINT   # M1 = cayley(M, a(M)); M' = cayley(M, a((M + M1)/2)), repeated to a tolerance
    DEPONDT    # M1 = rodrigues(M, a(M)); M' = rodrigues(M, (a(M) + a(M1))/2)
    HEUN       # M1 = M + dt M x a(M); M' = M + dt/2 (M x a(M) + M1 x a(M1)), |M'| restored


cdef inline void noisy_axis(
    const Form* form, Py_ssize_t i, const double* moments, double damping, double size,
    double deviation, const double* noise, double gamma, double* a,
) noexcept nogil:
    """The rotation axis of moment i among ``moments``, with the noise of this step in B."""
    cdef double b[3]
    cdef int c
    site(form, i, moments, b)
    if deviation > 0.0:
        for c in range(3):
            b[c] += deviation*noise[3*i + c]
    axis(moments + 3*i, b, damping, size, gamma, a)


cdef inline void predict(
    int scheme, const double* m, const double* a, double dt, double* first, double* out,
) noexcept nogil:
    """Trial moment from the axis at the start of the step, which is kept in ``first``."""
    cdef int c
    for c in range(3):
        first[c] = a[c]
    if scheme == MIDPOINT:
        cayley(m, a, dt, out)
    elif scheme == DEPONDT:
        rodrigues(m, a, dt, out)
    else:
        out[0] = m[0] + dt*(m[1]*a[2] - m[2]*a[1])
        out[1] = m[1] + dt*(m[2]*a[0] - m[0]*a[2])
        out[2] = m[2] + dt*(m[0]*a[1] - m[1]*a[0])


cdef inline void correct(
    int scheme, const double* m, const double* first, const double* a, const double* trial,
    double size, double dt, double* out,
) noexcept nogil:
    """End of the step from the start axis, and the axis ``a`` at (or half-way to) the trial."""
    cdef double mean[3]
    cdef double scale
    cdef int c
    if scheme == MIDPOINT:
        cayley(m, a, dt, out)
    elif scheme == DEPONDT:
        for c in range(3):
            mean[c] = 0.5*(first[c] + a[c])
        rodrigues(m, mean, dt, out)
    else:
        mean[0] = m[1]*first[2] - m[2]*first[1] + trial[1]*a[2] - trial[2]*a[1]
        mean[1] = m[2]*first[0] - m[0]*first[2] + trial[2]*a[0] - trial[0]*a[2]
        mean[2] = m[0]*first[1] - m[1]*first[0] + trial[0]*a[1] - trial[1]*a[0]
        for c in range(3):
            out[c] = m[c] + 0.5*dt*mean[c]
        scale = sqrt(out[0]*out[0] + out[1]*out[1] + out[2]*out[2])
        scale = size/scale if scale > 0.0 else 0.0
        for c in range(3):
            out[c] *= scale


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
    const double[::1] damping,
    const double[::1] deviation,
    int scheme,
    int iterations,
    double tolerance,
    double gamma,
    double dt,
    uint64_t seed,
    uint64_t first_step,
    uint32_t stream,
    Py_ssize_t n_steps,
    double[:, ::1] trial,
    double[:, ::1] point,
    double[:, ::1] first,
    double[:, ::1] noise,
    double[::1] sizes,
    double[::1] change,
    int threads,
):
    """Advance ``moments`` in place by ``n_steps`` steps of ``dt``.

    ``deviation`` is the standard deviation of each noise component of B (eV/mu_B), zero without a
    bath; the noise of step s is a function of (seed, s, stream, atom). The corrector of the
    midpoint scheme is repeated until no component moves by more than ``tolerance`` (mu_B), at
    most ``iterations`` times. The last six arrays are scratch. Returns the number of steps whose
    corrector did not reach the tolerance.
    """
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
    cdef Py_ssize_t i, n = moments.shape[0], s, failed = 0
    cdef int c, _turn
    cdef double worst
    cdef double* m
    cdef double* out
    cdef double* at
    cdef double* a0
    cdef double* xi
    if n == 0 or n_steps == 0:
        return 0
    m = &moments[0, 0]
    out = &trial[0, 0]
    at = &point[0, 0]
    a0 = &first[0, 0]
    xi = &noise[0, 0]
    with nogil:
        for i in range(n):
            sizes[i] = sqrt(m[3*i]*m[3*i] + m[3*i + 1]*m[3*i + 1] + m[3*i + 2]*m[3*i + 2])
        for s in range(n_steps):
            for i in prange(n, schedule="static", num_threads=threads):
                if deviation[i] > 0.0:
                    normal3(seed, first_step + s, <uint32_t> i, stream, xi + 3*i)
                start(&form, i, m, damping[i], sizes[i], deviation[i], xi, gamma, scheme, dt,
                      a0, out)
            for _turn in range(iterations):
                for i in prange(n, schedule="static", num_threads=threads):
                    for c in range(3):
                        at[3*i + c] = (0.5*(m[3*i + c] + out[3*i + c]) if scheme == MIDPOINT
                                       else out[3*i + c])
                for i in prange(n, schedule="static", num_threads=threads):
                    change[i] = finish(&form, i, m, at, damping[i], sizes[i], deviation[i], xi,
                                       gamma, scheme, dt, a0, out)
                worst = 0.0
                if iterations > 1:
                    for i in range(n):
                        if change[i] > worst:
                            worst = change[i]
                    if worst <= tolerance:
                        break
            if worst > tolerance:
                failed += 1
            for i in range(n):
                for c in range(3):
                    m[3*i + c] = out[3*i + c]
    return failed


cdef inline void start(
    const Form* form, Py_ssize_t i, const double* m, double damping, double size,
    double deviation, const double* noise, double gamma, int scheme, double dt,
    double* first, double* out,
) noexcept nogil:
    """Predictor of moment i."""
    cdef double a[3]
    noisy_axis(form, i, m, damping, size, deviation, noise, gamma, a)
    predict(scheme, m + 3*i, a, dt, first + 3*i, out + 3*i)


cdef inline double finish(
    const Form* form, Py_ssize_t i, const double* m, const double* at, double damping, double size,
    double deviation, const double* noise, double gamma, int scheme, double dt,
    const double* first, double* out,
) noexcept nogil:
    """Corrector of moment i; returns the largest change of a component."""
    cdef double a[3]
    cdef double new[3]
    cdef double worst = 0.0
    cdef int c
    noisy_axis(form, i, at, damping, size, deviation, noise, gamma, a)
    correct(scheme, m + 3*i, first + 3*i, a, at + 3*i, size, dt, new)
    for c in range(3):
        worst = max(worst, fabs(new[c] - out[3*i + c]))
        out[3*i + c] = new[c]
    return worst


def stage(
    int scheme,
    bint predictor,
    const double[:, ::1] moments,
    const double[:, ::1] point,
    const double[:, ::1] fields,
    const double[::1] damping,
    double gamma,
    double dt,
    double[:, ::1] first,
    double[:, ::1] out,
):
    """Predictor or corrector of all moments for fields (noise included) from any source."""
    cdef Py_ssize_t i
    cdef double size
    cdef double a[3]
    with nogil:
        for i in range(moments.shape[0]):
            size = sqrt(moments[i, 0]*moments[i, 0] + moments[i, 1]*moments[i, 1]
                        + moments[i, 2]*moments[i, 2])
            axis(&point[i, 0], &fields[i, 0], damping[i], size, gamma, a)
            if predictor:
                predict(scheme, &moments[i, 0], a, dt, &first[i, 0], &out[i, 0])
            else:
                correct(scheme, &moments[i, 0], &first[i, 0], a, &point[i, 0], size, dt,
                        &out[i, 0])
