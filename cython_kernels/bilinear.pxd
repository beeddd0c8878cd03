# Field of a bilinear form on one moment, shared by evaluation and integrators.
#
# Moments are padded to four doubles (the last one zero), so that one vector load takes a moment.

from onsite cimport onsite_energy

cdef extern from *:
    """
    #include <string.h>
    #if defined(__AVX2__)
    #include <immintrin.h>
    #endif

    /* b[0..3] = sum_p exchange[p] moments[4 neighbors[p] .. + 3], in a fixed order. ``ahead`` is
       how many pairs ahead memory is asked for, where they do not fit in the cache (0: not). */
    static inline void ase_mag_exchange(const int *neighbors, const double *exchange, long n,
                                        const double *moments, int ahead, double *b) {
        long p = 0;
    #if defined(__AVX2__)
        __m256d s0 = _mm256_setzero_pd(), s1 = s0, s2 = s0, s3 = s0;
        for (; p + 3 < n; p += 4) {
            /* Two couplings per load, spread by shuffles: loads are what limits this loop. */
            __m256d low = _mm256_broadcast_pd((const __m128d *) (exchange + p));
            __m256d high = _mm256_broadcast_pd((const __m128d *) (exchange + p + 2));
            if (ahead && !(p & 4)) {
                _mm_prefetch((const char *) (exchange + p + ahead), _MM_HINT_NTA);
                _mm_prefetch((const char *) (neighbors + p + ahead), _MM_HINT_NTA);
            }
            s0 = _mm256_fmadd_pd(_mm256_unpacklo_pd(low, low),
                                 _mm256_loadu_pd(moments + 4L*neighbors[p]), s0);
            s1 = _mm256_fmadd_pd(_mm256_unpackhi_pd(low, low),
                                 _mm256_loadu_pd(moments + 4L*neighbors[p + 1]), s1);
            s2 = _mm256_fmadd_pd(_mm256_unpacklo_pd(high, high),
                                 _mm256_loadu_pd(moments + 4L*neighbors[p + 2]), s2);
            s3 = _mm256_fmadd_pd(_mm256_unpackhi_pd(high, high),
                                 _mm256_loadu_pd(moments + 4L*neighbors[p + 3]), s3);
        }
        for (; p < n; p++) {
            s0 = _mm256_fmadd_pd(_mm256_broadcast_sd(exchange + p),
                                 _mm256_loadu_pd(moments + 4L*neighbors[p]), s0);
        }
        _mm256_storeu_pd(b, _mm256_add_pd(_mm256_add_pd(s0, s1), _mm256_add_pd(s2, s3)));
    #elif defined(__GNUC__)
        typedef double vector __attribute__((vector_size(32)));
        vector s0 = {0.0, 0.0, 0.0, 0.0}, s1 = s0, m0, m1;
        for (; p + 1 < n; p += 2) {
            memcpy(&m0, moments + 4L*neighbors[p], 32);
            memcpy(&m1, moments + 4L*neighbors[p + 1], 32);
            s0 += exchange[p]*m0;
            s1 += exchange[p + 1]*m1;
        }
        if (p < n) {
            memcpy(&m0, moments + 4L*neighbors[p], 32);
            s0 += exchange[p]*m0;
        }
        s0 += s1;
        memcpy(b, &s0, 32);
        (void) ahead;
    #else
        double x = 0.0, y = 0.0, z = 0.0;
        for (; p < n; p++) {
            const double *m = moments + 4L*neighbors[p];
            x += exchange[p]*m[0];
            y += exchange[p]*m[1];
            z += exchange[p]*m[2];
        }
        b[0] = x;
        b[1] = y;
        b[2] = z;
        b[3] = 0.0;
        (void) ahead;
    #endif
    }

    /* Ask for the pairs of an atom that comes later. */
    static inline void ase_mag_ask(const int *neighbors, const double *exchange, long n) {
    #if defined(__GNUC__)
        for (long p = 0; p < n; p += 8) __builtin_prefetch(exchange + p, 0, 1);
        for (long p = 0; p < n; p += 16) __builtin_prefetch(neighbors + p, 0, 1);
    #else
        (void) neighbors, (void) exchange, (void) n;
    #endif
    }
    """
    void ase_mag_exchange(
        const int* neighbors, const double* exchange, long n, const double* moments, int ahead,
        double* b
    ) noexcept nogil
    void ase_mag_ask(const int* neighbors, const double* exchange, long n) noexcept nogil

cdef enum:
    CACHED_PAIRS = 50_000       # pairs that fit in the second-level cache, roughly
    PAIRS_AHEAD = 384


cdef struct Form:
    # Plain pointers into the arrays of ase_mag.core.BilinearForm; NULL where a term is absent.
    Py_ssize_t n
    const int* offsets
    const int* neighbors
    const double* exchange      # (pairs,)
    const double* tensors       # (pairs, 3, 3)
    const double* field         # (n, 3)
    const double* landau        # (n, 3)
    const double* quadric       # (n, 3, 3), symmetric
    const double* cubic         # (n, 2)
    const double* axes          # (n, 3, 3)
    int ahead                   # pairs that memory is asked for ahead of their use
    bint plain                  # exchange is the only term


cdef inline double linear_field(
    const Form* form, Py_ssize_t i, const double* moments, double* b,
) noexcept nogil:
    """Write the field of the terms linear in M_i to b; return their energy (pairs count half)."""
    cdef Py_ssize_t p, start = form.offsets[i]
    cdef const double* m
    cdef const double* t
    cdef double x, y, z, energy
    cdef double sums[4]
    cdef double bx = 0.0, by = 0.0, bz = 0.0
    if form.exchange != NULL:
        ase_mag_exchange(form.neighbors + start, form.exchange + start,
                         form.offsets[i + 1] - start, moments, form.ahead, sums)
        bx = sums[0]
        by = sums[1]
        bz = sums[2]
    if form.tensors != NULL:
        for p in range(start, form.offsets[i + 1]):
            m = moments + 4*form.neighbors[p]
            t = form.tensors + 9*p
            x = m[0]
            y = m[1]
            z = m[2]
            bx += t[0]*x + t[1]*y + t[2]*z
            by += t[3]*x + t[4]*y + t[5]*z
            bz += t[6]*x + t[7]*y + t[8]*z
    m = moments + 4*i
    energy = -0.5*(m[0]*bx + m[1]*by + m[2]*bz)
    if form.field != NULL:
        x = form.field[3*i]
        y = form.field[3*i + 1]
        z = form.field[3*i + 2]
        energy -= m[0]*x + m[1]*y + m[2]*z
        bx += x
        by += y
        bz += z
    b[0] = bx
    b[1] = by
    b[2] = bz
    return energy


cdef inline double onsite_terms(
    const Form* form, Py_ssize_t i, const double* m, double* b,
) noexcept nogil:
    """Subtract the on-site gradient at the moment m from b; return the on-site energy."""
    cdef double gx = 0.0, gy = 0.0, gz = 0.0, energy
    if form.landau == NULL and form.quadric == NULL and form.cubic == NULL:
        return 0.0
    energy = onsite_energy(
        NULL if form.landau == NULL else form.landau + 3*i,
        NULL if form.quadric == NULL else form.quadric + 9*i,
        NULL if form.cubic == NULL else form.cubic + 2*i,
        NULL if form.axes == NULL else form.axes + 9*i,
        m[0], m[1], m[2], &gx, &gy, &gz,
    )
    b[0] -= gx
    b[1] -= gy
    b[2] -= gz
    return energy


cdef inline double site(
    const Form* form, Py_ssize_t i, const double* moments, double* b,
) noexcept nogil:
    """Write B_i = -dE/dM_i to b and return the site energy E_i (pairs counted half)."""
    cdef double energy = linear_field(form, i, moments, b)
    return energy + onsite_terms(form, i, moments + 4*i, b)


cdef inline void eight_fields(
    const Form* form, Py_ssize_t start, const double* moments, double* b,
) noexcept nogil:
    """Write B_i = -dE/dM_i of eight moments from ``start`` on to b (8, 4); zero beyond the last."""
    cdef Py_ssize_t k, i, c
    for k in range(8):
        i = start + k
        if i >= form.n:
            for c in range(4):
                b[4*k + c] = 0.0
        elif form.plain:
            ase_mag_exchange(
                form.neighbors + form.offsets[i], form.exchange + form.offsets[i],
                form.offsets[i + 1] - form.offsets[i] if form.exchange != NULL else 0,
                moments, form.ahead, b + 4*k,
            )
        else:
            site(form, i, moments, b + 4*k)
            b[4*k + 3] = 0.0


cdef inline Form make_form(tuple arrays) except *:
    """Gather ``BilinearForm.arrays`` (None where a term is absent) into a struct of pointers.

    They must be kept alive by whoever calls.
    """
    cdef const int[::1] offsets = arrays[0], neighbors = arrays[1]
    cdef const double[::1] exchange = arrays[2]
    cdef const double[:, :, ::1] tensors = arrays[3], quadric = arrays[6], axes = arrays[8]
    cdef const double[:, ::1] field = arrays[4], landau = arrays[5], cubic = arrays[7]
    cdef Form form
    form.n = offsets.shape[0] - 1
    form.offsets = &offsets[0]
    form.neighbors = NULL
    form.exchange = NULL
    form.tensors = NULL
    form.field = NULL
    form.landau = NULL
    form.quadric = NULL
    form.cubic = NULL
    form.axes = NULL
    if neighbors.shape[0] > 0:
        form.neighbors = &neighbors[0]
        if exchange is not None:
            form.exchange = &exchange[0]
        if tensors is not None:
            form.tensors = <const double*> &tensors[0, 0, 0]
    if form.n > 0:
        if field is not None:
            form.field = <const double*> &field[0, 0]
        if landau is not None:
            form.landau = <const double*> &landau[0, 0]
        if quadric is not None:
            form.quadric = <const double*> &quadric[0, 0, 0]
        if cubic is not None:
            form.cubic = <const double*> &cubic[0, 0]
            form.axes = <const double*> &axes[0, 0, 0]
    form.ahead = PAIRS_AHEAD if neighbors.shape[0] > CACHED_PAIRS else 0
    form.plain = (
        form.tensors == NULL and form.field == NULL and form.landau == NULL
        and form.quadric == NULL and form.cubic == NULL
    )
    return form
