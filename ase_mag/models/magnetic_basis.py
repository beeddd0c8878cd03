"""Functions of the moments of two atoms, products of Chebyshev polynomials T_0, T_1, ..."""

import numpy as np

#: Largest order of a magnetic basis (the kernels keep room for so many polynomials).
LARGEST = 16


def collinear(size):
    """Return T_b(x_i) T_c(x_j) for b, c < size, where x = M.axis / largest moment.

    Returns
    -------
    (size^2, 4) int array; rows: polynomial of the site, of the neighbor, 0, and the sign under
    M -> -M, (-1)^(b + c).
    """
    b, c = np.divmod(np.arange(check(size) ** 2), size)
    return np.column_stack([b, c, 0 * b, (-1) ** (b + c)]).astype(np.intc)


def noncollinear(size):
    """Return T_a(2 p - 1) T_b(2 q - 1) T_c(s) with a + b + c < size.

    p = v_i^2, q = v_j^2 and s = v_i.v_j, v = M / largest moment: all polynomials of M_i and M_j
    up to order 2 (size - 1) that do not change when all moments turn together.

    Returns
    -------
    (size (size + 1) (size + 2) / 6, 4) int array; rows a, b, c, 1, by order.
    """
    rows = [
        (a, total - a - c, c, 1)
        for total in range(check(size))
        for a in range(total, -1, -1)
        for c in range(total - a + 1)
    ]
    return np.array(rows, dtype=np.intc)


def check(size):
    """Return the size of a magnetic basis, or raise ValueError."""
    if int(size) != size or not 1 <= size <= LARGEST:
        raise ValueError(
            f"magnetic_basis must be a whole number from 1 (no magnetism) to {LARGEST}, got {size}"
        )
    return int(size)
