"""Bilinear forms against their formula in numpy."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag.core import BilinearForm, PairGraph
from ase_mag.testing.structures import random_rotation


def tiny_graph(n=3, cutoff=5.0):
    """A cell smaller than the cutoff: several images of each neighbor, and self-images."""
    rng = np.random.default_rng(3)
    positions = rng.uniform(0, 3, size=(n, 3))
    return PairGraph.build(positions, np.diag([3.0, 3.3, 3.6]), True, [26] * n, cutoff)


def pair_of_the_other_order(graph):
    """Index of (j, i, -shift) for every pair (i, j, shift)."""
    key = {}
    for p, (i, j, s) in enumerate(pairs(graph)):
        key[i, j, s] = p
    return np.array([key[j, i, tuple(-x for x in s)] for i, j, s in pairs(graph)])


def pairs(graph):
    shifts = map(tuple, graph.topology.shifts.tolist())
    return list(zip(graph.centers.tolist(), graph.neighbors.tolist(), shifts, strict=True))


def random_terms(graph, rng):
    n, other = graph.n_sites, pair_of_the_other_order(graph)
    exchange = rng.normal(size=graph.n_pairs)
    tensors = rng.normal(size=(graph.n_pairs, 3, 3))
    quadric = rng.normal(size=(n, 3, 3))
    return {
        "constant": rng.normal(size=n),
        "exchange": exchange + exchange[other],
        "tensors": tensors + tensors[other].transpose(0, 2, 1),
        "field": rng.normal(size=(n, 3)),
        "landau": rng.normal(size=(n, 3)),
        "quadric": quadric + quadric.transpose(0, 2, 1),
        "cubic": rng.normal(size=(n, 2)),
        "axes": np.array([random_rotation(rng) for _ in range(n)]),
    }


def energies_by_formula(graph, terms, m):
    e = np.array(terms.get("constant", np.zeros(graph.n_sites)), dtype=float)
    for p, (i, j, _) in enumerate(pairs(graph)):
        if "exchange" in terms:
            e[i] -= 0.5 * terms["exchange"][p] * (m[i] @ m[j])
        if "tensors" in terms:
            e[i] -= 0.5 * m[i] @ terms["tensors"][p] @ m[j]
    for i in range(graph.n_sites):
        size2 = m[i] @ m[i]
        if "field" in terms:
            e[i] -= terms["field"][i] @ m[i]
        if "landau" in terms:
            a, b, c = terms["landau"][i]
            e[i] += a * size2 + b * size2**2 + c * size2**3
        if "quadric" in terms:
            e[i] += m[i] @ terms["quadric"][i] @ m[i]
        if "cubic" in terms:
            u, v, w = (terms["axes"][i] @ m[i]) ** 2
            k1, k2 = terms["cubic"][i]
            e[i] += k1 * (u * v + v * w + w * u) + k2 * u * v * w
    return e


NAMES = ["constant", "exchange", "tensors", "field", "landau", "quadric", "cubic"]


@pytest.mark.parametrize("names", [*([name] for name in NAMES), NAMES, []])
def test_energies_and_magforces_equal_the_formula(names):
    rng = np.random.default_rng(4)
    graph = tiny_graph()
    terms = random_terms(graph, rng)
    terms = {k: v for k, v in terms.items() if k in names or (k == "axes" and "cubic" in names)}
    form = BilinearForm.on(graph, **terms)
    m = rng.normal(size=(3, 3))
    energies, magforces = form.evaluate(m)
    np.testing.assert_allclose(energies, energies_by_formula(graph, terms, m), rtol=0, atol=1e-11)
    h = 1e-3
    for i, c in np.ndindex(3, 3):
        values = []
        for step in (-2, -1, 1, 2):
            moved = m.copy()
            moved[i, c] += step * h
            values.append(energies_by_formula(graph, terms, moved).sum())
        slope = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * h)
        assert magforces[i, c] == pytest.approx(-slope, abs=3e-9)


@pytest.mark.parametrize("names", [["exchange"], ["tensors"], NAMES, ["landau"]])
def test_merged_form_is_equal(names):
    rng = np.random.default_rng(5)
    graph = tiny_graph()
    terms = random_terms(graph, rng)
    terms = {k: v for k, v in terms.items() if k in names or (k == "axes" and "cubic" in names)}
    form = BilinearForm.on(graph, **terms)
    kept = form.arrays
    copies = [None if a is None else a.copy() for a in kept]
    merged = form.merged()
    for _ in range(3):
        m = rng.normal(size=(3, 3))
        for a, b in zip(form.evaluate(m), merged.evaluate(m), strict=True):
            np.testing.assert_allclose(b, a, rtol=0, atol=2e-11)
    # One entry per neighbor atom, none for the atom itself.
    if "exchange" in names or "tensors" in names:
        assert np.diff(merged.offsets).tolist() == [2, 2, 2]
        assert merged.neighbors.tolist() == [1, 2, 0, 2, 0, 1] or set(
            merged.neighbors.tolist()
        ) == {0, 1, 2}
        centers = np.repeat(np.arange(3), 2)
        assert (merged.neighbors != centers).all()
    else:
        assert len(merged.neighbors) == 0
    for before, after in zip(copies, kept, strict=True):
        assert before is None or (before == after).all()


def test_merged_drops_zero_couplings():
    atoms = bulk("Fe", a=2.87, cubic=True) * (3, 3, 3)
    graph = PairGraph.build(atoms.positions, atoms.cell.array, True, atoms.numbers, 5.0)
    exchange = np.where(graph.distances < 2.6, 0.02, 0.0)
    merged = BilinearForm.on(graph, exchange=exchange).merged()
    assert graph.n_pairs == 58 * 54
    assert np.diff(merged.offsets).tolist() == [8] * 54
    np.testing.assert_array_equal(merged.exchange, np.full(8 * 54, 0.02))


def test_sum_of_forms():
    rng = np.random.default_rng(6)
    graph = tiny_graph()
    first, second = random_terms(graph, rng), random_terms(graph, rng)
    second["axes"] = first["axes"]
    m = rng.normal(size=(3, 3))
    for dropped in ([], ["exchange", "landau", "cubic", "axes"], NAMES[1:] + ["axes"]):
        fewer = {k: v for k, v in second.items() if k not in dropped}
        a, b = BilinearForm.on(graph, **first), BilinearForm.on(graph, **fewer)
        for total in (a + b, b + a):
            for t, x, y in zip(total.evaluate(m), a.evaluate(m), b.evaluate(m), strict=True):
                np.testing.assert_allclose(t, x + y, rtol=0, atol=1e-11)


def test_sums_that_are_not_possible():
    rng = np.random.default_rng(7)
    graph = tiny_graph()
    form = BilinearForm.on(graph, **random_terms(graph, rng))
    with pytest.raises(ValueError, match="cubic terms along different axes"):
        form + BilinearForm.on(graph, **random_terms(graph, rng))
    with pytest.raises(ValueError, match="on the same pairs"):
        form + BilinearForm.on(tiny_graph(cutoff=4.0))


def test_no_pairs_and_no_atoms():
    graph = PairGraph.build(np.zeros((1, 3)), np.eye(3), False, [26], 0.0)
    form = BilinearForm.on(graph, field=np.array([[0.0, 0.0, 1.0]]))
    for each in (form, form.merged()):
        energies, magforces = each.evaluate([[0.0, 0.0, 2.0]])
        assert energies.tolist() == [-2.0]
        assert magforces.tolist() == [[0.0, 0.0, 1.0]]
    empty = PairGraph.build(np.zeros((0, 3)), np.eye(3), False, [], 3.0)
    energies, magforces = BilinearForm.on(empty).evaluate(np.zeros((0, 3)))
    assert (energies.shape, magforces.shape) == ((0,), (0, 3))
