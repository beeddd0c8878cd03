"""Kernel ridge regression with the Gaussian kernel of standardized features."""

import numpy as np

from ase_mag.core import storable
from ase_mag.regressors.ridge import Ridge


@storable
class GaussianKernelRidge(Ridge):
    """Kernel ridge regression with the Gaussian kernel of standardized features.

    f(x) = y_0 + sum_i alpha_i k(x, x_i),  k(x, x') = exp(-d^2/(2 width^2)),
    d^2 = 1/n sum_f (x_f - x'_f)^2 / s_f^2,  alpha = (K + regularization I)^-1 (y - y_0),

    with the mean y_0 of the targets and the standard deviations s_f of the n features over the
    training rows (a feature that never changes is left out). The width is therefore in units of
    the typical distance of two rows (about 1.4), whatever the units and the number of features;
    widths far above 1 make f smooth, down to a linear function. Far from all training rows the
    prediction goes to y_0.

    Parameters
    ----------
    width : float or one float per target.
    regularization : float or one float per target, not negative.
    backend : str, see :func:`ase_mag.regressors.kernel_matrix`.

    Attributes
    ----------
    X_fit_ : (n_samples, n_features) array, standardized training rows.
    dual_coef_ : (n_samples,) or (n_samples, n_targets) array, alpha.
    offset_ : (n_targets,) array, y_0.
    center_, scale_ : (n_features,) arrays, means of the features and s_f sqrt(n).

    Raises
    ------
    ValueError
        In ``fit``, as :class:`LaplacianKernelRidge`.
    """

    kernel = "gaussian"
    _learned = (*Ridge._learned, "center_", "scale_")

    def _learn_map(self, X, targets):
        self.offset_ = targets.mean(axis=0)
        self.center_ = X.mean(axis=0)
        spread = X.std(axis=0)
        varies = spread > 1e-12 * np.abs(X).max(axis=0)
        self.scale_ = np.where(varies, spread * np.sqrt(max(varies.sum(), 1)), np.inf)

    def _map(self, X):
        """Return the standardized features."""
        return (X - self.center_) / self.scale_
