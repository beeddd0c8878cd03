"""Kernel matrices of several packages."""

import sys
import types

import numpy as np
import pytest
from scipy.linalg import hadamard

from ase_mag.regressors import GaussianKernelRidge, LaplacianKernelRidge, kernel_matrix


def rows(n, seed, n_features=6):
    return np.random.default_rng(seed).normal(size=(n, n_features))


def test_formulas():
    X, Y = rows(4, 0), rows(3, 1)
    for i in range(4):
        for j in range(3):
            d = X[i] - Y[j]
            expected = np.exp(-np.abs(d).sum() / 2.5), np.exp(-(d @ d) / (2 * 2.5**2))
            for kernel, value in zip(("laplacian", "gaussian"), expected, strict=True):
                assert abs(kernel_matrix(kernel, X, Y, 2.5)[i, j] - value) < 1e-14


@pytest.mark.parametrize("kernel", ["laplacian", "gaussian"])
def test_qmllib_gives_the_same(kernel):
    pytest.importorskip("qmllib.kernels")
    X, Y = rows(20, 0), rows(7, 1)
    np.testing.assert_allclose(
        kernel_matrix(kernel, X, Y, 3.0, "qmllib"), kernel_matrix(kernel, X, Y, 3.0), rtol=1e-12
    )
    ridge = {"laplacian": LaplacianKernelRidge, "gaussian": GaussianKernelRidge}[kernel]
    y = np.c_[X[:, 0], X[:, 1] ** 2]
    one, two = (ridge(3.0, 1e-3, backend).fit(X, y) for backend in ("scikit-learn", "qmllib"))
    np.testing.assert_allclose(two.predict(Y), one.predict(Y), atol=1e-9)
    np.testing.assert_allclose(
        two.predict(Y, return_std=True)[1], one.predict(Y, return_std=True)[1], rtol=1e-6
    )


def test_missing_packages_are_named(monkeypatch):
    X = rows(3, 0)
    for name in ("qmllib", "qmllib.kernels", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "ase-mag\[qml\]"'):
        kernel_matrix("laplacian", X, X, 1.0, "qmllib")
    with pytest.raises(ImportError, match=r'torch .*pip install "ase-mag\[gpu\]"'):
        kernel_matrix("gaussian", X, X, 1.0, "qml-lightning")
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "qml_lightning", None)
    with pytest.raises(ImportError, match=r"qml_lightning .*github\.com/nickjbrowning"):
        kernel_matrix("gaussian", X, X, 1.0, "qml-lightning")


class Tensor:
    """As much of a torch tensor as the adapter uses."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def cuda(self):
        return self

    cpu = contiguous = cuda

    def reshape(self, *shape):
        return Tensor(self.array.reshape(shape))

    def numpy(self):
        return self.array


class Transform:
    """normalisation (H S)^n x for every stack of signs, H orthonormal."""

    @staticmethod
    def apply(rows, signs, normalisation, transforms):
        assert rows.array.dtype == signs.array.dtype == np.float32
        n = rows.array.shape[1]
        values = np.repeat(rows.array[:, None, :], signs.array.shape[1], axis=1)
        for sign in signs.array[:transforms]:
            values = (values * sign) @ (hadamard(n) / np.sqrt(n))
        return Tensor((normalisation * values).astype(np.float32))


class Cosines:
    """sqrt(2/D) cos(coefficients + bias), summed over the rows of each molecule."""

    @staticmethod
    def apply(coefficients, bias, molecules, which):
        assert which.array.dtype == np.int32
        out = np.zeros((molecules, coefficients.array.shape[1]), np.float32)
        values = np.cos(coefficients.array + bias.array) * np.sqrt(2 / out.shape[1])
        np.add.at(out, which.array, values)
        return Tensor(out)


@pytest.fixture
def lightning(monkeypatch):
    """Stand-ins of torch and qml-lightning, written from the formulas: no GPU is used here."""
    torch = types.ModuleType("torch")
    torch.cuda = types.SimpleNamespace(is_available=lambda: True)
    torch.from_numpy, torch.int32 = Tensor, np.int32
    torch.arange = lambda n, dtype: Tensor(np.arange(n, dtype=dtype))
    package, features = types.ModuleType("qml_lightning"), types.ModuleType("features")
    module = types.ModuleType("qml_lightning.features.SORF")
    module.SORFTransformCuda, module.CosFeatures = Transform, Cosines
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "qml_lightning", package)
    monkeypatch.setitem(sys.modules, "qml_lightning.features", features)
    monkeypatch.setitem(sys.modules, "qml_lightning.features.SORF", module)
    return torch


def test_random_features_approximate_the_gaussian_kernel(lightning):
    """24 features, 8192 random ones: error of one element about 1/sqrt(8192) = 0.011."""
    X, Y = rows(30, 0, 24), rows(20, 1, 24)
    exact = kernel_matrix("gaussian", X, Y, 5.0)
    close = kernel_matrix("gaussian", X, Y, 5.0, "qml-lightning")
    assert np.sqrt(((close - exact) ** 2).mean()) < 0.011
    assert 0.2 < exact.mean() < 0.8
    y = X[:, 0] + X[:, 1]
    one, two = (
        GaussianKernelRidge(3.0, 1e-2, backend).fit(X, y)
        for backend in ("scikit-learn", "qml-lightning")
    )
    assert np.abs(two.predict(Y) - one.predict(Y)).mean() < 0.2 * one.predict(Y).std()


def test_qml_lightning_needs_a_device_and_the_gaussian_kernel(lightning):
    lightning.cuda.is_available = lambda: False
    with pytest.raises(RuntimeError, match=r"CUDA device, and torch finds none.*scikit-learn"):
        kernel_matrix("gaussian", rows(3, 0), rows(3, 1), 1.0, "qml-lightning")
    with pytest.raises(ValueError, match="no laplacian kernel: use"):
        LaplacianKernelRidge(1.0, backend="qml-lightning").fit(rows(3, 0), np.ones(3))


def test_unknown_names_are_explained():
    for arguments, message in (
        (("cosine", "scikit-learn"), "kernel 'cosine' is unknown; use one of laplacian, gaussian"),
        (("gaussian", "qml"), "backend 'qml' is unknown; use one of scikit-learn, qmllib"),
    ):
        with pytest.raises(ValueError, match=message):
            kernel_matrix(arguments[0], rows(2, 0), rows(2, 1), 1.0, arguments[1])
