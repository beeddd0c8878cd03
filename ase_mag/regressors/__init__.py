"""Regressors with scikit-learn manners."""

from ase_mag.regressors.gaussian_ridge import GaussianKernelRidge
from ase_mag.regressors.kernel_ridge import LaplacianKernelRidge
from ase_mag.regressors.kernels import kernel_matrix
from ase_mag.regressors.posterior import Posterior

__all__ = ["GaussianKernelRidge", "LaplacianKernelRidge", "Posterior", "kernel_matrix"]
