"""Regressors with scikit-learn manners."""

from ase_mag.regressors.kernel_ridge import LaplacianKernelRidge

__all__ = ["LaplacianKernelRidge"]
