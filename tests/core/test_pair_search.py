"""The pair search against matscipy and its limits; brute force is in test_graph.py."""

import matscipy.neighbours
import numpy as np
import pytest
from ase.build import bulk

from ase_mag import _kernels
from ase_mag.core import pair_search
from ase_mag.core.pair_search import search_pairs

SHEARED = np.array([[11.5, 0.3, -0.4], [1.3, 9.9, 0.6], [-2.1, 3.9, 14.2]])


def as_rows(offsets, neighbors, translations, translation):
    centers = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.column_stack([centers, neighbors, translations[translation]])


@pytest.mark.parametrize("cutoff", [0.9, 2.6, 5.3, 17.0])
@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True), (False, False, True)])
def test_equals_matscipy(cutoff, pbc):
    rng = np.random.default_rng(1)
    positions = rng.uniform(size=(140, 3)) @ SHEARED
    # Periodic directions: atoms anywhere, far outside of the cell too.
    positions += (rng.integers(-4, 5, size=(140, 3)) * pbc) @ SHEARED
    expected = np.column_stack(
        matscipy.neighbours.neighbour_list(
            "ijS", positions=positions, cell=SHEARED, pbc=pbc, numbers=[1] * 140, cutoff=cutoff
        )
    )
    expected = expected[np.lexsort(expected.T[::-1])]
    assert len(expected) > 10
    rows = as_rows(*search_pairs(positions, SHEARED, np.array(pbc), cutoff))
    np.testing.assert_array_equal(rows, expected)


def test_atoms_on_the_borders_of_bins_and_cells():
    # Perfect crystals have atoms exactly on borders, some of which round to the other side.
    atoms = bulk("Fe", a=2.8665, cubic=True) * (5, 4, 6)
    for shift in (0.0, -1e-17, 1e-16, 2.8665, -3 * 2.8665):
        rows = search_pairs(atoms.positions + shift, atoms.cell.array, np.ones(3, bool), 4.9)
        assert (np.diff(rows[0]) == 50).all()


def test_empty_space_costs_no_memory():
    box = np.diag([1e5, 1e5, 1e5])
    positions = np.array([[0.0, 0, 0], [1.0, 0, 0], [99999.5, 0, 0], [5e4, 5e4, 5e4]])
    rows = as_rows(*search_pairs(positions, box, np.ones(3, bool), 1.8))
    assert rows.tolist() == [
        [0, 1, 0, 0, 0],
        [0, 2, -1, 0, 0],
        [1, 0, 0, 0, 0],
        [1, 2, -1, 0, 0],
        [2, 0, 1, 0, 0],
        [2, 1, 1, 0, 0],
    ]


def test_arrays_are_small_and_limits_are_errors():
    positions = np.array([[0.0, 0, 0], [1.2, 0, 0]])
    for array in search_pairs(positions, 2.5 * np.eye(3), np.ones(3, bool), 3.0):
        assert array.dtype == np.intc
    positions[1] = 1e6
    with pytest.raises(ValueError, match=r"400000 cell vectors apart.*atoms.wrap"):
        search_pairs(positions, 2.5 * np.eye(3), np.ones(3, bool), 3.0)


def test_more_pairs_than_int32_can_number(monkeypatch):
    class Kernels:
        graph = _kernels.graph

        class neighbors:
            def count(*arguments):
                arguments[-2][:] = 2**30

    monkeypatch.setattr(pair_search, "_kernels", Kernels)
    with pytest.raises(ValueError, match=r"2 atoms have 2147483648 neighbor pairs.*2147483647"):
        search_pairs(np.zeros((2, 3)), np.eye(3), np.ones(3, bool), 3.0)
