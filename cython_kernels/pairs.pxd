# Vectors of neighbor pairs, shared by distances and forces.
#
# Positions and translations are padded to four doubles (the last one zero), so that one vector load
# takes a row.

cdef extern from *:
    """
    #include <math.h>
    #if defined(__AVX2__)
    #include <immintrin.h>

    /* x, y and z of the vectors from the atom at ``here`` to four neighbors. */
    static inline void ase_mag_four_vectors(const double *positions, const double *translations,
                                            __m256d here, const int *neighbors,
                                            const int *translation, __m256d *x, __m256d *y,
                                            __m256d *z) {
        __m256d r[4];
        for (int l = 0; l < 4; l++) {
            r[l] = _mm256_sub_pd(_mm256_loadu_pd(positions + 4L*neighbors[l]), here);
            r[l] = _mm256_add_pd(r[l], _mm256_loadu_pd(translations + 4L*translation[l]));
        }
        __m256d a = _mm256_unpacklo_pd(r[0], r[1]), b = _mm256_unpacklo_pd(r[2], r[3]);
        __m256d c = _mm256_unpackhi_pd(r[0], r[1]), d = _mm256_unpackhi_pd(r[2], r[3]);
        *x = _mm256_permute2f128_pd(a, b, 0x20);
        *y = _mm256_permute2f128_pd(c, d, 0x20);
        *z = _mm256_permute2f128_pd(a, b, 0x31);
    }

    static inline double ase_mag_lanes(__m256d v) {
        __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
        return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
    }
    #endif

    static inline void ase_mag_vector(const double *positions, const double *translations,
                                      const double *here, int neighbor, int translation,
                                      double *r) {
        for (int c = 0; c < 3; c++)
            r[c] = positions[4L*neighbor + c] - here[c] + translations[4L*translation + c];
    }

    /* Lengths of the vectors from the atom at ``here`` to n neighbors. */
    static inline void ase_mag_distances(const double *positions, const double *translations,
                                         const double *here, const int *neighbors,
                                         const int *translation, long n, double *out) {
        long p = 0;
        double r[3];
    #if defined(__AVX2__)
        __m256d center = _mm256_loadu_pd(here), x, y, z;
        for (; p + 3 < n; p += 4) {
            ase_mag_four_vectors(positions, translations, center, neighbors + p, translation + p,
                                 &x, &y, &z);
            x = _mm256_fmadd_pd(z, z, _mm256_fmadd_pd(y, y, _mm256_mul_pd(x, x)));
            _mm256_storeu_pd(out + p, _mm256_sqrt_pd(x));
        }
    #endif
        for (; p < n; p++) {
            ase_mag_vector(positions, translations, here, neighbors[p], translation[p], r);
            out[p] = sqrt(r[0]*r[0] + r[1]*r[1] + r[2]*r[2]);
        }
    }

    /* What the pair in the other order holds; a negative number: that pair is not listed here. */
    static inline double ase_mag_other(const double *radial, int reverse) {
        return reverse < 0 ? 0.0 : radial[reverse];
    }

    /* Sums over the n pairs of one site: total r/|r| (x, y, z) and own r (x) r/|r| (xx, yy, zz, yz,
       xz, xy), with own = radial[first + p] and total = own + radial[reverse[first + p]]
       (``reverse`` may be NULL). */
    static inline void ase_mag_radial_sums(const double *positions, const double *translations,
                                           const double *here, const int *neighbors,
                                           const int *translation, const double *distances,
                                           const double *radial, const int *reverse, long first,
                                           long n, double *sums) {
        long p = first, last = first + n;
        double r[3];
        for (int q = 0; q < 9; q++) sums[q] = 0.0;
    #if defined(__AVX2__)
        __m256d center = _mm256_loadu_pd(here), x, y, z, s[9];
        for (int q = 0; q < 9; q++) s[q] = _mm256_setzero_pd();
        for (; p + 3 < last; p += 4) {
            ase_mag_four_vectors(positions, translations, center, neighbors + p, translation + p,
                                 &x, &y, &z);
            __m256d scale = _mm256_div_pd(_mm256_set1_pd(1.0), _mm256_loadu_pd(distances + p));
            __m256d own = _mm256_mul_pd(_mm256_loadu_pd(radial + p), scale), total = own;
            if (reverse) {
                const int *q = reverse + p;
                __m256d other = _mm256_set_pd(ase_mag_other(radial, q[3]),
                                              ase_mag_other(radial, q[2]),
                                              ase_mag_other(radial, q[1]),
                                              ase_mag_other(radial, q[0]));
                total = _mm256_fmadd_pd(other, scale, own);
            }
            s[0] = _mm256_fmadd_pd(total, x, s[0]);
            s[1] = _mm256_fmadd_pd(total, y, s[1]);
            s[2] = _mm256_fmadd_pd(total, z, s[2]);
            __m256d u = _mm256_mul_pd(own, x), v = _mm256_mul_pd(own, y);
            s[3] = _mm256_fmadd_pd(u, x, s[3]);
            s[4] = _mm256_fmadd_pd(v, y, s[4]);
            s[5] = _mm256_fmadd_pd(_mm256_mul_pd(own, z), z, s[5]);
            s[6] = _mm256_fmadd_pd(v, z, s[6]);
            s[7] = _mm256_fmadd_pd(u, z, s[7]);
            s[8] = _mm256_fmadd_pd(u, y, s[8]);
        }
        for (int q = 0; q < 9; q++) sums[q] = ase_mag_lanes(s[q]);
    #endif
        for (; p < last; p++) {
            ase_mag_vector(positions, translations, here, neighbors[p], translation[p], r);
            double scale = 1.0/distances[p], own = radial[p]*scale, total = own;
            if (reverse) total += ase_mag_other(radial, reverse[p])*scale;
            for (int c = 0; c < 3; c++) {
                sums[c] += total*r[c];
                sums[3 + c] += own*r[c]*r[c];
            }
            sums[6] += own*r[1]*r[2];
            sums[7] += own*r[0]*r[2];
            sums[8] += own*r[0]*r[1];
        }
    }

    /* Over the n pairs p of one site, with g = slope r/|r| (slope = radial[p]) or, where ``pairs``
       are there, g += pairs[p]: the sum of g is added to total (x, y, z, 0), g is subtracted from
       the rows of four of the neighbors in ``forces``, and r (x) g is added to virial (9). */
    static inline void ase_mag_scatter(const double *positions, const double *translations,
                                       const double *here, const int *neighbors,
                                       const int *translation, const double *distances,
                                       const double *radial, const double *pairs, long first,
                                       long n, double *forces, double *total, double *virial) {
        long p = first, last = first + n;
        double sum[4] = {0.0, 0.0, 0.0, 0.0};
        double w[9] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    #if defined(__AVX2__)
        if (!pairs) {
            __m256d center = _mm256_loadu_pd(here), f = _mm256_setzero_pd(), d = f, e = f;
            for (; p < last; p++) {
                double *force = forces + 4L*neighbors[p];
                __m256d r = _mm256_sub_pd(_mm256_loadu_pd(positions + 4L*neighbors[p]), center);
                r = _mm256_add_pd(r, _mm256_loadu_pd(translations + 4L*translation[p]));
                __m256d g = _mm256_mul_pd(r, _mm256_set1_pd(radial[p]/distances[p]));
                f = _mm256_add_pd(f, g);
                _mm256_storeu_pd(force, _mm256_sub_pd(_mm256_loadu_pd(force), g));
                d = _mm256_fmadd_pd(g, r, d);
                e = _mm256_fmadd_pd(g, _mm256_permute4x64_pd(r, 0xC9), e);
            }
            double diagonal[4], others[4];
            _mm256_storeu_pd(sum, f);
            _mm256_storeu_pd(diagonal, d);
            _mm256_storeu_pd(others, e);
            w[0] = diagonal[0];
            w[4] = diagonal[1];
            w[8] = diagonal[2];
            w[1] = w[3] = others[0];
            w[5] = w[7] = others[1];
            w[2] = w[6] = others[2];
        }
    #endif
        for (; p < last; p++) {
            double r[3], g[3], *force = forces + 4L*neighbors[p];
            double slope = radial ? radial[p]/distances[p] : 0.0;
            ase_mag_vector(positions, translations, here, neighbors[p], translation[p], r);
            for (int c = 0; c < 3; c++) g[c] = slope*r[c] + (pairs ? pairs[3*p + c] : 0.0);
            for (int c = 0; c < 3; c++) {
                sum[c] += g[c];
                force[c] -= g[c];
                for (int k = 0; k < 3; k++) w[3*c + k] += r[c]*g[k];
            }
        }
        for (int c = 0; c < 3; c++) total[c] += sum[c];
        for (int q = 0; q < 9; q++) virial[q] = w[q];
    }
    """
    void ase_mag_scatter(
        const double* positions, const double* translations, const double* here,
        const int* neighbors, const int* translation, const double* distances,
        const double* radial, const double* pairs, long first, long n, double* forces,
        double* total, double* virial
    ) noexcept nogil
    void ase_mag_distances(
        const double* positions, const double* translations, const double* here,
        const int* neighbors, const int* translation, long n, double* out
    ) noexcept nogil
    void ase_mag_radial_sums(
        const double* positions, const double* translations, const double* here,
        const int* neighbors, const int* translation, const double* distances,
        const double* radial, const int* reverse, long first, long n, double* sums
    ) noexcept nogil
