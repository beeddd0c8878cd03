# Proposals of Monte Carlo moves for blocks of eight moments.
#
# Loops of fixed length without branches or library calls, which the compiler vectorizes.

from libc.stdint cimport uint32_t, uint64_t
from philox cimport ASE_MAG_LANES

cdef extern from *:
    """
    /* A number in (0, 1) of 52 random bits. */
    static inline double ase_mag_unit(uint32_t high, uint32_t low) {
        uint64_t bits = ((uint64_t) high << 20) | (low >> 12) | 0x3FF0000000000000u;
        double x;
        memcpy(&x, &bits, 8);
        return x - (1.0 - 1.1102230246251565e-16);
    }

    /* exp(t) for |t| < 700, relative error below 1e-15. */
    static inline double ase_mag_exp(double t) {
        double n, r, p;
        uint64_t bits;
        n = t*1.4426950408889634 + 6755399441055744.0;
        memcpy(&bits, &n, 8);
        n -= 6755399441055744.0;
        r = t - n*0.693147180369123816490;
        r -= n*1.90821492927058770002e-10;
        p = 1.0 + r*(1.0 + r/2*(1.0 + r/3*(1.0 + r/4*(1.0 + r/5*(1.0 + r/6*(1.0 + r/7*(1.0
            + r/8*(1.0 + r/9*(1.0 + r/10*(1.0 + r/11*(1.0 + r/12*(1.0 + r/13))))))))))));
        bits = (bits + 1023) << 52;
        memcpy(&n, &bits, 8);
        return n*p;
    }

    /* ln(x) of a normal positive number; ln m = 2 atanh((m - 1)/(m + 1)), 0.7 < m < 1.42. */
    static inline double ase_mag_log(double x) {
        double m, e, f, s;
        uint64_t bits, part;
        memcpy(&bits, &x, 8);
        part = (bits >> 52) | 0x4330000000000000u;
        memcpy(&e, &part, 8);
        e -= 4503599627370496.0 + 1023.0;
        part = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
        memcpy(&m, &part, 8);
        s = m > 1.4142135623730951 ? 1.0 : 0.0;
        e += s;
        m -= 0.5*s*m;
        f = (m - 1.0)/(m + 1.0);
        s = f*f;
        s = 1.0 + s*(1.0/3 + s*(1.0/5 + s*(1.0/7 + s*(1.0/9 + s*(1.0/11 + s*(1.0/13
            + s*(1.0/15 + s*(1.0/17 + s*(1.0/19)))))))));
        return e*0.6931471805599453 + 2.0*f*s;
    }

    /* Directions of eight moments m (sizes kept) from p(M) ~ exp(beta M.B), to x, y, z:
       cos = 1 - d, d = -ln(1 - v (1 - exp(-2 k)))/k, k = beta |M| |B|, v uniform. */
    static inline void ase_mag_heat_bath(
            const double *mx, const double *my, const double *mz,
            const double *bx, const double *by, const double *bz, double beta,
            const uint32_t *w0, const uint32_t *w1, const uint32_t *w2,
            double *x, double *y, double *z) {
        double size[ASE_MAG_LANES], d[ASE_MAG_LANES], ux[ASE_MAG_LANES], uy[ASE_MAG_LANES];
        double uz[ASE_MAG_LANES], c[ASE_MAG_LANES], s[ASE_MAG_LANES], b[ASE_MAG_LANES];
        double none[ASE_MAG_LANES], along[ASE_MAG_LANES], weak[ASE_MAG_LANES], t[ASE_MAG_LANES];
        /* Branches are sums with factors of 0 and 1, in loops of their own: these vectorize. */
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            b[k] = sqrt(bx[k]*bx[k] + by[k]*by[k] + bz[k]*bz[k]);
            size[k] = sqrt(mx[k]*mx[k] + my[k]*my[k] + mz[k]*mz[k]);
            along[k] = beta*size[k]*b[k];
            none[k] = b[k] > 1e-300 ? 0.0 : 1.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double inverse = (1.0 - none[k])/(b[k] + none[k]);
            ux[k] = bx[k]*inverse;
            uy[k] = by[k]*inverse;
            uz[k] = bz[k]*inverse + none[k];
            weak[k] = along[k] > 1e-5 ? 0.0 : 1.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            t[k] = along[k] < 300.0 ? along[k] : 300.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double v = ase_mag_unit(w0[k], w1[k]), value;
            value = -ase_mag_log((1.0 - v) + v*ase_mag_exp(-2.0*t[k]))/(along[k] + weak[k]);
            value += weak[k]*(2.0*v*(1.0 - along[k]*(1.0 - v)) - value);
            d[k] = value < 2.0 ? value : 2.0;
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            ase_mag_angle(w2[k], &c[k], &s[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            /* Two vectors normal to u (Duff et al., J. Comput. Graph. Tech. 6, 1 (2017)). */
            double sign = uz[k] < 0.0 ? -1.0 : 1.0, a = -1.0/(sign + uz[k]), f = ux[k]*uy[k]*a;
            double across = size[k]*sqrt(d[k]*(2.0 - d[k])), g = size[k]*(1.0 - d[k]);
            double p = across*c[k], q = across*s[k];
            x[k] = g*ux[k] + p*(1.0 + sign*ux[k]*ux[k]*a) + q*f;
            y[k] = g*uy[k] + p*sign*f + q*(sign + uy[k]*uy[k]*a);
            z[k] = g*uz[k] - p*sign*ux[k] - q*uy[k];
        }
    }

    /* Three standard normal numbers for each of eight moments from four words each. */
    static inline void ase_mag_gaussians(
            const uint32_t *w0, const uint32_t *w1, const uint32_t *w2, const uint32_t *w3,
            double *x, double *y, double *z) {
        double a[ASE_MAG_LANES], b[ASE_MAG_LANES], c[ASE_MAG_LANES], unused[ASE_MAG_LANES];
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            x[k] = ase_mag_radius(w0[k]);
            z[k] = ase_mag_radius(w2[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            ase_mag_angle(w1[k], &a[k], &b[k]);
            ase_mag_angle(w3[k], &c[k], &unused[k]);
        }
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            y[k] = x[k]*b[k];
            x[k] = x[k]*a[k];
            z[k] = z[k]*c[k];
        }
    }

    /* New directions: e + width g, or g alone (an eighth of the time); sizes kept. */
    static inline void ase_mag_turn(
            const double *mx, const double *my, const double *mz, const double *width,
            const double *choice, double *x, double *y, double *z) {
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double size = sqrt(mx[k]*mx[k] + my[k]*my[k] + mz[k]*mz[k]), norm;
            double anew = choice[k] < 0.125 ? 1.0 : 0.0;
            double old = (1.0 - anew)/(size + (size > 0.0 ? 0.0 : 1.0));
            double step = anew + (1.0 - anew)*width[k];
            x[k] = old*mx[k] + step*x[k];
            y[k] = old*my[k] + step*y[k];
            z[k] = old*mz[k] + step*z[k];
            norm = size/sqrt(x[k]*x[k] + y[k]*y[k] + z[k]*z[k]);
            x[k] *= norm;
            y[k] *= norm;
            z[k] *= norm;
        }
    }

    /* New moments: M + width g, or (m + width g_x) M/m (a quarter of the time), and the ratio of
       the measures, (m'/m)^(p - 2) of the first and (m'/m)^p of the second. */
    static inline void ase_mag_stretch(
            const double *mx, const double *my, const double *mz, const double *width,
            const double *choice, int measure, double *x, double *y, double *z, double *ratio) {
        const double p0 = measure == 0 ? 1.0 : 0.0, p1 = measure == 1 ? 1.0 : 0.0;
        const double p2 = 1.0 - p0 - p1;
        for (int k = 0; k < ASE_MAG_LANES; k++) {
            double size = sqrt(mx[k]*mx[k] + my[k]*my[k] + mz[k]*mz[k]), grown, r, inverse;
            double zero = size > 0.0 ? 0.0 : 1.0, divisor = size + zero;
            double line = (choice[k] < 0.25 ? 1.0 : 0.0)*(1.0 - zero), free = 1.0 - line;
            double along = 1.0 + line*width[k]*x[k]/divisor, step = free*width[k];
            x[k] = along*mx[k] + step*x[k];
            y[k] = along*my[k] + step*y[k];
            z[k] = along*mz[k] + step*z[k];
            grown = sqrt(x[k]*x[k] + y[k]*y[k] + z[k]*z[k]);
            r = zero + (1.0 - zero)*grown/divisor;
            inverse = 1.0/(r + 1e-100);
            ratio[k] = line*(p0 + p1*r + p2*r*r) + free*(p0*inverse*inverse + p1*inverse + p2);
        }
    }
    """
    double ase_mag_unit(uint32_t high, uint32_t low) noexcept nogil
    double ase_mag_exp(double t) noexcept nogil
    void ase_mag_heat_bath(
        const double* mx, const double* my, const double* mz,
        const double* bx, const double* by, const double* bz, double beta,
        const uint32_t* w0, const uint32_t* w1, const uint32_t* w2,
        double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_gaussians(
        const uint32_t* w0, const uint32_t* w1, const uint32_t* w2, const uint32_t* w3,
        double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_turn(
        const double* mx, const double* my, const double* mz, const double* width,
        const double* choice, double* x, double* y, double* z
    ) noexcept nogil
    void ase_mag_stretch(
        const double* mx, const double* my, const double* mz, const double* width,
        const double* choice, int measure, double* x, double* y, double* z, double* ratio
    ) noexcept nogil
