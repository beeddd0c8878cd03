"""Descriptors side by side."""

import numpy as np
import pytest

from ase_mag import testing
from ase_mag.core import storage
from ase_mag.descriptors import ExchangeDensityDescriptor, InvariantDescriptor, JointDescriptor
from ase_mag.testing.structures import Structure


def joint():
    exchange = ExchangeDensityDescriptor("Fe", 4.0, n_radial=3, l_max=2)
    return JointDescriptor([exchange, InvariantDescriptor("Fe", cutoff=4.5, n_radial=3, powers=1)])


def test_contract():
    testing.check_descriptor(joint())


def test_features_are_those_of_the_parts(tmp_path):
    descriptor = joint()
    structure = Structure.of(testing.example(("Fe",), 3))
    graph = structure.graph(descriptor)
    features = descriptor.forward(graph, structure.moments)
    assert descriptor.n_features == features.shape[1] == 9 + descriptor.parts[1].n_features
    np.testing.assert_array_equal(
        features[:, :9], descriptor.parts[0].forward(graph, structure.moments)
    )
    storage.save(descriptor, tmp_path / "d.npz")
    loaded = storage.load(tmp_path / "d.npz")[0]
    np.testing.assert_array_equal(loaded.forward(graph, structure.moments), features)


def test_bad_input():
    with pytest.raises(ValueError, match="needs at least one descriptor"):
        JointDescriptor([])
    parts = [ExchangeDensityDescriptor(s, 4.0, 3, 1) for s in ("Fe", "Co")]
    with pytest.raises(ValueError, match="same species in the same order, got Fe and Co"):
        JointDescriptor(parts)
