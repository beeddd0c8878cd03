"""Volumes of periodic Voronoi cells by clipping convex cells.

The cell of an atom starts as a cube that encloses it and is cut by the bisector planes of the
neighbors, nearest first, until the next neighbor is farther than twice the farthest vertex.
"""

from cython.parallel cimport parallel, prange
from libc.math cimport floor, sqrt
from libc.stdlib cimport free, malloc
from polyhedron cimport (
    COINCIDENT,
    FULL,
    GOOD,
    INCONSISTENT,
    Polyhedron,
    allocate,
    cut,
    reach2,
    release,
    start_cube,
    volume,
)

cdef struct Lattice:
    Py_ssize_t n
    double cell[9]
    double heights[3]   # distances of opposite faces of the periodic cell
    int bins[3]
    const double* fractions
    const double* positions
    const int* starts
    const int* members


cdef int gather(
    const Lattice* lattice, Py_ssize_t i, double inner2, double radius, double limit2,
    double* found, int room,
) noexcept nogil:
    """List neighbors (d2, x, y, z) with inner2 <= d2 < radius^2 and d2 <= limit2.

    Returns their number, or -1 - j for an atom j on top of atom i, or -1 - n if there is no room.
    """
    cdef int low[3]
    cdef int high[3]
    cdef int k, n_found = 0, b0, b1, b2, s0, s1, s2, w0, w1, w2, index
    cdef Py_ssize_t m, j
    cdef double f, extent, x, y, z, d2, tx, ty, tz, outer2 = radius*radius
    cdef const double* cell = &lattice.cell[0]
    cdef const double* origin = lattice.positions + 3*i
    cdef const double* p
    for k in range(3):
        f = lattice.fractions[3*i + k]
        extent = radius*(1.0 + 1e-9)/lattice.heights[k]
        low[k] = <int> floor((f - extent)*lattice.bins[k])
        high[k] = <int> floor((f + extent)*lattice.bins[k])
    for b0 in range(low[0], high[0] + 1):
        s0 = <int> floor(<double> b0/lattice.bins[0])
        w0 = b0 - s0*lattice.bins[0]
        for b1 in range(low[1], high[1] + 1):
            s1 = <int> floor(<double> b1/lattice.bins[1])
            w1 = b1 - s1*lattice.bins[1]
            for b2 in range(low[2], high[2] + 1):
                s2 = <int> floor(<double> b2/lattice.bins[2])
                w2 = b2 - s2*lattice.bins[2]
                tx = s0*cell[0] + s1*cell[3] + s2*cell[6] - origin[0]
                ty = s0*cell[1] + s1*cell[4] + s2*cell[7] - origin[1]
                tz = s0*cell[2] + s1*cell[5] + s2*cell[8] - origin[2]
                index = (w0*lattice.bins[1] + w1)*lattice.bins[2] + w2
                for m in range(lattice.starts[index], lattice.starts[index + 1]):
                    j = lattice.members[m]
                    p = lattice.positions + 3*j
                    x = p[0] + tx
                    y = p[1] + ty
                    z = p[2] + tz
                    d2 = x*x + y*y + z*z
                    if d2 >= outer2 or d2 < inner2 or d2 > limit2:
                        continue
                    if d2 < 1e-12:
                        if j == i and s0 == 0 and s1 == 0 and s2 == 0:
                            continue
                        return <int> (-1 - j)
                    if n_found == room:
                        return <int> (-1 - lattice.n)
                    found[4*n_found] = d2
                    found[4*n_found + 1] = x
                    found[4*n_found + 2] = y
                    found[4*n_found + 3] = z
                    n_found += 1
    return n_found


cdef void sort(double* found, int n) noexcept nogil:
    """Shell sort of the rows (d2, x, y, z) by d2."""
    cdef int gap = 1, i, j, k
    cdef double row[4]
    while gap < n//3:
        gap = 3*gap + 1
    while gap > 0:
        for i in range(gap, n):
            for k in range(4):
                row[k] = found[4*i + k]
            j = i
            while j >= gap and found[4*(j - gap)] > row[0]:
                for k in range(4):
                    found[4*j + k] = found[4*(j - gap) + k]
                j -= gap
            for k in range(4):
                found[4*j + k] = row[k]
        gap //= 3


cdef int clip(
    const Lattice* lattice, Py_ssize_t i, double half, double radius, double tolerance,
    Polyhedron* cell, double* found, int room, int* partner,
) noexcept nogil:
    """Make the Voronoi cell of atom i."""
    cdef double inner2 = 0.0, far2, limit2
    cdef int n, k, status
    start_cube(cell, half)
    far2 = reach2(cell)
    while True:
        limit2 = 4.0*far2
        n = gather(lattice, i, inner2, radius, limit2, found, room)
        if n < 0:
            partner[0] = -1 - n
            return FULL if partner[0] == lattice.n else COINCIDENT
        sort(found, n)
        for k in range(n):
            if found[4*k] > 4.0*far2:
                break
            status = cut(
                cell, found[4*k + 1], found[4*k + 2], found[4*k + 3], tolerance
            )
            if status != GOOD:
                return status
            far2 = reach2(cell)
        inner2 = radius*radius
        if inner2 > 4.0*far2:
            return GOOD
        radius *= 1.5
        if radius*radius > 4.0*far2:
            radius = 2.0*sqrt(far2)*(1.0 + 1e-9)


def volumes(
    const double[:, ::1] cell,
    const double[::1] heights,
    const int[::1] bins,
    const double[:, ::1] fractions,
    const double[:, ::1] positions,
    double half,
    double radius,
    double tolerance,
    int planes,
    int room,
    int[::1] starts,
    int[::1] members,
    double[::1] out,
    int[::1] status,
    int[::1] partners,
    int threads,
):
    """Voronoi volumes of all atoms; fractions lie in [0, 1] and positions belong to them.

    ``heights``: distances of opposite cell faces; ``bins``: number of bins along each cell vector;
    ``half``: half edge of a cube that holds every Voronoi cell; ``radius``: first search radius;
    ``tolerance``: planes this near to a vertex do not cut it; ``planes``, ``room``: most planes of
    a cell and most neighbors of one search. ``starts`` (bins + 1, zero on entry) and ``members``
    (atoms) are scratch. ``status``: 0 good, 1 atom on top of ``partners[i]``, 2 no room,
    3 inconsistent at every tolerance.
    """
    cdef Py_ssize_t n = positions.shape[0], i
    cdef int k, b, attempt, index
    cdef Lattice lattice
    cdef Polyhedron* body = NULL
    cdef double* found = NULL
    if n == 0:
        return
    lattice.n = n
    for k in range(3):
        lattice.heights[k] = heights[k]
        lattice.bins[k] = bins[k]
        for b in range(3):
            lattice.cell[3*k + b] = cell[k, b]
    lattice.fractions = &fractions[0, 0]
    lattice.positions = &positions[0, 0]
    lattice.starts = &starts[0]
    lattice.members = &members[0]
    with nogil:
        for i in range(n):
            index = bin_of(&lattice, i)
            starts[index + 1] += 1
        for k in range(bins[0]*bins[1]*bins[2]):
            starts[k + 1] += starts[k]
        for i in range(n - 1, -1, -1):
            index = bin_of(&lattice, i)
            # Fill every bin from its end; starts[index + 1] then becomes its beginning.
            starts[index + 1] -= 1
            members[starts[index + 1]] = <int> i
        for k in range(bins[0]*bins[1]*bins[2]):
            starts[k] = starts[k + 1]
        starts[bins[0]*bins[1]*bins[2]] = <int> n
    with nogil, parallel(num_threads=threads):
        body = allocate(planes)
        found = <double*> malloc(4*room*sizeof(double))
        for i in prange(n, schedule="dynamic", chunksize=8):
            status[i] = FULL
            if body == NULL or found == NULL:
                continue
            for attempt in range(5):
                status[i] = clip(
                    &lattice, i, half, radius, tolerance*10.0**attempt, body, found, room,
                    &partners[i],
                )
                if status[i] != INCONSISTENT:
                    break
            if status[i] == GOOD:
                out[i] = volume(body)
        free(found)
        release(body)


cdef int bin_of(const Lattice* lattice, Py_ssize_t i) noexcept nogil:
    """The bin of atom i."""
    cdef int k, b, index = 0
    for k in range(3):
        b = <int> floor(lattice.fractions[3*i + k]*lattice.bins[k])
        if b >= lattice.bins[k]:
            b = lattice.bins[k] - 1
        index = index*lattice.bins[k] + b
    return index
