"""Neighbor pairs against brute force over periodic images."""

from itertools import pairwise

import numpy as np
import pytest
from ase.build import bulk, fcc100, molecule

from ase_mag import _kernels
from ase_mag.core import NeighborList, PairGraph, Topology

TRICLINIC = np.array([[4.1, 0.2, -0.3], [1.7, 3.6, 0.4], [-1.1, 0.9, 3.9]])


def brute_force(positions, cell, pbc, cutoff, reach=9):
    """All (i, j, vector) below the cutoff, over images up to ``reach`` in periodic directions."""
    ranges = [range(-reach, reach + 1) if p else (0,) for p in pbc]
    shifts = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
    found = []
    for i, j in np.ndindex(len(positions), len(positions)):
        vectors = positions[j] - positions[i] + shifts @ cell
        distances = np.linalg.norm(vectors, axis=1)
        keep = distances < cutoff
        if i == j:
            keep &= shifts.any(axis=1)
        found += [(i, j, *v) for v in vectors[keep]]
    return np.array(sorted(found, key=rounded)).reshape(-1, 5)


def rounded(row):
    return (row[0], row[1], *np.round(row[2:], 6))


def listed(graph):
    keep = graph.distances < graph.cutoff
    rows = np.column_stack([graph.centers, graph.neighbors, graph.vectors])[keep]
    return np.array(sorted(map(tuple, rows), key=rounded)).reshape(-1, 5)


def structures():
    rng = np.random.default_rng(5)
    box = np.diag([3.1, 4.2, 5.3])
    inside = rng.uniform(size=(5, 3))
    slab = fcc100("Cu", (2, 2, 3), vacuum=4.0, a=3.6)
    water = molecule("H2O")
    wire = TRICLINIC.copy()
    wire[1] = wire[2] = 0
    return {
        "triclinic": (inside @ TRICLINIC, TRICLINIC, (True, True, True)),
        "far outside the cell": (
            inside @ TRICLINIC + rng.integers(-3, 4, size=(5, 3)) @ TRICLINIC,
            TRICLINIC,
            (True, True, True),
        ),
        "left-handed cell": (inside @ TRICLINIC[[1, 0, 2]], TRICLINIC[[1, 0, 2]], (True,) * 3),
        "one atom, self-images": (np.zeros((1, 3)), bulk("Fe", a=2.87).cell.array, (True,) * 3),
        "two atoms in a tiny cell": (
            np.array([[0.0, 0, 0], [1.2, 1.1, 1.4]]),
            np.diag([2.5, 2.6, 2.7]),
            (True,) * 3,
        ),
        "periodic in x": (inside @ box, box, (True, False, False)),
        "periodic in y and z": (inside @ TRICLINIC, TRICLINIC, (False, True, True)),
        "periodic in x and z, atoms outside": (
            inside @ TRICLINIC * 3 - 5,
            TRICLINIC,
            (True, False, True),
        ),
        "wire without other cell vectors": (inside @ TRICLINIC, wire, (True, False, False)),
        "slab": (slab.positions, slab.cell.array, slab.pbc),
        "molecule without a cell": (water.positions, np.zeros((3, 3)), (False,) * 3),
        "cluster in a cell": (inside @ box * 1.5, box, (False,) * 3),
    }


@pytest.mark.parametrize("skin", [0.0, 0.6])
@pytest.mark.parametrize("name", structures())
def test_pairs_equal_brute_force(name, skin):
    positions, cell, pbc = structures()[name]
    cutoff = 5.1
    numbers = np.full(len(positions), 26)
    graph = NeighborList(numbers, pbc, cutoff, skin).graph(positions, cell)
    expected = brute_force(positions, cell, pbc, cutoff)
    actual = listed(graph)
    assert len(actual) == len(expected) > 0
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)


def test_number_of_neighbors_in_bcc_iron():
    atoms = bulk("Fe", a=2.8665)
    for cutoff, count in ((2.6, 8), (3.0, 14), (4.1, 26), (4.8, 50), (5.3, 58)):
        graph = PairGraph.build(atoms.positions, atoms.cell.array, True, [26], cutoff)
        assert graph.n_pairs == count


def test_arrays_of_a_graph():
    atoms = bulk("Fe", a=2.87, cubic=True)
    atoms.rattle(0.1, seed=1)
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.0)
    topology = graph.topology
    assert graph.n_atoms == graph.n_sites == 2
    assert graph.offsets.tolist() == [0, (topology.centers == 0).sum(), graph.n_pairs]
    assert (np.diff(graph.centers) >= 0).all()
    vectors = (
        atoms.positions[graph.neighbors]
        + topology.shifts @ atoms.cell.array
        - atoms.positions[graph.centers]
    )
    np.testing.assert_allclose(graph.vectors, vectors, rtol=0, atol=1e-14)
    np.testing.assert_allclose(graph.distances, np.linalg.norm(vectors, axis=1), rtol=1e-14)
    assert graph.volume == pytest.approx(2.87**3, rel=1e-14)
    # Both orders of every pair are listed, with opposite vectors.
    rows = {(i, j, *np.round(v, 8)) for i, j, v in rows_of(graph)}
    assert all((j, i, *np.round(-v, 8) + 0.0) in rows for i, j, v in rows_of(graph))
    for name in ("vectors", "distances"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(graph, name)[0] = 1.0


def test_atoms_at_the_same_place():
    atoms = bulk("Fe", a=2.87, cubic=True)
    atoms.positions[1] = atoms.positions[0] + atoms.cell[0]
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.0)
    with pytest.raises(ValueError, match="atoms 0 and 1 are at the same place: move or remove"):
        _ = graph.distances


def rows_of(graph):
    return zip(graph.centers.tolist(), graph.neighbors.tolist(), graph.vectors + 0.0, strict=True)


def test_volume_only_with_three_periodic_directions():
    for pbc, volume in ((True, 8.0), ((True, True, False), None), (False, None)):
        graph = PairGraph.build(np.zeros((1, 3)), 2 * np.eye(3), pbc, [26], 1.0)
        assert graph.volume == (None if volume is None else pytest.approx(volume, rel=1e-14))


def test_cutoff_zero_lists_no_pairs():
    graph = PairGraph.build(np.zeros((2, 3)), np.zeros((3, 3)), False, [26, 26], 0.0)
    assert (graph.n_pairs, graph.n_sites, graph.offsets.tolist()) == (0, 2, [0, 0, 0])


def test_no_atoms():
    graph = PairGraph.build(np.zeros((0, 3)), np.eye(3), True, [], 3.0)
    assert (graph.n_pairs, graph.n_sites) == (0, 0)


def test_incoming_pairs_and_sums():
    positions, cell, pbc = structures()["triclinic"]
    graph = PairGraph.build(positions, cell, pbc, [26] * 5, 5.0)
    offsets, pairs = graph.topology.incoming
    for j in range(5):
        expected = np.flatnonzero(graph.neighbors == j)
        np.testing.assert_array_equal(pairs[offsets[j] : offsets[j + 1]], expected)
    values = np.random.default_rng(0).normal(size=(graph.n_pairs, 2))
    out = np.ones((5, 2))
    graph.gather_incoming(values, out)
    expected = np.ones((5, 2))
    np.add.at(expected, graph.neighbors, values)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-12)
    sums = np.bincount(graph.centers, values[:, 0].copy(), minlength=5)
    np.testing.assert_allclose(graph.sum_pairs(values[:, 0].copy()), sums, rtol=0, atol=1e-12)


def mixed(topology):
    """Return the same pairs, those of each site in a random order."""
    rng = np.random.default_rng(0)
    order = [rng.permutation(np.arange(*ends)) for ends in pairwise(topology.offsets)]
    order = np.concatenate(order).astype(int)
    return Topology(
        topology.numbers,
        topology.offsets,
        topology.neighbors[order],
        topology.translations,
        topology.translation[order],
    )


@pytest.mark.parametrize("order", [lambda topology: topology, mixed])
@pytest.mark.parametrize("name", structures())
def test_reverse_pairs(name, order):
    positions, cell, pbc = structures()[name]
    topology = order(PairGraph.build(positions, cell, pbc, [26] * len(positions), 5.1).topology)
    reverse = topology.reverse
    np.testing.assert_array_equal(topology.centers[reverse], topology.neighbors)
    np.testing.assert_array_equal(topology.neighbors[reverse], topology.centers)
    np.testing.assert_array_equal(topology.shifts[reverse], -topology.shifts)
    np.testing.assert_array_equal(reverse[reverse], np.arange(topology.n_pairs))


@pytest.mark.parametrize("name", structures())
def test_reverse_pairs_beside_ghosts(name):
    positions, cell, pbc = structures()[name]
    whole = mixed(PairGraph.build(positions, cell, pbc, [26] * len(positions), 5.1).topology)
    n = (len(positions) + 1) // 2
    some = slice(whole.offsets[n])
    part = Topology(
        whole.numbers,
        whole.offsets[: n + 1],
        whole.neighbors[some],
        whole.translations,
        whole.translation[some],
    )
    expected = np.where(part.neighbors < n, whole.reverse[some], -1)
    np.testing.assert_array_equal(part.owned_reverse, expected)


def test_no_reverse_pairs():
    complete = Topology.from_shifts([26] * 2, [0, 1, 2], [1, 0], np.zeros((2, 3)))
    assert complete.reverse.tolist() == [1, 0]
    assert Topology.from_shifts([26] * 2, [0, 1, 1], [1], np.zeros((1, 3))).reverse is None
    assert Topology.from_shifts([26] * 2, [0, 1, 2], [1, 0], [[0, 0, 0], [1, 0, 0]]).reverse is None
    # Ghosts have no pairs of their own.
    assert Topology.from_shifts([26] * 3, [0, 1, 2], [2, 0], np.zeros((2, 3))).reverse is None


def test_shifts_far_apart():
    shifts = [[1, 0, 0], [1000, -3, 5], [-1, 0, 0], [-1000, 3, -5]]
    topology = Topology.from_shifts([26], [0, 4], [0] * 4, shifts)
    assert topology.shifts.tolist() == shifts
    assert len(topology.translations) == 4
    assert topology.reverse.tolist() == [2, 3, 0, 1]


def test_a_graph_does_not_change_with_later_ones():
    positions, cell, pbc = structures()["triclinic"]
    moving = NeighborList([26] * 5, pbc, 5.0, skin=0.5)
    first = moving.graph(positions, cell)
    distances = first.distances.copy()
    second = moving.graph(positions + 0.01 * np.arange(5)[:, None], cell)
    positions += 1.0
    np.testing.assert_array_equal(first.distances, distances)
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=1), distances, rtol=1e-14)
    assert not np.array_equal(second.distances, distances)


def test_kinds():
    topology = Topology.from_shifts([26, 27, 8, 26], np.zeros(5), [], np.zeros((0, 3)))
    assert topology.kinds((27, 26)).tolist() == [1, 0, -1, 1]
    assert topology.kinds((27, 26)) is topology.kinds((27, 26))


def test_walk_with_a_skin_equals_fresh_searches():
    rng = np.random.default_rng(2)
    positions, cell, pbc = structures()["triclinic"]
    numbers = [26] * 5
    moving = NeighborList(numbers, pbc, 5.0, skin=0.5)
    steps = 60
    for _ in range(steps):
        positions = positions + rng.normal(scale=0.02, size=positions.shape)
        expected = brute_force(positions, cell, pbc, 5.0, reach=4)
        actual = listed(moving.graph(positions, cell))
        assert len(actual) == len(expected)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
    # An atom travels skin/2 = 0.25 in about (0.25 / 0.035)^2 = 50 steps of 0.02 per component;
    # the fastest of five needs fewer.
    assert 2 <= moving.n_searches <= 8


def test_breathing_and_shearing_cell_equals_fresh_searches():
    rng = np.random.default_rng(4)
    positions, cell, pbc = structures()["triclinic"]
    moving = NeighborList([26] * 5, pbc, 5.0, skin=0.6)
    steps = 60
    for _ in range(steps):
        strain = np.eye(3) + rng.normal(scale=0.004, size=(3, 3))
        positions = positions @ strain + rng.normal(scale=0.01, size=positions.shape)
        cell = cell @ strain
        expected = brute_force(positions, cell, pbc, 5.0, reach=4)
        actual = listed(moving.graph(positions, cell))
        assert len(actual) == len(expected)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12)
    assert 2 <= moving.n_searches <= steps // 3


def test_searches_only_when_needed():
    moving = NeighborList([26, 26], True, 3.0, skin=0.4)
    positions = np.array([[0.0, 0, 0], [1.5, 1.5, 1.5]])
    cell = 3.0 * np.eye(3)
    topology = moving.graph(positions, cell).topology
    for shift, searches in ((0.19, 1), (0.21, 2), (0.21 + 0.19, 2)):
        moved = positions + [[0, 0, 0], [shift, 0, 0]]
        graph = moving.graph(moved, cell)
        assert moving.n_searches == searches
        assert (graph.topology is topology) == (searches == 1)
    # A strained cell needs a search only when pairs may come in from beyond the skin.
    moving.graph(moved, 1.001 * cell)
    assert moving.n_searches == 2
    moving.graph(moved, 0.9 * cell)
    assert moving.n_searches == 3
    rigid = NeighborList([26, 26], True, 3.0)
    rigid.graph(positions, cell)
    rigid.graph(positions, cell)
    assert rigid.n_searches == 1
    rigid.graph(moved, cell)
    assert rigid.n_searches == 2


def test_whole_crystal_may_drift():
    # Displacements count from the last search, so a drift of all atoms costs searches, not errors.
    positions, cell, pbc = structures()["triclinic"]
    moving = NeighborList([26] * 5, pbc, 5.0, skin=0.5)
    before = listed(moving.graph(positions, cell))
    after = listed(moving.graph(positions + [30.0, -20.0, 5.0], cell))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cutoff", [-1.0, np.nan, np.inf])
def test_bad_cutoff(cutoff):
    with pytest.raises(ValueError, match="cutoff must be finite and not negative, got"):
        NeighborList([26], True, cutoff)


@pytest.mark.parametrize("skin", [-0.1, np.nan])
def test_bad_skin(skin):
    with pytest.raises(ValueError, match="skin must be finite and not negative, got"):
        NeighborList([26], True, 3.0, skin)


def test_bad_positions():
    positions = np.zeros((3, 3))
    positions[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"positions contain NaN or infinity \(first bad row: 1\)"):
        PairGraph.build(positions, np.eye(3), True, [26] * 3, 1.0)
    cell = np.eye(3)
    cell[2, 0] = np.inf
    with pytest.raises(ValueError, match=r"cell contain NaN or infinity \(first bad row: 2\)"):
        PairGraph.build(np.zeros((3, 3)), cell, True, [26] * 3, 1.0)
    with pytest.raises(ValueError, match=r"positions must have shape \(3, 3\), got \(2, 3\)"):
        PairGraph.build(np.zeros((2, 3)), np.eye(3), True, [26] * 3, 1.0)
    moving = NeighborList([26] * 3, True, 1.0, skin=0.5)
    moving.graph(np.zeros((3, 3)) + np.arange(3)[:, None], 9 * np.eye(3))
    with pytest.raises(ValueError, match=r"positions must have shape \(3, 3\), got \(2, 3\)"):
        moving.graph(np.zeros((2, 3)), 9 * np.eye(3))


@pytest.mark.parametrize(
    ("cell", "pbc"),
    [
        (np.zeros((3, 3)), (True, False, False)),
        (np.diag([1.0, 1.0, 0.0]), True),
        (np.array([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]]), True),
        (np.array([[1.0, 0, 0], [2, 0, 0], [0, 0, 1]]), (True, True, False)),
    ],
)
def test_degenerate_cell(cell, pbc):
    with pytest.raises(ValueError, match="has no extent along a periodic direction"):
        PairGraph.build(np.zeros((1, 3)), cell, pbc, [26], 1.0)


def test_pair_vectors_do_not_depend_on_threads():
    positions, cell, pbc = structures()["triclinic"]
    graph = PairGraph.build(positions, cell, pbc, [26] * 5, 12.0)
    t = graph.topology
    results = []
    for threads in (1, 2, 3):
        vectors, distances = np.empty((t.n_pairs, 3)), np.empty(t.n_pairs)
        pairs = (t.offsets, t.neighbors, t.translation)
        _kernels.graph.pair_vectors(*pairs, graph.translations, positions, vectors, threads)
        _kernels.graph.pair_distances(*pairs, *graph.rows, graph.rows[1], distances, threads)
        results.append((vectors.tobytes(), distances.tobytes()))
    assert results[0] == results[1] == results[2]
