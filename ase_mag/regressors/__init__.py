"""Regressors with scikit-learn manners."""

from ase_mag.regressors.basis_function import BasisFunction
from ase_mag.regressors.gaussian_ridge import GaussianKernelRidge
from ase_mag.regressors.kernel_ridge import LaplacianKernelRidge
from ase_mag.regressors.kernels import kernel_matrix
from ase_mag.regressors.linear_function import LinearFunction
from ase_mag.regressors.perceptron import Perceptron
from ase_mag.regressors.posterior import Posterior
from ase_mag.regressors.site_function import SiteFunction
from ase_mag.regressors.sparse_gp import SparseGaussianProcess

__all__ = [
    "BasisFunction",
    "GaussianKernelRidge",
    "LaplacianKernelRidge",
    "LinearFunction",
    "Perceptron",
    "Posterior",
    "SiteFunction",
    "SparseGaussianProcess",
    "kernel_matrix",
]
