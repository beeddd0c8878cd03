"""Atoms in another order: pairs of the same atoms, listed for them."""

from cython.parallel cimport prange


def permute(
    const int[::1] offsets,
    const int[::1] neighbors,
    const double[::1] exchange,
    const double[:, :, ::1] tensors,
    const int[::1] order,
    const int[::1] place,
    const int[::1] new_offsets,
    int[::1] new_neighbors,
    double[::1] new_exchange,
    double[:, :, ::1] new_tensors,
    int threads,
):
    """Write the pairs of the atoms ``order``, whose places in it are ``place``.

    The pairs of each atom keep their order, so that sums over them keep their last bit.
    """
    cdef Py_ssize_t r, p, q, shift
    with nogil:
        for r in prange(order.shape[0], schedule="static", num_threads=threads):
            shift = offsets[order[r]] - new_offsets[r]
            for q in range(new_offsets[r], new_offsets[r + 1]):
                p = q + shift
                new_neighbors[q] = place[neighbors[p]]
                if exchange is not None:
                    new_exchange[q] = exchange[p]
                if tensors is not None:
                    new_tensors[q, :, :] = tensors[p]
