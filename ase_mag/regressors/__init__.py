"""Regressors with scikit-learn manners."""

from ase_mag.regressors.gaussian_ridge import GaussianKernelRidge
from ase_mag.regressors.kernel_ridge import LaplacianKernelRidge
from ase_mag.regressors.kernels import kernel_matrix
from ase_mag.regressors.posterior import Posterior
from ase_mag.regressors.site_function import LinearFunction, SiteFunction

__all__ = [
    "GaussianKernelRidge",
    "LaplacianKernelRidge",
    "LinearFunction",
    "Posterior",
    "SiteFunction",
    "kernel_matrix",
]
