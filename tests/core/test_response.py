"""The one assembler: site-centered gradients to forces, magnetic forces and virials."""

import numpy as np
import pytest

from ase_mag.core import Gradients, PairGraph, Response, Topology


def example(n=6, cutoff=5.0):
    rng = np.random.default_rng(0)
    cell = np.array([[4.0, 0.3, 0.1], [0.2, 4.4, 0.0], [-0.4, 0.1, 3.9]])
    positions = rng.uniform(size=(n, 3)) @ cell
    graph = PairGraph.build(positions, cell, True, [26] * n, cutoff)
    gradients = Gradients(
        rng.normal(size=n), rng.normal(size=(n, 3)), rng.normal(size=(graph.n_pairs, 3))
    )
    return positions, cell, graph, gradients


def test_forces_and_virials_by_formula():
    _, _, graph, gradients = example()
    response = Response.from_gradients(graph, gradients)
    forces, virials = np.zeros((6, 3)), np.zeros((6, 3, 3))
    for p in range(graph.n_pairs):
        i, j, g = graph.centers[p], graph.neighbors[p], gradients.pairs[p]
        forces[i] += g
        forces[j] -= g
        virials[i] += np.outer(graph.vectors[p], g)
    np.testing.assert_allclose(response.forces, forces, rtol=0, atol=1e-12)
    np.testing.assert_allclose(response.virials, virials, rtol=0, atol=1e-11)
    np.testing.assert_allclose(response.virial, virials.sum(axis=0), rtol=0, atol=1e-11)
    np.testing.assert_array_equal(response.magforces, -gradients.moments)
    assert response.energy == pytest.approx(gradients.energies.sum(), abs=1e-14)


def test_forces_are_the_derivative_of_a_many_body_energy():
    # E = sum_i (sum_j exp(-r_ij))^2: dE/dr_ij = -2 (sum_k exp(-r_ik)) exp(-r_ij) r_ij/|r_ij|.
    positions, cell, graph, _ = example()

    def energy(positions, cell):
        g = PairGraph.build(positions, cell, True, [26] * 6, 12.0)
        return (g.sum_pairs(np.exp(-4 * g.distances)) ** 2).sum()

    graph = PairGraph.build(positions, cell, True, [26] * 6, 12.0)
    decay = np.exp(-4 * graph.distances)
    sums = graph.sum_pairs(decay)
    slopes = (-8 * sums[graph.centers] * decay / graph.distances)[:, None] * graph.vectors
    response = Response.from_gradients(graph, Gradients(sums**2, None, slopes))
    h = 1e-4
    for i, c in ((0, 0), (3, 1), (5, 2)):
        moved = [positions.copy() for _ in range(2)]
        moved[0][i, c] += h
        moved[1][i, c] -= h
        slope = (energy(moved[0], cell) - energy(moved[1], cell)) / (2 * h)
        assert response.forces[i, c] == pytest.approx(-slope, rel=1e-6, abs=1e-10)
    for a, b in np.ndindex(3, 3):
        values = []
        for sign in (1, -1):
            deformation = np.eye(3)
            deformation[a, b] += sign * h
            values.append(energy(positions @ deformation, cell @ deformation))
        slope = (values[0] - values[1]) / (2 * h)
        assert response.virial[a, b] == pytest.approx(slope, rel=1e-5, abs=1e-8)
    np.testing.assert_allclose(response.magforces, np.zeros((6, 3)))


def test_without_lattice_and_without_pairs():
    _, _, graph, gradients = example()
    short = Response.from_gradients(graph, gradients, lattice=False)
    assert short.forces is None
    assert short.virials is None
    assert short.virial is None
    onsite = Response.from_gradients(graph, Gradients(gradients.energies, gradients.moments))
    np.testing.assert_array_equal(onsite.forces, np.zeros((6, 3)))
    np.testing.assert_array_equal(onsite.virials, np.zeros((6, 3, 3)))


def test_sum_of_gradients():
    _, _, _, g = example()
    total = g + Gradients(g.energies, None, None) + Gradients(g.energies, g.moments, g.pairs)
    np.testing.assert_array_equal(total.energies, 3 * g.energies)
    np.testing.assert_array_equal(total.moments, 2 * g.moments)
    np.testing.assert_array_equal(total.pairs, 2 * g.pairs)
    nothing = Gradients(g.energies) + Gradients(g.energies)
    assert nothing.moments is None
    assert nothing.pairs is None


def test_adding_in_place_spares_read_only_arrays():
    _, _, _, g = example()
    kept, own = g.pairs.copy(), g.pairs.copy()
    kept.flags.writeable = False
    for first, second in ((kept, own), (own, kept), (kept, kept)):
        own[:] = kept
        total = Gradients(g.energies.copy(), None, first)
        total.add(Gradients(g.energies, g.moments, second))
        np.testing.assert_array_equal(total.pairs, 2 * g.pairs)
        np.testing.assert_array_equal(kept, g.pairs)
        np.testing.assert_array_equal(total.energies, 2 * g.energies)
        np.testing.assert_array_equal(total.moments, g.moments)


def test_ghosts_receive_their_share():
    """Images as atoms of their own, by hand: a chain of period 2 with neighbors on both sides."""
    positions = np.array([[0.0, 0, 0], [1.1, 0, 0], [-0.9, 0, 0], [2.0, 0, 0]])
    # Sites 0 and 1; ghost 2 is the image of 1 on the left, ghost 3 that of 0 on the right.
    topology = Topology.from_shifts([26] * 4, [0, 2, 4], [1, 2, 0, 3], np.zeros((4, 3)))
    graph = PairGraph.from_topology(topology, positions, np.zeros((3, 3)), None, 1.5)
    np.testing.assert_allclose(graph.vectors[:, 0], [1.1, -0.9, -1.1, 0.9])
    slopes = np.zeros((4, 3))
    slopes[:, 0] = [1.0, 10.0, 100.0, 1000.0]
    moments = np.arange(12.0).reshape(4, 3)
    response = Response.from_gradients(graph, Gradients(np.zeros(2), moments, slopes))
    assert response.forces[:, 0].tolist() == [11.0 - 100.0, 1100.0 - 1.0, -10.0, -1000.0]
    np.testing.assert_array_equal(response.magforces, -moments)
    assert response.virials[:, 0, 0].tolist() == pytest.approx([1.1 - 9.0, -110.0 + 900.0])
    # The same pairs on two atoms with periodic images: ghosts add to their owners.
    periodic = Topology.from_shifts(
        [26] * 2, [0, 2, 4], [1, 1, 0, 0], [[0] * 3, [-1, 0, 0], [0] * 3, [1, 0, 0]]
    )
    graph = PairGraph.from_topology(periodic, positions[:2].copy(), np.diag([2.0, 9, 9]), None, 1.5)
    np.testing.assert_allclose(graph.vectors[:, 0], [1.1, -0.9, -1.1, 0.9])
    expected = Response.from_gradients(graph, Gradients(np.zeros(2), None, slopes))
    folded = response.forces[:2] + response.forces[[3, 2]]
    np.testing.assert_allclose(folded, expected.forces, rtol=0, atol=1e-12)


def test_assembler_does_not_depend_on_threads():
    positions, cell, _, _ = example(cutoff=9.0)
    results = []
    for threads in (1, 2, 5):
        graph = PairGraph.build(positions, cell, True, [26] * 6, 9.0)
        rng = np.random.default_rng(1)
        pairs, radial = rng.normal(size=(graph.n_pairs, 3)), rng.normal(size=graph.n_pairs)
        graph.topology.threads = threads
        g = Gradients(np.zeros(6), None, pairs, radial)
        response = Response.from_gradients(graph, g)
        results.append((response.forces.tobytes(), response.virials.tobytes()))
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("listed_twice", [True, False])
def test_radial_gradients_are_gradients_along_the_pairs(listed_twice):
    positions, cell, graph, gradients = example()
    if not listed_twice:
        # One pair is missing in the other order: pairs that end on an atom are looked up.
        t = graph.topology
        keep = np.arange(graph.n_pairs) != graph.offsets[3] + 1
        offsets = np.cumsum(np.append(0, np.bincount(t.centers[keep], minlength=6)))
        short = Topology.from_shifts([26] * 6, offsets, t.neighbors[keep], t.shifts[keep])
        assert short.reverse is None
        graph = PairGraph.from_topology(short, positions, cell, None, 5.0)
        gradients.pairs = gradients.pairs[keep]
    radial = np.random.default_rng(2).normal(size=graph.n_pairs)
    along = (radial / graph.distances)[:, None] * graph.vectors
    for own, total in ((None, along), (gradients.pairs, gradients.pairs + along)):
        a = Response.from_gradients(graph, Gradients(gradients.energies, None, own, radial))
        b = Response.from_gradients(graph, Gradients(gradients.energies, None, total))
        np.testing.assert_allclose(a.forces, b.forces, rtol=0, atol=1e-12)
        np.testing.assert_allclose(a.virials, b.virials, rtol=0, atol=1e-11)
        forces = np.zeros((6, 3))
        np.add.at(forces, graph.centers, total)
        np.subtract.at(forces, graph.neighbors, total)
        np.testing.assert_allclose(a.forces, forces, rtol=0, atol=1e-12)


@pytest.mark.parametrize("parts", ["pairs", "radial", "both"])
def test_parts_of_a_system_get_what_all_of_it_gets(parts):
    # Sites 0 to 3 with atoms 4 and 5 as ghosts, without and with tables of reverse pairs.
    _, cell, whole, _ = example()
    rng = np.random.default_rng(3)
    end = whole.offsets[4]
    pairs = None if parts == "radial" else rng.normal(size=(end, 3))
    radial = None if parts == "pairs" else rng.normal(size=end)
    found = []
    for in_order, threads in ((True, 1), (False, 1), (False, 3)):
        topology = Topology(
            whole.numbers,
            whole.offsets[:5],
            whole.neighbors[:end],
            whole.topology.translations,
            whole.topology.translation[:end],
        )
        topology.in_order, topology.threads = in_order, threads
        graph = PairGraph.from_topology(topology, whole.positions, cell, None, 5.0)
        found.append(
            Response.from_gradients(
                graph, Gradients(np.zeros(4), np.zeros((6, 3)), pairs, radial=radial)
            )
        )
    for name in ("forces", "virials"):
        expected, ours, threaded = (getattr(response, name) for response in found)
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
        np.testing.assert_array_equal(threaded, ours)
