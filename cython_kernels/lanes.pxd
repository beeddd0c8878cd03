# Arithmetic on eight doubles at once ("lanes", one neighbor pair each), shared by kernels.
#
# Rows of eight doubles follow each other in memory. GCC and Clang turn their vector types into
# whatever the instruction set offers; other compilers get plain loops.

cdef extern from *:
    """
    #if defined(__GNUC__)
    typedef double ase_mag_v4 __attribute__((vector_size(32), aligned(8), may_alias));
    #define ASE_MAG_LANES(v, x) ase_mag_v4 v##0 = *(const ase_mag_v4 *)(x), \\
                                           v##1 = *(const ase_mag_v4 *)((x) + 4)
    #define ASE_MAG_STORE(x, v) (*(ase_mag_v4 *)(x) = v##0, *(ase_mag_v4 *)((x) + 4) = v##1)
    #endif

    static inline void ase_mag_clear(double *y, long n_rows) {
        for (long k = 0; k < 8*n_rows; k++) y[k] = 0.0;
    }

    /* y += a x */
    static inline void ase_mag_add(double *y, double a, const double *x) {
    #if defined(__GNUC__)
        ASE_MAG_LANES(u, y); ASE_MAG_LANES(v, x);
        u0 += a*v0; u1 += a*v1;
        ASE_MAG_STORE(y, u);
    #else
        for (int l = 0; l < 8; l++) y[l] += a*x[l];
    #endif
    }

    /* y = x z */
    static inline void ase_mag_product(double *y, const double *x, const double *z) {
    #if defined(__GNUC__)
        ASE_MAG_LANES(u, x); ASE_MAG_LANES(v, z);
        u0 *= v0; u1 *= v1;
        ASE_MAG_STORE(y, u);
    #else
        for (int l = 0; l < 8; l++) y[l] = x[l]*z[l];
    #endif
    }

    /* y += a x z */
    static inline void ase_mag_add_product(double *y, double a, const double *x, const double *z) {
    #if defined(__GNUC__)
        ASE_MAG_LANES(w, y); ASE_MAG_LANES(u, x); ASE_MAG_LANES(v, z);
        w0 += a*u0*v0; w1 += a*u1*v1;
        ASE_MAG_STORE(y, w);
    #else
        for (int l = 0; l < 8; l++) y[l] += a*x[l]*z[l];
    #endif
    }

    static inline double ase_mag_total(const double *x) {
        return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
    }

    /* Eight doubles in as few registers as they need: without AVX, GCC keeps wider vectors in
       memory. */
    #if defined(__GNUC__)
    #ifdef __AVX__
    #define ASE_MAG_PARTS 2
    #else
    #define ASE_MAG_PARTS 4
    #endif
    typedef double ase_mag_part
        __attribute__((vector_size(64/ASE_MAG_PARTS), aligned(8), may_alias));
    #else
    #define ASE_MAG_PARTS 8
    typedef double ase_mag_part;
    #endif

    /* s[row] = sum_k c[row, k] x[k], d[row] = sum_k c[row, k] y[k] for n_rows rows of n numbers. */
    static inline void ase_mag_combine(long n_rows, long n, const double *c, const double *x,
                                       const double *y, double *s, double *d) {
        for (long row = 0; row < n_rows; row++, c += n, s += 8, d += 8) {
            ase_mag_part a[ASE_MAG_PARTS] = {0}, b[ASE_MAG_PARTS] = {0};
            for (long k = 0; k < n; k++) {
                const ase_mag_part *u = (const ase_mag_part *)(x + 8*k);
                const ase_mag_part *v = (const ase_mag_part *)(y + 8*k);
                for (int j = 0; j < ASE_MAG_PARTS; j++) {
                    a[j] += c[k]*u[j];
                    b[j] += c[k]*v[j];
                }
            }
            for (int j = 0; j < ASE_MAG_PARTS; j++) {
                ((ase_mag_part *)s)[j] = a[j];
                ((ase_mag_part *)d)[j] = b[j];
            }
        }
    }

    /* out[k] += p x[k] + q y[k] for n rows. */
    static inline void ase_mag_spread(long n, const double *p, const double *q, const double *x,
                                      const double *y, double *out) {
    #if defined(__GNUC__)
        ASE_MAG_LANES(p, p); ASE_MAG_LANES(q, q);
        for (long k = 0; k < n; k++, x += 8, y += 8, out += 8) {
            ASE_MAG_LANES(u, x); ASE_MAG_LANES(v, y); ASE_MAG_LANES(w, out);
            w0 += p0*u0 + q0*v0; w1 += p1*u1 + q1*v1;
            ASE_MAG_STORE(out, w);
        }
    #else
        for (long k = 0; k < 8*n; k++) out[k] += p[k % 8]*x[k] + q[k % 8]*y[k];
    #endif
    }

    /* acc[i, k] += a[i] b[k] for n rows a and m rows b. */
    static inline void ase_mag_outer(long n, long m, const double *a, const double *b,
                                     double *acc) {
        for (long i = 0; i < n; i++, a += 8, acc += 8*m) {
            ase_mag_part u[ASE_MAG_PARTS];
            for (int j = 0; j < ASE_MAG_PARTS; j++) u[j] = ((const ase_mag_part *)a)[j];
            for (long k = 0; k < 8*m; k += 8) {
                const ase_mag_part *v = (const ase_mag_part *)(b + k);
                ase_mag_part *w = (ase_mag_part *)(acc + k);
                for (int j = 0; j < ASE_MAG_PARTS; j++) w[j] += u[j]*v[j];
            }
        }
    }

    /* out += sum_ik c[i, k] a[i] b[k] for n rows a and m rows b. */
    static inline void ase_mag_contract(long n, long m, const double *c, const double *a,
                                        const double *b, double *out) {
        ase_mag_part w[ASE_MAG_PARTS];
        for (int j = 0; j < ASE_MAG_PARTS; j++) w[j] = ((const ase_mag_part *)out)[j];
        for (long i = 0; i < n; i++, a += 8, c += m) {
            const ase_mag_part *u = (const ase_mag_part *)a, *v = (const ase_mag_part *)b;
            ase_mag_part s[ASE_MAG_PARTS];
            for (int j = 0; j < ASE_MAG_PARTS; j++) s[j] = c[0]*v[j];
            for (long k = 1; k < m; k++) {
                v += ASE_MAG_PARTS;
                for (int j = 0; j < ASE_MAG_PARTS; j++) s[j] += c[k]*v[j];
            }
            for (int j = 0; j < ASE_MAG_PARTS; j++) w[j] += u[j]*s[j];
        }
        for (int j = 0; j < ASE_MAG_PARTS; j++) ((ase_mag_part *)out)[j] = w[j];
    }

    /* out[k] = c out[k - 1] - out[k - 2], k = 1 .. n - 1, from out[0] and out[-1] = before. */
    static inline void ase_mag_ladder(long n, const double *c, const double *before,
                                      double *out) {
        const ase_mag_part *d = (const ase_mag_part *)c;
        ase_mag_part *y = (ase_mag_part *)out;
        ase_mag_part u[ASE_MAG_PARTS], v[ASE_MAG_PARTS];
        for (int j = 0; j < ASE_MAG_PARTS; j++) {
            u[j] = ((const ase_mag_part *)before)[j];
            v[j] = y[j];
        }
        for (long k = 1; k < n; k++) {
            y += ASE_MAG_PARTS;
            for (int j = 0; j < ASE_MAG_PARTS; j++) {
                const ase_mag_part next = d[j]*v[j] - u[j];
                u[j] = v[j];
                y[j] = v[j] = next;
            }
        }
    }
    """
    void lanes_clear "ase_mag_clear"(double* y, long n_rows) noexcept nogil
    void lanes_add "ase_mag_add"(double* y, double a, const double* x) noexcept nogil
    void lanes_product "ase_mag_product"(
        double* y, const double* x, const double* z
    ) noexcept nogil
    void lanes_add_product "ase_mag_add_product"(
        double* y, double a, const double* x, const double* z
    ) noexcept nogil
    double lanes_total "ase_mag_total"(const double* x) noexcept nogil
    void lanes_combine "ase_mag_combine"(
        long n_rows, long n, const double* c, const double* x, const double* y, double* s, double* d
    ) noexcept nogil
    void lanes_spread "ase_mag_spread"(
        long n, const double* p, const double* q, const double* x, const double* y, double* out
    ) noexcept nogil
    void lanes_outer "ase_mag_outer"(
        long n, long m, const double* a, const double* b, double* acc
    ) noexcept nogil
    void lanes_contract "ase_mag_contract"(
        long n, long m, const double* c, const double* a, const double* b, double* out
    ) noexcept nogil
    void lanes_ladder "ase_mag_ladder"(
        long n, const double* c, const double* before, double* out
    ) noexcept nogil
