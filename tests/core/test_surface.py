"""Surfaces keep what did not change."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT

from ase_mag import MagneticCalculator, models, set_moments
from ase_mag.core import (
    BilinearForm,
    CalculatorSurface,
    Gradients,
    Model,
    ModelSurface,
    State,
)


class Counting(Model):
    """E = -1/2 sum_ij (1 - r/3)^2 M_i.M_j, with counters of what is computed."""

    species = ("Fe",)
    cutoff = 3.0

    def __init__(self, bilinear=True):
        self.calls, self.geometries, self.forms, self.is_bilinear = [], 0, 0, bilinear

    def coupling(self, graph):
        self.geometries += 1
        return np.maximum(1 - graph.distances / 3.0, 0.0) ** 2

    def gradients(self, graph, moments, *, lattice=True):
        self.calls.append(lattice)
        j = graph.cached(self, lambda: self.coupling(graph))
        energies, magforces = BilinearForm.on(graph, exchange=j).evaluate(moments)
        return Gradients(energies, -magforces, np.zeros((graph.n_pairs, 3)) if lattice else None)

    def bilinear(self, graph):
        self.forms += 1
        return BilinearForm.on(graph, exchange=np.ones(graph.n_pairs)) if self.is_bilinear else None


def example(skin=0.5, bilinear=True):
    atoms = bulk("Fe", cubic=True) * 2
    set_moments(atoms, np.random.default_rng(0).normal(size=(16, 3)))
    model = Counting(bilinear)
    return model, State.from_atoms(atoms), ModelSurface(model, atoms.numbers, atoms.pbc, skin)


def test_nothing_changed_nothing_computed():
    model, state, surface = example()
    first = surface.response(state)
    assert surface.response(state) is first
    assert surface.response(state, lattice=False) is first
    assert (model.calls, model.geometries, surface.neighbor_list.n_searches) == ([True], 1, 1)


def test_moments_reuse_the_geometry():
    model, state, surface = example()
    surface.response(state)
    graph = surface.graph(state)
    for _ in range(5):
        state.moments *= 1.1
        state.moments_changed()
        surface.response(state, lattice=False)
    assert surface.graph(state) is graph
    assert model.geometries == surface.neighbor_list.n_searches == 1
    assert model.calls == [True] + 5 * [False]


def test_forces_after_energies():
    model, state, surface = example()
    assert surface.response(state, lattice=False).forces is None
    assert surface.response(state).forces is not None
    assert surface.response(state, lattice=False).forces is not None
    assert model.calls == [False, True]


def test_small_displacements_reuse_the_pairs():
    model, state, surface = example(skin=0.5)
    for total, searches in ((0.0, 1), (0.2, 1), (0.24, 1), (0.26, 2), (0.4, 2), (0.52, 3)):
        moved = State.from_atoms(bulk("Fe", cubic=True) * 2)
        state.positions[3, 0] = moved.positions[3, 0] + total
        state.geometry_changed()
        surface.response(state)
        assert surface.neighbor_list.n_searches == searches
    assert model.geometries == len(model.calls) == 6


def test_another_state():
    model, state, surface = example()
    surface.response(state)
    atoms = bulk("Fe", cubic=True) * 2
    set_moments(atoms, 1.0)
    other = State.from_atoms(atoms)
    assert other.version == state.version
    energy = surface.response(other).energy
    assert energy == ModelSurface(model, atoms.numbers, atoms.pbc).response(other).energy
    assert surface.response(state).energy != energy


def test_form_is_merged_and_kept():
    model, state, surface = example()
    form = surface.form(state)
    state.moments_changed()
    assert surface.form(state) is form
    assert model.forms == 1
    # 2 x 2 x 2 cells: 8 nearest neighbors, and 3 second ones that are each reached twice.
    assert set(np.diff(form.offsets).tolist()) == {11}
    state.geometry_changed()
    assert surface.form(state) is not form
    assert model.forms == 2
    model, state, surface = example(bilinear=False)
    assert surface.form(state) is None
    assert surface.form(state) is None
    assert model.forms == 1


def test_unknown_species():
    with pytest.raises(ValueError, match="the structure holds Al, but the model describes only Fe"):
        ModelSurface(Counting(), [26, 13], True)


class Collinear(Calculator):
    """A calculator with energy and free energy, and a count of calculations."""

    implemented_properties = ("energy", "free_energy", "forces", "magforces")
    count = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.count += 1
        n = len(atoms)
        self.results = {
            "energy": 1.0,
            "free_energy": 2.0,
            "forces": np.full((n, 3), 3.0),
            "magforces": atoms.get_initial_magnetic_moments() * 4.0,
        }


def test_calculator_surface():
    atoms = Atoms("Fe2", positions=[[0, 0, 0], [2, 0, 0]], cell=9 * np.eye(3))
    set_moments(atoms, 1.5)
    atoms.calc = Collinear()
    state = State.from_atoms(atoms)
    surface = CalculatorSurface(atoms)
    response = surface.response(state)
    assert response.energy == 2.0
    np.testing.assert_array_equal(response.forces, np.full((2, 3), 3.0))
    np.testing.assert_array_equal(response.magforces, 4 * state.moments)
    assert surface.form(state) is None
    assert surface.response(state) is response
    state.moments[0] = [1.0, 2.0, 3.0]
    state.moments_changed()
    np.testing.assert_array_equal(surface.response(state).magforces[0], [4.0, 8.0, 12.0])
    assert atoms.calc.count == 2
    np.testing.assert_array_equal(atoms.get_initial_magnetic_moments(), state.moments)


def test_calculator_surface_equals_the_model_surface():
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    set_moments(atoms, np.random.default_rng(0).normal(size=(16, 3)))
    model = models.named("FeHL-1")
    state = State.from_atoms(atoms)
    atoms.calc = MagneticCalculator(model)
    through_ase = CalculatorSurface(atoms).response(state)
    direct = ModelSurface(model, atoms.numbers, atoms.pbc).response(state)
    assert through_ase.energy == pytest.approx(direct.energy, abs=1e-12)
    np.testing.assert_allclose(through_ase.forces, direct.forces, rtol=0, atol=1e-14)
    np.testing.assert_allclose(through_ase.magforces, direct.magforces, rtol=0, atol=1e-14)


def test_calculator_without_magforces():
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    response = CalculatorSurface(atoms).response(State.from_atoms(atoms))
    np.testing.assert_array_equal(response.magforces, np.zeros((4, 3)))
    assert response.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)


def test_no_calculator():
    with pytest.raises(ValueError, match=r"atoms have no calculator: set atoms\.calc"):
        CalculatorSurface(bulk("Fe"))
