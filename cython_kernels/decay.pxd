# The exponential function in a form that compilers turn into vector code.

cdef extern from *:
    """
    /* exp(-x) for x > -708 to 2 units in the last place, below 1e-307 from 708 on.
       x = n ln 2 - f with |f| <= ln(2)/2, and exp(f) from its Taylor series. */
    static inline double ase_mag_decay(double x) {
        const double magic = 6755399441055744.0;  /* 1.5 2^52: adding it rounds to an integer */
        union { double d; long long i; } n, power;
        double y = x < 708.0 ? x : 708.0;
        n.d = magic - y*1.4426950408889634;
        double k = n.d - magic;
        double f = (-y - k*0.693147180369123816490) - k*1.90821492927058770002e-10;
        double e = 1.6059043836821613e-10;
        e = e*f + 2.08767569878681e-09;
        e = e*f + 2.505210838544172e-08;
        e = e*f + 2.755731922398589e-07;
        e = e*f + 2.7557319223985893e-06;
        e = e*f + 2.48015873015873e-05;
        e = e*f + 0.0001984126984126984;
        e = e*f + 0.001388888888888889;
        e = e*f + 0.008333333333333333;
        e = e*f + 0.041666666666666664;
        e = e*f + 0.16666666666666666;
        e = e*f + 0.5;
        e = e*f + 1.0;
        e = e*f + 1.0;
        power.i = (long long) (((unsigned long long) n.i + 1023) << 52);
        return e*power.d;
    }
    """
    double ase_mag_decay(double x) noexcept nogil
