"""The three-body exchange descriptor of spin-orientation densities."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.special import eval_legendre, spherical_in

from ase_mag import models, testing
from ase_mag.core import PairGraph, storage
from ase_mag.descriptors import ExchangeDensityDescriptor, ThreeBodyExchangeDescriptor
from ase_mag.regressors import LinearFunction

from .conftest import graph_of, harmonics, ladder_states


@pytest.mark.parametrize("species", ["Fe", ("Fe", "Co")])
@pytest.mark.parametrize(
    "options",
    [
        {"cutoff": 4.5},
        {"cutoff": 4.0, "coupled": False},
        {"cutoff": 3.5, "n_radial": 1, "l_max": 4, "envelope": "polynomial"},
        {"cutoff": 3.0, "n_radial": 2, "l_max": 1, "l_bond": 4, "coupled": False, "decay": 0.7},
        {"cutoff": 3.0, "n_radial": 1, "l_max": 0, "l_bond": 0, "coupled": False},
    ],
)
def test_contract(species, options):
    testing.check_descriptor(ThreeBodyExchangeDescriptor(species, **options))


@pytest.mark.parametrize("coupled", [True, False])
def test_contract_of_a_model(coupled):
    """Energies that are linear in the features: forces, ghosts, cells below the cutoff, files."""
    descriptor = ThreeBodyExchangeDescriptor(("Fe", "Co"), cutoff=3.0, n_radial=2, coupled=coupled)
    values = np.random.default_rng(0).normal(size=1 + descriptor.n_features)
    function = LinearFunction(descriptor.n_features, parameters=values)
    model = models.DescriptorModel(descriptor, function)
    testing.check_model(model)
    testing.check_trainable(model)


def neighborhood(atoms, i, cutoff):
    """(atom, vector) of all neighbors and images."""
    found = []
    for j in range(len(atoms)):
        for shift in np.ndindex(7, 7, 7):
            offset = (np.array(shift) - 3) @ atoms.cell.array
            bond = atoms.positions[j] + offset - atoms.positions[i]
            if 1e-6 < np.linalg.norm(bond) < cutoff:
                found.append((j, bond))
    return found


def twin(atoms, moments, descriptor, i, full=False):
    """Features of a site as sums over pairs of neighbors, for moments far above the softness."""
    cutoff, width = descriptor.cutoff, descriptor.width
    degrees = np.arange(descriptor.l_max + 1)
    kappa = descriptor.spin_width**-2
    weights = spherical_in(degrees, kappa) / spherical_in(0, kappa)
    neighbors = neighborhood(atoms, i, cutoff)
    q = np.arange(1, descriptor.n_radial + 1) * np.pi / cutoff
    radial = np.zeros((len(neighbors), len(descriptor.species), descriptor.n_radial))
    for row, (j, bond) in enumerate(neighbors):
        r = np.linalg.norm(bond)
        value = (1 + np.cos(np.pi * r / cutoff)) / 2 * np.sin(q * r) / r
        value *= np.exp(-((q * width) ** 2) / 2) * np.sqrt(2 / cutoff / 4 / np.pi)
        if descriptor.decay is not None:
            value *= np.exp((cutoff / 2 - r) / descriptor.decay)
        radial[row, descriptor.species.index(atoms.symbols[j])] = value
    radial = radial.reshape(len(neighbors), -1)
    units = np.array([bond / np.linalg.norm(bond) for _, bond in neighbors])
    cosines = np.clip(units @ units.T, -1, 1)
    values = []
    couplings = descriptor.couplings
    if full:
        couplings = couplings + [(own, b, a) for own, a, b in couplings if a < b]
    for own, l1, l2 in couplings:
        states = ladder_states(l1, l2)
        center = harmonics(own, moments[i]).conj()
        first = np.array([harmonics(l1, moments[j]) for j, _ in neighbors])
        second = np.array([harmonics(l2, moments[j]) for j, _ in neighbors])
        mixing = sum(states[own, m] * center[own - m] for m in range(-own, own + 1))
        spins = first @ mixing @ second.T
        assert abs(spins.imag).max() < 1e-12
        spins = spins.real * weights[own] * weights[l1] * weights[l2]
        spins *= np.sqrt(4 * np.pi) * np.sqrt(8 * np.pi**2 / (2 * own + 1))
        for bond in range(1 if descriptor.coupled else descriptor.l_bond + 1):
            angle = np.sqrt(2 * bond + 1) * eval_legendre(bond, cosines)
            table = np.einsum("jp,kq,jk->qp", radial, radial, spins * angle)
            if full:
                values += list(table.ravel())
                continue
            for k in range(len(table)):
                for p in range(k + 1 if l1 == l2 else len(table)):
                    twice = 1.0 if l1 == l2 and p == k else np.sqrt(2)
                    values.append(twice * table[k, p])
    return np.array(values)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"coupled": False, "decay": 0.5},
        {"coupled": False, "l_max": 4, "l_bond": 3, "n_radial": 1},
    ],
)
def test_sums_over_pairs_of_neighbors_give_the_same(options):
    rng = np.random.default_rng(3)
    atoms = bulk("Fe", a=2.9, cubic=True)
    atoms.symbols[1] = "Co"
    atoms.positions += rng.normal(0, 0.1, (2, 3))
    moments = rng.normal(size=(2, 3))
    descriptor = ThreeBodyExchangeDescriptor(
        ("Fe", "Co"), **({"cutoff": 3.4, "n_radial": 2, "softness": 1e-9} | options)
    )
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    assert features.shape[1] == descriptor.n_features == len(descriptor.labels())
    assert len(set(descriptor.labels())) == descriptor.n_features
    for i in range(2):
        expected = twin(atoms, moments, descriptor, i)
        np.testing.assert_allclose(features[i], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("coupled", [True, False])
def test_perfect_iron_with_its_images(coupled):
    """16 atoms in a box of 5.66 A and a cutoff of 7 A."""
    atoms = bulk("Fe", a=2.83, cubic=True) * (2, 2, 2)
    moments = 2.2 * np.random.default_rng(1).normal(size=(16, 3))
    descriptor = ThreeBodyExchangeDescriptor(
        "Fe", cutoff=7.0, n_radial=3, coupled=coupled, softness=1e-9
    )
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    for i in (0, 9):
        expected = twin(atoms, moments, descriptor, i)
        np.testing.assert_allclose(features[i], expected, rtol=0, atol=1e-10)


def test_a_neighbor_that_only_counts_gives_products_of_pair_features():
    """(l, l, 0) is the exchange feature l times the density: sqrt(2) each."""
    atoms = testing.example(("Fe",), 4)
    moments = np.random.default_rng(4).normal(size=(16, 3))
    options = {"cutoff": 5.0, "n_radial": 3, "l_max": 2, "softness": 1e-9, "spin_width": 0.7}
    triples = ThreeBodyExchangeDescriptor("Fe", **options)
    pairs = ExchangeDensityDescriptor("Fe", **options)
    graph = graph_of(atoms, triples)
    features = dict(zip(triples.labels(), triples.forward(graph, moments).T, strict=True))
    two = pairs.forward(graph, moments).reshape(16, 3, 3)
    for degree in (1, 2):
        for p in range(3):
            for q in range(3):
                # The label has the smaller l first: the counted neighbor.
                found = features[f"l={degree} (Fe n={p + 1}, l1=0) (Fe n={q + 1}, l2={degree})"]
                expected = 2 * two[:, p, 0] * two[:, q, degree]
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_channels_of_moments_by_hand():
    """Three atoms in a row: (0, 1, 1) holds e_j.e_k of both neighbors, and j = k."""
    atoms = Atoms("Fe3", [[0, 0, 0], [2, 0, 0], [4.5, 0, 0]])
    units = np.array([[0, 0, 1.0], [1, 0, 0], [0, np.sin(0.4), np.cos(0.4)]])
    descriptor = ThreeBodyExchangeDescriptor("Fe", cutoff=3.0, n_radial=1, l_max=2, softness=1e-9)
    found = descriptor.forward(graph_of(atoms, descriptor), 2.2 * units)[1]
    near, far = descriptor.radial_functions(np.array([2.0, 2.5]))[0]
    a = descriptor.spin_weights(2)
    zeroth = near**2 + far**2 + 2 * near * far * np.cos(0.4)
    expected = a[1] ** 2 * zeroth * np.sqrt(4 * np.pi * 8 * np.pi**2) / (4 * np.pi) ** 1.5
    place = descriptor.couplings.index((0, 1, 1))
    assert descriptor.couplings == [
        (0, 0, 0),
        (0, 1, 1),
        (0, 2, 2),
        (1, 0, 1),
        (1, 1, 2),
        (2, 0, 2),
        (2, 1, 1),
        (2, 2, 2),
    ]
    # <1 m; 1 -m|0 0> = (-1)^(1 - m)/sqrt(3): e_j.e_k enters with -3/sqrt(3).
    np.testing.assert_allclose(found[place], -np.sqrt(3) * expected, rtol=1e-12)


def test_bond_angles_need_independent_rotations():
    """Bending a trimer at fixed distances changes nothing unless coupled=False."""
    moments = np.random.default_rng(5).normal(size=(3, 3))
    values = {}
    for coupled in (True, False):
        descriptor = ThreeBodyExchangeDescriptor("Fe", cutoff=3.0, n_radial=2, coupled=coupled)
        for angle in (1.2, 2.0):
            end = [2.1 * np.cos(angle), 2.1 * np.sin(angle), 0]
            atoms = Atoms("Fe3", [[0, 0, 0], [2, 0, 0], end])
            values[coupled, angle] = descriptor.forward(graph_of(atoms, descriptor), moments)[0]
    np.testing.assert_allclose(values[True, 1.2], values[True, 2.0], atol=1e-13)
    change = abs(values[False, 1.2] - values[False, 2.0]).max()
    assert change > 0.1 * abs(values[False, 1.2]).max()
    order = [label.endswith("L=0") for label in descriptor.labels()]
    np.testing.assert_allclose(values[False, 1.2][order], values[True, 1.2], atol=1e-13)


def test_scalar_products_are_those_of_the_full_set():
    """Features of p <= q and l1 <= l2, with sqrt(2), against those of all p, q, l1 and l2."""
    atoms = bulk("Fe", a=2.9, cubic=True)
    atoms.positions[1] += 0.1
    moments = np.random.default_rng(6).normal(size=(2, 3))
    descriptor = ThreeBodyExchangeDescriptor("Fe", cutoff=3.0, n_radial=2, softness=1e-9)
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    full = np.array([twin(atoms, moments, descriptor, i, full=True) for i in range(2)])
    assert full.shape[1] == (3 + 2 + 2 * 3) * 4 and features.shape[1] == 5 * 3 + 3 * 4
    np.testing.assert_allclose(features @ features.T, full @ full.T, rtol=1e-12)


def test_time_reversal_and_moments_of_zero():
    descriptor = ThreeBodyExchangeDescriptor("Fe", cutoff=4.0, coupled=False)
    atoms = testing.example(("Fe",), 8)
    moments = np.random.default_rng(8).normal(size=(16, 3))
    graph = graph_of(atoms, descriptor)
    features = descriptor.forward(graph, moments)
    np.testing.assert_array_equal(descriptor.forward(graph, -moments), features)
    nothing = descriptor.forward(graph, np.zeros((16, 3)))
    assert np.isfinite(nothing).all()
    first = np.array([coupling == (0, 0, 0) for coupling, *_ in descriptor._terms()])
    np.testing.assert_allclose(nothing[:, first], features[:, first], atol=1e-13)
    assert not nothing[:, ~first].any()


@pytest.mark.parametrize("coupled", [True, False])
def test_threads_and_nobody(coupled):
    descriptor = ThreeBodyExchangeDescriptor("Fe", cutoff=3.5, n_radial=2, coupled=coupled)
    atoms = testing.example(("Fe",), 1, repeats=(3, 3, 3))
    rng = np.random.default_rng(7)
    moments, cotangents = rng.normal(size=(54, 3)), rng.normal(size=(54, descriptor.n_features))
    results = []
    for threads in (1, 3):
        graph = graph_of(atoms, descriptor)
        graph.topology.threads = threads
        gradients = descriptor.vjp(graph, moments, cotangents)
        tangents = descriptor.jvp(graph, moments, moments, graph.vectors)
        results.append(
            (descriptor.forward(graph, moments), gradients.moments, gradients.radial, tangents)
        )
        assert (gradients.pairs is None) == coupled
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
    without = descriptor.vjp(graph, moments, cotangents, lattice=False)
    assert without.pairs is None and without.radial is None
    for atoms in (Atoms("Fe2", [[0, 0, 0], [9, 0, 0]]), Atoms(), Atoms("Cu2", [[0] * 3, [2] * 3])):
        graph, n = graph_of(atoms, descriptor), len(atoms)
        assert not descriptor.forward(graph, np.ones((n, 3))).any()
        cotangents = np.ones((n, descriptor.n_features))
        gradients = descriptor.vjp(graph, np.ones((n, 3)), cotangents)
        assert not gradients.moments.any() and not gradients.radial.any()
        assert not descriptor.jvp(graph, np.ones((n, 3)), np.ones((n, 3)), graph.vectors).any()


def test_files_and_bad_input(tmp_path):
    descriptor = ThreeBodyExchangeDescriptor(("Fe", "Ni"), cutoff=4.2, n_radial=1, coupled=False)
    storage.save(descriptor, tmp_path / "descriptor.npz")
    loaded = storage.load(tmp_path / "descriptor.npz")[0]
    assert loaded.to_dict() == descriptor.to_dict() and loaded.labels() == descriptor.labels()
    for options, message in (
        ({"cutoff": np.inf}, "the cutoff must be positive and finite, got inf angstrom"),
        ({"l_max": 5}, "l_max must be an integer from 0 to 4, got 5"),
        ({"l_bond": -1}, "l_bond must be an integer from 0 to 4, got -1"),
        ({"width": 3.0}, r"a width of 3 angstrom wipes out the radial function n = 4"),
    ):
        with pytest.raises(ValueError, match=message):
            ThreeBodyExchangeDescriptor("Fe", **options)
    atoms = bulk("Fe", cubic=True)
    short = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.0)
    with pytest.raises(ValueError, match=r"up to 4 angstrom, but .* cutoff of 4\.2 angstrom"):
        descriptor.forward(short, np.zeros((2, 3)))
    graph = graph_of(atoms, descriptor)
    with pytest.raises(ValueError, match=r"cotangents must have shape \(2, \d+\), got \(2, 4\)"):
        descriptor.vjp(graph, np.zeros((2, 3)), np.zeros((2, 4)))
    some = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"pair_tangents must have shape \(\d+, 3\), got \(2, 3\)"):
        descriptor.jvp(graph, some, some, some)
    with pytest.raises(ValueError, match=r"moment_tangents must have shape \(2, 3\), got \(1, 3\)"):
        descriptor.jvp(graph, some, some[:1], graph.vectors)
    with pytest.raises(ValueError, match=r"the moment of atom 1 is not finite: \[ 1\. nan  1\.\]"):
        descriptor.forward(graph, np.array([[1, 1, 1], [1, np.nan, 1]]))
    with pytest.raises(ValueError, match=r"moments must have shape \(2, 3\), got \(1, 3\)"):
        descriptor.forward(graph, np.zeros((1, 3)))
