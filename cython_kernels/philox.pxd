# Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11) and Box-Muller.
#
# The numbers are a pure function of (seed, atom, step, stream), so they do not depend on the
# number of threads, on the order of the loop, or on how a run was cut into pieces. Blocks of eight
# atoms are written so that the compiler vectorizes every loop (no branches, no library calls).

from libc.stdint cimport uint32_t, uint64_t

cdef extern from *:
    """
    #include <math.h>
    #include <stdint.h>
    #include <string.h>
    #if defined(__AVX2__)
    #include <immintrin.h>
    #endif

    #define ASE_MAG_LANES 8

    /* Replace the counters of eight atoms by four random words each. */
    static inline void ase_mag_philox(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3,
                                      uint32_t k0, uint32_t k1) {
        for (int half = 0; half < ASE_MAG_LANES; half += 4) {
    #if defined(__AVX2__)
            const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
            const __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);
            const __m256i pack = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
            __m256i x0 = _mm256_cvtepu32_epi64(_mm_loadu_si128((__m128i *) (c0 + half)));
            __m256i x1 = _mm256_cvtepu32_epi64(_mm_loadu_si128((__m128i *) (c1 + half)));
            __m256i x2 = _mm256_cvtepu32_epi64(_mm_loadu_si128((__m128i *) (c2 + half)));
            __m256i x3 = _mm256_cvtepu32_epi64(_mm_loadu_si128((__m128i *) (c3 + half)));
            uint32_t a = k0, b = k1;
            for (int round = 0; round < 10; round++) {
                __m256i p0 = _mm256_mul_epu32(m0, x0), p1 = _mm256_mul_epu32(m1, x2);
                x0 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), x1),
                                      _mm256_set1_epi64x(a));
                x1 = _mm256_and_si256(p1, low);
                x2 = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), x3),
                                      _mm256_set1_epi64x(b));
                x3 = _mm256_and_si256(p0, low);
                a += 0x9E3779B9u;
                b += 0xBB67AE85u;
            }
            _mm_storeu_si128((__m128i *) (c0 + half),
                _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x0, pack)));
            _mm_storeu_si128((__m128i *) (c1 + half),
                _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x1, pack)));
            _mm_storeu_si128((__m128i *) (c2 + half),
                _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x2, pack)));
            _mm_storeu_si128((__m128i *) (c3 + half),
                _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x3, pack)));
    #else
            for (int k = half; k < half + 4; k++) {
                uint32_t a = k0, b = k1;
                for (int round = 0; round < 10; round++) {
                    uint64_t p0 = (uint64_t) 0xD2511F53u * c0[k];
                    uint64_t p1 = (uint64_t) 0xCD9E8D57u * c2[k];
                    c0[k] = (uint32_t) (p1 >> 32) ^ c1[k] ^ a;
                    c1[k] = (uint32_t) p1;
                    c2[k] = (uint32_t) (p0 >> 32) ^ c3[k] ^ b;
                    c3[k] = (uint32_t) p0;
                    a += 0x9E3779B9u;
                    b += 0xBB67AE85u;
                }
            }
    #endif
        }
    }

    /* sqrt(-2 ln u), u = (c + 1/2)/2^32; ln m = 2 atanh((m - 1)/(m + 1)), 0.7 < m < 1.42.
       Polynomials here are minimax fits with relative errors below 2e-16. */
    static inline double ase_mag_radius(uint32_t c) {
        double x = (double) (int32_t) (c ^ 0x80000000u) + 2147483648.5, m, e, f, s;
        uint64_t bits, part;
        memcpy(&bits, &x, 8);
        part = (bits >> 52) | 0x4330000000000000u;
        memcpy(&e, &part, 8);
        e -= 4503599627370496.0 + 1023.0 + 32.0;
        part = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
        memcpy(&m, &part, 8);
        s = m > 1.4142135623730951 ? 1.0 : 0.0;
        e += s;
        m -= 0.5*s*m;
        f = (m - 1.0)/(m + 1.0);
        s = f*f;
        s = 1.0 + s*(0.33333333333276459 + s*(0.20000000030870808 + s*(0.14285708010553836
            + s*(0.11111717273758953 + s*(0.090609672156076072 + s*0.084188299853402441)))));
        return sqrt(-2.0*(e*0.6931471805599453 + 2.0*f*s));
    }

    /* cos and sin of 2 pi (c + 1/2)/2^32: quadrant and a remainder of at most pi/4. */
    static inline void ase_mag_angle(uint32_t c, double *cosine, double *sine) {
        uint32_t q = (c + 0x20000000u) >> 30;
        double x = ((double) (int32_t) (c - (q << 30)) + 0.5)*1.4629180792671596e-09, y = x*x;
        double s = x*(1.0 + y*(-0.16666666666666617 + y*(0.0083333333333203625
            + y*(-0.000198412698286503 + y*(2.7557313376400129e-6 + y*(-2.5050716974102745e-8
            + y*1.5894736651849095e-10))))));
        double k = 1.0 + y*(-0.49999999999999251 + y*(0.041666666666472306
            + y*(-0.0013888888869978659 + y*(2.4801578538562986e-5 + y*(-2.7555233884847419e-7
            + y*2.0630454379662293e-9)))));
        double odd = (double) (int32_t) (q & 1), even = 1.0 - odd;
        *cosine = (odd*s + even*k)*(double) (1 - 2*(int32_t) ((q ^ (q >> 1)) & 1));
        *sine = (odd*k + even*s)*(double) (1 - (int32_t) (q & 2));
    }

    /* Three standard normal numbers for each of eight atoms, in columns. */
    static inline void ase_mag_normal_columns(uint64_t seed, uint64_t step, uint32_t stream,
                                              const uint32_t *atoms,
                                              double *x, double *y, double *z) {
        uint32_t c0[ASE_MAG_LANES], c1[ASE_MAG_LANES], c2[ASE_MAG_LANES], c3[ASE_MAG_LANES];
        double r0[ASE_MAG_LANES], r1[ASE_MAG_LANES], unused[ASE_MAG_LANES];
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            c0[k] = atoms[k];
            c1[k] = stream;
            c2[k] = (uint32_t) step;
            c3[k] = (uint32_t) (step >> 32);
        }
        ase_mag_philox(c0, c1, c2, c3, (uint32_t) seed, (uint32_t) (seed >> 32));
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            r0[k] = ase_mag_radius(c0[k]);
            r1[k] = ase_mag_radius(c2[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            ase_mag_angle(c1[k], &x[k], &y[k]);
            ase_mag_angle(c3[k], &z[k], &unused[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            x[k] *= r0[k];
            y[k] *= r0[k];
            z[k] *= r1[k];
        }
    }

    /* The same with a zero for each atom, out[8][4], for the rows from ``first`` on; ``atoms`` are
       the numbers of all rows, NULL: 0, 1, 2, ... */
    static inline void ase_mag_normals(uint64_t seed, uint64_t step, uint32_t stream,
                                       const uint32_t *atoms, long first, double *out) {
        double x[ASE_MAG_LANES], y[ASE_MAG_LANES], z[ASE_MAG_LANES];
        uint32_t counted[ASE_MAG_LANES];
        if (atoms) {
            atoms += first;
        } else {
            for (int k = 0; k < ASE_MAG_LANES; k++) counted[k] = (uint32_t) (first + k);
            atoms = counted;
        }
        ase_mag_normal_columns(seed, step, stream, atoms, x, y, z);
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            out[4*k] = x[k];
            out[4*k + 1] = y[k];
            out[4*k + 2] = z[k];
            out[4*k + 3] = 0.0;
        }
    }
    """
    enum: ASE_MAG_LANES
    void ase_mag_philox(
        uint32_t* c0, uint32_t* c1, uint32_t* c2, uint32_t* c3, uint32_t k0, uint32_t k1
    ) noexcept nogil
    void ase_mag_normal_columns(
        uint64_t seed, uint64_t step, uint32_t stream, const uint32_t* atoms,
        double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_normals(
        uint64_t seed, uint64_t step, uint32_t stream, const uint32_t* atoms, long first,
        double* out
    ) noexcept nogil
