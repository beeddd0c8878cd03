# Gaussians times a cutoff function at the distances of a batch of pairs, and their contractions.
#
# Row h of a table holds function h at all pairs of the batch; the number of pairs is a multiple of
# four (lanes without a pair have weight zero).

from decay cimport ase_mag_decay

cdef extern from *:
    """
    enum { ASE_MAG_BATCH = 64 };

    #if defined(__AVX__)
    typedef double ase_mag_pack __attribute__((vector_size(32), aligned(8), may_alias));
    #elif defined(__GNUC__)
    typedef double ase_mag_pack __attribute__((vector_size(16), aligned(8), may_alias));
    #else
    typedef double ase_mag_pack;
    #endif
    enum { ASE_MAG_PACK = sizeof(ase_mag_pack)/sizeof(double) };
    #define ASE_MAG_PACK_AT(x) (*(const ase_mag_pack *) (x))

    /* w f_c(r) exp(-eta (r - R)^2) of n centers R, widths eta and cutoffs. If they are ``spaced``,
       width and cutoff are common, R_k = R_m + (k - m) spacing, and decays[k] is
       exp(-eta ((k - m) spacing)^2). */
    typedef struct {
        long n, smooth, spaced, m;
        double spacing;
        const double *centers, *widths, *cutoffs, *decays;
    } ase_mag_gaussians;

    /* Cutoff function and its slope. */
    static inline void ase_mag_envelope(long smooth, double cutoff, const double *__restrict r,
                                        long n, double *__restrict f, double *__restrict df) {
        double inverse = 1.0/cutoff;
        if (smooth) {
            for (long k = 0; k < n; k++) {
                double y = r[k]*inverse;
                y = y < 1.0 ? y : 1.0;
                double g = 1.0 - y;
                f[k] = g*g*g*(1.0 + y*(3.0 + 6.0*y));
                df[k] = -30.0*inverse*(y*g)*(y*g);
            }
            return;
        }
        for (long k = 0; k < n; k++) {
            /* sin^2(2 v) with v = pi/4 (1 - r/R): Taylor series of sin v and cos v. */
            double y = r[k]*inverse;
            y = y < 1.0 ? y : 1.0;
            double v = 0.78539816339744831*(1.0 - y), z = v*v;
            double s = 2.8114572543455206e-15, c = -1.5619206968586225e-16;
            s = s*z - 7.6471637318198164e-13;
            s = s*z + 1.6059043836821613e-10;
            s = s*z - 2.5052108385441720e-08;
            s = s*z + 2.7557319223985893e-06;
            s = s*z - 1.9841269841269841e-04;
            s = s*z + 8.3333333333333332e-03;
            s = s*z - 1.6666666666666666e-01;
            s = (s*z + 1.0)*v;
            c = c*z + 4.7794773323873853e-14;
            c = c*z - 1.1470745597729725e-11;
            c = c*z + 2.0876756987868100e-09;
            c = c*z - 2.7557319223985888e-07;
            c = c*z + 2.4801587301587302e-05;
            c = c*z - 1.3888888888888889e-03;
            c = c*z + 4.1666666666666664e-02;
            c = c*z - 0.5;
            c = c*z + 1.0;
            double sine = 2.0*s*c, cosine = (c - s)*(c + s);
            f[k] = sine*sine;
            df[k] = -3.1415926535897931*inverse*sine*cosine;
        }
    }

    static inline void ase_mag_spaced(const ase_mag_gaussians *g, const double *__restrict r,
                                      const double *__restrict w, long n,
                                      double *__restrict value, double *__restrict slope) {
        double f[ASE_MAG_BATCH], df[ASE_MAG_BATCH], rate[ASE_MAG_BATCH];
        double first[ASE_MAG_BATCH], ratio[2][ASE_MAG_BATCH];
        double eta = g->widths[0], middle = g->centers[g->m], twice = 2.0*eta*g->spacing;
        ase_mag_envelope(g->smooth, g->cutoffs[0], r, n, f, df);
        for (long k = 0; k < n; k++) {
            double x = r[k] - middle;
            first[k] = w[k]*ase_mag_decay(eta*x*x);
            ratio[0][k] = ase_mag_decay(-twice*x);
            ratio[1][k] = 1.0/ratio[0][k];
            df[k] -= 2.0*eta*x*f[k];
            rate[k] = twice*f[k];
        }
        /* exp(-eta (x - j d)^2) = exp(-eta x^2) exp(2 eta d x)^j exp(-eta j^2 d^2), up and down. */
        for (long down = 0; down < 2; down++) {
            const double *__restrict step = ratio[down];
            long last = down ? g->m : g->n - 1 - g->m, sign = down ? -1 : 1;
            for (long k = 0; k < n; k += ASE_MAG_PACK) {
                ase_mag_pack u = ASE_MAG_PACK_AT(first + k), q = ASE_MAG_PACK_AT(step + k);
                ase_mag_pack cut = ASE_MAG_PACK_AT(f + k), fall = ASE_MAG_PACK_AT(df + k);
                ase_mag_pack more = ASE_MAG_PACK_AT(rate + k);
                if (down) u *= q;
                for (long j = down; j <= last; j++, u *= q) {
                    long h = g->m + sign*j;
                    ase_mag_pack e = g->decays[h]*u;
                    *(ase_mag_pack *) (value + ASE_MAG_BATCH*h + k) = e*cut;
                    if (slope)
                        *(ase_mag_pack *) (slope + ASE_MAG_BATCH*h + k)
                            = e*(fall + (double) (sign*j)*more);
                }
            }
        }
    }

    static inline void ase_mag_any(const ase_mag_gaussians *g, const double *__restrict r,
                                   const double *__restrict w, long n, double *__restrict value,
                                   double *__restrict slope) {
        double f[ASE_MAG_BATCH], df[ASE_MAG_BATCH];
        for (long h = 0; h < g->n; h++, value += ASE_MAG_BATCH) {
            double eta = g->widths[h], center = g->centers[h];
            if (h == 0 || g->cutoffs[h] != g->cutoffs[h - 1])
                ase_mag_envelope(g->smooth, g->cutoffs[h], r, n, f, df);
            if (slope == NULL) {
                for (long k = 0; k < n; k++) {
                    double x = r[k] - center;
                    value[k] = w[k]*ase_mag_decay(eta*x*x)*f[k];
                }
            } else {
                for (long k = 0; k < n; k++) {
                    double x = r[k] - center, e = w[k]*ase_mag_decay(eta*x*x);
                    value[k] = e*f[k];
                    slope[k] = e*(df[k] - 2.0*eta*x*f[k]);
                }
                slope += ASE_MAG_BATCH;
            }
        }
    }

    /* Tables of the functions and (unless NULL) of their slopes. */
    static inline void ase_mag_tabulate(const ase_mag_gaussians *g, const double *r,
                                        const double *w, long n, double *value, double *slope) {
        if (g->spaced) ase_mag_spaced(g, r, w, n, value, slope);
        else ase_mag_any(g, r, w, n, value, slope);
    }

    static inline double ase_mag_pack_total(ase_mag_pack x) {
        const double *lane = (const double *) &x;
        double total = lane[0];
        for (int l = 1; l < ASE_MAG_PACK; l++) total += lane[l];
        return total;
    }

    /* plain[h] += sum_k value[h][k], times[h] += sum_k t[k] value[h][k]. */
    static inline void ase_mag_row_sums(long n_functions, long n, const double *t,
                                        const double *value, double *plain, double *times) {
        const ase_mag_pack zero = {0.0};
        for (long h = 0; h < n_functions; h++, value += ASE_MAG_BATCH) {
            ase_mag_pack a = zero, b = zero;
            for (long k = 0; k < n; k += ASE_MAG_PACK) {
                ase_mag_pack v = ASE_MAG_PACK_AT(value + k);
                a += v;
                b += ASE_MAG_PACK_AT(t + k)*v;
            }
            plain[h] += ase_mag_pack_total(a);
            times[h] += ase_mag_pack_total(b);
        }
    }

    /* turn[k] = sum_h b[h] value[h][k], returned sum_hk d[h] value[h][k], and unless slope is NULL
       stretch[k] = sum_h (a[h] + b[h] t[k]) slope[h][k]. */
    static inline double ase_mag_contract(long n_functions, long n, const double *a,
                                          const double *b, const double *d, const double *t,
                                          const double *value, const double *slope, double *turn,
                                          double *stretch) {
        const ase_mag_pack zero = {0.0};
        ase_mag_pack own = zero;
        for (long k = 0; k < n; k += ASE_MAG_PACK) {
            ase_mag_pack v, s, bv = zero, as = zero, bs = zero;
            for (long h = 0; h < n_functions; h++) {
                v = ASE_MAG_PACK_AT(value + ASE_MAG_BATCH*h + k);
                bv += b[h]*v;
                own += d[h]*v;
                if (slope) {
                    s = ASE_MAG_PACK_AT(slope + ASE_MAG_BATCH*h + k);
                    as += a[h]*s;
                    bs += b[h]*s;
                }
            }
            *(ase_mag_pack *) (turn + k) = bv;
            if (slope) *(ase_mag_pack *) (stretch + k) = as + ASE_MAG_PACK_AT(t + k)*bs;
        }
        return ase_mag_pack_total(own);
    }
    """
    enum: ASE_MAG_BATCH
    ctypedef struct Gaussians "ase_mag_gaussians":
        long n
        long smooth
        long spaced
        long m
        double spacing
        const double* centers
        const double* widths
        const double* cutoffs
        const double* decays
    void ase_mag_tabulate(
        const Gaussians* g, const double* r, const double* w, long n, double* value, double* slope
    ) noexcept nogil
    void ase_mag_row_sums(
        long n_functions, long n, const double* t, const double* value, double* plain,
        double* times
    ) noexcept nogil
    double ase_mag_contract(
        long n_functions, long n, const double* a, const double* b, const double* d,
        const double* t, const double* value, const double* slope, double* turn, double* stretch
    ) noexcept nogil


cdef inline Gaussians gaussians_of(tuple functions):
    cdef inline Gaussians g
    cdef const double[::1] centers = functions[0]
    cdef const double[::1] widths = functions[1]
    cdef const double[::1] cutoffs = functions[2]
    cdef const double[::1] decays = functions[3]
    g.n = centers.shape[0]
    g.centers = &centers[0]
    g.widths = &widths[0]
    g.cutoffs = &cutoffs[0]
    g.decays = &decays[0]
    g.smooth, g.spaced, g.m, g.spacing = functions[4:]
    return g
