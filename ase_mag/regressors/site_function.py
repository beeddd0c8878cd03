"""Energies of sites as functions of their features: what a descriptor model learns."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.exceptions import NotFittedError

from ase_mag.core.storage import storable


class SiteFunction(ABC):
    """e(x; p): the energy of a site from its features x, with parameters p.

    A :class:`ase_mag.models.DescriptorModel` needs :meth:`evaluate` for energies and forces, and
    :meth:`parameter_gradient` for fits to all labels. :meth:`predict` and :meth:`gradient` are the
    same function with the manners of scikit-learn.

    Attributes
    ----------
    n_features : int
    parameters : (n_parameters,) float64 array, a copy; assigning a new array changes the function.
    prepared : bool, False as long as :meth:`prepare` is due.
    """

    n_features: int
    prepared = True

    @property
    @abstractmethod
    def parameters(self):
        """All parameters as one flat float64 array (a copy)."""

    @property
    def linear(self):
        """Indices of the parameters in which e is affine, (n_linear,) intp array."""
        return np.empty(0, dtype=np.intp)

    @abstractmethod
    def evaluate(self, X, *, slopes=True):
        """Return e and de/dx of every row.

        Parameters
        ----------
        X : (n, n_features) float array.
        slopes : bool; False: the second value may be None.

        Returns
        -------
        (n,) and (n, n_features) float arrays.
        """

    @abstractmethod
    def parameter_gradient(self, X, weights, tangents):
        """Return d/dp sum_i [w_i e(x_i) + t_i.de/dx(x_i)], (n_parameters,).

        Parameters
        ----------
        X : (n, n_features) float array; weights : (n,) float array, w; tangents : (n, n_features)
            float array, t.
        """

    def design(self, X):
        """Yield (de/dp_k, d^2e/dp_k dx), (n,) and (n, n_features), for the linear parameters."""
        if len(self.linear):
            raise NotImplementedError(f"{type(self).__name__} has linear parameters but no design")
        return iter(())

    def prepare(self, X, rng=0):
        """Learn what is not fitted (scales, reference points) from the features of training data.

        Parameters
        ----------
        X : (n, n_features) float array; rng : int or numpy.random.Generator.
        """
        self._rows(X)

    def initial_parameters(self, rng=0):
        """Return parameters to start a fit from, (n_parameters,)."""
        return self.parameters

    def predict(self, X):
        """Return e of every row, (n,)."""
        self._check_fitted()
        return self.evaluate(self._rows(X), slopes=False)[0]

    def gradient(self, X):
        """Return de/dx of every row, (n, n_features)."""
        self._check_fitted()
        return self.evaluate(self._rows(X))[1]

    def _rows(self, X):
        X = np.ascontiguousarray(X, dtype=float)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(
                f"features must have shape (n, {self.n_features}), got {X.shape}: the function and "
                "the descriptor do not belong together"
            )
        return X

    def _check_fitted(self):
        if not any(name.endswith("_") and not name.startswith("_") for name in vars(self)):
            raise NotFittedError(f"this {type(self).__name__} is not fitted: call fit(X, y) first")

    @abstractmethod
    def to_dict(self):
        """Return the constructor arguments as a dict, for saving."""


@storable
class LinearFunction(SiteFunction):
    """e(x) = c_0 + sum_k c_k x_k: a descriptor model with it is linear in all parameters.

    Parameters
    ----------
    n_features : int
    intercept : bool, whether there is a constant c_0 (the first parameter), else 0.
    parameters : (n_parameters,) float array, optional; default: zeros.

    Attributes
    ----------
    coef_ : (n_features,) float array, after :meth:`fit`. intercept_ : float.
    """

    def __init__(self, n_features, intercept=True, parameters=None):
        if int(n_features) != n_features or n_features < 1:
            raise ValueError(f"n_features must be a positive integer, got {n_features!r}")
        self.n_features, self.intercept = int(n_features), bool(intercept)
        count = self.n_features + self.intercept
        self.parameters = np.zeros(count) if parameters is None else parameters

    @property
    def parameters(self):
        return self._values.copy()

    @parameters.setter
    def parameters(self, values):
        values, count = np.array(values, dtype=float), self.n_features + self.intercept
        if values.shape != (count,) or not np.isfinite(values).all():
            raise ValueError(
                f"parameters must be {count} finite numbers, got an array of shape {values.shape}"
            )
        self._values = values

    @property
    def linear(self):
        return np.arange(len(self._values), dtype=np.intp)

    def fit(self, X, y):
        """Learn from X (n, n_features) and y (n,) by least squares."""
        X, y = self._rows(X), np.asarray(y, dtype=float)
        columns = np.column_stack([np.ones(len(X)), X]) if self.intercept else X
        self.parameters = np.linalg.lstsq(columns, y, rcond=None)[0]
        self.coef_ = self._values[self.intercept :].copy()
        self.intercept_ = float(self._values[0]) if self.intercept else 0.0
        return self

    def evaluate(self, X, *, slopes=True):
        coefficients = self._values[self.intercept :]
        # einsum: the order of the sum does not depend on the number of rows or threads.
        values = np.einsum("ik,k->i", X, coefficients)
        if self.intercept:
            values += self._values[0]
        return values, np.tile(coefficients, (len(X), 1)) if slopes else None

    def parameter_gradient(self, X, weights, tangents):
        gradient = weights @ X + tangents.sum(axis=0)
        return np.append(weights.sum(), gradient) if self.intercept else gradient

    def design(self, X):
        if self.intercept:
            yield np.ones(len(X)), np.zeros_like(X)
        for k in range(self.n_features):
            slopes = np.zeros_like(X)
            slopes[:, k] = 1.0
            yield X[:, k].copy(), slopes

    def to_dict(self):
        return {
            "n_features": self.n_features,
            "intercept": self.intercept,
            "parameters": self.parameters,
        }
