"""FeHL-1 against its formula, and the reference state against the model it is made of."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models, testing
from ase_mag.core import PairGraph, storage
from ase_mag.models import FeHL1, Heisenberg, Landau, ReferenceState
from ase_mag.models.radial_forms import cubic


def graph_of(atoms, model):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )


def rattled(seed=0, scale=0.15):
    atoms = bulk("Fe", a=2.87, cubic=True) * (3, 3, 3)
    atoms.positions += np.random.default_rng(seed).normal(scale=scale, size=(54, 3))
    return atoms


def test_contract():
    testing.check_model(FeHL1())


def test_energy_equals_the_formula():
    model, lattice, m0 = FeHL1(), models.mendelev_2003(), 2.2
    atoms = rattled()
    moments = np.random.default_rng(1).normal(scale=1.3, size=(54, 3))
    graph = graph_of(atoms, model)
    r = graph.distances
    psi = sum(
        c * np.clip(radius - r, 0, None) ** 3
        for radius, c in [
            (2.4, 11.686859407970),
            (3.2, -0.014710740098830),
            (4.2, 0.47193527075943),
        ]
    )
    x = np.bincount(graph.centers, weights=psi, minlength=54) - 25.35187
    a = -0.150 + 0.0060 * x - 2e-5 * x**2
    b = 0.0192 + 0.0004 * x
    j = 0.191248 * np.clip(1 - r / 3.75, 0, None) ** 3
    product = (moments[graph.centers] * moments[graph.neighbors]).sum(axis=1)
    pairs = np.bincount(graph.centers, weights=0.5 * j * (m0**2 - product), minlength=54)
    m2 = (moments**2).sum(axis=1)
    expected = lattice.evaluate(graph, moments).energies + pairs
    expected += a * (m2 - m0**2) + b * (m2**2 - m0**4)
    result = model.evaluate(graph, moments)
    np.testing.assert_allclose(result.energies, expected, rtol=1e-13, atol=1e-12)
    field = -(2 * a + 4 * b * m2)[:, None] * moments
    np.add.at(field, graph.centers, j[:, None] * moments[graph.neighbors])
    np.testing.assert_allclose(result.magforces, field, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("direction", [(0, 0, 1), (1, 2, -2)])
def test_ferromagnet_of_reference_moments_is_the_embedded_atom(direction):
    model, lattice = FeHL1(), models.mendelev_2003()
    atoms = rattled(seed=3)
    moments = np.tile(2.2 * np.array(direction) / np.linalg.norm(direction), (54, 1))
    ours = model.evaluate(graph_of(atoms, model), moments)
    expected = lattice.evaluate(graph_of(atoms, lattice), moments)
    np.testing.assert_allclose(ours.energies, expected.energies, rtol=0, atol=2e-14)
    np.testing.assert_allclose(ours.forces, expected.forces, rtol=0, atol=2e-13)
    np.testing.assert_allclose(ours.virials, expected.virials, rtol=0, atol=2e-13)


def test_says_that_it_is_synthetic():
    assert "synthetic" in repr(FeHL1())
    assert "SYNTHETIC" in FeHL1.__doc__
    assert "NOT DFT" in FeHL1.__doc__


def test_one_density_for_lattice_and_landau_terms():
    model = FeHL1()
    graph = graph_of(rattled(), model)
    model.evaluate(graph, np.ones((54, 3)))
    sums = [key for key in graph.cache if key[0] == "sums of pair functions"]
    assert len(sums) == 2  # rho and V


def test_saved_and_added(tmp_path):
    model = FeHL1()
    model.save(tmp_path / "fehl1.npz")
    loaded, _ = storage.load(tmp_path / "fehl1.npz")
    assert type(loaded) is FeHL1
    # As a part of a sum it is saved term by term.
    total = model + models.Zeeman("Fe", (0, 0, 10.0))
    total.save(tmp_path / "total.npz")
    total_loaded, _ = storage.load(tmp_path / "total.npz")
    graph = graph_of(rattled(), model)
    moments = np.random.default_rng(4).normal(size=(54, 3))
    for a, b in ((model, loaded), (total, total_loaded)):
        a, b = a.evaluate(graph, moments), b.evaluate(graph, moments)
        assert (a.energies == b.energies).all()
        assert (a.forces == b.forces).all()
        assert (a.magforces == b.magforces).all()


def test_reference_state():
    magnetic = Heisenberg("Fe", cubic(0.2, 3.5)) + Landau("Fe", a=-0.1, b=0.02)
    reference = ReferenceState(magnetic, 1.7)
    testing.check_model(reference)
    atoms = rattled()
    graph = graph_of(atoms, reference)
    ferromagnetic = np.tile([0, 0, 1.7], (54, 1))
    ours = reference.evaluate(graph, np.random.default_rng(0).normal(size=(54, 3)))
    expected = magnetic.evaluate(graph, ferromagnetic)
    np.testing.assert_array_equal(ours.energies, -expected.energies)
    np.testing.assert_array_equal(ours.forces, -expected.forces)
    assert (ours.magforces == 0).all()
    for moment in (np.nan, -1.0):
        with pytest.raises(ValueError, match="must be finite and not negative, got"):
            ReferenceState(magnetic, moment)
