"""What kernel ridge regressions share: fit, predictions, and their uncertainty."""

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from ase_mag.regressors.kernels import check_backend, kernel_matrix
from ase_mag.regressors.posterior import Posterior

#: Numbers of training rows below this are solved on one BLAS thread.
_SMALL = 2000


class Ridge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """f(x) = y_0 + sum_i alpha_i k(z(x), z_i), alpha = (K + regularization I)^-1 (y - y_0).

    Subclasses name the ``kernel`` and may set a linear map z of the features and an offset y_0.
    """

    kernel = None

    def __init__(self, width=10.0, regularization=1e-4, backend="scikit-learn"):
        self.width = width
        self.regularization = regularization
        self.backend = backend

    def fit(self, X, y):
        """Learn from X (n_samples, n_features) and y (n_samples,) or (n_samples, n_targets)."""
        check_backend(self.kernel, self.backend)
        X, y = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, order="C"
        )
        targets = y.reshape(len(y), -1)
        pairs = self._pairs(targets.shape[1])
        self._learn_map(X, targets)
        rows = self._map(X)
        coefficients = np.empty(targets.shape)
        with self._threads(len(X)):
            for pair, same in _groups(pairs):
                ridge = KernelRidge(alpha=pair[1], kernel="precomputed")
                ridge.fit(self._matrix(rows, rows, pair[0]), (targets - self.offset_)[:, same])
                coefficients[:, same] = ridge.dual_coef_
        self.X_fit_ = rows
        self.dual_coef_ = coefficients.reshape(y.shape)
        self._pack()
        return self

    def predict(self, X, return_std=False):
        """Return predictions, (n,) or (n, n_targets) as in ``fit``.

        With ``return_std=True`` also their standard errors, of the same shape, see
        :class:`ase_mag.regressors.Posterior`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, order="C")
        values = self.predict_rows(X)
        flat = self.dual_coef_.ndim == 1
        if not return_std:
            return values[:, 0] if flat else values
        errors = self.error_rows(X)
        return (values[:, 0], errors[:, 0]) if flat else (values, errors)

    def predict_rows(self, X):
        """Return predictions (n, n_targets) of a C-contiguous float array, without checks."""
        rows = self._map(X)
        alpha = self.dual_coef_.reshape(len(self.X_fit_), -1)
        out = np.empty((len(X), alpha.shape[1]))
        for pair, same in _groups(self._pairs(alpha.shape[1])):
            out[:, same] = self._matrix(rows, self.X_fit_, pair[0]) @ alpha[:, same]
        return out + self.offset_

    def error_rows(self, X):
        """Return standard errors (n, n_targets) of predictions, without checks."""
        rows = self._map(X)
        alpha = self.dual_coef_.reshape(len(self.X_fit_), -1)
        out = np.empty((len(X), alpha.shape[1]))
        if self._posteriors is None:
            self._posteriors = {}
        for pair, same in _groups(self._pairs(alpha.shape[1])):
            if pair not in self._posteriors:
                with self._threads(len(alpha)):
                    matrix = self._matrix(self.X_fit_, self.X_fit_, pair[0])
                    self._posteriors[pair] = Posterior(matrix, alpha[:, same], pair[1])
            matrix = self._matrix(rows, self.X_fit_, pair[0])
            out[:, same] = self._posteriors[pair].errors(matrix)
        return out

    def _map(self, X):
        """Return the features that enter the kernel."""
        return X

    def _learn_map(self, X, targets):
        self.offset_ = np.zeros(targets.shape[1])

    def _matrix(self, X, Y, width):
        return kernel_matrix(self.kernel, X, Y, width, self.backend)

    @staticmethod
    def _threads(n):
        """Small systems gain nothing from BLAS threads, which wait for each other."""
        return threadpool_limits(1 if n < _SMALL else None, user_api="blas")

    def _pairs(self, n_targets):
        """Return (width, regularization) of every target, (n_targets, 2)."""
        columns = []
        for name, least in (("width", np.finfo(float).tiny), ("regularization", 0.0)):
            values = np.asarray(getattr(self, name), dtype=float)
            if values.shape not in ((), (1,), (n_targets,)):
                raise ValueError(
                    f"{name} is {getattr(self, name)}, but there are {n_targets} targets: give one "
                    f"{name}, or one for each target"
                )
            if not (np.isfinite(values) & (values >= least)).all():
                allowed = "positive" if least else "not negative"
                raise ValueError(f"{name} must be finite and {allowed}, got {getattr(self, name)}")
            columns.append(np.broadcast_to(values, n_targets))
        return np.column_stack(columns)

    def _pack(self):
        """Prepare what predictions need; called after ``fit`` and after loading."""
        self._posteriors = None

    _learned = ("X_fit_", "dual_coef_", "offset_", "n_features_in_")
    _derived = ("_posteriors",)

    def to_dict(self):
        """Parameters and learned arrays, for :mod:`ase_mag.core.storage`."""
        return self.get_params() | {k: getattr(self, k) for k in self._learned if hasattr(self, k)}

    @classmethod
    def from_dict(cls, values):
        self = cls(**{name: values.pop(name) for name in cls._get_param_names() if name in values})
        if "dual_coef_" in values:
            values.setdefault("offset_", np.zeros(np.asarray(values["dual_coef_"])[:1].size))
        self.__setstate__(self.__getstate__() | values)
        return self

    def __setstate__(self, state):
        super().__setstate__(state)
        if "X_fit_" in state:
            self._pack()

    def __getstate__(self):
        return {k: v for k, v in super().__getstate__().items() if k not in self._derived}


def _groups(pairs):
    """Yield ((width, regularization), mask of the targets that have them)."""
    for pair in np.unique(pairs, axis=0):
        yield tuple(pair.tolist()), (pairs == pair).all(axis=1)
