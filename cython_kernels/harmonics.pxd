# Real solid harmonics r^n Y_nm of eight vectors at once, and their gradients.

cdef enum:
    MOST_DEGREE = 4


cdef inline void harmonics_block(
    const double* vectors, long degree, const double* norms, double* value, double* gradient
) noexcept nogil:
    """Rows n^2 + n + m of r^n Y_nm, n <= degree <= 4, of the eight vectors in three rows.

    ``norms`` are those of (n, m >= 0) at n (n + 1)/2 + m. ``gradient`` (NULL: not wanted) has three
    such blocks of rows, d/dx, d/dy, d/dz. Q_nm = r^n P_nm(z/r)/(sin)^m without phase obeys
    dQ_nm/d(x, y) = -(x, y) Q_(n-1)(m+1), dQ_nm/dz = (n + m) Q_(n-1)m.
    """
    cdef long n, m, lane, k, row, size = 8*(degree + 1)*(degree + 1)
    cdef const double* x = vectors
    cdef const double* y = vectors + 8
    cdef const double* z = vectors + 16
    cdef double square[8]
    cdef double q[8*15]
    cdef double even[8*5]       # Re (x + iy)^m
    cdef double odd[8*5]        # Im (x + iy)^m
    cdef double norm, a, b, c, s, f, g
    for lane in range(8):
        square[lane] = x[lane]*x[lane] + y[lane]*y[lane] + z[lane]*z[lane]
        even[lane] = 1.0
        odd[lane] = 0.0
        q[lane] = 1.0
    for m in range(1, degree + 1):
        for lane in range(8):
            even[8*m + lane] = x[lane]*even[8*m - 8 + lane] - y[lane]*odd[8*m - 8 + lane]
            odd[8*m + lane] = x[lane]*odd[8*m - 8 + lane] + y[lane]*even[8*m - 8 + lane]
    for n in range(1, degree + 1):
        row = 8*(n*(n + 1)//2)
        for m in range(n + 1):
            k = row + 8*m
            if m == n:
                for lane in range(8):
                    q[k + lane] = (2*n - 1)*q[k - 8*(n + 1) + lane]
            elif m == n - 1:
                for lane in range(8):
                    q[k + lane] = (2*n - 1)*z[lane]*q[k - 8*n + lane]
            else:
                a = (2*n - 1)/<double> (n - m)
                b = (n + m - 1)/<double> (n - m)
                for lane in range(8):
                    q[k + lane] = (
                        a*z[lane]*q[k - 8*n + lane] - b*square[lane]*q[k - 8*(2*n - 1) + lane]
                    )
    for n in range(degree + 1):
        for m in range(n + 1):
            k = n*(n + 1)//2 + m
            norm = norms[k]
            row = 8*(n*n + n)
            for lane in range(8):
                value[row + 8*m + lane] = norm*q[8*k + lane]*even[8*m + lane]
                if m > 0:
                    value[row - 8*m + lane] = norm*q[8*k + lane]*odd[8*m + lane]
            if gradient == NULL:
                continue
            for lane in range(8):
                # Q and its derivatives over -x (or -y) and by z.
                a = norm*q[8*k + lane]
                f = norm*q[8*(k - n + 1) + lane] if m + 1 < n else 0.0
                g = norm*(n + m)*q[8*(k - n) + lane] if m < n else 0.0
                b = m*even[8*(m - 1) + lane] if m > 0 else 0.0
                c = m*odd[8*(m - 1) + lane] if m > 0 else 0.0
                s = even[8*m + lane]
                gradient[row + 8*m + lane] = a*b - x[lane]*f*s
                gradient[size + row + 8*m + lane] = -a*c - y[lane]*f*s
                gradient[2*size + row + 8*m + lane] = g*s
                if m > 0:
                    s = odd[8*m + lane]
                    gradient[row - 8*m + lane] = a*c - x[lane]*f*s
                    gradient[size + row - 8*m + lane] = a*b - y[lane]*f*s
                    gradient[2*size + row - 8*m + lane] = g*s
