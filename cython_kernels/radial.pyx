"""Functions of a distance."""

from cython.parallel cimport prange

from decay cimport ase_mag_decay  # no-cython-lint: used by the C code below

cdef extern from *:
    """
    #if defined(__AVX2__)
    #include <immintrin.h>
    #endif

    /* A piecewise polynomial of n pieces: edges -inf, x_1 .. x_n, inf; rows of the origin x_i and
       the coefficients in ascending powers of x - x_i, the row of zeros last; the piece at the left
       edge of each of the equal buckets of x_0 .. x_n, and n. */
    typedef struct {
        const double *edges, *rows;
        const int *first;
        long n, degree;
        double start, scale, buckets;
    } ase_mag_pieces;

    static inline double ase_mag_polynomial(const double *c, long degree, double t, double *slope) {
        double v = c[degree], d = 0.0;
        for (long q = degree - 1; q >= 0; q--) {
            d = d*t + v;
            v = v*t + c[q];
        }
        *slope = d;
        return v;
    }

    /* Value and slope at x. No branch depends on x, but for rare edges that share a bucket. */
    static inline double ase_mag_pieces_at(const ase_mag_pieces *f, double x, double *slope) {
        double u = (x - f->start)*f->scale;
        u = u > 0.0 ? u : 0.0;
        u = u < f->buckets ? u : f->buckets;
        long i = f->first[(int) u];
        i += x >= f->edges[i + 1];
        while (x >= f->edges[i + 1]) i++;
        while (x < f->edges[i]) i--;
        const double *row = f->rows + i*(f->degree + 2);
        if (f->degree == 3) return ase_mag_polynomial(row + 1, 3, x - row[0], slope);
        return ase_mag_polynomial(row + 1, f->degree, x - row[0], slope);
    }

    /* Values and slopes at eight points. */
    static inline void ase_mag_pieces_at_eight(const ase_mag_pieces *f, const double *x,
                                               double *value, double *slope) {
    #if defined(__AVX2__)
        /* Few cubic pieces: go through all of them and keep, lane by lane, the last that begins
           at or below x. */
        if (f->degree == 3 && f->n <= 16) {
            __m256d xa = _mm256_loadu_pd(x), xb = _mm256_loadu_pd(x + 4);
            __m256d a[5], b[5], da, db, va, vb;
            for (int q = 0; q < 5; q++) a[q] = b[q] = _mm256_broadcast_sd(f->rows + q);
            for (long i = 1; i <= f->n; i++) {
                __m256d edge = _mm256_broadcast_sd(f->edges + i);
                __m256d ma = _mm256_cmp_pd(xa, edge, _CMP_GE_OQ);
                __m256d mb = _mm256_cmp_pd(xb, edge, _CMP_GE_OQ);
                for (int q = 0; q < 5; q++) {
                    __m256d c = _mm256_broadcast_sd(f->rows + 5*i + q);
                    a[q] = _mm256_blendv_pd(a[q], c, ma);
                    b[q] = _mm256_blendv_pd(b[q], c, mb);
                }
            }
            xa = _mm256_sub_pd(xa, a[0]);
            xb = _mm256_sub_pd(xb, b[0]);
            da = va = a[4];
            db = vb = b[4];
            va = _mm256_fmadd_pd(va, xa, a[3]);
            vb = _mm256_fmadd_pd(vb, xb, b[3]);
            for (int q = 2; q > 0; q--) {
                da = _mm256_fmadd_pd(da, xa, va);
                db = _mm256_fmadd_pd(db, xb, vb);
                va = _mm256_fmadd_pd(va, xa, a[q]);
                vb = _mm256_fmadd_pd(vb, xb, b[q]);
            }
            _mm256_storeu_pd(value, va);
            _mm256_storeu_pd(value + 4, vb);
            _mm256_storeu_pd(slope, da);
            _mm256_storeu_pd(slope + 4, db);
            return;
        }
    #endif
        for (int k = 0; k < 8; k++) value[k] = ase_mag_pieces_at(f, x[k], slope + k);
    }

    /* Sum of the values at n points and, unless ``value`` is NULL, the values; slopes. */
    static inline double ase_mag_pieces_row(const ase_mag_pieces *f, const double *x, long n,
                                            double *value, double *slope) {
        double some[8], sums[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, points[8], tilts[8];
        long p = 0;
        for (; p + 8 <= n; p += 8) {
            ase_mag_pieces_at_eight(f, x + p, some, slope + p);
            for (int k = 0; k < 8; k++) sums[k] += some[k];
            if (value) for (int k = 0; k < 8; k++) value[p + k] = some[k];
        }
        if (p < n) {
            for (int k = 0; k < 8; k++) points[k] = p + k < n ? x[p + k] : 1e300;
            ase_mag_pieces_at_eight(f, points, some, tilts);
            for (int k = 0; k < n - p; k++) {
                sums[k] += some[k];
                slope[p + k] = tilts[k];
                if (value) value[p + k] = some[k];
            }
        }
        for (int k = 0; k < 4; k++) sums[k] += sums[k + 4];
        return (sums[0] + sums[2]) + (sums[1] + sums[3]);
    }
    """
    ctypedef struct Pieces "ase_mag_pieces":
        const double* edges
        const double* rows
        const int* first
        long n
        long degree
        double start
        double scale
        double buckets
    double ase_mag_pieces_row(
        const Pieces* f, const double* x, long n, double* value, double* slope
    ) noexcept nogil

cdef enum:
    PIECE = 1024  # points at a time


cdef inline Pieces make_pieces(
    const double[::1] edges, const double[:, ::1] rows, const int[::1] first,
) noexcept:
    cdef Pieces f
    cdef Py_ssize_t n = rows.shape[0] - 1
    f.edges = &edges[0]
    f.rows = &rows[0, 0]
    f.first = &first[0]
    f.n = n
    f.degree = rows.shape[1] - 2
    f.start = rows[0, 0]
    f.buckets = first.shape[0] - 1
    f.scale = f.buckets/(edges[n] - f.start)
    return f


def piecewise_polynomial(
    const double[::1] edges,
    const double[:, ::1] rows,
    const int[::1] first,
    const double[::1] r,
    double[::1] value,
    double[::1] derivative,
    int threads,
):
    """value and derivative of sum_q c[i, q] (r - x[i])^q in x[i] <= r < x[i + 1], i < n.

    Zero from x[n] on; below x[0] the first polynomial goes on. ``edges`` are -inf, x[1] .. x[n]
    and inf, ``rows`` the n rows of x[i] and c[i] and a row of zeros; ``first`` divides x[0] .. x[n]
    into equal buckets and holds the piece at each bucket's left edge, and finally n.
    """
    cdef Pieces f = make_pieces(edges, rows, first)
    cdef Py_ssize_t k, n = r.shape[0]
    if n == 0:
        return
    with nogil:
        for k in prange((n + PIECE - 1)//PIECE, schedule="static", num_threads=threads):
            ase_mag_pieces_row(
                &f, &r[k*PIECE], min(PIECE, n - k*PIECE), &value[k*PIECE], &derivative[k*PIECE]
            )


def sums(
    const double[::1] edges,
    const double[:, ::1] rows,
    const int[::1] first,
    const int[::1] offsets,
    const double[::1] r,
    double[::1] total,
    double[::1] derivative,
    int threads,
):
    """The function of ``piecewise_polynomial`` summed over the pairs of each site, and its slopes.

    total[i] = sum of f(r_p), derivative[p] = f'(r_p), over the pairs p of site i.
    """
    cdef Pieces f = make_pieces(edges, rows, first)
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    cdef const double* x = NULL
    cdef double* slope = NULL
    if r.shape[0] > 0:
        x = &r[0]
        slope = &derivative[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            total[i] = ase_mag_pieces_row(
                &f, x + offsets[i], offsets[i + 1] - offsets[i], NULL, slope + offsets[i]
            )


cdef extern from *:
    """
    static inline void ase_mag_bethe_slater(const double *__restrict r, long n, double a,
                                            double b, double d,
                                            double cutoff, double *__restrict value,
                                            double *__restrict slope) {
        double inverse = 1.0/d;
        for (long k = 0; k < n; k++) {
            double u = r[k]*inverse, x = u*u, bx = b*x, c = 4.0*a*ase_mag_decay(x);
            c = r[k] < cutoff ? c : 0.0;
            value[k] = c*x*(1.0 - bx);
            slope[k] = c*u*(1.0 - x - bx*(2.0 - x))*(2.0*inverse);
        }
    }

    static inline void ase_mag_double_exchange(const double *__restrict r, long n, double amplitude,
                                               double decay, double cutoff,
                                               double *__restrict value, double *__restrict slope) {
        double inverse = 1.0/decay;
        for (long k = 0; k < n; k++) {
            double x = r[k], c = amplitude*ase_mag_decay(x*inverse)/(x*x*x);
            c = x < cutoff ? c : 0.0;
            value[k] = c;
            slope[k] = -c*(inverse + 3.0/x);
        }
    }

    static inline void ase_mag_switch(const double *__restrict r, long n, double start, double end,
                                      double *__restrict value, double *__restrict slope) {
        double inverse = 1.0/(end - start);
        for (long k = 0; k < n; k++) {
            double t = (r[k] - start)*inverse;
            t = t > 0.0 ? t : 0.0;
            t = t < 1.0 ? t : 1.0;
            double s = 1.0 - t*t*t*(10.0 + t*(6.0*t - 15.0));
            double ds = -30.0*(t*(1.0 - t))*(t*(1.0 - t))*inverse;
            slope[k] = slope[k]*s + value[k]*ds;
            value[k] *= s;
        }
    }
    """
    void ase_mag_bethe_slater(
        const double* r, long n, double a, double b, double d, double cutoff, double* value,
        double* slope
    ) noexcept nogil
    void ase_mag_double_exchange(
        const double* r, long n, double amplitude, double decay, double cutoff, double* value,
        double* slope
    ) noexcept nogil
    void ase_mag_switch(
        const double* r, long n, double start, double end, double* value, double* slope
    ) noexcept nogil


def bethe_slater(
    const double[::1] r,
    double a,
    double b,
    double d,
    double cutoff,
    double[::1] value,
    double[::1] derivative,
    int threads,
):
    """value and derivative of 4 a x (1 - b x) exp(-x), x = (r/d)^2, below the cutoff."""
    cdef Py_ssize_t k, n = r.shape[0]
    if n == 0:
        return
    with nogil:
        for k in prange((n + PIECE - 1)//PIECE, schedule="static", num_threads=threads):
            ase_mag_bethe_slater(
                &r[k*PIECE], min(PIECE, n - k*PIECE), a, b, d, cutoff, &value[k*PIECE],
                &derivative[k*PIECE]
            )


def double_exchange(
    const double[::1] r,
    double amplitude,
    double decay,
    double cutoff,
    double[::1] value,
    double[::1] derivative,
    int threads,
):
    """value and derivative of amplitude/r^3 exp(-r/decay) below the cutoff."""
    cdef Py_ssize_t k, n = r.shape[0]
    if n == 0:
        return
    with nogil:
        for k in prange((n + PIECE - 1)//PIECE, schedule="static", num_threads=threads):
            ase_mag_double_exchange(
                &r[k*PIECE], min(PIECE, n - k*PIECE), amplitude, decay, cutoff, &value[k*PIECE],
                &derivative[k*PIECE]
            )


def switch_off(
    const double[::1] r,
    double start,
    double end,
    double[::1] value,
    double[::1] derivative,
    int threads,
):
    """Multiply a function, in place, by S = 1 - t^3 (10 - 15 t + 6 t^2).

    t = (r - start)/(end - start), between 0 and 1; S' enters the derivative.
    """
    cdef Py_ssize_t k, n = r.shape[0]
    if n == 0:
        return
    with nogil:
        for k in prange((n + PIECE - 1)//PIECE, schedule="static", num_threads=threads):
            ase_mag_switch(
                &r[k*PIECE], min(PIECE, n - k*PIECE), start, end, &value[k*PIECE],
                &derivative[k*PIECE]
            )
