"""Sequential single-moment rotations: undamped dynamics that conserves the energy to rounding."""

from bilinear cimport Form, linear_field, make_form, onsite_terms
from cython.parallel cimport prange
from precession cimport cayley


def color(
    const int[::1] offsets,
    const int[::1] neighbors,
    int[::1] colors,
    int[::1] marks,
):
    """Greedy coloring: no two neighbors share a color. Returns the number of colors.

    ``marks`` (n + 1 entries, -1 on entry) is scratch.
    """
    cdef Py_ssize_t n = offsets.shape[0] - 1, i, p
    cdef int c, count = 0
    with nogil:
        for i in range(n):
            colors[i] = -1
        for i in range(n):
            for p in range(offsets[i], offsets[i + 1]):
                c = colors[neighbors[p]]
                if c >= 0:
                    marks[c] = <int> i
            c = 0
            while c < count and marks[c] == i:
                c += 1
            colors[i] = c
            if c == count:
                count += 1
    return count


cdef inline void turn(
    const Form* form, Py_ssize_t i, double* moments, double gamma, double dt,
) noexcept nogil:
    """Rotate moment i in the field of the others; anisotropy by the implicit midpoint rule.

    M_i.B_i is conserved exactly for linear terms, M.Q.M by the midpoint rule.
    """
    cdef double b[3]
    cdef double a[3]
    cdef double middle[3]
    cdef double new[3]
    cdef int c, repeats = 1
    cdef double* m = moments + 4*i
    linear_field(form, i, moments, b)
    for c in range(3):
        middle[c] = m[c]
    if form.quadric != NULL or form.cubic != NULL:
        repeats = 12
    while repeats > 0:
        for c in range(3):
            a[c] = b[c]
        if form.quadric != NULL or form.cubic != NULL:
            onsite_terms(form, i, middle, a)
        for c in range(3):
            a[c] *= -gamma
        cayley(m, a, dt, new)
        for c in range(3):
            middle[c] = 0.5*(m[c] + new[c])
        repeats -= 1
    for c in range(3):
        m[c] = new[c]


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
    double gamma,
    double dt,
    Py_ssize_t n_steps,
    int threads,
):
    """Advance ``moments`` in place: per step, all colors forward and backward, dt/2 each.

    ``moments`` is (n, 4), the last column zero. ``order`` lists the moments by color; those of
    one color are not neighbors, so the result does not depend on the number of threads.
    """
    cdef Form form = make_form(
        offsets, neighbors, exchange, tensors, field, landau, quadric, cubic, axes
    )
    cdef Py_ssize_t k, c, _, step, first, last, n_colors = color_offsets.shape[0] - 1
    cdef double* m
    if moments.shape[0] == 0 or n_steps == 0:
        return
    m = &moments[0, 0]
    with nogil:
        for _ in range(n_steps):
            for step in range(2*n_colors):
                c = step if step < n_colors else 2*n_colors - 1 - step
                first = color_offsets[c]
                last = color_offsets[c + 1]
                for k in prange(first, last, schedule="static", num_threads=threads):
                    turn(&form, order[k], m, gamma, 0.5*dt)
