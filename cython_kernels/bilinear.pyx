"""Fields and energies of a bilinear form in the moments."""

from bilinear cimport Form, make_form, site
from cython.parallel cimport prange


def evaluate(
    tuple terms,
    const double[:, ::1] moments,
    double[::1] energies,
    double[:, ::1] magforces,
    int threads,
):
    """Site energies and magforces B_i = -dE/dM_i; absent terms are None.

    ``moments`` is (n, 4) with a last column of zeros.
    """
    cdef Form form = make_form(terms)
    cdef Py_ssize_t i
    if form.n == 0:
        return
    with nogil:
        for i in prange(form.n, schedule="static", num_threads=threads):
            energies[i] = site(&form, i, &moments[0, 0], &magforces[i, 0])


def merge_images(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] exchange,
    const double[:, :, ::1] tensors,
    int[::1] slots,
    int[::1] new_offsets,
    int[::1] new_neighbors,
    double[::1] new_exchange,
    double[:, :, ::1] new_tensors,
    double[::1] self_exchange,
    double[:, :, ::1] self_tensors,
):
    """Merge the periodic images of each neighbor and drop pairs whose coupling is zero.

    ``slots`` (one per atom, -1 on entry) is scratch. Couplings of an atom with its own images go
    to ``self_exchange`` and ``self_tensors``. Returns the number of pairs kept.
    """
    cdef Py_ssize_t n = offsets.shape[0] - 1, i, p, q, a, b, kept = 0, start
    cdef int j
    cdef double x
    cdef bint zero
    with nogil:
        new_offsets[0] = 0
        for i in range(n):
            start = kept
            for p in range(offsets[i], offsets[i + 1]):
                j = neighbors[p]
                x = 0.0
                if exchange is not None:
                    x = exchange[p]
                zero = x == 0.0
                if tensors is not None:
                    for a in range(3):
                        for b in range(3):
                            zero = zero and tensors[p, a, b] == 0.0
                if j == i:
                    if exchange is not None:
                        self_exchange[i] += x
                    if tensors is not None:
                        for a in range(3):
                            for b in range(3):
                                self_tensors[i, a, b] += tensors[p, a, b]
                    continue
                q = slots[j]
                if q >= start:
                    if exchange is not None:
                        new_exchange[q] += x
                    if tensors is not None:
                        for a in range(3):
                            for b in range(3):
                                new_tensors[q, a, b] += tensors[p, a, b]
                    continue
                # A zero is written too, but the next pair overwrites it: no branch to mispredict.
                new_neighbors[kept] = j
                if exchange is not None:
                    new_exchange[kept] = x
                if tensors is not None:
                    new_tensors[kept, :, :] = tensors[p]
                slots[j] = -1 if zero else <int> kept
                kept += not zero
            new_offsets[i + 1] = <int> kept
    return kept
