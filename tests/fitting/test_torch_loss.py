"""The loss in torch against the one in numpy, and fits that take the same path."""

import sys

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import fitting, models
from ase_mag.core import PairGraph, set_moments
from ase_mag.descriptors import RadialSpinDescriptor
from ase_mag.fitting import Dataset, Frame
from ase_mag.fitting.gauss_newton import sketched
from ase_mag.fitting.loss import Loss
from ase_mag.fitting.torch_loss import TorchLoss
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.models import DescriptorModel
from ase_mag.regressors import Perceptron

WEIGHTS = {"energy": 1.0, "forces": 0.01, "stress": 0.001, "magforces": 0.1}


def dataset(symbols=("Fe",), count=5, lacking=(), seed=4):
    """Return frames of two sizes, some without some labels, of iron whatever they are."""
    rng, frames = np.random.default_rng(seed), []
    extra = models.ThreeSiteExchange("Fe", models.cubic(1.0, 3.75), 0.1)
    model = models.named("FeHL-1") + extra
    for k in range(count):
        atoms = bulk("Fe", a=2.86 * rng.uniform(0.97, 1.03), cubic=True) * (2, 1, 1 + k % 2)
        n = len(atoms)
        atoms.positions += rng.normal(scale=0.1, size=(n, 3))
        vectors = rng.normal(size=(n, 3)) + [0.0, 0.0, 2.0]
        graph = PairGraph.build(
            atoms.positions, atoms.cell.array, True, atoms.numbers, model.cutoff
        )
        found = model.evaluate(graph, vectors)
        atoms.symbols[:] = rng.choice(symbols, n)
        atoms.symbols[: len(symbols)] = symbols
        set_moments(atoms, vectors)
        w = found.virial / atoms.cell.volume
        labels = {
            "energy": np.array(found.energy),
            "forces": found.forces.copy(),
            "stress": np.array([w[0, 0], w[1, 1], w[2, 2], w[1, 2], w[0, 2], w[0, 1]]),
            "magforces": found.magforces,
        }
        if lacking:
            labels["forces"][0] = np.nan
            if k % 2:
                del labels[lacking[k % len(lacking)]]
        frames.append(Frame(atoms, labels, weight=1.0 + k, source="made", index=k))
    return Dataset(frames)


def potential(species=("Fe",), shared=True):
    """Return what is known, held, and a network with weights."""
    descriptor = RadialSpinDescriptor(species, 4.5, 4)
    size = descriptor.n_features

    def function(seed):
        return Perceptron(size, (5, 3), "algebraic", seed=seed)

    table = {symbol: function(k) for k, symbol in enumerate(species)}
    network = DescriptorModel(descriptor, function(0) if shared else table)
    rng = np.random.default_rng(2)
    network.parameters = rng.normal(size=network.n_parameters)
    if species != ("Fe",):
        return network
    return fitting.Held(models.named("FeHL-1")) + network


def both(model, data, scaling, weights=WEIGHTS):
    parts = TrainableParts(model)
    first = Loss(parts, data, weights, scaling)
    parts.prepare([(s.graph, s.moments) for s in first.samples])
    return first, TorchLoss(parts, data, weights, scaling, device="cpu")


def test_without_torch_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "ase-mag\[torch\]"'):
        fitting.fit(potential(), dataset(), WEIGHTS, device="cpu", progress=False)


CASES = {
    "iron": ({}, {}, "configuration", WEIGHTS),
    "labels missing": ({"lacking": ("stress", "energy")}, {}, "atom", WEIGHTS),
    "energies only": ({}, {}, "atom", dict.fromkeys(WEIGHTS, 0.0) | {"energy": 1.0}),
    "alloy": ({"symbols": ("Fe", "Co")}, {"species": ("Fe", "Co")}, "atom", WEIGHTS),
    "alloy, two networks": (
        {"symbols": ("Fe", "Co")},
        {"species": ("Fe", "Co"), "shared": False},
        "atom",
        WEIGHTS,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_same_loss_gradient_and_curvature(case):
    pytest.importorskip("torch")
    data, model, scaling, weights = CASES[case]
    first, second = both(potential(**model), dataset(**data), scaling, weights)
    terms, again = first.terms(), second.terms()
    assert sum(value > 0 for value in terms.values()) == sum(w > 0 for w in weights.values())
    for name, value in terms.items():
        assert abs(again[name] - value) <= 1e-10 * value
    value, gradient = first.value_and_gradient()
    other, slopes = second.value_and_gradient()
    assert abs(other / value - 1) < 1e-10
    assert np.abs(slopes - gradient).max() < 1e-10 * np.abs(gradient).max()
    matrix, other = sketched(first, 7), sketched(second, 7)
    assert np.abs(other - matrix).max() < 1e-10 * np.abs(matrix).max()


def test_fits_take_the_same_path(tmp_path):
    """And the saved potential is the same kind of file, which needs no torch."""
    pytest.importorskip("torch")
    reports, saved = [], []
    for device in (None, "cpu"):
        model = potential()
        options = {"max_iterations": 12, "device": device, "progress": False}
        reports.append(
            fitting.fit(model, dataset(), WEIGHTS, test=dataset(seed=5, count=2), **options)
        )
        network = model.terms[1]
        network.save(tmp_path / "network.npz")
        saved.append(models.load(tmp_path / "network.npz"))
        np.testing.assert_array_equal(saved[-1].parameters, network.parameters)
    first, second = reports
    assert first.history[-1, 0] < 0.2 * first.history[0, 0]
    np.testing.assert_allclose(second.history, first.history, rtol=1e-5)
    np.testing.assert_allclose(saved[1].parameters, saved[0].parameters, rtol=1e-3, atol=1e-4)


def test_bad_input():
    pytest.importorskip("torch")
    landau = models.SpinLatticePotential("Fe")
    with pytest.raises(TypeError, match="must be a DescriptorModel with perceptrons, got Spin"):
        fitting.fit(landau, dataset(), WEIGHTS, device="cpu", progress=False)
    with pytest.raises(ValueError, match="device must be 'auto', 'cpu' or 'cuda'"):
        fitting.fit(potential(), dataset(), WEIGHTS, device="tpu", progress=False)
    parts = TrainableParts(potential())
    small = TorchLoss(parts, dataset(), WEIGHTS, device="cpu", memory=1000)
    with pytest.raises(ValueError, match=r"of 5 frames need .* GiB, of 9.31e-07 that are allowed"):
        small.value()
