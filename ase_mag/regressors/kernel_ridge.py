"""Kernel ridge regression with the Laplacian kernel."""

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import laplacian_kernel
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from ase_mag import _kernels
from ase_mag.core import storable
from ase_mag.core.threads import threads_for

_BLOCK = 64
#: Numbers of training rows below this are solved on one BLAS thread.
_SMALL = 2000
#: Kernel values that cost as much as one inner-loop visit elsewhere.
_PER_VISIT = 16


@storable
class LaplacianKernelRidge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Kernel ridge regression with the Laplacian kernel.

    f(x) = sum_i alpha_i k(x, x_i),  k(x, x') = exp(-|x - x'|_1 / width),
    alpha = (K + regularization I)^-1 y

    (Brannvall et al., Phys. Rev. B 105, 144417 (2022), eqs 8-10). Neither features nor targets are
    centered or scaled; far from all training rows the prediction goes to zero. The coefficients
    are those of :class:`sklearn.kernel_ridge.KernelRidge` with ``gamma = 1/width`` and
    ``alpha = regularization``; predictions come from a compiled kernel.

    Parameters
    ----------
    width : float or one float per target, in the unit of |x|_1.
    regularization : float, not negative.

    Attributes
    ----------
    X_fit_ : (n_samples, n_features) array, training rows.
    dual_coef_ : (n_samples,) or (n_samples, n_targets) array, alpha.

    Raises
    ------
    ValueError
        In ``fit``: for a width that is not positive, a number of widths that is not the number of
        targets, or a negative regularization.
    """

    def __init__(self, width=10.0, regularization=1e-4):
        self.width = width
        self.regularization = regularization

    def fit(self, X, y):
        """Learn from X (n_samples, n_features) and y (n_samples,) or (n_samples, n_targets)."""
        X, y = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, order="C"
        )
        targets = y.reshape(len(y), -1)
        widths = self._widths(targets.shape[1])
        if not (np.isfinite(self.regularization) and self.regularization >= 0):
            raise ValueError(
                f"regularization must be finite and not negative, got {self.regularization}"
            )
        coefficients = np.empty(targets.shape)
        # Small systems gain nothing from BLAS threads, which wait for each other on busy machines.
        with threadpool_limits(1 if len(X) < _SMALL else None, user_api="blas"):
            for width in np.unique(widths):
                same = widths == width
                ridge = KernelRidge(alpha=self.regularization, kernel="precomputed")
                ridge.fit(laplacian_kernel(X, gamma=1.0 / width), targets[:, same])
                coefficients[:, same] = ridge.dual_coef_
        self.X_fit_ = X
        self.dual_coef_ = coefficients.reshape(y.shape)
        self._pack()
        return self

    def predict(self, X):
        """Return predictions, (n,) or (n, n_targets) as in ``fit``."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64, order="C")
        values = self.predict_rows(X)
        return values[:, 0] if self.dual_coef_.ndim == 1 else values

    def predict_rows(self, X):
        """Return predictions (n, n_targets) of a C-contiguous float array, without checks."""
        out = np.empty((len(X), self._coefficients.shape[0]))
        _kernels.laplacian.predict(
            X,
            self._training,
            self._coefficients,
            self._rates,
            out,
            threads_for(len(X) * self._coefficients.shape[1] // _PER_VISIT),
        )
        return out

    def _widths(self, n_targets):
        widths = np.asarray(self.width, dtype=float)
        if widths.shape not in ((), (1,), (n_targets,)):
            raise ValueError(
                f"width is {self.width}, but there are {n_targets} targets: give one width, or one "
                "for each target"
            )
        if not (np.isfinite(widths) & (widths > 0)).all():
            raise ValueError(f"kernel widths must be finite and positive, got {self.width}")
        return np.broadcast_to(widths, n_targets)

    def _pack(self):
        """Bring training rows and coefficients into the layout of the kernel: blocks of 64."""
        n, n_features = self.X_fit_.shape
        coefficients = self.dual_coef_.reshape(n, -1)
        blocks = -(-n // _BLOCK)
        rows = np.zeros((blocks * _BLOCK, n_features))
        rows[:n] = self.X_fit_
        self._training = np.ascontiguousarray(
            rows.reshape(blocks, _BLOCK, n_features).transpose(0, 2, 1)
        )
        self._coefficients = np.zeros((coefficients.shape[1], blocks * _BLOCK))
        self._coefficients[:, :n] = coefficients.T
        self._rates = 1.0 / self._widths(coefficients.shape[1])

    def to_dict(self):
        """Parameters and learned arrays, for :mod:`ase_mag.core.storage`."""
        learned = ("X_fit_", "dual_coef_", "n_features_in_")
        return self.get_params() | {k: getattr(self, k) for k in learned if hasattr(self, k)}

    @classmethod
    def from_dict(cls, values):
        self = cls(values.pop("width"), values.pop("regularization"))
        self.__setstate__(self.__getstate__() | values)
        return self

    def __setstate__(self, state):
        super().__setstate__(state)
        if "X_fit_" in state:
            self._pack()

    def __getstate__(self):
        packed = ("_training", "_coefficients", "_rates")
        return {k: v for k, v in super().__getstate__().items() if k not in packed}
