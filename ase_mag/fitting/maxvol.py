"""Rows of a tall matrix whose determinant is as large as exchanges can make it."""

import numpy as np
from scipy.linalg import qr


def maxvol(rows, start=None, tolerance=1.001, max_exchanges=None):
    """Return a square submatrix of (locally) maximal volume.

    The chosen rows A (k, k) of the matrix B (n, k) obey |B A^-1| <= tolerance for all entries: no
    exchange of one row makes |det A| larger by more than that factor. S. A. Goreinov,
    I. V. Oseledets, D. V. Savostyanov, E. E. Tyrtyshnikov and N. L. Zamarashkin, in Matrix Methods:
    Theory, Algorithms, Applications (2010), p. 247.

    Parameters
    ----------
    rows : (n, k) float array, n >= k, of full column rank.
    start : (k,) int array, optional; rows to begin with (default: pivoted QR).
    tolerance : float, above 1.
    max_exchanges : int, optional (default: 20 k + n).

    Returns
    -------
    indices : (k,) int array, the chosen rows.
    coefficients : (n, k) float array, B A^-1.

    Raises
    ------
    ValueError
        For too few rows, a tolerance of 1 or less, rows without full rank, or NaN.
    RuntimeError
        If the exchanges do not end.
    """
    rows = np.ascontiguousarray(rows, dtype=float)
    if rows.ndim != 2 or len(rows) < rows.shape[1]:
        raise ValueError(
            f"maxvol needs a matrix with at least as many rows as columns, got {rows.shape}"
        )
    if not np.isfinite(rows).all():
        raise ValueError("maxvol: the matrix has entries that are not finite")
    if not tolerance > 1:
        raise ValueError(f"the tolerance must be above 1, got {tolerance}")
    n, k = rows.shape
    if start is None:
        indices = qr(rows.T, mode="r", pivoting=True)[1][:k].copy()
    else:
        indices = np.array(start, dtype=np.intp)
    coefficients = _coefficients(rows, indices)
    for _ in range(20 * k + n if max_exchanges is None else max_exchanges):
        row, column = np.unravel_index(np.abs(coefficients).argmax(), coefficients.shape)
        pivot = coefficients[row, column]
        if abs(pivot) <= tolerance:
            # Rank-one updates lose digits: what is returned is computed anew, and checked.
            coefficients = _coefficients(rows, indices)
            if np.abs(coefficients).max() <= tolerance * (1 + 1e-9):
                return indices, coefficients
            continue
        change = coefficients[row].copy()
        change[column] -= 1.0
        coefficients -= np.outer(coefficients[:, column], change / pivot)
        indices[column] = row
    raise RuntimeError(
        f"maxvol has not ended within the exchanges allowed ({n} rows, {k} columns): give a larger "
        "tolerance"
    )


def _coefficients(rows, indices):
    chosen = rows[indices]
    try:
        coefficients = np.linalg.solve(chosen.T, rows.T).T
        dependent = np.linalg.cond(chosen) > 1e14
    except np.linalg.LinAlgError:
        dependent = True
    if dependent:
        raise ValueError("maxvol: the columns are linearly dependent to rounding")
    return np.ascontiguousarray(coefficients)
