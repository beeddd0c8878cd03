"""Kernel ridge regression with the Laplacian kernel."""

import numpy as np

from ase_mag import _kernels
from ase_mag.core import storable
from ase_mag.core.threads import threads_for
from ase_mag.regressors.ridge import Ridge

_BLOCK = 64
#: Kernel values that cost as much as one inner-loop visit elsewhere.
_PER_VISIT = 16


@storable
class LaplacianKernelRidge(Ridge):
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
    regularization : float or one float per target, not negative.
    backend : str, see :func:`ase_mag.regressors.kernel_matrix`.

    Attributes
    ----------
    X_fit_ : (n_samples, n_features) array, training rows.
    dual_coef_ : (n_samples,) or (n_samples, n_targets) array, alpha.

    Raises
    ------
    ValueError
        In ``fit``: for a width that is not positive, a number of widths that is not the number of
        targets, a negative regularization, or an unknown backend.
    """

    kernel = "laplacian"
    _derived = (*Ridge._derived, "_training", "_coefficients", "_rates")

    def predict_rows(self, X):
        """Return predictions (n, n_targets) of a C-contiguous float array, without checks."""
        if self.backend != "scikit-learn":
            return super().predict_rows(X)
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

    def _pack(self):
        """Bring training rows and coefficients into the layout of the kernel: blocks of 64."""
        super()._pack()
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
        self._rates = 1.0 / np.ascontiguousarray(self._pairs(coefficients.shape[1])[:, 0])
