"""The linear function of features."""

import numpy as np

from ase_mag.core.storage import storable
from ase_mag.regressors.basis_function import BasisFunction


@storable
class LinearFunction(BasisFunction):
    """e(x) = c_0 + sum_k c_k x_k: a descriptor model with it is linear in all parameters.

    With ``regularization`` it is a Gaussian process whose kernel is the scalar product of features
    (:class:`BasisFunction`).

    Parameters
    ----------
    n_features : int
    intercept : bool, whether there is a constant c_0 (the first parameter), else 0.
    parameters : (n_parameters,) float array, optional; default: zeros.
    regularization : float, relative precision of the prior; 0: none.
    precision : float, optional, the learned precision of the prior (of saved functions).

    Attributes
    ----------
    coef_ : (n_features,) float array, once there are parameters. intercept_ : float.
    """

    def __init__(
        self, n_features, intercept=True, parameters=None, regularization=0.0, precision=None
    ):
        super().__init__(n_features, intercept, regularization, precision)
        self._values = np.zeros(self.n_features + self.intercept)
        if parameters is not None:
            self.parameters = parameters

    @property
    def n_basis(self):
        return self.n_features

    def basis(self, X):
        return X

    def evaluate(self, X, *, slopes=True):
        coefficients = self._coefficients
        # einsum: the order of the sum does not depend on the number of rows or threads.
        values = np.einsum("ik,k->i", X, coefficients)
        if self.intercept:
            values += self._constant
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
            "regularization": self.regularization,
            "precision": self.precision,
        }
