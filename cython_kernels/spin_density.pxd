# What the kernels of spin densities share: radial functions, Legendre polynomials, blocks of pairs.
#
# Neighbors of one kind are taken eight at a time (a block); rows are eight doubles. Lanes without a
# neighbor repeat the first one, and their radial functions are zero.

from libc.math cimport M_PI

from lanes cimport lanes_ladder


cdef struct Sites:
    const int* neighbors
    const int* kinds            # of atoms; below 0: no part
    const double* distances
    const double* directions    # [atom][4], the last one is not read
    long n_kinds
    long n_radial
    double cutoff
    long envelope               # 0: (1 + cos(pi y))/2; 1: (1 - y)^3 (1 + 3 y + 6 y^2); y = r/cutoff
    double fading               # f has the factor exp(fading (1/2 - y)); at most 40


cdef inline Sites sites_of(tuple pairs):
    """Addresses of the arrays, which ``pairs`` keeps alive."""
    cdef const int[::1] neighbors = pairs[1]
    cdef const int[::1] kinds = pairs[2]
    cdef const double[::1] distances = pairs[3]
    cdef const double[:, ::1] directions = pairs[4]
    cdef Sites s
    s.neighbors = &neighbors[0]
    s.kinds = &kinds[0]
    s.distances = &distances[0]
    s.directions = &directions[0, 0]
    s.n_kinds = pairs[5]
    s.n_radial = pairs[6]
    s.cutoff = pairs[7]
    s.envelope = pairs[8]
    s.fading = pairs[9]
    return s


cdef inline long take(
    const Sites* s, long kind, long* next_, long last, int* lanes
) noexcept nogil:
    """Put the next pairs of a kind into lanes; return how many (0: none is left)."""
    cdef long n = 0, q = next_[0], lane
    while q < last and n < 8:
        if s.kinds[s.neighbors[q]] == kind and s.distances[q] < s.cutoff:
            lanes[n] = q
            n += 1
        q += 1
    next_[0] = q
    if n > 0:
        for lane in range(n, 8):
            lanes[lane] = lanes[0]
    return n


cdef inline void gather(
    const Sites* s, const int* lanes, const double* atoms, double* rows
) noexcept nogil:
    """Three rows: the vectors of the neighbors in lanes, from an array [atom][4]."""
    cdef long lane
    cdef const double* there
    for lane in range(8):
        there = atoms + 4*s.neighbors[lanes[lane]]
        rows[lane] = there[0]
        rows[8 + lane] = there[1]
        rows[16 + lane] = there[2]


cdef inline void dot(const double* u, const double* rows, double* out) noexcept nogil:
    """out = u.v of the eight vectors in three rows."""
    cdef long lane
    for lane in range(8):
        out[lane] = u[0]*rows[lane] + u[1]*rows[8 + lane] + u[2]*rows[16 + lane]


cdef inline void fading_block(const Sites* s, const int* lanes, double* weight) noexcept nogil:
    """exp(fading (1/2 - r/cutoff)): the power series of the 64th part, squared six times."""
    cdef long lane, _
    cdef double t, w, slower = -s.fading/s.cutoff/64.0
    for lane in range(8):
        weight[lane] = 1.0
    if s.fading == 0.0:
        return
    for lane in range(8):
        t = slower*s.distances[lanes[lane]] + s.fading/128.0
        w = 1.0/39916800.0 + t*(1.0/479001600.0)
        w = 1.0/3628800.0 + t*w
        w = 1.0/362880.0 + t*w
        w = 1.0/40320.0 + t*w
        w = 1.0/5040.0 + t*w
        w = 1.0/720.0 + t*w
        w = 1.0/120.0 + t*w
        w = 1.0/24.0 + t*w
        w = 1.0/6.0 + t*w
        w = 1.0/2.0 + t*w
        w = 1.0 + t*w
        weight[lane] = 1.0 + t*w
    for _ in range(6):
        for lane in range(8):
            weight[lane] *= weight[lane]


cdef inline void radial_block(
    const Sites* s, const int* lanes, long n, double* value, double* slope
) noexcept nogil:
    """f(r) sin(m x)/r and its derivative, x = pi r/cutoff, m = 1 .. n_radial; slope may be NULL.

    ``n`` lanes are pairs. Sine and cosine are their power series around x = pi/2.
    """
    cdef long lane, m
    cdef double r, y, z, t, f, df, rate = M_PI/s.cutoff, slower = s.fading/s.cutoff
    cdef double sine[8]
    cdef double cosine[8]
    cdef double over[8]
    cdef double change[8]
    cdef double c[8]
    cdef double before[8]
    cdef double weight[8]
    fading_block(s, lanes, weight)
    for lane in range(8):
        over[lane] = s.distances[lanes[lane]]
        change[lane] = 1.0 if lane < n else 0.0
    for lane in range(8):
        z = M_PI*(over[lane]/s.cutoff - 0.5)
        t = z*z
        sine[lane] = 1.0/2432902008176640e3 - t/1124000727777607680e3
        cosine[lane] = 1.0/51090942171709440e3
        cosine[lane] = -1.0/121645100408832e3 + t*cosine[lane]
        sine[lane] = -1.0/6402373705728e3 + t*sine[lane]
        sine[lane] = 1.0/20922789888e3 + t*sine[lane]
        cosine[lane] = 1.0/355687428096e3 + t*cosine[lane]
        sine[lane] = -1.0/87178291200.0 + t*sine[lane]
        cosine[lane] = -1.0/1307674368e3 + t*cosine[lane]
        sine[lane] = 1.0/479001600.0 + t*sine[lane]
        cosine[lane] = 1.0/6227020800.0 + t*cosine[lane]
        sine[lane] = -1.0/3628800.0 + t*sine[lane]
        cosine[lane] = -1.0/39916800.0 + t*cosine[lane]
        sine[lane] = 1.0/40320.0 + t*sine[lane]
        cosine[lane] = 1.0/362880.0 + t*cosine[lane]
        sine[lane] = -1.0/720.0 + t*sine[lane]
        cosine[lane] = -1.0/5040.0 + t*cosine[lane]
        sine[lane] = 1.0/24.0 + t*sine[lane]
        cosine[lane] = 1.0/120.0 + t*cosine[lane]
        sine[lane] = -0.5 + t*sine[lane]
        cosine[lane] = -1.0/6.0 + t*cosine[lane]
        sine[lane] = 1.0 + t*sine[lane]
        cosine[lane] = 1.0 + t*cosine[lane]
        cosine[lane] *= -z
    for lane in range(8):
        r = over[lane]
        y = r/s.cutoff
        if s.envelope == 0:
            f = 0.5*(1.0 + cosine[lane])
            df = -0.5*rate*sine[lane]
        else:
            z = 1.0 - y
            f = z*z*z*(1.0 + 3.0*y + 6.0*y*y)
            df = -30.0*y*y*z*z/s.cutoff
        t = change[lane]*weight[lane]/r
        over[lane] = f*t
        change[lane] = (df - f*slower - f/r)*t
        value[lane] = sine[lane]
        before[lane] = 0.0
        c[lane] = 2.0*cosine[lane]
    lanes_ladder(s.n_radial, c, before, value)
    if slope != NULL:
        for lane in range(8):
            slope[lane] = cosine[lane]
            before[lane] = 1.0
        lanes_ladder(s.n_radial, c, before, slope)
        for m in range(s.n_radial):
            t = rate*(m + 1)
            for lane in range(8):
                c[lane] = t*over[lane]*slope[8*m + lane] + change[lane]*value[8*m + lane]
            for lane in range(8):
                slope[8*m + lane] = c[lane]
    for m in range(s.n_radial):
        for lane in range(8):
            value[8*m + lane] *= over[lane]


cdef inline void legendre_block(
    const double* x, long n, double* value, double* slope
) noexcept nogil:
    """P_l(x) and P_l'(x) of eight numbers, l < n; slope may be NULL."""
    cdef long order, k, lane
    cdef double a, b
    for lane in range(8):
        value[lane] = 1.0
        if n > 1:
            value[8 + lane] = x[lane]
    for order in range(2, n):
        k = 8*order
        a = (2*order - 1)/<double> order
        b = (order - 1)/<double> order
        for lane in range(8):
            value[k + lane] = a*x[lane]*value[k - 8 + lane] - b*value[k - 16 + lane]
    if slope == NULL:
        return
    for lane in range(8):
        slope[lane] = 0.0
        if n > 1:
            slope[8 + lane] = 1.0
    for order in range(2, n):
        k = 8*order
        a = 2*order - 1
        for lane in range(8):
            slope[k + lane] = slope[k - 16 + lane] + a*value[k - 8 + lane]
