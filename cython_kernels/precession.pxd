# Steps of the Landau-Lifshitz-Gilbert equation for blocks of eight moments, and for one moment.
#
# Blocks are structures of arrays with loops of fixed length, which the compiler vectorizes.

from libc.math cimport cos, sin, sqrt

cdef enum:
    LANES = 8


cdef enum:
    # One step from M with a(M) of ``block_axis`` and the trial moment M1:
    MIDPOINT    # M1 = cayley(M, a(M)); M' = cayley(M, a((M + M1)/2)), repeated to a tolerance
    DEPONDT     # M1 = rodrigues(M, a(M)); M' = rodrigues(M, (a(M) + a(M1))/2)
    HEUN        # M1 = M + dt M x a(M); M' = M + dt/2 (M x a(M) + M1 x a(M1)), |M'| restored


cdef struct Block:
    double x[8]
    double y[8]
    double z[8]


cdef extern from *:
    """
    #if defined(__AVX2__)
    #include <immintrin.h>
    #endif

    /* Eight rows of four doubles to three columns of eight, and back (with zeros as the fourth). */
    static inline void ase_mag_columns(const double *rows, double *x, double *y, double *z) {
    #if defined(__AVX2__)
        for (int k = 0; k < 8; k += 4) {
            __m256d a = _mm256_loadu_pd(rows + 4*k), b = _mm256_loadu_pd(rows + 4*k + 4);
            __m256d c = _mm256_loadu_pd(rows + 4*k + 8), d = _mm256_loadu_pd(rows + 4*k + 12);
            __m256d p = _mm256_unpacklo_pd(a, b), q = _mm256_unpackhi_pd(a, b);
            __m256d r = _mm256_unpacklo_pd(c, d), s = _mm256_unpackhi_pd(c, d);
            _mm256_storeu_pd(x + k, _mm256_permute2f128_pd(p, r, 0x20));
            _mm256_storeu_pd(y + k, _mm256_permute2f128_pd(q, s, 0x20));
            _mm256_storeu_pd(z + k, _mm256_permute2f128_pd(p, r, 0x31));
        }
    #else
        for (int k = 0; k < 8; k++) {
            x[k] = rows[4*k];
            y[k] = rows[4*k + 1];
            z[k] = rows[4*k + 2];
        }
    #endif
    }

    static inline void ase_mag_rows(const double *x, const double *y, const double *z,
                                    double *rows) {
    #if defined(__AVX2__)
        const __m256d zero = _mm256_setzero_pd();
        for (int k = 0; k < 8; k += 4) {
            __m256d a = _mm256_loadu_pd(x + k), b = _mm256_loadu_pd(y + k);
            __m256d c = _mm256_loadu_pd(z + k);
            __m256d p = _mm256_unpacklo_pd(a, b), q = _mm256_unpackhi_pd(a, b);
            __m256d r = _mm256_unpacklo_pd(c, zero), s = _mm256_unpackhi_pd(c, zero);
            _mm256_storeu_pd(rows + 4*k, _mm256_permute2f128_pd(p, r, 0x20));
            _mm256_storeu_pd(rows + 4*k + 4, _mm256_permute2f128_pd(q, s, 0x20));
            _mm256_storeu_pd(rows + 4*k + 8, _mm256_permute2f128_pd(p, r, 0x31));
            _mm256_storeu_pd(rows + 4*k + 12, _mm256_permute2f128_pd(q, s, 0x31));
        }
    #else
        for (int k = 0; k < 8; k++) {
            rows[4*k] = x[k];
            rows[4*k + 1] = y[k];
            rows[4*k + 2] = z[k];
            rows[4*k + 3] = 0.0;
        }
    #endif
    }
    """
    void ase_mag_columns(const double* rows, double* x, double* y, double* z) noexcept nogil
    void ase_mag_rows(
        const double* x, const double* y, const double* z, double* rows
    ) noexcept nogil


cdef inline void load(const double* padded, Block* v) noexcept nogil:
    """Take eight vectors from an array of four columns."""
    ase_mag_columns(padded, v.x, v.y, v.z)


cdef inline void store(const Block* v, double* padded) noexcept nogil:
    """Write eight vectors to an array of four columns."""
    ase_mag_rows(v.x, v.y, v.z, padded)


cdef inline void remove_parallel(const Block* m, Block* b) noexcept nogil:
    """b <- b - m (m.b)/m^2: the part along the moment exerts no torque on it."""
    cdef int k
    cdef double m2, along
    for k in range(LANES):
        m2 = m.x[k]*m.x[k] + m.y[k]*m.y[k] + m.z[k]*m.z[k]
        along = (m.x[k]*b.x[k] + m.y[k]*b.y[k] + m.z[k]*b.z[k])/(m2 + 1e-300)
        b.x[k] -= along*m.x[k]
        b.y[k] -= along*m.y[k]
        b.z[k] -= along*m.z[k]


cdef inline void block_axis(
    const Block* m, const Block* b, const double* rate, const double* ratio, Block* a,
) noexcept nogil:
    """a = -rate (B + ratio M x B), so that dM/dt = M x a.

    rate = gamma/(1 + alpha^2), ratio = alpha/size.
    """
    cdef int k
    for k in range(LANES):
        a.x[k] = -rate[k]*(b.x[k] + ratio[k]*(m.y[k]*b.z[k] - m.z[k]*b.y[k]))
        a.y[k] = -rate[k]*(b.y[k] + ratio[k]*(m.z[k]*b.x[k] - m.x[k]*b.z[k]))
        a.z[k] = -rate[k]*(b.z[k] + ratio[k]*(m.x[k]*b.y[k] - m.y[k]*b.x[k]))


cdef inline void block_cayley(
    const Block* m, const Block* a, double dt, Block* out,
) noexcept nogil:
    """``cayley`` of eight moments."""
    cdef int k
    cdef double wx, wy, wz, w2, mw, norm, h = 0.5*dt
    for k in range(LANES):
        wx = h*a.x[k]
        wy = h*a.y[k]
        wz = h*a.z[k]
        w2 = wx*wx + wy*wy + wz*wz
        mw = 2.0*(m.x[k]*wx + m.y[k]*wy + m.z[k]*wz)
        norm = 1.0/(1.0 + w2)
        w2 = 1.0 - w2
        out.x[k] = norm*(w2*m.x[k] + 2.0*(m.y[k]*wz - m.z[k]*wy) + mw*wx)
        out.y[k] = norm*(w2*m.y[k] + 2.0*(m.z[k]*wx - m.x[k]*wz) + mw*wy)
        out.z[k] = norm*(w2*m.z[k] + 2.0*(m.x[k]*wy - m.y[k]*wx) + mw*wz)


cdef inline void block_rodrigues(
    const Block* m, const Block* a, double dt, Block* out,
) noexcept nogil:
    """Solve dM/dt = M x a exactly for constant a: a rotation by -|a| dt about a."""
    cdef int k
    cdef double norm, ux, uy, uz, along, c, s
    for k in range(LANES):
        norm = sqrt(a.x[k]*a.x[k] + a.y[k]*a.y[k] + a.z[k]*a.z[k])
        c = cos(norm*dt)
        s = sin(norm*dt)
        norm = 1.0/norm if norm > 0.0 else 0.0
        ux = a.x[k]*norm
        uy = a.y[k]*norm
        uz = a.z[k]*norm
        along = (1.0 - c)*(ux*m.x[k] + uy*m.y[k] + uz*m.z[k])
        out.x[k] = c*m.x[k] + s*(m.y[k]*uz - m.z[k]*uy) + along*ux
        out.y[k] = c*m.y[k] + s*(m.z[k]*ux - m.x[k]*uz) + along*uy
        out.z[k] = c*m.z[k] + s*(m.x[k]*uy - m.y[k]*ux) + along*uz


cdef inline void predict(
    int scheme, const Block* m, const Block* a, double dt, Block* out,
) noexcept nogil:
    """Trial moments from the axes at the start of the step."""
    cdef int k
    if scheme == MIDPOINT:
        block_cayley(m, a, dt, out)
    elif scheme == DEPONDT:
        block_rodrigues(m, a, dt, out)
    else:
        for k in range(LANES):
            out.x[k] = m.x[k] + dt*(m.y[k]*a.z[k] - m.z[k]*a.y[k])
            out.y[k] = m.y[k] + dt*(m.z[k]*a.x[k] - m.x[k]*a.z[k])
            out.z[k] = m.z[k] + dt*(m.x[k]*a.y[k] - m.y[k]*a.x[k])


cdef inline void correct(
    int scheme, const Block* m, const Block* first, const Block* a, const Block* trial, double dt,
    Block* out,
) noexcept nogil:
    """End of the step from the axes at its start and the axes ``a`` at the trial point."""
    cdef Block mean
    cdef double old, new
    cdef int k
    if scheme == MIDPOINT:
        block_cayley(m, a, dt, out)
        return
    if scheme == DEPONDT:
        for k in range(LANES):
            mean.x[k] = 0.5*(first.x[k] + a.x[k])
            mean.y[k] = 0.5*(first.y[k] + a.y[k])
            mean.z[k] = 0.5*(first.z[k] + a.z[k])
        block_rodrigues(m, &mean, dt, out)
        return
    for k in range(LANES):
        out.x[k] = m.x[k] + 0.5*dt*(m.y[k]*first.z[k] - m.z[k]*first.y[k]
                                    + trial.y[k]*a.z[k] - trial.z[k]*a.y[k])
        out.y[k] = m.y[k] + 0.5*dt*(m.z[k]*first.x[k] - m.x[k]*first.z[k]
                                    + trial.z[k]*a.x[k] - trial.x[k]*a.z[k])
        out.z[k] = m.z[k] + 0.5*dt*(m.x[k]*first.y[k] - m.y[k]*first.x[k]
                                    + trial.x[k]*a.y[k] - trial.y[k]*a.x[k])
        old = sqrt(m.x[k]*m.x[k] + m.y[k]*m.y[k] + m.z[k]*m.z[k])
        new = sqrt(out.x[k]*out.x[k] + out.y[k]*out.y[k] + out.z[k]*out.z[k])
        new = old/new if new > 0.0 else 0.0
        out.x[k] *= new
        out.y[k] *= new
        out.z[k] *= new


cdef inline void cayley(const double* m, const double* a, double dt, double* out) noexcept nogil:
    """Solve M' = M + dt (M + M')/2 x a: a rotation by 2 atan(|a| dt/2), |M'| = |M| to rounding."""
    cdef double wx = 0.5*dt*a[0], wy = 0.5*dt*a[1], wz = 0.5*dt*a[2]
    cdef double w2 = wx*wx + wy*wy + wz*wz
    cdef double x = m[0], y = m[1], z = m[2]
    cdef double mw = 2.0*(x*wx + y*wy + z*wz)
    cdef double norm = 1.0/(1.0 + w2)
    w2 = 1.0 - w2
    out[0] = norm*(w2*x + 2.0*(y*wz - z*wy) + mw*wx)
    out[1] = norm*(w2*y + 2.0*(z*wx - x*wz) + mw*wy)
    out[2] = norm*(w2*z + 2.0*(x*wy - y*wx) + mw*wz)
