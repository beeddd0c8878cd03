"""Functions of a distance."""

from cython.parallel cimport prange


cdef inline void polynomial(
    const double* knots,
    const double* coefficients,
    const int* first,
    Py_ssize_t n_intervals,
    Py_ssize_t degree,
    Py_ssize_t n_buckets,
    double scale,
    double x,
    double* value,
    double* derivative,
) noexcept nogil:
    """Find the interval of x (bucket, then a short scan) and evaluate its polynomial."""
    cdef Py_ssize_t i, q, bucket
    cdef const double* c
    cdef double t, v, d = 0.0
    if not x < knots[n_intervals]:
        value[0] = 0.0
        derivative[0] = 0.0
        return
    bucket = 0
    if x > knots[0]:
        bucket = <Py_ssize_t> ((x - knots[0])*scale)
        if bucket >= n_buckets:
            bucket = n_buckets - 1
    i = first[bucket]
    while i > 0 and x < knots[i]:
        i -= 1
    while i < n_intervals - 1 and x >= knots[i + 1]:
        i += 1
    t = x - knots[i]
    c = coefficients + i*(degree + 1)
    v = c[degree]
    for q in range(degree - 1, -1, -1):
        d = d*t + v
        v = v*t + c[q]
    value[0] = v
    derivative[0] = d


def piecewise_polynomial(
    const double[::1] knots,
    const double[:, ::1] coefficients,
    const int[::1] first,
    const double[::1] r,
    double[::1] value,
    double[::1] derivative,
    int threads,
):
    """value and derivative of sum_q c[i, q] (r - knots[i])^q in knots[i] <= r < knots[i + 1].

    Zero from the last knot on; below the first knot the first polynomial goes on. ``first`` divides
    the range of the knots into equal buckets and holds the interval of each bucket's left edge.
    """
    cdef Py_ssize_t p, n = r.shape[0]
    cdef Py_ssize_t n_intervals = coefficients.shape[0], degree = coefficients.shape[1] - 1
    cdef Py_ssize_t n_buckets = first.shape[0]
    cdef double scale = n_buckets/(knots[n_intervals] - knots[0])
    with nogil:
        for p in prange(n, schedule="static", num_threads=threads):
            polynomial(
                &knots[0], &coefficients[0, 0], &first[0], n_intervals, degree, n_buckets, scale,
                r[p], &value[p], &derivative[p],
            )
