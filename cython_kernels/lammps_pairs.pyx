"""The neighbor list of a running LAMMPS, through the functions of its C library."""

from libc.stdint cimport uintptr_t

ctypedef void (*ElementNeighbors)(void*, int, int, int*, int*, int**) noexcept nogil
ctypedef int (*MapAtom)(void*, const void*) noexcept nogil

ctypedef fused Tag:
    int
    long long

# The two highest bits of a neighbor say how it is bonded (NEIGHMASK).
cdef int MASK = 0x1FFFFFFF


def fold(
    uintptr_t function, uintptr_t handle, const Tag[::1] tags, int n_owned, int[::1] homes,
    int[::1] names,
):
    """Find the one atom, owned or ghost, that stands for all with the same tag.

    ``function`` is the address of ``lammps_map_atom``, ``handle`` that of the LAMMPS object,
    ``tags`` are those of owned atoms and ghosts. ``homes`` (one per tag) gets the local index of
    the atom that stands for it, the owned one if there is one; ``names`` its number, owned atoms
    first. Returns how many there are, or -1 for a tag that LAMMPS does not know.
    """
    cdef MapAtom map_atom = <MapAtom> function
    cdef Py_ssize_t k
    cdef int n = n_owned, home
    with nogil:
        for k in range(n_owned):
            homes[k] = names[k] = <int> k
        for k in range(n_owned, tags.shape[0]):
            home = map_atom(<void*> handle, <const void*> &tags[k])
            if home < 0 or home >= tags.shape[0]:
                with gil:
                    return -1
            homes[k] = home
            if home == k:
                names[k] = n
                n += 1
        for k in range(n_owned, tags.shape[0]):
            names[k] = names[homes[k]]
    return n


def count(uintptr_t function, uintptr_t handle, int index, int[::1] offsets):
    """Fill ``offsets`` (n + 1,) with those of the neighbors of the n owned atoms.

    ``function`` is the address of ``lammps_neighlist_element_neighbors``, ``handle`` that of the
    LAMMPS object, ``index`` the number of a full list of all owned atoms. Returns the number of
    pairs, or -1 for an atom that is not an owned one.
    """
    cdef ElementNeighbors element = <ElementNeighbors> function
    cdef Py_ssize_t k, n = offsets.shape[0] - 1
    cdef int atom = 0, number = 0
    cdef int* list_of = NULL
    with nogil:
        for k in range(n + 1):
            offsets[k] = 0
        for k in range(n):
            element(<void*> handle, index, <int> k, &atom, &number, &list_of)
            if atom < 0 or atom >= n:
                with gil:
                    return -1
            offsets[atom + 1] = number
        for k in range(n):
            offsets[k + 1] += offsets[k]
    return offsets[n]


cdef void merge_sort(long long* keys, long long* scratch, int n) noexcept nogil:
    """Sort ``keys`` in place; ``scratch`` holds as many. Runs of eight first, then merged."""
    cdef int start, width, i, j, k, middle, end
    cdef long long key
    cdef long long* source = keys
    cdef long long* target = scratch
    cdef long long* other
    for start in range(0, n, 8):
        for i in range(start + 1, min(start + 8, n)):
            key = keys[i]
            j = i
            while j > start and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                j -= 1
            keys[j] = key
    width = 8
    while width < n:
        start = 0
        while start < n:
            middle = min(start + width, n)
            end = min(start + 2*width, n)
            i = start
            j = middle
            for k in range(start, end):
                if i < middle and (j >= end or source[i] <= source[j]):
                    target[k] = source[i]
                    i += 1
                else:
                    target[k] = source[j]
                    j += 1
            start = end
        other = source
        source = target
        target = other
        width *= 2
    if source != keys:
        for k in range(n):
            keys[k] = source[k]


def fill(
    uintptr_t function,
    uintptr_t handle,
    int index,
    const int[::1] names,
    const int[::1] rows,
    const int[::1] offsets,
    long long[:, ::1] scratch,
    int[::1] neighbors,
    int[::1] translation,
):
    """Fill ``neighbors`` and ``translation`` with name and row of the neighbors of owned atoms.

    ``names`` and ``rows`` are those of all owned atoms and ghosts of LAMMPS, see :func:`fold`.
    Those of every atom come in ascending order. ``scratch`` (2, most neighbors of an atom).
    """
    cdef ElementNeighbors element = <ElementNeighbors> function
    cdef Py_ssize_t k, p, q
    cdef int atom = 0, number = 0, j
    cdef int* list_of = NULL
    with nogil:
        for k in range(offsets.shape[0] - 1):
            element(<void*> handle, index, <int> k, &atom, &number, &list_of)
            q = offsets[atom]
            for p in range(number):
                j = list_of[p] & MASK
                scratch[0, p] = (<long long> names[j] << 32) | rows[j]
            if number > 0:
                merge_sort(&scratch[0, 0], &scratch[1, 0], number)
            for p in range(number):
                neighbors[q + p] = <int> (scratch[0, p] >> 32)
                translation[q + p] = <int> scratch[0, p]  # the low 32 bits


def gather_block(
    const int[::1] offsets,
    const int[::1] neighbors,
    int first,
    int last,
    int[::1] places,
    int[::1] atoms,
    int[::1] renamed,
):
    """The atoms that the sites from ``first`` to before ``last`` see, and pairs in their numbers.

    ``atoms`` gets the sites, then the others in the order in which they are met; ``renamed`` gets
    the neighbors of these sites as places in ``atoms``. ``places`` (one per atom, -1 on entry and
    exit) is scratch. Returns the number of atoms.
    """
    cdef Py_ssize_t p, k, count = last - first
    cdef int j
    with nogil:
        for k in range(count):
            atoms[k] = <int> (first + k)
            places[first + k] = <int> k
        for p in range(offsets[first], offsets[last]):
            j = neighbors[p]
            if places[j] < 0:
                places[j] = <int> count
                atoms[count] = j
                count += 1
            renamed[p - offsets[first]] = places[j]
        for k in range(count):
            places[atoms[k]] = -1
    return count
