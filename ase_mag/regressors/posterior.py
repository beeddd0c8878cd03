"""Uncertainty of kernel ridge regression."""

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve


class Posterior:
    """Standard errors of kernel ridge regression, calibrated by leaving one out.

    Kernel ridge regression is the mean of a Gaussian process with covariance s^2 k and noise
    s^2 lambda; with k the kernel of a new row and the training rows, and C = (K + lambda I)^-1,

        error^2 = s^2 (1 + lambda - k^T C k) + mu^2 (1 - 1^T C k)^2.

    The second term is the pull towards zero far from the data of a process without a mean, where
    mu = 1^T alpha / 1^T C 1 is the mean of the targets. s^2 is not a free parameter: it is chosen
    so that the errors r_i = alpha_i / C_ii of leaving row i out, which have the closed form, are
    what is predicted for them: s^2 = 1/n sum_i (r_i^2 - mu^2 (C 1)_i^2 / C_ii^2) C_ii.

    The errors are those of new data like the training data; where a model extrapolates, they are
    a warning and not a bound.

    Parameters
    ----------
    matrix : (n, n) array, kernel of the training rows, with a diagonal of ones.
    alpha : (n, n_targets) array, coefficients.
    regularization : float, lambda.

    Attributes
    ----------
    scales : (n_targets,) array, s, in the unit of the targets.
    left_out : (n, n_targets) array, errors r_i of leaving one out.

    Raises
    ------
    ValueError
        If K + lambda I is not positive definite.
    """

    def __init__(self, matrix, alpha, regularization):
        n = len(matrix)
        try:
            factor = cho_factor(matrix + regularization * np.eye(n), lower=True)
        except LinAlgError as error:
            raise ValueError(
                f"the kernel matrix with the regularization {regularization:g} on its diagonal is "
                "not positive definite (equal training rows, or a very wide kernel): errors need "
                "a larger regularization"
            ) from error
        self.inverse = cho_solve(factor, np.eye(n))
        self.regularization = regularization
        diagonal = np.diagonal(self.inverse)[:, None]
        ones = self.inverse.sum(axis=1)[:, None]
        self.means = alpha.sum(axis=0) / ones.sum()
        self.left_out = alpha / diagonal
        pull = self.means * ones / diagonal
        scales = np.mean((self.left_out**2 - pull**2) * diagonal, axis=0)
        self.scales = np.sqrt(np.maximum(scales, 0.0))

    def errors(self, matrix):
        """Return standard errors (m, n_targets) for kernel values (m, n) of new rows."""
        weights = matrix @ self.inverse
        variance = 1.0 + self.regularization - np.einsum("ij,ij->i", weights, matrix)
        variance = np.maximum(variance, self.regularization)[:, None]
        pull = self.means * (1.0 - weights.sum(axis=1))[:, None]
        return np.sqrt(self.scales**2 * variance + pull**2)
