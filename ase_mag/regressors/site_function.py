"""Energies of sites as functions of their features: what a descriptor model learns."""

from abc import ABC, abstractmethod

import numpy as np
from sklearn.exceptions import NotFittedError


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

    @property
    def prior(self):
        """Precisions of the parameters, (n_parameters,), see ``Trainable.prior``; default: 0."""
        return np.zeros(len(self.parameters))

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
