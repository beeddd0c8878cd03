# One rotation of a moment by the Landau-Lifshitz-Gilbert equation, shared by all integrators.


cdef inline void precess(
    const double* m, const double* mean, const double* b, double damping, double size,
    double rate, double* out,
) noexcept nogil:
    """Cayley rotation of the moment m, exact for a constant rotation vector.

    dM/dt = M x A with A = -gamma' (B + (alpha/m) M x B), gamma' = gamma/(1 + alpha^2), is solved
    over dt by M' = M + dt (M + M')/2 x A; ``rate`` = gamma' dt / 2, and the moment in A is
    ``mean``. |M'| = |M| to rounding.
    """
    cdef double s, wx, wy, wz, w2, mw, norm
    s = damping/size if size > 0.0 else 0.0
    wx = -rate*(b[0] + s*(mean[1]*b[2] - mean[2]*b[1]))
    wy = -rate*(b[1] + s*(mean[2]*b[0] - mean[0]*b[2]))
    wz = -rate*(b[2] + s*(mean[0]*b[1] - mean[1]*b[0]))
    w2 = wx*wx + wy*wy + wz*wz
    mw = m[0]*wx + m[1]*wy + m[2]*wz
    norm = 1.0/(1.0 + w2)
    w2 = 1.0 - w2
    out[0] = norm*(w2*m[0] + 2.0*(m[1]*wz - m[2]*wy + mw*wx))
    out[1] = norm*(w2*m[1] + 2.0*(m[2]*wx - m[0]*wz + mw*wy))
    out[2] = norm*(w2*m[2] + 2.0*(m[0]*wy - m[1]*wx + mw*wz))
