"""Sums of Laplacian kernels: the prediction of kernel ridge regression."""

from cython.parallel cimport prange
from libc.math cimport fabs

cdef extern from *:
    """
    #include <stdint.h>
    /* exp(-x) for x >= 0 to about one unit in the last place; 0 for x >= 700, where it is 1e-304,
       and for NaN. There are no branches, so that loops over it vectorize (a comparison of doubles
       would be one): -x = k ln 2 + r, Taylor series in |r| <= 0.35, k added to the exponent. */
    static inline double ase_mag_exp_minus(double x) {
        const double shift = 6755399441055744.0;  /* 1.5 * 2^52: adding it rounds to an integer */
        const int64_t limit = INT64_C(0x4085E00000000000);  /* the bits of 700.0 */
        union { double d; int64_t i; } bits, power;
        double k, r, p;
        int64_t kept;
        bits.d = x;
        kept = bits.i < limit ? -1 : 0;
        bits.i &= kept;
        power.d = shift - bits.d * 1.4426950408889634074;
        k = power.d - shift;
        r = (-bits.d - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
        p = 1.0/479001600.0 + r*(1.0/6227020800.0);
        p = 1.0/39916800.0 + r*p;
        p = 1.0/3628800.0 + r*p;
        p = 1.0/362880.0 + r*p;
        p = 1.0/40320.0 + r*p;
        p = 1.0/5040.0 + r*p;
        p = 1.0/720.0 + r*p;
        p = 1.0/120.0 + r*p;
        p = 1.0/24.0 + r*p;
        p = 1.0/6.0 + r*p;
        p = 0.5 + r*p;
        bits.d = 1.0 + r*(1.0 + r*p);
        bits.i = (bits.i + (int64_t) ((uint64_t) power.i << 52)) & kept;
        return bits.d;
    }
    """
    double ase_mag_exp_minus(double) noexcept nogil

cdef enum:
    BLOCK = 64  # training rows at a time
    ROWS = 32   # predictions at a time


cdef inline void add_four(
    const double* row, const double* features, double* distances,
) noexcept nogil:
    """distances[b] += sum over four features f of |row[f] - features[f, b]|."""
    cdef Py_ssize_t b
    cdef double x = row[0], y = row[1], z = row[2], w = row[3]
    cdef const double* first = features
    cdef const double* second = features + BLOCK
    cdef const double* third = features + 2*BLOCK
    cdef const double* fourth = features + 3*BLOCK
    for b in range(BLOCK):
        distances[b] += (
            (fabs(x - first[b]) + fabs(y - second[b])) + (fabs(z - third[b]) + fabs(w - fourth[b]))
        )


cdef void predict_some(
    Py_ssize_t n_rows, Py_ssize_t n_features, Py_ssize_t n_blocks, Py_ssize_t n_targets,
    const double* rows, const double* training, const double* coefficients, const double* rates,
    double* out,
) noexcept nogil:
    """Predictions of a few rows; a block of training rows stays in the cache for all of them."""
    cdef Py_ssize_t block, i, f, k, b, half
    cdef double distances[BLOCK]
    cdef double kernel[BLOCK]
    cdef double terms[BLOCK]
    cdef double x
    cdef const double* row
    cdef const double* column
    cdef const double* features
    for i in range(n_rows*n_targets):
        out[i] = 0.0
    for block in range(n_blocks):
        features = training + block*n_features*BLOCK
        for i in range(n_rows):
            row = rows + i*n_features
            for b in range(BLOCK):
                distances[b] = 0.0
            for f in range(0, n_features - 3, 4):
                add_four(row + f, features + f*BLOCK, distances)
            for f in range(n_features - n_features % 4, n_features):
                x = row[f]
                column = features + f*BLOCK
                for b in range(BLOCK):
                    distances[b] += fabs(x - column[b])
            for k in range(n_targets):
                if k == 0 or rates[k] != rates[k - 1]:
                    x = rates[k]
                    for b in range(BLOCK):
                        kernel[b] = ase_mag_exp_minus(x*distances[b])
                column = coefficients + (k*n_blocks + block)*BLOCK
                for b in range(BLOCK):
                    terms[b] = column[b]*kernel[b]
                half = BLOCK//2
                while half > 0:
                    for b in range(half):
                        terms[b] += terms[b + half]
                    half //= 2
                out[i*n_targets + k] += terms[0]


def predict(
    const double[:, ::1] rows,
    const double[:, :, ::1] training,
    const double[:, ::1] coefficients,
    const double[::1] rates,
    double[:, ::1] out,
    int threads,
):
    """out[i, k] = sum_j coefficients[k, j] exp(-rates[k] |rows[i] - training row j|_1).

    ``training[j // 64, :, j % 64]`` is training row j, so its shape is (blocks, features, 64); the
    last block is filled up with anything, and the coefficients there are zero. Neighboring targets
    of equal rate share their exponentials.
    """
    cdef Py_ssize_t n_blocks = training.shape[0], n_features = training.shape[1]
    cdef Py_ssize_t c, n = rows.shape[0], n_targets = out.shape[1]
    if n == 0 or n_blocks == 0 or n_features == 0 or n_targets == 0:
        return
    with nogil:
        for c in prange((n + ROWS - 1)//ROWS, schedule="static", num_threads=threads):
            predict_some(
                min(ROWS, n - c*ROWS), n_features, n_blocks, n_targets, &rows[c*ROWS, 0],
                &training[0, 0, 0], &coefficients[0, 0], &rates[0], &out[c*ROWS, 0],
            )
