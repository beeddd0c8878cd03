"""Sums of models, species, and bad input of evaluate."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models
from ase_mag.core import Gradients, Model, PairGraph, Sum


class Counting(Model):
    """E = sum_i c m_i^2."""

    def __init__(self, species=("Fe",), cutoff=3.0, c=1.0):
        self.species, self.cutoff, self.c = species, cutoff, c

    def gradients(self, graph, moments, *, lattice=True):
        return Gradients(self.c * (moments**2).sum(axis=1), 2 * self.c * moments)


def graph_of(atoms, cutoff):
    return PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)


def test_sum():
    a, b, c = Counting(), Counting(("Co", "Fe"), 4.0, 2.0), Counting(("Al",), 0.0, 3.0)
    total = a + b + c
    assert total.terms == (a, b, c)
    assert (a + (b + c)).terms == (a, b, c)
    assert total.species == ("Fe", "Co", "Al")
    assert total.cutoff == 4.0
    assert total.numbers == (26, 27, 13)
    atoms = bulk("Fe", cubic=True)
    response = total.evaluate(graph_of(atoms, 4.0), np.ones((2, 3)))
    np.testing.assert_allclose(response.energies, [18.0, 18.0])
    np.testing.assert_allclose(response.magforces, -12 * np.ones((2, 3)))
    np.testing.assert_array_equal(response.forces, np.zeros((2, 3)))
    assert total.bilinear(graph_of(atoms, 4.0)) is None
    assert "Counting(Al; cutoff 0 angstrom)" in repr(total)


def test_a_sum_with_its_own_class_stays_one_term():
    named = models.named("FeHL-1")
    total = named + models.Zeeman("Fe", (0, 0, 10.0))
    assert total.terms[0] is named
    assert "synthetic" in repr(total)


def test_in_place_addition_makes_a_new_model():
    first = Counting()
    total = first
    total += Counting()
    assert type(total) is Sum
    assert total is not first


def test_what_cannot_be_added():
    with pytest.raises(TypeError, match="unsupported operand"):
        Counting() + 1.0
    with pytest.raises(ValueError, match="at least one term"):
        Sum([])


def test_bad_input_of_evaluate():
    graph = graph_of(bulk("Fe", cubic=True), 2.9)
    message = r"pairs up to 2.9 angstrom, but the model reaches to 3: build it with cutoff"
    with pytest.raises(ValueError, match=message):
        Counting().evaluate(graph, np.zeros((2, 3)))
    graph = graph_of(bulk("Fe", cubic=True), 3.0)
    for moments in (np.zeros((3, 3)), np.zeros(2), np.zeros((2, 2))):
        with pytest.raises(ValueError, match=r"moments must have shape \(2, 3\), got"):
            Counting().evaluate(graph, moments)


def test_moments_of_other_types_are_converted():
    graph = graph_of(bulk("Fe", cubic=True), 3.0)
    moments = np.asfortranarray(np.arange(6).reshape(2, 3))
    assert Counting().evaluate(graph, moments).energies.tolist() == [5.0, 50.0]


def test_species():
    total = Counting() + Counting(("Co",))
    total.check_species([26, 27, 26])
    with pytest.raises(ValueError, match=r"holds O, Al, but the model describes only Fe, Co: add"):
        total.check_species([26, 8, 13])
    with pytest.raises(ValueError, match=r"models.NonMagnetic\('O'\) declares a species"):
        total.check_species([8])
    assert total.kinds(graph_of(bulk("Co", "fcc", a=3.5), 2.0)).tolist() == [1]


def test_a_model_that_cannot_be_saved(tmp_path):
    with pytest.raises(TypeError, match="cannot be saved"):
        Counting().save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []
