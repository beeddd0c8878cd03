# On-site energies of one moment, shared by the bilinear form and the integrators.
#
#   E(M) = a M.M + b (M.M)^2 + c (M.M)^3 + M.Q.M
#        + k1 (u^2 v^2 + v^2 w^2 + w^2 u^2) + k2 u^2 v^2 w^2,   (u, v, w) = R M


cdef inline double onsite_energy(
    const double* landau, const double* quadric, const double* cubic, const double* axes,
    double x, double y, double z, double* gx, double* gy, double* gz,
) noexcept nogil:
    """Energy of one moment; its gradient dE/dM is added to gx, gy, gz. Null pointers are skipped.
    """
    cdef double m2, slope, energy = 0.0
    cdef double qx, qy, qz, u, v, w, uu, vv, ww, du, dv, dw
    if landau != NULL:
        m2 = x*x + y*y + z*z
        energy += m2*(landau[0] + m2*(landau[1] + m2*landau[2]))
        slope = 2.0*(landau[0] + m2*(2.0*landau[1] + 3.0*m2*landau[2]))
        gx[0] += slope*x
        gy[0] += slope*y
        gz[0] += slope*z
    if quadric != NULL:
        qx = quadric[0]*x + quadric[1]*y + quadric[2]*z
        qy = quadric[3]*x + quadric[4]*y + quadric[5]*z
        qz = quadric[6]*x + quadric[7]*y + quadric[8]*z
        energy += x*qx + y*qy + z*qz
        gx[0] += 2.0*qx
        gy[0] += 2.0*qy
        gz[0] += 2.0*qz
    if cubic != NULL:
        u = axes[0]*x + axes[1]*y + axes[2]*z
        v = axes[3]*x + axes[4]*y + axes[5]*z
        w = axes[6]*x + axes[7]*y + axes[8]*z
        uu = u*u
        vv = v*v
        ww = w*w
        energy += cubic[0]*(uu*vv + vv*ww + ww*uu) + cubic[1]*uu*vv*ww
        du = 2.0*u*(cubic[0]*(vv + ww) + cubic[1]*vv*ww)
        dv = 2.0*v*(cubic[0]*(uu + ww) + cubic[1]*uu*ww)
        dw = 2.0*w*(cubic[0]*(uu + vv) + cubic[1]*uu*vv)
        gx[0] += axes[0]*du + axes[3]*dv + axes[6]*dw
        gy[0] += axes[1]*du + axes[4]*dv + axes[7]*dw
        gz[0] += axes[2]*du + axes[5]*dv + axes[8]*dw
    return energy
