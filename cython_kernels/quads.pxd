# Arithmetic on rows of four doubles ("quads", four radial functions each), beside lanes.pxd.
#
# ``stride`` is the distance of rows in memory, in doubles; rows need no alignment.

from lanes cimport lanes_clear


cdef extern from *:
    """
    #define ASE_MAG_QUAD (ASE_MAG_PARTS/2)

    /* sums[k] += sum_lane b[k, lane] radial[lane] for m rows of eight b, eight quads radial. */
    static inline void ase_mag_quads_outer(long m, const double *b, const double *radial,
                                           double *sums, long stride) {
        ase_mag_part u[8][ASE_MAG_QUAD];
        for (int l = 0; l < 8; l++)
            for (int j = 0; j < ASE_MAG_QUAD; j++)
                u[l][j] = ((const ase_mag_part *)(radial + 4*l))[j];
        for (long k = 0; k < m; k++, b += 8, sums += stride)
            for (int j = 0; j < ASE_MAG_QUAD; j++) {
                ase_mag_part s = ((ase_mag_part *)sums)[j];
                for (int l = 0; l < 8; l++) s += b[l]*u[l][j];
                ((ase_mag_part *)sums)[j] = s;
            }
    }

    /* y[i] += sum_k c[i, k] x[k] for n quads y and m quads x. */
    static inline void ase_mag_quads_combine(long n, long m, const double *c, const double *x,
                                             long x_stride, double *y, long y_stride) {
        for (long i = 0; i < n; i++, c += m, y += y_stride) {
            ase_mag_part s[ASE_MAG_QUAD];
            for (int j = 0; j < ASE_MAG_QUAD; j++) s[j] = ((ase_mag_part *)y)[j];
            for (long k = 0; k < m; k++) {
                const ase_mag_part *u = (const ase_mag_part *)(x + k*x_stride);
                for (int j = 0; j < ASE_MAG_QUAD; j++) s[j] += c[k]*u[j];
            }
            for (int j = 0; j < ASE_MAG_QUAD; j++) ((ase_mag_part *)y)[j] = s[j];
        }
    }

    /* tile[a] += sum_i x[i][a] y[i] for n quads x (stride 4) and y. */
    static inline void ase_mag_quads_gram(long n, const double *x, const double *y, long stride,
                                          double *tile) {
        ase_mag_part s[4][ASE_MAG_QUAD];
        for (int a = 0; a < 4; a++)
            for (int j = 0; j < ASE_MAG_QUAD; j++)
                s[a][j] = ((ase_mag_part *)(tile + 4*a))[j];
        for (long i = 0; i < n; i++, x += 4, y += stride)
            for (int j = 0; j < ASE_MAG_QUAD; j++) {
                const ase_mag_part u = ((const ase_mag_part *)y)[j];
                for (int a = 0; a < 4; a++) s[a][j] += x[a]*u;
            }
        for (int a = 0; a < 4; a++)
            for (int j = 0; j < ASE_MAG_QUAD; j++)
                ((ase_mag_part *)(tile + 4*a))[j] = s[a][j];
    }

    /* y[i] += sum_a x[i][a] tile[a] for n quads x and y. */
    static inline void ase_mag_quads_turn(long n, const double *x, long x_stride,
                                          const double *tile, double *y, long y_stride) {
        ase_mag_part t[4][ASE_MAG_QUAD];
        for (int a = 0; a < 4; a++)
            for (int j = 0; j < ASE_MAG_QUAD; j++)
                t[a][j] = ((const ase_mag_part *)(tile + 4*a))[j];
        for (long i = 0; i < n; i++, x += x_stride, y += y_stride)
            for (int j = 0; j < ASE_MAG_QUAD; j++) {
                ase_mag_part s = ((ase_mag_part *)y)[j];
                for (int a = 0; a < 4; a++) s += x[a]*t[a][j];
                ((ase_mag_part *)y)[j] = s;
            }
    }

    /* out[i, k] += x[i] y[k], products of each component, for n quads x (stride 4), m quads y. */
    static inline void ase_mag_quads_products(long n, long m, const double *x, const double *y,
                                              long stride, double *out) {
        for (long i = 0; i < n; i++, x += 4, out += 4*m)
            for (int j = 0; j < ASE_MAG_QUAD; j++) {
                const ase_mag_part u = ((const ase_mag_part *)x)[j];
                for (long k = 0; k < m; k++)
                    ((ase_mag_part *)(out + 4*k))[j]
                        += u*((const ase_mag_part *)(y + k*stride))[j];
            }
    }

    /* With the four rows of eight v and p[i, k] = sum_n c[i, k][n] v[n] for n x m quads c:
       db[k] += sum_i p[i, k] a[i], da[i] += sum_k p[i, k] b[k], t[n] += sum c[i, k][n] a[i] b[k]
       (four rows; NULL: not wanted). */
    static inline void ase_mag_quads_pull(long n, long m, const double *c, long stride,
                                          const double *v, const double *a, const double *b,
                                          double *da, double *db, double *t) {
        for (int j = 0; j < ASE_MAG_PARTS; j++) {
            const ase_mag_part *row = (const ase_mag_part *)v + j;
            const ase_mag_part v0 = row[0], v1 = row[ASE_MAG_PARTS], v2 = row[2*ASE_MAG_PARTS],
                               v3 = row[3*ASE_MAG_PARTS];
            ase_mag_part *out = (ase_mag_part *)t + j;
            ase_mag_part t0 = {0}, t1 = {0}, t2 = {0}, t3 = {0};
            const double *d = c;
            for (long i = 0; i < n; i++) {
                const ase_mag_part x = ((const ase_mag_part *)(a + 8*i))[j];
                ase_mag_part dx = ((ase_mag_part *)(da + 8*i))[j];
                if (t)
                    for (long k = 0; k < m; k++, d += stride) {
                        const ase_mag_part y = ((const ase_mag_part *)(b + 8*k))[j];
                        const ase_mag_part p = d[0]*v0 + d[1]*v1 + d[2]*v2 + d[3]*v3, xy = x*y;
                        dx += p*y;
                        ((ase_mag_part *)(db + 8*k))[j] += p*x;
                        t0 += d[0]*xy; t1 += d[1]*xy; t2 += d[2]*xy; t3 += d[3]*xy;
                    }
                else
                    for (long k = 0; k < m; k++, d += stride) {
                        const ase_mag_part p = d[0]*v0 + d[1]*v1 + d[2]*v2 + d[3]*v3;
                        dx += p*((const ase_mag_part *)(b + 8*k))[j];
                        ((ase_mag_part *)(db + 8*k))[j] += p*x;
                    }
                ((ase_mag_part *)(da + 8*i))[j] = dx;
            }
            if (t) {
                out[0] += t0; out[ASE_MAG_PARTS] += t1;
                out[2*ASE_MAG_PARTS] += t2; out[3*ASE_MAG_PARTS] += t3;
            }
        }
    }
    """
    void quads_outer "ase_mag_quads_outer"(
        long m, const double* b, const double* radial, double* sums, long stride
    ) noexcept nogil
    void quads_combine "ase_mag_quads_combine"(
        long n, long m, const double* c, const double* x, long x_stride, double* y, long y_stride
    ) noexcept nogil
    void quads_gram "ase_mag_quads_gram"(
        long n, const double* x, const double* y, long stride, double* tile
    ) noexcept nogil
    void quads_turn "ase_mag_quads_turn"(
        long n, const double* x, long x_stride, const double* tile, double* y, long y_stride
    ) noexcept nogil
    void quads_products "ase_mag_quads_products"(
        long n, long m, const double* x, const double* y, long stride, double* out
    ) noexcept nogil
    void quads_pull "ase_mag_quads_pull"(
        long n, long m, const double* c, long stride, const double* v, const double* a,
        const double* b, double* da, double* db, double* t
    ) noexcept nogil
