"""The one assembler: per-pair gradients to forces, magnetic gradients and virial.

Every sum runs in a fixed order per atom, so results do not depend on the number of threads.
"""

from cython.parallel cimport prange

from pairs cimport ase_mag_radial_sums, ase_mag_scatter


cdef struct Pairs:
    const int* neighbors
    const int* translation
    const double* translations
    const double* positions
    const double* distances
    const double* pairs         # dE/dr_p, or NULL
    const double* radial        # dE/d|r_p|, or NULL
    const int* reverse          # the pair (j, i) of every pair (i, j), -1: not listed; or NULL


cdef inline void starting(
    const Pairs* s, Py_ssize_t k, Py_ssize_t first, Py_ssize_t last, double* force, double* virial,
) noexcept nogil:
    """Pairs that start on site k; with ``reverse`` also those that end there."""
    cdef Py_ssize_t p
    cdef const double* there
    cdef const double* shift
    cdef const double* here = s.positions + 4*k
    cdef double x, y, z, gx, gy, gz
    cdef double fx = 0.0, fy = 0.0, fz = 0.0
    cdef double xx = 0.0, yy = 0.0, zz = 0.0, yz = 0.0, xz = 0.0, xy = 0.0
    cdef double zy = 0.0, zx = 0.0, yx = 0.0
    cdef double sums[9]
    if s.radial != NULL:
        # The reverse pair has the vector -r.
        ase_mag_radial_sums(
            s.positions, s.translations, here, s.neighbors, s.translation, s.distances, s.radial,
            s.reverse, first, last - first, sums
        )
        fx, fy, fz = sums[0], sums[1], sums[2]
        xx, yy, zz = sums[3], sums[4], sums[5]
        yz, xz, xy = sums[6], sums[7], sums[8]
        zy = yz
        zx = xz
        yx = xy
    if s.pairs != NULL:
        for p in range(first, last):
            there = s.positions + 4*s.neighbors[p]
            shift = s.translations + 4*s.translation[p]
            x = there[0] - here[0] + shift[0]
            y = there[1] - here[1] + shift[1]
            z = there[2] - here[2] + shift[2]
            gx = s.pairs[3*p]
            gy = s.pairs[3*p + 1]
            gz = s.pairs[3*p + 2]
            fx += gx
            fy += gy
            fz += gz
            xx += x*gx
            xy += x*gy
            xz += x*gz
            yx += y*gx
            yy += y*gy
            yz += y*gz
            zx += z*gx
            zy += z*gy
            zz += z*gz
            if s.reverse != NULL and s.reverse[p] >= 0:
                fx -= s.pairs[3*s.reverse[p]]
                fy -= s.pairs[3*s.reverse[p] + 1]
                fz -= s.pairs[3*s.reverse[p] + 2]
    force[0] = fx
    force[1] = fy
    force[2] = fz
    virial[0] = xx
    virial[1] = xy
    virial[2] = xz
    virial[3] = yx
    virial[4] = yy
    virial[5] = yz
    virial[6] = zx
    virial[7] = zy
    virial[8] = zz


cdef inline void ending(
    const Pairs* s, Py_ssize_t k, const int* first, const int* last, const int* centers,
    double* force,
) noexcept nogil:
    """Subtract the gradients of the pairs from ``first`` to ``last``, which end on atom k."""
    cdef int c, p
    cdef double slope
    while first != last:
        p = first[0]
        for c in range(3):
            if s.pairs != NULL:
                force[c] -= s.pairs[3*p + c]
            if s.radial != NULL:
                slope = s.radial[p]/s.distances[p]
                force[c] -= slope*(
                    s.positions[4*k + c] - s.positions[4*centers[p] + c]
                    + s.translations[4*s.translation[p] + c]
                )
        first += 1


def forces_virials(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] translation,
    const double[:, ::1] translations,
    const double[:, ::1] positions,
    const double[::1] distances,
    const double[:, ::1] pairs,
    const double[::1] radial,
    const int[::1] reverse,
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    const int[::1] centers,
    double[:, ::1] forces,
    double[:, :, ::1] virials,
    int threads,
):
    """Forces and site virials from dE/dr_p of pairs p = (i, j), r_p = x_j - x_i.

    dE/dr_p = pairs_p + radial_p r_p/|r_p| (either may be None),
    F_k = sum_{p: i=k} dE/dr_p - sum_{p: j=k} dE/dr_p; W_k = sum_{p: i=k} r_p (x) dE/dr_p.
    The pairs that end on an atom are the ``reverse`` of those that start there; without it they
    are ``incoming``, and ``centers`` are their i. There is at least one pair. Positions and
    translations are padded to four columns. Ghosts get zero where there is ``reverse``: see
    :func:`add_ghosts`.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, n_atoms = forces.shape[0], k
    cdef Pairs s
    s.neighbors = &neighbors[0]
    s.translation = &translation[0]
    s.translations = <const double*> &translations[0, 0]
    s.positions = <const double*> &positions[0, 0]
    s.distances = &distances[0]
    s.pairs = NULL if pairs is None else <const double*> &pairs[0, 0]
    s.radial = NULL if radial is None else &radial[0]
    s.reverse = NULL if reverse is None else &reverse[0]
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            if k < n_sites:
                starting(&s, k, offsets[k], offsets[k + 1], &forces[k, 0], &virials[k, 0, 0])
            else:
                forces[k, 0] = 0.0
                forces[k, 1] = 0.0
                forces[k, 2] = 0.0
            if s.reverse == NULL:
                ending(
                    &s, k, &incoming[incoming_offsets[k]], &incoming[incoming_offsets[k + 1]],
                    &centers[0], &forces[k, 0],
                )


def scatter(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] translation,
    const double[:, ::1] translations,
    const double[:, ::1] positions,
    const double[::1] distances,
    const double[:, ::1] pairs,
    const double[::1] radial,
    double[:, :, ::1] parts,
    double[:, ::1] forces,
    double[:, :, ::1] virials,
    int threads,
):
    """What :func:`forces_virials` gives, ghosts included, without the pairs that end on an atom.

    The sites are cut into as many runs as ``parts`` has rows of (n_atoms, 4), each of which
    collects the forces of one run; they are added up in order, so that the number of threads does
    not matter.
    """
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, n_atoms = forces.shape[0]
    cdef Py_ssize_t n_parts = parts.shape[0], s, k, c
    cdef const double* gradients = NULL if pairs is None else <const double*> &pairs[0, 0]
    cdef const double* slopes = NULL if radial is None else &radial[0]
    with nogil:
        for s in prange(n_parts, schedule="static", chunksize=1, num_threads=threads):
            for k in range(n_atoms):
                for c in range(4):
                    parts[s, k, c] = 0.0
            for k in range(n_sites*s//n_parts, n_sites*(s + 1)//n_parts):
                ase_mag_scatter(
                    <const double*> &positions[0, 0], <const double*> &translations[0, 0],
                    <const double*> &positions[k, 0], &neighbors[0], &translation[0],
                    &distances[0], slopes, gradients, offsets[k], offsets[k + 1] - offsets[k],
                    &parts[s, 0, 0], &parts[s, k, 0], &virials[k, 0, 0],
                )
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            for c in range(3):
                forces[k, c] = parts[0, k, c]
            for s in range(1, n_parts):
                for c in range(3):
                    forces[k, c] += parts[s, k, c]


def add_ghosts(
    const int[::1] ghost_pairs,
    const int[::1] centers,
    const int[::1] neighbors,
    const int[::1] translation,
    const double[:, ::1] translations,
    const double[:, ::1] positions,
    const double[::1] distances,
    const double[:, ::1] pairs,
    const double[::1] radial,
    double[:, ::1] forces,
):
    """forces_j -= dE/dr_p of the pairs p = (i, j) that end on ghosts, ``centers`` are their i.

    ``ghost_pairs`` are sorted, so that the sums of a ghost run in the order of its pairs. See
    :func:`forces_virials`.
    """
    cdef Py_ssize_t q
    cdef int i, j, p, c, t
    cdef double slope
    with nogil:
        for q in range(ghost_pairs.shape[0]):
            p = ghost_pairs[q]
            i = centers[q]
            j = neighbors[p]
            t = translation[p]
            if radial is not None:
                slope = radial[p]/distances[p]
                for c in range(3):
                    forces[j, c] -= slope*(positions[j, c] - positions[i, c] + translations[t, c])
            if pairs is not None:
                for c in range(3):
                    forces[j, c] -= pairs[p, c]


def gather_incoming(
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    const double[:, ::1] values,
    double[:, ::1] out,
    int threads,
):
    """out[k] += sum of values[p] over the pairs p = (i, j) with j = k."""
    cdef Py_ssize_t n_atoms = incoming_offsets.shape[0] - 1, n = values.shape[1], k, q, c
    cdef double total
    with nogil:
        for k in prange(n_atoms, schedule="static", num_threads=threads):
            for c in range(n):
                total = 0.0
                for q in range(incoming_offsets[k], incoming_offsets[k + 1]):
                    total = total + values[incoming[q], c]
                out[k, c] += total


cdef inline double row_sum(const double* values, Py_ssize_t n) noexcept nogil:
    """Sum in eight lanes, in the order of ``radial.sums``."""
    cdef double lanes[8]
    cdef Py_ssize_t p, k
    for k in range(8):
        lanes[k] = 0.0
    for p in range(0, n - 7, 8):
        for k in range(8):
            lanes[k] += values[p + k]
    for p in range(n - n % 8, n):
        lanes[p % 8] += values[p]
    for k in range(4):
        lanes[k] += lanes[k + 4]
    return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3])


def sum_pairs(
    const int[::1] offsets,
    const double[::1] values,
    double[::1] out,
    int threads,
):
    """out[i] = sum of values[p] over the pairs p of site i."""
    cdef Py_ssize_t n_sites = offsets.shape[0] - 1, i
    cdef const double* first = NULL
    if values.shape[0] > 0:
        first = &values[0]
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            out[i] = row_sum(first + offsets[i], offsets[i + 1] - offsets[i])
