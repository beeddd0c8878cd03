"""Sequential single-moment rotations: undamped dynamics that conserves the energy to rounding."""

from bilinear cimport (
    Form,
    ase_mag_ask,
    ase_mag_exchange,
    linear_field,
    make_form,
    onsite_terms,
)
from cython.parallel cimport prange
from precession cimport LANES, Block, block_cayley, cayley, load, store


def color(
    const int[::1] offsets,
    const int[::1] neighbors,
    int[::1] colors,
    int[::1] marks,
):
    """Greedy coloring: no two neighbors share a color. Returns the number of colors.

    ``marks`` (n + 1 entries, -1 on entry) is scratch.
    """
    cdef Py_ssize_t n = offsets.shape[0] - 1, i, p
    cdef int c, count = 0
    with nogil:
        for i in range(n):
            colors[i] = -1
        for i in range(n):
            for p in range(offsets[i], offsets[i + 1]):
                c = colors[neighbors[p]]
                if c >= 0:
                    marks[c] = <int> i
            c = 0
            while c < count and marks[c] == i:
                c += 1
            colors[i] = c
            if c == count:
                count += 1
    return count


cdef inline void turn(
    const Form* form, Py_ssize_t i, double* m, const double* b, double gamma, double dt,
) noexcept nogil:
    """Rotate moment i in the field b of the others and its anisotropy (implicit midpoint rule).

    M_i.B_i is conserved exactly for linear terms, M.Q.M by the midpoint rule.
    """
    cdef double a[3]
    cdef double middle[3]
    cdef double new[3]
    cdef int c, _
    for c in range(3):
        middle[c] = m[c]
    for _ in range(12):
        for c in range(3):
            a[c] = b[c]
        onsite_terms(form, i, middle, a)
        for c in range(3):
            a[c] *= -gamma
        cayley(m, a, dt, new)
        for c in range(3):
            middle[c] = 0.5*(m[c] + new[c])
    for c in range(3):
        m[c] = new[c]


cdef inline void turn_some(
    const Form* form, const int* order, Py_ssize_t rank, Py_ssize_t count, Py_ssize_t last,
    bint ranked, double* moments, double gamma, double dt,
) noexcept nogil:
    """Rotate the moments order[rank : rank + count], up to eight that are not neighbors.

    The order ends at ``last``.
    """
    cdef double fields[32]
    cdef double own[32]
    cdef Block m, b, new
    cdef Py_ssize_t k, c, i, row, first
    for k in range(count):
        i = order[rank + k]
        row = rank + k if ranked else i
        if form.tensors != NULL or form.exchange == NULL:
            linear_field(form, i, moments, fields + 4*k)
        else:
            first = form.offsets[row]
            ase_mag_exchange(form.neighbors + first, form.exchange + first,
                             form.offsets[row + 1] - first, moments, form.ahead if ranked else 0,
                             fields + 4*k)
            if form.field != NULL:
                for c in range(3):
                    fields[4*k + c] += form.field[3*i + c]
        if form.ahead > 0 and not ranked and rank + k + LANES < last:
            row = order[rank + k + LANES]
            first = form.offsets[row]
            ase_mag_ask(
                form.neighbors + first, form.exchange + first, form.offsets[row + 1] - first
            )
    if form.landau != NULL or form.quadric != NULL or form.cubic != NULL:
        for k in range(count):
            i = order[rank + k]
            turn(form, i, moments + 4*i, fields + 4*k, gamma, dt)
        return
    for k in range(LANES):
        for c in range(3):
            own[4*k + c] = moments[4*<Py_ssize_t> order[rank + k] + c] if k < count else 0.0
            fields[4*k + c] = -gamma*fields[4*k + c] if k < count else 0.0
    load(own, &m)
    load(fields, &b)
    block_cayley(&m, &b, dt, &new)
    store(&new, own)
    for k in range(count):
        for c in range(3):
            moments[4*<Py_ssize_t> order[rank + k] + c] = own[4*k + c]


def rank_rows(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] exchange,
    const int[::1] order,
    int[::1] new_offsets,
    int[::1] new_neighbors,
    double[::1] new_exchange,
):
    """The pairs of the sites in the order of ``order``."""
    cdef Py_ssize_t r, p, q = 0
    with nogil:
        new_offsets[0] = 0
        for r in range(order.shape[0]):
            for p in range(offsets[order[r]], offsets[order[r] + 1]):
                new_neighbors[q] = neighbors[p]
                new_exchange[q] = exchange[p]
                q += 1
            new_offsets[r + 1] = <int> q


def sweep(
    tuple terms,
    double[:, ::1] moments,
    const int[::1] order,
    const int[::1] color_offsets,
    bint ranked,
    double gamma,
    double dt,
    Py_ssize_t n_steps,
    int threads,
):
    """Advance ``moments`` in place: per step, all colors forward and backward, dt/2 each.

    ``moments`` is (n, 4), the last column zero. ``order`` lists the moments by color; those of
    one color are not neighbors, so the result does not depend on the number of threads. With
    ``ranked`` the rows of ``offsets`` are in this order (see ``rank_rows``; no tensors then).
    """
    cdef Form form = make_form(terms)
    cdef Py_ssize_t k, c, _, step, first, end, last, blocks, n_colors = color_offsets.shape[0] - 1
    cdef double* m
    cdef const int* atoms
    if order.shape[0] == 0 or n_steps == 0:
        return
    m = &moments[0, 0]
    atoms = &order[0]
    last = order.shape[0]
    dt = 0.5*dt
    with nogil:
        for _ in range(n_steps):
            for step in range(2*n_colors):
                c = step if step < n_colors else 2*n_colors - 1 - step
                first = color_offsets[c]
                end = color_offsets[c + 1]
                blocks = (end - first + LANES - 1)//LANES
                if threads > 1:
                    for k in prange(blocks, schedule="static", num_threads=threads):
                        turn_some(
                            &form, atoms, first + k*LANES,
                            min(<Py_ssize_t> LANES, end - first - k*LANES), last, ranked, m, gamma,
                            dt,
                        )
                else:
                    for k in range(blocks):
                        turn_some(
                            &form, atoms, first + k*LANES,
                            min(<Py_ssize_t> LANES, end - first - k*LANES), last, ranked, m, gamma,
                            dt,
                        )
