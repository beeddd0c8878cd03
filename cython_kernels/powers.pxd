# Sums over equally spaced Gaussians of equal width as polynomials of one ratio per pair.
#
# With A = w_i w_j f_c(r) exp(-eta (r - R_m)^2) and q = exp(2 eta d (r - R_m)) function h of a pair
# is decays[h] A q^(h - m), see ``gaussians.pxd``.

from gaussians cimport Gaussians

cdef extern from *:
    """
    enum { ASE_MAG_POWERS = 64 };    /* functions, at most */

    /* A and q of pairs of one site with weight ``own``; 0 and 1 where a pair has no part. */
    static inline void ase_mag_powers(const ase_mag_gaussians *g, double own,
                                      const double *__restrict r, const double *__restrict w,
                                      long n, double *__restrict first,
                                      double *__restrict ratio) {
        double f[ASE_MAG_BATCH], df[ASE_MAG_BATCH];
        double eta = g->widths[0], middle = g->centers[g->m], twice = 2.0*eta*g->spacing;
        ase_mag_envelope(g->smooth, g->cutoffs[0], r, n, f, df);
        for (long k = 0; k < n; k++) {
            double x = r[k] < g->cutoffs[0] ? r[k] - middle : 0.0;
            first[k] = own*w[k]*ase_mag_decay(eta*x*x)*f[k];
            ratio[k] = ase_mag_decay(-twice*x);
        }
    }

    /* sums[h] += sum_k t[k] A[k] q[k]^(h - m); n is a multiple of four. */
    static inline void ase_mag_power_sums_of(long n_functions, long m, long n, const double *t,
                                             const double *first, const double *ratio,
                                             double *sums) {
        const ase_mag_pack zero = {0.0};
        ase_mag_pack total[ASE_MAG_POWERS];
        for (long h = 0; h < n_functions; h++) total[h] = zero;
        for (long k = 0; k < n; k += ASE_MAG_PACK) {
            ase_mag_pack up = ASE_MAG_PACK_AT(t + k)*ASE_MAG_PACK_AT(first + k);
            ase_mag_pack q = ASE_MAG_PACK_AT(ratio + k), p = 1.0/q, down = up*p;
            for (long h = m; h < n_functions; h++, up *= q) total[h] += up;
            for (long h = m - 1; h >= 0; h--, down *= p) total[h] += down;
        }
        for (long h = 0; h < n_functions; h++) sums[h] += ase_mag_pack_total(total[h]);
    }

    static inline ase_mag_pack ase_mag_horner(long n_functions, long m, const double *b,
                                              const double *first, const double *ratio) {
        ase_mag_pack q = ASE_MAG_PACK_AT(ratio), p = 1.0/q;
        const ase_mag_pack zero = {0.0};
        ase_mag_pack up = zero, down = zero;
        for (long h = n_functions - 1; h >= m; h--) up = up*q + b[h];
        for (long h = 0; h < m; h++) down = (down + b[h])*p;
        return ASE_MAG_PACK_AT(first)*(up + down);
    }

    /* turn[k] = A[k] sum_h b[h] q[k]^(h - m), for any n. */
    static inline void ase_mag_power_values_of(long n_functions, long m, long n, const double *b,
                                               const double *first, const double *ratio,
                                               double *turn) {
        long k = 0;
        for (; k + ASE_MAG_PACK <= n; k += ASE_MAG_PACK)
            *(ase_mag_pack *) (turn + k) = ase_mag_horner(n_functions, m, b, first + k, ratio + k);
        if (k < n) {
            ase_mag_pack last = ase_mag_horner(n_functions, m, b, first + k, ratio + k);
            for (long l = 0; k + l < n; l++) turn[k + l] = ((const double *) &last)[l];
        }
    }

    /* The default number of functions known to the compiler, whose loops then need no memory. */
    static inline void ase_mag_power_sums(long n_functions, long m, long n, const double *t,
                                          const double *first, const double *ratio,
                                          double *sums) {
        if (n_functions == 9 && m == 4) ase_mag_power_sums_of(9, 4, n, t, first, ratio, sums);
        else ase_mag_power_sums_of(n_functions, m, n, t, first, ratio, sums);
    }

    static inline void ase_mag_power_values(long n_functions, long m, long n, const double *b,
                                            const double *first, const double *ratio,
                                            double *turn) {
        if (n_functions == 9 && m == 4) ase_mag_power_values_of(9, 4, n, b, first, ratio, turn);
        else ase_mag_power_values_of(n_functions, m, n, b, first, ratio, turn);
    }
    """
    enum: ASE_MAG_POWERS
    void ase_mag_powers(
        const Gaussians* g, double own, const double* r, const double* w, long n, double* first,
        double* ratio
    ) noexcept nogil
    void ase_mag_power_sums(
        long n_functions, long m, long n, const double* t, const double* first,
        const double* ratio, double* sums
    ) noexcept nogil
    void ase_mag_power_values(
        long n_functions, long m, long n, const double* b, const double* first,
        const double* ratio, double* turn
    ) noexcept nogil
