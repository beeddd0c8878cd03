"""Pair functions on frozen graphs: the same numbers in less memory."""

import tracemalloc

import numpy as np
import pytest
from ase.build import bulk

from ase_mag.core import ModelSurface, NeighborList, State, set_moments
from ase_mag.models import Heisenberg, Zeeman, bethe_slater, cubic, pair_functions


def rattled(cells):
    atoms = bulk("Fe", a=2.8665, cubic=True) * cells
    atoms.rattle(0.05, seed=1)
    set_moments(atoms, 2.2)
    return atoms


def graphs(atoms, cutoff):
    """A graph that keeps everything and a frozen one, of the same pairs."""
    arguments = (atoms.positions, atoms.cell.array)
    moving, frozen = (NeighborList(atoms.numbers, True, cutoff).graph(*arguments) for _ in "ab")
    moving.frozen = False
    assert frozen.frozen
    return moving, frozen


@pytest.mark.parametrize("piece", [1, 7, 100, 16384])
def test_values_of_a_frozen_graph_are_the_same(monkeypatch, piece):
    monkeypatch.setattr(pair_functions, "_PIECE", piece)
    model = Heisenberg("Fe", bethe_slater(0.03, 0.2, 1.8, cutoff=4.9))
    moving, frozen = graphs(rattled((3, 3, 4)), 5.2)
    expected = model.couplings(moving)[0]
    values, slopes = model.couplings(frozen, lattice=False)
    assert slopes is None and "distances" not in vars(frozen)
    np.testing.assert_array_equal(values, expected)
    # Forces of a frozen graph are those of the other one.
    moments = np.random.default_rng(2).normal(size=(72, 3))
    a, b = model.evaluate(moving, moments), model.evaluate(frozen, moments)
    np.testing.assert_array_equal(a.forces, b.forces)
    np.testing.assert_array_equal(a.magforces, b.magforces)
    assert model.couplings(frozen, lattice=False)[0] is model.couplings(frozen)[0]


def test_form_of_a_frozen_surface_equals_the_merged_one():
    atoms = rattled((4, 4, 5))
    model = Heisenberg("Fe", cubic(0.19, cutoff=3.8)) + Zeeman("Fe", (0, 0, 5.0))
    state = State.from_atoms(atoms)
    frozen = ModelSurface(model, atoms.numbers, atoms.pbc, skin=0.0)
    form = frozen.form(state)
    assert form.neighbors is frozen.graph(state).neighbors  # not a copy
    merged = ModelSurface(model, atoms.numbers, atoms.pbc, skin=0.4).form(state)
    np.testing.assert_array_equal(form.offsets, merged.offsets)
    np.testing.assert_array_equal(form.neighbors, merged.neighbors)
    np.testing.assert_allclose(form.exchange, merged.exchange, rtol=0, atol=1e-15)
    # A small cell has several images of one neighbor, which do need merging.
    small = rattled((2, 2, 2))
    surface = ModelSurface(model, small.numbers, small.pbc, skin=0.0)
    form = surface.form(State.from_atoms(small))
    assert len(form.neighbors) < surface.graph(State.from_atoms(small)).n_pairs


def test_memory_of_a_frozen_surface():
    """Neighbor, translation and J are kept: 16 bytes per pair; the search (matscipy) needs 33."""
    atoms = rattled((16, 16, 16))
    state = State.from_atoms(atoms)
    model = Heisenberg("Fe", cubic(0.19, cutoff=6.1))
    surface = ModelSurface(model, atoms.numbers, atoms.pbc, skin=0.0)
    tracemalloc.start()
    form = surface.form(state)
    kept, peak = (value / len(atoms) for value in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    pairs = len(form.neighbors) / len(atoms)
    assert 60 < pairs < 70
    assert kept < 16 * pairs + 250
    assert peak < 33 * pairs + 450
