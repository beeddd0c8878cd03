# Single-moment steps of the Landau-Lifshitz-Gilbert equation, shared by all integrators.

from libc.math cimport cos, sin, sqrt


cdef inline void axis(
    const double* m, const double* b, double damping, double size, double gamma, double* a,
) noexcept nogil:
    """a = -gamma/(1 + alpha^2) (B + (alpha/size) M x B), so that dM/dt = M x a."""
    cdef double rate = -gamma/(1.0 + damping*damping)
    cdef double s = damping/size if size > 0.0 else 0.0
    a[0] = rate*(b[0] + s*(m[1]*b[2] - m[2]*b[1]))
    a[1] = rate*(b[1] + s*(m[2]*b[0] - m[0]*b[2]))
    a[2] = rate*(b[2] + s*(m[0]*b[1] - m[1]*b[0]))


cdef inline void cayley(const double* m, const double* a, double dt, double* out) noexcept nogil:
    """Solve M' = M + dt (M + M')/2 x a: a rotation by 2 atan(|a| dt/2), |M'| = |M| to rounding."""
    cdef double wx = 0.5*dt*a[0], wy = 0.5*dt*a[1], wz = 0.5*dt*a[2]
    cdef double w2 = wx*wx + wy*wy + wz*wz
    cdef double x = m[0], y = m[1], z = m[2]
    cdef double mw = 2.0*(x*wx + y*wy + z*wz)
    cdef double norm = 1.0/(1.0 + w2)
    w2 = 1.0 - w2
    out[0] = norm*(w2*x + 2.0*(y*wz - z*wy) + mw*wx)
    out[1] = norm*(w2*y + 2.0*(z*wx - x*wz) + mw*wy)
    out[2] = norm*(w2*z + 2.0*(x*wy - y*wx) + mw*wz)


cdef inline void rodrigues(
    const double* m, const double* a, double dt, double* out,
) noexcept nogil:
    """Solve dM/dt = M x a exactly for constant a: a rotation by -|a| dt about a."""
    cdef double norm = sqrt(a[0]*a[0] + a[1]*a[1] + a[2]*a[2])
    cdef double x = m[0], y = m[1], z = m[2], ux, uy, uz, along, c, s
    if norm == 0.0:
        out[0] = x
        out[1] = y
        out[2] = z
        return
    ux = a[0]/norm
    uy = a[1]/norm
    uz = a[2]/norm
    c = cos(norm*dt)
    s = sin(norm*dt)
    along = (1.0 - c)*(ux*x + uy*y + uz*z)
    out[0] = c*x + s*(y*uz - z*uy) + along*ux
    out[1] = c*y + s*(z*ux - x*uz) + along*uy
    out[2] = c*z + s*(x*uy - y*ux) + along*uz
