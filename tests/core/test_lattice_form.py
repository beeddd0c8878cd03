"""Forms of perfect crystals against forms with one entry per pair, and against numpy."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models
from ase_mag.core import BilinearForm, LatticeForm, Model, PairGraph, find_lattice, set_threads

IRON = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=6.0))
MIXED = models.Heisenberg(
    ("Fe", "Co"),
    {
        ("Fe", "Fe"): models.cubic(0.1, cutoff=4.2),
        ("Fe", "Co"): models.cubic(-0.3, cutoff=5.1),
        ("Co", "Co"): models.cubic(0.2, cutoff=3.0),
    },
)
ONSITE = (
    models.Zeeman("Fe", (10.0, -5.0, 30.0))
    + models.UniaxialAnisotropy("Fe", 0.01, (1, 2, 1), 2.2)
    + models.CubicAnisotropy("Fe", 0.02, 0.01, 2.2)
    + models.Landau("Fe", -0.15, 0.0192)
)
CASES = {
    "bcc": (bulk("Fe", a=2.8665, cubic=True) * (8, 9, 7), IRON),
    "bcc primitive": (bulk("Fe", a=2.8665) * (9, 8, 11), IRON),
    "hcp": (bulk("Fe", "hcp", a=2.5, c=4.0) * (9, 8, 8), IRON),
    "on-site terms": (bulk("Fe", a=2.8665, cubic=True) * 8, IRON + ONSITE),
    "lattice energy": (bulk("Fe", a=2.8665, cubic=True) * 8, models.named("FeHL-1")),
    "two species": (bulk("FeCo", "cesiumchloride", a=2.85) * (8, 9, 8), MIXED),
    "long rows": (bulk("Fe", a=2.8665, cubic=True) * (6, 6, 300), IRON),
    "film": (bulk("Fe", a=2.8665, cubic=True) * (9, 8, 3), IRON),
}


def example(name):
    """A shuffled crystal, its model and random moments."""
    atoms, model = CASES[name]
    rng = np.random.default_rng(3)
    atoms = atoms[rng.permutation(len(atoms))]
    if name == "film":
        atoms.pbc = (True, True, False)
    return atoms, model, rng.normal(size=(len(atoms), 3))


def form_of(atoms, model):
    lattice = find_lattice(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers)
    return LatticeForm.of(model, lattice)


def pairs_of(atoms, model):
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    return graph, model.bilinear(graph)


@pytest.mark.parametrize("name", CASES)
def test_equals_the_form_with_pairs(name):
    atoms, model, moments = example(name)
    form = form_of(atoms, model)
    _, pairs = pairs_of(atoms, model)
    expected = pairs.evaluate(moments)
    expanded = form.expanded()
    assert form.n_atoms == len(atoms)
    assert form.n_pairs == np.count_nonzero(pairs.exchange) == len(expanded.neighbors)
    for each in (form, form.merged(), expanded, expanded.merged()):
        for value, reference in zip(each.evaluate(moments), expected, strict=True):
            np.testing.assert_allclose(value, reference, rtol=1e-12, atol=1e-12)
    linear = pairs.without_onsite().evaluate(moments)
    for value, reference in zip(form.without_onsite().evaluate(moments), linear, strict=True):
        np.testing.assert_allclose(value, reference, rtol=1e-12, atol=1e-12)
    for term in ("constant", "field", "landau", "quadric", "cubic", "axes"):
        value, reference = getattr(form, term), getattr(pairs, term)
        assert (value is None) == (reference is None)
        if value is not None:
            np.testing.assert_allclose(value, reference, rtol=1e-11, atol=1e-14)


def test_equals_the_sum_in_numpy():
    atoms, model, moments = example("bcc")
    graph, pairs = pairs_of(atoms, model)
    fields = np.zeros_like(moments)
    np.add.at(fields, graph.centers, pairs.exchange[:, None] * moments[graph.neighbors])
    energies, magforces = form_of(atoms, model).evaluate(moments)
    np.testing.assert_allclose(magforces, fields, rtol=0, atol=1e-13)
    np.testing.assert_allclose(energies, -0.5 * (moments * fields).sum(axis=1), rtol=0, atol=1e-13)


def test_threads_do_not_matter():
    atoms, model, moments = example("long rows")
    form, results = form_of(atoms, model), []
    for threads in (1, 2, 3):
        set_threads(threads)
        results.append(np.column_stack(form.evaluate(moments)))
        results.append(np.column_stack(form.expanded().evaluate(moments)))
    set_threads(None)
    for k in (2, 4):
        assert np.array_equal(results[k], results[0])
        assert np.array_equal(results[k + 1], results[1])


def test_a_field_is_added():
    atoms, model, moments = example("on-site terms")
    form = form_of(atoms, model)
    field = np.array([[0.1, 0.2, -0.3], [0.0, 0.5, 0.1]])
    each = np.empty_like(moments)
    for site, value in zip(form.lattice.atoms, field, strict=True):
        each[site.ravel()] = value
    energies, magforces = form.in_field(field).evaluate(moments)
    before = form.evaluate(moments)
    np.testing.assert_allclose(magforces, before[1] + each, rtol=0, atol=1e-12)
    np.testing.assert_allclose(energies, before[0] - (moments * each).sum(axis=1), atol=1e-12)


class OneStrongBond(Model):
    """Exchange of iron, in which the bonds of atom 7 are twice as strong."""

    species, cutoff = ("Fe",), IRON.cutoff

    def bilinear(self, graph):
        exchange = IRON.couplings(graph)[0].copy()
        exchange[(graph.centers == 7) ^ (graph.neighbors == 7)] *= 2
        return BilinearForm.on(graph, exchange=exchange)

    def gradients(self, graph, moments, *, lattice=True):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("model", "n"),
    [
        (OneStrongBond(), 8),
        (IRON + OneStrongBond(), 8),
        (IRON + models.DzyaloshinskiiMoriya("Fe", models.cubic(0.01, cutoff=4.0)), 8),
        (models.Zeeman("Fe", (0, 0, 1.0)), 8),
        (IRON, 4),  # an atom would meet two images of a neighbor
        (IRON, 3),
    ],
    ids=["own numbers", "in a sum", "tensors", "no exchange", "small", "few atoms"],
)
def test_other_models_and_small_crystals_stay_with_pairs(model, n):
    assert form_of(bulk("Fe", a=2.8665, cubic=True) * n, model) is None


def test_models_that_are_homogeneous_stand_for_the_crystal():
    for model in (IRON, MIXED, ONSITE, models.named("FeHL-1"), models.NonMagnetic("Fe")):
        assert model.homogeneous
    assert not OneStrongBond().homogeneous
    assert not (IRON + OneStrongBond()).homogeneous


def test_a_subclass_has_to_promise_for_itself():
    class Disordered(models.Heisenberg):
        """Its couplings may depend on the numbers of the atoms."""

    assert models.Heisenberg.homogeneous and not Disordered.homogeneous
    atoms = bulk("Fe", cubic=True) * (12, 12, 12)
    lattice = find_lattice(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers)
    for kind, found in ((models.Heisenberg, True), (Disordered, False)):
        model = kind("Fe", models.cubic(0.02, cutoff=6.0))
        assert (LatticeForm.of(model, lattice) is not None) == found
