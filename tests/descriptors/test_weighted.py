"""Weighted features, and the weights that stand for another spin width."""

import numpy as np
import pytest

from ase_mag import testing
from ase_mag.core import storage
from ase_mag.descriptors import (
    DipoleDensityDescriptor,
    ExchangeDensityDescriptor,
    ThreeBodyExchangeDescriptor,
    WeightedDescriptor,
)
from ase_mag.testing.structures import Structure

SPECIES = ("Fe", "Co")
KINDS = {
    "exchange": lambda width: ExchangeDensityDescriptor(SPECIES, 4.0, 3, 4, spin_width=width),
    "dipole": lambda width: DipoleDensityDescriptor(SPECIES, 4.0, 3, 2, spin_width=width),
    "three-body": lambda width: ThreeBodyExchangeDescriptor(
        SPECIES, 4.0, 2, 2, coupled=False, spin_width=width
    ),
}


def evened(kind, width):
    descriptor = KINDS[kind](width)
    return WeightedDescriptor(descriptor, descriptor.spin_ratios(1.0))


@pytest.mark.parametrize("width", [1e-3, 30.0, 1e3])
def test_contract(width):
    """Adjointness and derivatives at the ends of the range, where a_l^2 are 1e-60 apart."""
    testing.check_descriptor(evened("exchange", width))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [0.2, 7.0, 1e3])
def test_ratios_are_those_of_features_of_two_spin_widths(kind, width):
    """Features times the ratios: those of a descriptor that was made with the other width."""
    structure = Structure.of(testing.example(SPECIES, 3))
    descriptor, expected = evened(kind, width), KINDS[kind](1.0)
    graph = structure.graph(descriptor)
    features = expected.forward(graph, structure.moments)
    found = descriptor.forward(graph, structure.moments)
    np.testing.assert_allclose(found, features, rtol=1e-11, atol=1e-12 * np.abs(features).max())
    cotangents = np.random.default_rng(0).normal(size=features.shape)
    for part in ("moments", "radial", "pairs"):
        a, b = (
            getattr(each.vjp(graph, structure.moments, cotangents), part)
            for each in (descriptor, expected)
        )
        if b is not None:
            np.testing.assert_allclose(a, b, atol=1e-11 * np.abs(b).max())


def test_saved_and_loaded(tmp_path):
    descriptor = evened("exchange", 5.0)
    storage.save(descriptor, tmp_path / "d.npz")
    loaded = storage.load(tmp_path / "d.npz")[0]
    structure = Structure.of(testing.example(SPECIES, 3))
    graph = structure.graph(descriptor)
    np.testing.assert_array_equal(
        loaded.forward(graph, structure.moments), descriptor.forward(graph, structure.moments)
    )


def test_bad_input():
    descriptor = ExchangeDensityDescriptor("Fe", 4.0, 2, 1)
    with pytest.raises(ValueError, match=r"must have the shape \(4,\), got \(3,\)"):
        WeightedDescriptor(descriptor, np.ones(3))
    with pytest.raises(ValueError, match="must be positive and finite"):
        WeightedDescriptor(descriptor, [1.0, 1.0, 0.0, 1.0])
