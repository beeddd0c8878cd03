"""Is a stationary point a minimum? The lowest eigenvalue of the second derivatives."""

import numpy as np
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

#: Up to so many variables the whole matrix is made and diagonalized.
DENSE = 60
#: Added to the eigenvalues, eV/mu_B^2, so that Lanczos iterations need not resolve a zero.
_SHIFT = 1.0


def lowest_curvature(product, free, bending=None):
    """Return the lowest eigenvalue of the second derivatives of E(M) in the free directions.

    Parameters
    ----------
    product : function v -> H v of (N, 3) arrays, eV/mu_B^2.
    free : sparse (3N, n) matrix, whose orthonormal columns are the directions in which the
        moments may move.
    bending : (N,) array, eV/mu_B^2, subtracted from the diagonal: (dE/dM.M)/M^2 for moments that
        move on spheres.

    Returns
    -------
    float, eV/mu_B^2; nan if Lanczos iterations did not converge, +inf without free directions.
    """
    n = free.shape[1]
    if n == 0:
        return np.inf

    def apply(c):
        v = (free @ np.ravel(c)).reshape(-1, 3)
        bent = product(v) if bending is None else product(v) - bending[:, None] * v
        return free.T @ bent.ravel()

    if n <= DENSE:
        matrix = np.array([apply(unit) for unit in np.eye(n)])
        if not np.isfinite(matrix).all():
            return np.nan
        return float(np.linalg.eigvalsh(0.5 * (matrix + matrix.T))[0])
    operator = LinearOperator((n, n), matvec=lambda c: apply(c) + _SHIFT * np.ravel(c), dtype=float)
    start = np.random.default_rng(0).normal(size=n)
    try:
        values = eigsh(operator, k=1, which="SA", v0=start, tol=1e-6, return_eigenvectors=False)
    except ArpackError:
        return np.nan
    return float(values[0] - _SHIFT)
