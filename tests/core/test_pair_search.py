"""The pair search; brute force over images is in test_graph.py."""

import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import primitive_neighbor_list

from ase_mag.core import pair_search
from ase_mag.core.pair_search import PairSearch, search_pairs

SHEARED = np.array([[11.5, 0.3, -0.4], [1.3, 9.9, 0.6], [-2.1, 3.9, 14.2]])


def as_rows(offsets, neighbors, translations, translation):
    centers = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.column_stack([centers, neighbors, translations[translation]])


def ordered(rows):
    return rows[np.lexsort(rows.T[::-1])]


@pytest.mark.parametrize("cutoff", [0.9, 2.6, 5.3, 13.0])
@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, False, True)])
def test_equals_the_list_of_ase(cutoff, pbc):
    rng = np.random.default_rng(1)
    positions = rng.uniform(size=(60, 3)) @ SHEARED
    # Periodic directions: atoms anywhere, far outside of the cell too.
    positions += (rng.integers(-4, 5, size=(60, 3)) * pbc) @ SHEARED
    expected = np.column_stack(primitive_neighbor_list("ijS", pbc, SHEARED, positions, cutoff))
    rows = as_rows(*search_pairs(positions, SHEARED, np.array(pbc), cutoff))
    assert (np.diff(rows[:, 0]) >= 0).all()
    same = rows[1:, 0] == rows[:-1, 0]
    assert (np.diff(rows[:, 1])[same] >= 0).all()
    np.testing.assert_array_equal(ordered(rows), ordered(expected))


def test_atoms_on_the_borders_of_cells():
    # Perfect crystals have atoms exactly on borders, some of which round to the other side.
    atoms = bulk("Fe", a=2.8665, cubic=True) * (5, 4, 6)
    for shift in (0.0, -1e-17, 1e-16, 2.8665, -3 * 2.8665):
        rows = search_pairs(atoms.positions + shift, atoms.cell.array, np.ones(3, bool), 4.9)
        assert (np.diff(rows[0]) == 50).all()


def test_arrays_are_small():
    positions = np.array([[0.0, 0, 0], [1.2, 0, 0]])
    for array in search_pairs(positions, 2.5 * np.eye(3), np.ones(3, bool), 3.0):
        assert array.dtype == np.intc
    # Cells far apart.
    positions[1] += 2.5 * 400_000
    near = search_pairs(np.zeros((1, 3)), 2.5 * np.eye(3), np.ones(3, bool), 3.0)
    far = search_pairs(positions, 2.5 * np.eye(3), np.ones(3, bool), 3.0)
    assert np.diff(far[0])[0] == np.diff(near[0])[0] + (far[1][: far[0][1]] == 1).sum()
    vectors = (
        positions[far[1]] + 2.5 * far[2][far[3]] - positions[np.repeat([0, 1], np.diff(far[0]))]
    )
    assert (np.linalg.norm(vectors, axis=1) < 3.0).all()


@pytest.fixture
def searches(monkeypatch):
    calls = []

    def counted(*arguments):
        calls.append(1)
        return search_pairs(*arguments)

    monkeypatch.setattr(pair_search, "search_pairs", counted)
    return calls


@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True)])
def test_pairs_of_moving_atoms_are_those_of_new_searches(pbc, searches):
    rng = np.random.default_rng(2)
    pbc, cell = np.array(pbc), SHEARED.copy()
    positions = rng.uniform(size=(60, 3)) @ cell
    moving = PairSearch(pbc, 4.4, room=1.0)
    for step in range(12):
        rows = as_rows(*moving.pairs(positions, cell))
        fresh = as_rows(*PairSearch(pbc, 4.4, room=0.0).pairs(positions, cell))
        np.testing.assert_array_equal(ordered(rows), ordered(fresh))
        positions += rng.uniform(-0.12, 0.12, size=positions.shape)
        if step > 6:
            strain = np.eye(3) + rng.uniform(-0.01, 0.01, size=(3, 3))
            positions, cell = positions @ strain, cell @ strain
    # 12 of the fresh ones, and few of the moving one.
    assert 2 <= len(searches) - 12 <= 5


def test_no_pair_is_missing_just_before_a_new_list(searches):
    """Two atoms approach from the edge of the list; a third turns up from outside of it."""
    cell, pbc = 40.0 * np.eye(3), np.ones(3, bool)
    moving = PairSearch(pbc, 4.0, room=1.0)
    for shift in np.linspace(0.0, 3.0, 61):
        positions = np.array([[1.0 + shift, 0, 0], [10.5 - shift, 0, 0], [5.0, 9.0 - shift, 0]])
        found = len(moving.pairs(positions, cell)[1])
        apart = np.linalg.norm(positions[:, None] - positions, axis=2)[np.triu_indices(3, 1)]
        assert found == 2 * (apart < 4.0).sum()
    assert found > 0
    assert 5 <= len(searches) <= 7


def test_state_repeats_the_order_of_the_pairs():
    rng = np.random.default_rng(3)
    cell, pbc = 3.1 * np.eye(3), np.ones(3, bool)
    first, second = (PairSearch(pbc, 4.0, room=1.0) for _ in range(2))
    start = rng.uniform(size=(2, 3)) @ cell
    first.pairs(start, cell)
    second.set_state(first.get_state())
    moved = start + rng.uniform(-0.2, 0.2, size=start.shape)
    for a, b in zip(first.pairs(moved, cell), second.pairs(moved, cell), strict=True):
        np.testing.assert_array_equal(a, b)
