"""Blocks of sites beside all sites at once, and forms that are put together."""

from dataclasses import fields

import numpy as np
import pytest
from ase.cluster import Octahedron

from ase_mag import models
from ase_mag.bridges.blocks import Blocks
from ase_mag.bridges.joined import JoinedForm
from ase_mag.core import BilinearForm, NeighborList
from ase_mag.core.memory import Memory


@pytest.fixture
def cluster():
    """A model with exchange, tensors and terms of sites; the graph of a cluster; moments."""
    rng = np.random.default_rng(1)
    model = models.named("FeHL-1") + models.DzyaloshinskiiMoriya(
        "Fe", models.cubic(0.01, cutoff=3.5), "bulk"
    )
    atoms = Octahedron("Fe", 6, latticeconstant=3.6)
    atoms.positions += 0.1 * rng.normal(size=atoms.positions.shape)
    pairs = NeighborList(atoms.numbers, False, model.cutoff, skin=0.3)
    return model, pairs.graph(atoms.positions, np.zeros((3, 3))), rng.normal(size=(len(atoms), 3))


@pytest.mark.parametrize("size", [None, 60, 7])
def test_blocks_give_what_all_sites_give(cluster, size):
    model, graph, moments = cluster
    expected = model.evaluate(graph, moments)
    blocks = Blocks(graph.topology, size)
    assert len(blocks.blocks) == (1 if size is None else -(-graph.n_sites // size))
    for _ in range(2):
        blocks.place(graph.positions, np.zeros((3, 3)), None, graph.cutoff)
        fields_of_form = blocks.bilinear(model).evaluate(moments)[1]
        np.testing.assert_allclose(fields_of_form, expected.magforces, rtol=0, atol=1e-13)
    found = blocks.evaluate(model, moments, lattice=True, one_sided=False)
    parts = (expected.energies, expected.virials, expected.forces, expected.magforces)
    for ours, theirs in zip(found, parts, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * np.abs(theirs).max())


def test_joined_form_of_unlike_parts():
    rng = np.random.default_rng(2)
    atoms = np.array([3, 0, 5, 1], dtype=np.intc)
    parts = [
        {"exchange": rng.normal(size=5)},
        {"tensors": rng.normal(size=(5, 3, 3)), "field": rng.normal(size=(2, 3))},
        # Rows of ghosts beyond the two sites.
        {"exchange": rng.normal(size=5), "landau": rng.normal(size=(4, 3))},
    ]
    offsets, neighbors = np.array([0, 3, 5]), np.array([0, 3, 2, 1, 1])
    joined = JoinedForm(6, 1, Memory())
    for part in parts:
        joined.add(BilinearForm(offsets, neighbors, np.zeros(2), **part), atoms)
    form = joined.form()
    assert form.offsets.tolist() == [0, 3, 5, 8, 10, 13, 15]
    assert form.neighbors.tolist() == 3 * [3, 1, 5, 0, 0]
    expected = {
        "exchange": [parts[0]["exchange"], np.zeros(5), parts[2]["exchange"]],
        "tensors": [np.zeros((5, 3, 3)), parts[1]["tensors"], np.zeros((5, 3, 3))],
        "field": [np.zeros((2, 3)), parts[1]["field"], np.zeros((2, 3))],
        "landau": [np.zeros((4, 3)), parts[2]["landau"][:2]],
        "constant": [np.zeros(6)],
    }
    for field in fields(BilinearForm)[2:]:
        values = getattr(form, field.name)
        if field.name in expected:
            np.testing.assert_array_equal(values, np.concatenate(expected[field.name]))
        else:
            assert values is None


def test_memory_of_forms_does_not_grow(cluster):
    model, graph, _ = cluster
    blocks, sizes = Blocks(graph.topology, 60), []
    for scale in np.linspace(1.05, 0.9, 16):
        blocks.place(scale * graph.positions, np.zeros((3, 3)), None, graph.cutoff)
        form = blocks.bilinear(model)
        sizes.append(form.neighbors.base.nbytes)
    # Ever more pairs: room is made twice at most, for a quarter more.
    assert len(set(sizes)) <= 3
