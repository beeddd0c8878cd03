"""Geometry of neighbor pairs."""

from cython.parallel cimport prange

from pairs cimport ase_mag_distances


def pair_vectors(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] translation,
    const double[:, ::1] translations,
    const double[:, ::1] positions,
    double[:, ::1] out,
    int threads,
):
    """r_p = positions[j] - positions[i] + translations[translation[p]] of every pair p = (i, j)."""
    cdef Py_ssize_t i, p, n_sites = offsets.shape[0] - 1
    cdef int j, t
    cdef double x, y, z
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                t = translation[p]
                x = positions[j, 0] - positions[i, 0] + translations[t, 0]
                y = positions[j, 1] - positions[i, 1] + translations[t, 1]
                z = positions[j, 2] - positions[i, 2] + translations[t, 2]
                out[p, 0] = x
                out[p, 1] = y
                out[p, 2] = z


def pair_distances(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] translation,
    const double[:, ::1] translations,
    const double[:, ::1] positions,
    const double[:, ::1] centers,
    double[::1] out,
    int threads,
):
    """The lengths of ``pair_vectors`` for the sites at ``centers``, rows of ``positions``.

    Translations, positions and centers are padded to four columns.
    """
    cdef Py_ssize_t i, n_sites = offsets.shape[0] - 1
    if neighbors.shape[0] == 0:
        return
    with nogil:
        for i in prange(n_sites, schedule="static", num_threads=threads):
            ase_mag_distances(
                <const double*> &positions[0, 0], <const double*> &translations[0, 0],
                <const double*> &centers[i, 0], &neighbors[0] + offsets[i],
                &translation[0] + offsets[i], offsets[i + 1] - offsets[i], &out[0] + offsets[i]
            )


def incoming_pairs(const int[::1] neighbors, int[::1] offsets, int[::1] pairs):
    """Group the pairs by their neighbor atom j (counting sort, stable).

    ``pairs[offsets[j]:offsets[j + 1]]`` are the pairs that end on j, in ascending order;
    ``offsets`` has one entry more than there are atoms and must be zero on entry.
    """
    cdef Py_ssize_t p, j, n_pairs = neighbors.shape[0], n_atoms = offsets.shape[0] - 1
    with nogil:
        for p in range(n_pairs):
            offsets[neighbors[p] + 1] += 1
        for j in range(n_atoms):
            offsets[j + 1] += offsets[j]
        for p in range(n_pairs):
            j = neighbors[p]
            pairs[offsets[j]] = <int> p
            offsets[j] += 1
        for j in range(n_atoms, 0, -1):
            offsets[j] = offsets[j - 1]
        offsets[0] = 0


def distinct(const int[::1] offsets, const int[::1] neighbors):
    """Whether no site has itself or an atom twice among its neighbors, which are sorted."""
    cdef Py_ssize_t i, p, n_sites = offsets.shape[0] - 1
    cdef bint found = False
    with nogil:
        for i in range(n_sites):
            for p in range(offsets[i], offsets[i + 1]):
                found |= neighbors[p] == i
                found |= p > offsets[i] and neighbors[p] <= neighbors[p - 1]
            if found:
                break
    return not found


def ascending(const int[::1] offsets, const int[::1] neighbors):
    """Whether the neighbors of every site come in ascending order."""
    cdef Py_ssize_t i, p, n_sites = offsets.shape[0] - 1
    cdef bint found = True
    with nogil:
        for i in range(n_sites):
            for p in range(offsets[i] + 1, offsets[i + 1]):
                found &= neighbors[p] >= neighbors[p - 1]
            if not found:
                break
    return bool(found)


def reverse_pairs(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] translation,
    const int[::1] opposite,
    int[::1] cursors,
    int[::1] reverse,
):
    """Find the pair (j, i, -t) of every pair (i, j, t); returns whether all of them are listed.

    ``opposite`` is the place of -t for every t, -1 where there is none; ``cursors`` holds the
    first pair of every site on entry. Where the pairs of each site are sorted by j, what is
    searched comes next.
    """
    cdef Py_ssize_t i, p, q, _tries, n_sites = offsets.shape[0] - 1
    cdef int j, t
    cdef bint found = True
    with nogil:
        for i in range(n_sites):
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                t = opposite[translation[p]]
                found = False
                q = cursors[j]
                for _tries in range(offsets[j + 1] - offsets[j]):
                    if q == offsets[j + 1]:
                        q = offsets[j]
                    found = neighbors[q] == i and translation[q] == t
                    q += 1
                    if found:
                        break
                if not found:
                    break
                reverse[p] = <int> (q - 1)
                cursors[j] = <int> q
            if not found:
                break
    return bool(found)


def owned_reverse_pairs(
    const int[::1] offsets,
    const int[::1] neighbors,
    const int[::1] translation,
    const int[::1] opposite,
    const int[::1] incoming_offsets,
    const int[::1] incoming,
    const int[::1] centers,
    int[::1] places,
    int[::1] reverse,
):
    """Find the pair (j, i, -t) of every pair (i, j, t) of sites; -1 for a ghost j.

    ``opposite`` is as in :func:`reverse_pairs`, but pairs may come in any order. ``incoming`` are
    the pairs that end on every atom, ``centers`` their sites; ``places`` (one per site) is
    scratch. Returns whether all that are not of ghosts are listed.
    """
    cdef Py_ssize_t i, p, q, n_sites = offsets.shape[0] - 1
    cdef int j, t
    cdef bint found = True
    with nogil:
        for i in range(n_sites):
            places[i] = -1
        for i in range(n_sites):
            for q in range(incoming_offsets[i], incoming_offsets[i + 1]):
                places[centers[incoming[q]]] = incoming[q]
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                reverse[p] = -1
                if j >= n_sites:
                    continue
                t = opposite[translation[p]]
                q = places[j]
                found = q >= 0 and translation[q] == t
                if q >= 0 and not found:
                    # One of several images.
                    for q in range(offsets[j], offsets[j + 1]):
                        found = neighbors[q] == i and translation[q] == t
                        if found:
                            break
                if not found:
                    break
                reverse[p] = <int> q
            if not found:
                break
            for q in range(incoming_offsets[i], incoming_offsets[i + 1]):
                places[centers[incoming[q]]] = -1
    return bool(found)
