# Field of a bilinear form on one moment, shared by evaluation, integrators and Monte Carlo.

from onsite cimport onsite_energy


cdef struct Form:
    # Plain pointers into the arrays of ase_mag.core.BilinearForm; NULL where a term is absent.
    Py_ssize_t n
    const int* offsets
    const int* neighbors
    const double* exchange      # (pairs,)
    const double* tensors       # (pairs, 3, 3)
    const double* field         # (n, 3)
    const double* landau        # (n, 3)
    const double* quadric       # (n, 3, 3), symmetric
    const double* cubic         # (n, 2)
    const double* axes          # (n, 3, 3)


cdef inline double linear_field(
    const Form* form, Py_ssize_t i, const double* moments, double* b,
) noexcept nogil:
    """Write the field of the terms linear in M_i to b; return their energy (pairs count half)."""
    cdef Py_ssize_t p
    cdef const double* m
    cdef const double* t
    cdef double x, y, z, value, energy, bx = 0.0, by = 0.0, bz = 0.0
    if form.exchange != NULL:
        for p in range(form.offsets[i], form.offsets[i + 1]):
            m = moments + 3*form.neighbors[p]
            value = form.exchange[p]
            bx += value*m[0]
            by += value*m[1]
            bz += value*m[2]
    if form.tensors != NULL:
        for p in range(form.offsets[i], form.offsets[i + 1]):
            m = moments + 3*form.neighbors[p]
            t = form.tensors + 9*p
            x = m[0]
            y = m[1]
            z = m[2]
            bx += t[0]*x + t[1]*y + t[2]*z
            by += t[3]*x + t[4]*y + t[5]*z
            bz += t[6]*x + t[7]*y + t[8]*z
    m = moments + 3*i
    energy = -0.5*(m[0]*bx + m[1]*by + m[2]*bz)
    if form.field != NULL:
        x = form.field[3*i]
        y = form.field[3*i + 1]
        z = form.field[3*i + 2]
        energy -= m[0]*x + m[1]*y + m[2]*z
        bx += x
        by += y
        bz += z
    b[0] = bx
    b[1] = by
    b[2] = bz
    return energy


cdef inline double onsite_terms(
    const Form* form, Py_ssize_t i, const double* m, double* b,
) noexcept nogil:
    """Subtract the on-site gradient at the moment m from b; return the on-site energy."""
    cdef double gx = 0.0, gy = 0.0, gz = 0.0
    cdef double energy = onsite_energy(
        NULL if form.landau == NULL else form.landau + 3*i,
        NULL if form.quadric == NULL else form.quadric + 9*i,
        NULL if form.cubic == NULL else form.cubic + 2*i,
        NULL if form.axes == NULL else form.axes + 9*i,
        m[0], m[1], m[2], &gx, &gy, &gz,
    )
    b[0] -= gx
    b[1] -= gy
    b[2] -= gz
    return energy


cdef inline double site(
    const Form* form, Py_ssize_t i, const double* moments, double* b,
) noexcept nogil:
    """Write B_i = -dE/dM_i to b and return the site energy E_i (pairs counted half)."""
    cdef double energy = linear_field(form, i, moments, b)
    return energy + onsite_terms(form, i, moments + 3*i, b)


cdef inline Form make_form(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] exchange,
    const double[:, :, ::1] tensors,
    const double[:, ::1] field,
    const double[:, ::1] landau,
    const double[:, :, ::1] quadric,
    const double[:, ::1] cubic,
    const double[:, :, ::1] axes,
) noexcept:
    """Gather the arrays (None where a term is absent) into a struct of pointers."""
    cdef Form form
    form.n = offsets.shape[0] - 1
    form.offsets = &offsets[0]
    form.neighbors = NULL
    form.exchange = NULL
    form.tensors = NULL
    form.field = NULL
    form.landau = NULL
    form.quadric = NULL
    form.cubic = NULL
    form.axes = NULL
    if neighbors.shape[0] > 0:
        form.neighbors = &neighbors[0]
        if exchange is not None:
            form.exchange = &exchange[0]
        if tensors is not None:
            form.tensors = &tensors[0, 0, 0]
    if form.n > 0:
        if field is not None:
            form.field = &field[0, 0]
        if landau is not None:
            form.landau = &landau[0, 0]
        if quadric is not None:
            form.quadric = &quadric[0, 0, 0]
        if cubic is not None:
            form.cubic = &cubic[0, 0]
            form.axes = &axes[0, 0, 0]
    return form
