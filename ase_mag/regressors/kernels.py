"""Kernel matrices, from scikit-learn or other packages."""

import numpy as np
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from ase_mag.core.extras import require
from ase_mag.regressors.sorf import random_features

KERNELS = ("laplacian", "gaussian")
BACKENDS = ("scikit-learn", "qmllib", "qml-lightning")


def kernel_matrix(kernel, X, Y, width, backend="scikit-learn"):
    """Return the kernel matrix K_ij = k(X_i, Y_j).

    'laplacian': exp(-|x - y|_1 / width), 'gaussian': exp(-|x - y|_2^2 / (2 width^2)).

    Parameters
    ----------
    kernel : 'laplacian' or 'gaussian'
    X, Y : (n, n_features) and (m, n_features) arrays.
    width : float, positive.
    backend : str
        'scikit-learn'; 'qmllib' (Fortran, the toolkit of Brannvall et al. 2022); 'qml-lightning'
        (CUDA, Gaussian kernel only): there K = Z(X) Z(Y)^T with structured orthogonal random
        features Z, an approximation in single precision with the error 1/sqrt(8192) of one element.

    Returns
    -------
    (n, m) float array

    Raises
    ------
    ValueError
        For another kernel or backend, or the Laplacian kernel of qml-lightning.
    ImportError
        If the package of the backend is not installed.
    """
    check_backend(kernel, backend)
    if backend == "qmllib":
        kernels = require("qmllib.kernels", "qml")
        function = getattr(kernels, f"{kernel}_kernel")
        return np.ascontiguousarray(function(np.asarray(X, float), np.asarray(Y, float), width))
    if backend == "qml-lightning":
        return random_features(X, width) @ random_features(Y, width).T
    if kernel == "laplacian":
        return laplacian_kernel(X, Y, gamma=1.0 / width)
    return rbf_kernel(X, Y, gamma=0.5 / width**2)


def check_backend(kernel, backend):
    """Raise ValueError unless the backend has this kernel."""
    if kernel not in KERNELS:
        raise ValueError(f"kernel {kernel!r} is unknown; use one of {', '.join(KERNELS)}")
    if backend not in BACKENDS:
        raise ValueError(f"backend {backend!r} is unknown; use one of {', '.join(BACKENDS)}")
    if backend == "qml-lightning" and kernel != "gaussian":
        raise ValueError(
            f"qml-lightning approximates the Gaussian kernel and has no {kernel} kernel: use "
            "backend='scikit-learn' or 'qmllib', or the invariant descriptor, whose kernel is "
            "Gaussian"
        )
