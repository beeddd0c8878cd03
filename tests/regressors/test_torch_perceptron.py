"""Perceptrons in torch against the numpy ones, and what is refused with and without torch."""

import sys

import numpy as np
import pytest

from ase_mag.regressors import Perceptron
from ase_mag.regressors.activations import ACTIVATIONS
from ase_mag.regressors.torch_perceptron import TorchPerceptron, torch_device


def test_without_torch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "ase-mag\[torch\]"'):
        TorchPerceptron(Perceptron(3))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(5,), (6, 4), (4, 3, 2)])
def test_energies_slopes_and_their_derivatives(activation, hidden):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    perceptron = Perceptron(4, hidden, activation)
    X, w = rng.normal(size=(30, 4)) * [1.0, 1e3, 1e-3, 0.0] + 2.0, rng.normal(size=30)
    perceptron.prepare(X)
    perceptron.parameters = rng.normal(size=perceptron.n_parameters)
    t = rng.normal(size=(30, 4))
    function = TorchPerceptron(perceptron, "cpu")
    parameters = function.tensor(perceptron.parameters).requires_grad_()
    energies, slopes = function.evaluate(parameters, function.tensor(X))
    assert energies.dtype == torch.float64
    expected = perceptron.evaluate(X)
    np.testing.assert_allclose(energies.detach().numpy(), expected[0], rtol=1e-11, atol=1e-11)
    scale = np.abs(expected[1]).max(axis=0)
    assert (np.abs(slopes.detach().numpy() - expected[1]).max(axis=0) < 1e-12 * scale).all()
    ((function.tensor(w) * energies).sum() + (function.tensor(t) * slopes).sum()).backward()
    gradient = perceptron.parameter_gradient(X, w, t)
    difference = np.abs(parameters.grad.numpy() - gradient).max()
    assert difference < 1e-12 * np.abs(gradient).max()


def test_bad_input():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="torch trains a Perceptron, got int"):
        TorchPerceptron(3, "cpu")
    for name in ("nowhere", 3.5, "meta"):
        with pytest.raises(ValueError, match=f"device must be 'auto', 'cpu' or 'cuda'.*{name}"):
            torch_device(name)
    assert torch_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="torch finds no CUDA here: give device='cpu'"):
            torch_device("cuda")
