"""Radial symmetry functions of atoms and moments."""

import gc
import weakref

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag import models, testing
from ase_mag.core import PairGraph, Topology, storage
from ase_mag.descriptors import RadialSpinDescriptor, radial_spin
from ase_mag.regressors import LinearFunction

UNEVEN = {
    "centers": [1.9, 2.6, 4.1, 3.0],
    "widths": [4.0, 0.5, 9.0, 0.0],
    "cutoffs": [5.0, 4.2, 4.2, 3.1],
    "cutoff": 5.0,
}
OPTIONS = [
    {},
    {"envelope": "smooth", "n_functions": 4, "weights": {"Fe": 1.0, "Co": -1.7}},
    {**UNEVEN, "weights": {"Fe": 2.0, "Co": 0.4}},
    {**UNEVEN, "envelope": "smooth"},
    {"cutoff": 6.6, "n_functions": 1, "centers": [2.5]},
]


def make(species, **options):
    if "weights" in options:
        options["weights"] = {symbol: options["weights"][symbol] for symbol in species}
    return RadialSpinDescriptor(species, **options)


def graph_of(atoms, cutoff):
    return PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)


def envelope(name, y):
    if name == "cosine":
        return 0.5 * (1 + np.cos(np.pi * y))
    return 1 - 10 * y**3 + 15 * y**4 - 6 * y**5


def functions(descriptor, r):
    """Values of all f_c(r) exp(-eta (r - R)^2)."""
    y = np.minimum(r / descriptor.cutoffs, 1.0)
    gauss = np.exp(-descriptor.widths * (r - descriptor.centers) ** 2)
    return envelope(descriptor.envelope, y) * gauss


def slopes(descriptor, r):
    """Derivatives of ``functions`` inside all cutoffs."""
    y = r / descriptor.cutoffs
    if descriptor.envelope == "cosine":
        slope = -0.5 * np.pi * np.sin(np.pi * y)
    else:
        slope = -30 * (y * (1 - y)) ** 2
    cut, gap = envelope(descriptor.envelope, y), r - descriptor.centers
    rate = slope / descriptor.cutoffs - 2 * descriptor.widths * gap * cut
    return rate * np.exp(-descriptor.widths * gap**2)


def twin(descriptor, atoms, moments, i):
    """Features of site i, neighbor by neighbor and image by image."""
    plain, times = np.zeros((2, descriptor.n_functions))
    weights = [descriptor.weights.get(symbol, 0.0) for symbol in atoms.symbols]
    for j in range(len(atoms)):
        for shift in np.ndindex(9, 9, 9):
            shift = (np.array(shift) - 4) @ atoms.cell.array
            r = np.linalg.norm(atoms.positions[j] + shift - atoms.positions[i])
            if 1e-6 < r < descriptor.cutoff:
                g = weights[i] * weights[j] * functions(descriptor, r)
                plain += g
                times += g * (moments[i] @ moments[j])
    square = moments[i] @ moments[i]
    return np.concatenate([plain, times, plain * square, plain * square**2])


@pytest.mark.parametrize("species", [("Fe",), ("Fe", "Co")])
@pytest.mark.parametrize("options", OPTIONS)
def test_contract(species, options):
    testing.check_descriptor(make(species, **options))


@pytest.mark.parametrize("options", OPTIONS[::2])
def test_contract_of_a_model(options):
    """Energies that are linear in the features: forces, ghosts, cells below the cutoff, files."""
    descriptor = make(("Fe", "Co"), **{"weights": {"Fe": 1.0, "Co": -1.7}, **options})
    values = np.random.default_rng(0).normal(scale=0.1, size=1 + descriptor.n_features)
    model = models.DescriptorModel(descriptor, LinearFunction(len(values) - 1, parameters=values))
    testing.check_model(model)
    testing.check_trainable(model)


@pytest.mark.parametrize("options", OPTIONS)
def test_a_loop_over_atoms_and_images_gives_the_same(options):
    """Copper has no part; some sites have more neighbors than a batch of the kernel (64)."""
    rng = np.random.default_rng(3)
    atoms = bulk("Fe", a=2.7, cubic=True) * (2, 1, 1)
    atoms.symbols[[1, 2]] = "Co", "Cu"
    atoms.positions += rng.normal(0, 0.1, (4, 3))
    moments = rng.normal(size=(4, 3))
    moments[3] = 0.0
    descriptor = make(("Fe", "Co"), **options)
    features = descriptor.forward(graph_of(atoms, 7.0), moments)
    assert features.shape == (4, descriptor.n_features)
    assert len(set(descriptor.labels())) == descriptor.n_features
    expected = np.array([twin(descriptor, atoms, moments, i) for i in range(4)])
    scale = np.abs(expected).max()
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-13 * scale)
    assert not features[2].any()
    assert not features[3, descriptor.n_functions :].any()


@pytest.mark.parametrize("sign", [1, -1])
def test_perfect_iron_shell_by_shell(sign):
    """58 neighbors at a = 2.8665; moments of the shells 1 and 4 are on the other sublattice."""
    a, size = 2.8665, 2.2
    atoms = bulk("Fe", a=a, cubic=True)
    graph = graph_of(atoms, 5.3)
    assert graph.n_pairs == 2 * 58
    moments = np.array([[0, 0, size], [0, 0, sign * size]])
    shells = [
        (8, np.sqrt(3) / 2, sign),
        (6, 1.0, 1),
        (12, np.sqrt(2), 1),
        (24, np.sqrt(11) / 2, sign),
        (8, np.sqrt(3), 1),
    ]
    plain, times = np.zeros((2, 9))
    for x in range(9):
        center = 2.0 + x * (5.3 - 2.0) / 8
        for count, r, parallel in shells:
            cut = 0.5 * (np.cos(np.pi * r * a / 5.3) + 1)
            g = 55.847**2 * cut * np.exp(-5.0 * (r * a - center) ** 2)
            plain[x] += count * g
            times[x] += count * g * parallel * size**2
    expected = np.concatenate([plain, times, plain * size**2, plain * size**4])
    features = RadialSpinDescriptor("Fe", weights={"Fe": 55.847}).forward(graph, moments)
    np.testing.assert_allclose(features, [expected, expected], rtol=1e-9, atol=0)
    other = RadialSpinDescriptor("Fe").forward(graph, moments)
    np.testing.assert_allclose(other, features * (55.845 / 55.847) ** 2, rtol=1e-12)


def line(distances):
    """Pairs of atoms, far from each other, at these distances."""
    n = len(distances)
    positions = np.zeros((2 * n, 3))
    positions[:, 1] = 50.0 * np.repeat(np.arange(n), 2)
    positions[1::2, 0] = distances
    return Atoms(f"Fe{2 * n}", positions)


@pytest.mark.parametrize(
    ("options", "spaced"),
    [
        ({}, True),
        ({"cutoff": 6.0, "n_functions": 16, "envelope": "smooth"}, True),
        ({"n_functions": 200, "widths": 0.1}, True),
        ({"widths": 500.0}, False),
        ({"n_functions": 30, "widths": np.linspace(0.01, 50, 30)}, False),
    ],
)
def test_functions_at_any_distance(options, spaced):
    """Both ways to make Gaussians and their slopes, to 1e-13 of the largest value."""
    descriptor = RadialSpinDescriptor("Fe", weights={"Fe": 1.0}, **options)
    assert bool(descriptor._functions[5]) == spaced
    distances = np.linspace(0.2, descriptor.cutoff - 1e-3, 400)
    graph = graph_of(line(distances), descriptor.cutoff)
    features = descriptor.forward(graph, np.zeros((800, 3)))[::2, : descriptor.n_functions]
    expected = np.array([functions(descriptor, r) for r in distances])
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-13)
    tangents = np.where(graph.centers % 2 == 0, 1.0, -1.0)[:, None] * [[1.0, 0.0, 0.0]]
    tangent = descriptor.jvp(graph, np.zeros((800, 3)), np.zeros((800, 3)), tangents)
    expected = np.array([slopes(descriptor, r) for r in distances])
    scale = np.abs(expected).max()
    found = tangent[::2, : descriptor.n_functions]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize(("name", "order"), [("cosine", 2), ("smooth", 3)])
def test_features_end_at_the_cutoff(name, order):
    """Values go to zero as (R_c - r)^2, or as (R_c - r)^3 without a step of the curvature."""
    descriptor = RadialSpinDescriptor("Fe", envelope=name, widths=0.0, n_functions=1)
    gaps = np.array([-0.1, 1e-3, 2e-3])
    features = descriptor.forward(graph_of(line(5.3 - gaps), 6.0), np.ones((6, 3)))
    assert not features[:2].any()
    ratios = features[4] / features[2]
    np.testing.assert_allclose(ratios, 2.0**order, rtol=3e-3)


def test_lattice_flag():
    rng = np.random.default_rng(2)
    atoms = bulk("Fe", cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    descriptor = RadialSpinDescriptor("Fe")
    graph, moments = graph_of(atoms, 5.3), rng.normal(size=(16, 3))
    cotangents = rng.normal(size=(16, 36))
    full = descriptor.vjp(graph, moments, cotangents)
    short = descriptor.vjp(graph, moments, cotangents, lattice=False)
    assert full.pairs is None and full.radial.shape == (graph.n_pairs,)
    assert short.pairs is None and short.radial is None
    np.testing.assert_array_equal(short.moments, full.moments)


def crowded(cutoff):
    """Displaced iron and cobalt with copper, which has no part, and moments; 100 pairs a site."""
    rng = np.random.default_rng(6)
    atoms = bulk("Fe", a=2.7, cubic=True) * (3, 2, 2)
    atoms.symbols[::3], atoms.symbols[5] = "Co", "Cu"
    atoms.rattle(0.1, seed=1)
    return graph_of(atoms, cutoff), *rng.normal(size=(2, len(atoms), 3))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"envelope": "smooth", "n_functions": 4, "weights": {"Fe": 1.0, "Co": -1.7}},
        {"n_functions": 1, "centers": [2.5]},
        {"n_functions": 2, "widths": 1.0},
        {"n_functions": 64, "widths": 0.7},
        {"centers": np.linspace(4.5, 1.5, 9), "widths": 3.0},
        {"widths": 0.0, "n_functions": 3, "cutoffs": 4.0},
    ],
)
def test_what_is_kept_on_the_graph_changes_nothing(options, monkeypatch):
    """Powers of one ratio per pair against the functions made anew, to 1e-13 of the largest."""
    descriptor = make(("Fe", "Co"), **options)
    graph, moments, other = crowded(6.0)
    cotangents = np.random.default_rng(1).normal(size=(len(moments), descriptor.n_features))
    cotangents /= np.abs(descriptor.forward(graph, moments)).max(axis=0) + 1e-300
    plain, _, _ = crowded(6.0)
    for turned in (moments, other, moments):
        found = descriptor.forward(graph, turned)
        short = descriptor.vjp(graph, turned, cotangents, lattice=False).moments
        full = descriptor.vjp(graph, turned, cotangents)
        assert ("powers", descriptor) in graph.cache
        with monkeypatch.context() as patch:
            patch.setattr(radial_spin, "_TABLE", 0)
            expected = descriptor.forward(plain, turned)
            pulled = descriptor.vjp(plain, turned, cotangents)
        assert ("powers", descriptor) not in plain.cache
        scale = np.abs(expected).max(axis=0)
        assert (np.abs(found - expected) <= 1e-13 * scale).all()
        np.testing.assert_array_equal(short, full.moments)
        scale = np.abs(pulled.moments).max()
        np.testing.assert_allclose(short, pulled.moments, rtol=0, atol=1e-13 * scale)
        np.testing.assert_array_equal(full.radial, pulled.radial)


def test_what_is_kept_is_bounded_and_goes_with_the_graph(monkeypatch):
    descriptor = RadialSpinDescriptor("Fe")
    graph, moments, _ = crowded(5.3)
    descriptor.forward(graph, moments)
    first, ratio, plain = graph.cache["powers", descriptor]
    assert first.nbytes == ratio.nbytes == 8 * (graph.n_pairs + 4)
    assert plain.shape == (graph.n_sites, 9)
    watched = weakref.ref(first)
    del graph, first, ratio, plain
    gc.collect()
    assert watched() is None
    for beyond, kept in ((0, True), (1, False)):
        graph = crowded(5.3)[0]
        monkeypatch.setattr(radial_spin, "_TABLE", 16 * (graph.n_pairs + 4) - beyond)
        descriptor.forward(graph, moments)
        assert (("powers", descriptor) in graph.cache) == kept
    for options in (UNEVEN, {"n_functions": 65, "widths": 0.7}):
        uneven = RadialSpinDescriptor("Fe", **options)
        uneven.forward(graph, moments)
        assert ("powers", uneven) not in graph.cache


def test_ghosts():
    """Images as atoms of their own: sites have the same features, gradients fold back."""
    rng = np.random.default_rng(5)
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.symbols[::3] = "Co"
    atoms.rattle(0.1, seed=1)
    moments = rng.normal(size=(16, 3))
    descriptor = RadialSpinDescriptor(("Fe", "Co"))
    graph = graph_of(atoms, 5.3)
    images, owners = np.unique(
        np.column_stack([graph.topology.shifts, graph.neighbors]), axis=0, return_inverse=True
    )
    owners = owners.ravel()
    inside = ~images[:, :3].any(axis=1)
    names = np.where(inside, images[:, 3], 16 + np.cumsum(~inside) - 1)
    owner = np.concatenate([np.arange(16), images[~inside, 3]])
    shifts = np.concatenate([np.zeros((16, 3)), images[~inside, :3]])
    topology = Topology.from_shifts(
        graph.numbers[owner], graph.offsets, names[owners], np.zeros((graph.n_pairs, 3))
    )
    positions = atoms.positions[owner] + shifts @ atoms.cell.array
    ghosts = PairGraph.from_topology(topology, positions, np.zeros((3, 3)), None, 5.3)
    assert ghosts.n_atoms > ghosts.n_sites == 16
    features = descriptor.forward(ghosts, moments[owner])
    np.testing.assert_allclose(features, descriptor.forward(graph, moments), rtol=1e-12)
    cotangents = rng.normal(size=(16, 36))
    found = descriptor.vjp(ghosts, moments[owner], cotangents)
    expected = descriptor.vjp(graph, moments, cotangents)
    assert found.moments.shape == (ghosts.n_atoms, 3)
    folded = np.zeros((16, 3))
    np.add.at(folded, owner, found.moments)
    scale = np.abs(found.moments).max()
    np.testing.assert_allclose(folded, expected.moments, rtol=0, atol=1e-11 * scale)
    scale = np.abs(expected.radial).max()
    np.testing.assert_allclose(found.radial, expected.radial, rtol=0, atol=1e-12 * scale)
    turns = rng.normal(size=(ghosts.n_atoms, 3))
    tangent = descriptor.jvp(ghosts, moments[owner], turns, np.zeros((ghosts.n_pairs, 3)))
    forward, scale = (cotangents * tangent).sum(), np.abs(cotangents * tangent).sum()
    assert forward == pytest.approx((found.moments * turns).sum(), rel=0, abs=1e-12 * scale)


@pytest.mark.parametrize("options", [{}, UNEVEN])
def test_results_do_not_depend_on_threads(options):
    rng = np.random.default_rng(1)
    atoms = bulk("Fe", cubic=True) * 3
    atoms.rattle(0.1, seed=1)
    moments, turns = rng.normal(size=(2, 54, 3))
    descriptor = RadialSpinDescriptor("Fe", **options)
    cotangents = rng.normal(size=(54, descriptor.n_features))
    results = []
    for threads in (1, 2, 5):
        graph = graph_of(atoms, 5.3)
        graph.topology.threads = threads
        pairs = np.cos(np.arange(3.0 * graph.n_pairs)).reshape(-1, 3)
        gradients = descriptor.vjp(graph, moments, cotangents)
        results.append(
            (
                descriptor.forward(graph, moments),
                gradients.moments,
                gradients.radial,
                descriptor.jvp(graph, moments, turns, pairs),
            )
        )
    for other in results[1:]:
        for found, expected in zip(other, results[0], strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("atoms", [Atoms(), Atoms("Fe"), Atoms("FeCu", [[0, 0, 0], [2, 0, 0]])])
def test_empty_neighborhoods(atoms):
    n = len(atoms)
    descriptor = RadialSpinDescriptor("Fe")
    graph, moments = graph_of(atoms, 5.3), np.ones((n, 3))
    tangents = np.ones((graph.n_pairs, 3))
    np.testing.assert_array_equal(descriptor.forward(graph, moments), np.zeros((n, 36)))
    gradients = descriptor.vjp(graph, moments, np.ones((n, 36)))
    np.testing.assert_array_equal(gradients.moments, np.zeros((n, 3)))
    np.testing.assert_array_equal(gradients.radial, np.zeros(graph.n_pairs))
    found = descriptor.jvp(graph, moments, moments, tangents)
    np.testing.assert_array_equal(found, np.zeros((n, 36)))


@pytest.mark.parametrize("options", OPTIONS[:4])
def test_files(tmp_path, options):
    descriptor = make(("Co", "Fe"), **options)
    storage.save(descriptor, tmp_path / "descriptor.npz")
    loaded = storage.load(tmp_path / "descriptor.npz")[0]
    assert repr(loaded) == repr(descriptor)
    assert storage.digest(loaded) == storage.digest(descriptor)
    atoms = bulk("FeCo", "cesiumchloride", a=2.85) * 2
    graph, moments = graph_of(atoms, 6.0), np.ones((16, 3))
    np.testing.assert_array_equal(
        loaded.forward(graph, moments), descriptor.forward(graph, moments)
    )
