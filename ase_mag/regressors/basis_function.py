"""Functions of features that are linear in all parameters, with a normal prior of these."""

from abc import abstractmethod

import numpy as np
from scipy.linalg import solve_triangular

from ase_mag.regressors.site_function import SiteFunction


class BasisFunction(SiteFunction):
    """e(x) = c_0 + sum_k c_k phi_k(x): ridge regression, or a Gaussian process of finite rank.

    The coefficients have a normal prior of zero mean and precision lambda, c_0 has none, so that
    e is a Gaussian process with the kernel k(x, x') = phi(x).phi(x') / lambda, and a fit is ridge
    regression,

        minimize sum_i (y_i - e(x_i))^2 + lambda sum_k c_k^2,
        lambda = regularization * mean_i |phi(x_i) - phi_0|^2 * mean_f n_f^2

    with the mean phi_0 of phi over the training rows (0 without ``intercept``), and the number n_f
    of sites whose sum is a target (1 in :meth:`fit`). The regularization is relative to the mean
    diagonal of the matrix of scalar products of the training rows: it does not depend on units, and
    its root is about the relative error of energies per site that is taken for noise.

    Parameters
    ----------
    n_features : int
    intercept : bool, whether there is a constant c_0 (the first parameter).
    regularization : float, not negative; 0: no prior.
    precision : float or None, lambda, where it has been learned already.

    Attributes
    ----------
    precision : float or None, lambda; None before :meth:`prepare`.
    coef_ : (n_basis,) float array; intercept_ : float, after :meth:`fit`.
    """

    def __init__(self, n_features, intercept, regularization, precision):
        if int(n_features) != n_features or n_features < 1:
            raise ValueError(f"n_features must be a positive integer, got {n_features!r}")
        if not (np.isfinite(regularization) and regularization >= 0):
            raise ValueError(f"regularization must not be negative, got {regularization!r}")
        self.n_features, self.intercept = int(n_features), bool(intercept)
        self.regularization = float(regularization)
        self.precision = 0.0 if regularization == 0 else precision

    @property
    @abstractmethod
    def n_basis(self):
        """Number of functions phi_k."""

    @abstractmethod
    def basis(self, X):
        """Return phi_k of every row, (n, n_basis)."""

    def unresolved(self, X):
        """Return k(x, x) - |phi(x)|^2 of every row, (n,): what the basis lacks of a kernel k."""
        return np.zeros(len(X))

    def unresolved_sum(self, X):
        """Return sum_ij k(x_i, x_j) - |sum_i phi(x_i)|^2, the same of the sum over all rows."""
        return 0.0

    # Parameters ---------------------------------------------------------------------------------

    @property
    def parameters(self):
        return self._values.copy()

    @parameters.setter
    def parameters(self, values):
        values, count = np.array(values, dtype=float), self.n_basis + self.intercept
        if values.shape != (count,) or not np.isfinite(values).all():
            raise ValueError(
                f"parameters must be {count} finite numbers, got an array of shape {values.shape}"
            )
        self._values = values
        self.coef_ = self._coefficients.copy()
        self.intercept_ = float(self._constant)
        self._changed()

    def _changed(self):
        """Follow new parameters."""

    @property
    def _constant(self):
        return self._values[0] if self.intercept else 0.0

    @property
    def _coefficients(self):
        return self._values[self.intercept :]

    @property
    def linear(self):
        return np.arange(len(self._values), dtype=np.intp)

    @property
    def prior(self):
        prior = np.full(len(self._values), self.precision or 0.0)
        prior[: self.intercept] = 0.0
        return prior

    @property
    def prepared(self):
        return self.precision is not None

    def prepare(self, X, rng=0):
        """Learn lambda from the rows X (n, n_features) of training data."""
        if self.regularization > 0:
            rows = self.basis(self._rows(X))
            center = rows.mean(axis=0) if self.intercept else 0.0
            squares = np.mean(np.sum((rows - center) ** 2, axis=1))
            self.precision = self.regularization * float(squares)

    def weigh(self, squares):
        """Follow the mean square of the number of sites whose sums are fitted, after prepare.

        Parameters
        ----------
        squares : float, mean of n_f^2 over the training structures.
        """
        if self.regularization > 0:
            self.precision *= squares

    # scikit-learn's manners ---------------------------------------------------------------------

    def fit(self, X, y):
        """Learn from X (n, n_features) and y (n,), with new scales and reference points."""
        X, y = self._rows(X), np.asarray(y, dtype=float)
        if y.shape != (len(X),) or not np.isfinite(y).all():
            raise ValueError(f"y must be {len(X)} finite numbers, got an array of shape {y.shape}")
        self.prepare(X)
        columns = self.columns(X)
        root = np.sqrt(self.prior)
        rows = np.vstack([columns, np.diag(root)[root > 0]])
        right = np.concatenate([y, np.zeros(len(rows) - len(y))])
        self.parameters = np.linalg.lstsq(rows, right, rcond=None)[0]
        self._triangle = np.linalg.qr(rows, mode="r")
        residual = right - rows @ self._values
        self._variance = float(residual @ residual) / max(len(y) - self.intercept, 1)
        return self

    def predict(self, X, return_std=False):
        """Return e of every row, (n,); with ``return_std`` also its standard deviation.

        The deviation is that of the posterior of e, without the noise of a new target, for noise
        of variance s^2 and prior of variance s^2/lambda, with s^2 of largest likelihood,
        s^2 = [sum_i (y_i - e(x_i))^2 + lambda |c|^2] / n (n - 1 with an intercept). Where the basis
        is that of sparse points, the variance of the process given these comes on top.

        Raises
        ------
        ValueError
            With ``return_std``, if data and prior do not determine all parameters, or if these
            were not found by :meth:`fit`.
        """
        values = super().predict(X)
        if not return_std:
            return values
        if not hasattr(self, "_triangle"):
            raise ValueError(
                "the parameters were given, not fitted to sites, so that their errors are not "
                "known: call fit(X, y), or see fitting.LinearPosterior"
            )
        diagonal = np.abs(np.diagonal(self._triangle))
        if not (
            self._triangle.shape[0] == self._triangle.shape[1]
            and diagonal.min() > 1e-14 * diagonal.max()
        ):
            raise ValueError(
                "the data do not determine all parameters, so that errors are infinite: give "
                "regularization > 0, or more rows"
            )
        X = self._rows(X)
        scaled = solve_triangular(self._triangle, self.columns(X).T, trans="T")
        variance = np.einsum("ki,ki->i", scaled, scaled)
        if self.precision > 0:
            variance += self.unresolved(X) / self.precision
        return values, np.sqrt(self._variance * variance)

    def columns(self, X):
        """Return de/dc_k of every row, (n, n_parameters)."""
        rows = self.basis(X)
        return np.column_stack([np.ones(len(X)), rows]) if self.intercept else rows
