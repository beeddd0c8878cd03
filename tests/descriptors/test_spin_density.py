"""The two-body exchange descriptor of spin-orientation densities."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.integrate import quad
from scipy.special import eval_legendre, spherical_in

from ase_mag import models, testing
from ase_mag.core import PairGraph, Topology, storage
from ase_mag.descriptors import ExchangeDensityDescriptor
from ase_mag.regressors import LinearFunction

from .conftest import graph_of


@pytest.mark.parametrize("species", ["Fe", ("Fe", "Co")])
@pytest.mark.parametrize(
    "options",
    [
        {"cutoff": 5.0},
        {"cutoff": 3.5, "n_radial": 1, "l_max": 0},
        {"cutoff": 5.0, "n_radial": 32, "l_max": 16, "width": 0.1, "spin_width": 0.1},
        {"cutoff": 4.0, "n_radial": 3, "l_max": 1, "envelope": "polynomial", "spin_width": 1.0},
        {"cutoff": 4.0, "n_radial": 3, "l_max": 2, "decay": 0.1},
    ],
)
def test_contract(species, options):
    testing.check_descriptor(ExchangeDensityDescriptor(species, **options))


def test_contract_of_a_model():
    """Energies that are linear in the features: forces, ghosts, cells below the cutoff, files."""
    descriptor = ExchangeDensityDescriptor(("Fe", "Co"), cutoff=4.0, n_radial=4, l_max=3)
    values = np.random.default_rng(0).normal(size=1 + descriptor.n_features)
    function = LinearFunction(descriptor.n_features, parameters=values)
    model = models.DescriptorModel(descriptor, function)
    testing.check_model(model)
    testing.check_trainable(model)


def radial(descriptor, r):
    """f(r) exp(-(q width)^2/2) sqrt(2/R) sin(q r)/r / sqrt(4 pi)."""
    cutoff = descriptor.cutoff
    q = np.arange(1, descriptor.n_radial + 1) * np.pi / cutoff
    if descriptor.envelope == "cosine":
        edge = (1 + np.cos(np.pi * r / cutoff)) / 2
    else:
        edge = 1 - 10 * (r / cutoff) ** 3 + 15 * (r / cutoff) ** 4 - 6 * (r / cutoff) ** 5
    if descriptor.decay is not None:
        edge *= np.exp((cutoff / 2 - r) / descriptor.decay)
    damping = np.exp(-((q * descriptor.width) ** 2) / 2)
    return edge * damping * np.sqrt(2 / cutoff) * np.sin(q * r) / r / np.sqrt(4 * np.pi)


def twin(atoms, moments, descriptor):
    """Features, neighbor by neighbor and image by image."""
    degrees = np.arange(descriptor.l_max + 1)
    kappa = descriptor.spin_width**-2
    weights = (spherical_in(degrees, kappa) / spherical_in(0, kappa)) ** 2
    weights *= np.sqrt((2 * degrees + 1) / 2)
    units = moments / np.sqrt((moments**2).sum(axis=1) + descriptor.softness**2)[:, None]
    shape = (len(descriptor.species), descriptor.n_radial, len(degrees))
    values = np.zeros((len(atoms), *shape))
    spans = [range(-4, 5) if periodic else range(1) for periodic in atoms.pbc]
    cell = atoms.cell.array
    shifts = [np.array([a, b, c]) @ cell for a in spans[0] for b in spans[1] for c in spans[2]]
    for i in range(len(atoms)):
        for j in range(len(atoms)):
            if not {atoms.symbols[i], atoms.symbols[j]} <= set(descriptor.species):
                continue
            k = descriptor.species.index(atoms.symbols[j])
            angular = weights * eval_legendre(degrees, units[i] @ units[j])
            for shift in shifts:
                r = np.linalg.norm(atoms.positions[j] + shift - atoms.positions[i])
                if 1e-6 < r < descriptor.cutoff:
                    values[i, k] += np.outer(radial(descriptor, r), angular)
    return values.reshape(len(atoms), -1)


def test_perfect_iron_with_its_images():
    """16 atoms in a box of 5.66 A and a cutoff of 7 A: images of neighbors and of the site."""
    atoms = bulk("Fe", a=2.83, cubic=True) * (2, 2, 2)
    moments = 2.2 * np.random.default_rng(1).normal(size=(16, 3))
    descriptor = ExchangeDensityDescriptor("Fe")
    graph = graph_of(atoms, descriptor)
    assert (graph.centers == graph.neighbors).sum() == 16 * 6
    features = descriptor.forward(graph, moments)
    assert features.shape == (16, 84)
    np.testing.assert_allclose(features, twin(atoms, moments, descriptor), rtol=0, atol=1e-12)


@pytest.mark.parametrize("decay", [0.12, 0.7, 50.0])
def test_near_neighbors_weigh_more_with_a_decay(decay):
    """The factor exp((R/2 - r)/d), e^20 to e^-20 with the shortest decay."""
    atoms = bulk("Fe", a=2.83, cubic=True)
    atoms.positions[1] = [1.0, 0.9, 1.1]
    moments = np.random.default_rng(4).normal(size=(2, 3))
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=4.8, n_radial=4, l_max=2, decay=decay)
    found = descriptor.forward(graph_of(atoms, descriptor), moments)
    np.testing.assert_allclose(found, twin(atoms, moments, descriptor), rtol=1e-11)


@pytest.mark.parametrize("envelope", ["cosine", "polynomial"])
def test_two_species_defects_and_a_zero_moment(envelope):
    rng = np.random.default_rng(2)
    atoms = bulk("Fe", a=2.9, cubic=True) * (2, 2, 1)
    atoms.symbols[[1, 2, 5]] = "Co"
    atoms.symbols[3] = "Al"
    atoms.positions += rng.normal(0, 0.1, (8, 3))
    atoms.pbc = (True, True, False)
    moments = rng.normal(size=(8, 3))
    moments[[0, 4]] = 0.0
    descriptor = ExchangeDensityDescriptor(
        ("Co", "Fe"), cutoff=4.5, n_radial=5, l_max=3, envelope=envelope, softness=0.3
    )
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    assert not features[3].any()
    np.testing.assert_allclose(features, twin(atoms, moments, descriptor), rtol=0, atol=1e-13)
    assert len(descriptor.labels()) == descriptor.n_features == features.shape[1] == 40
    assert descriptor.labels()[0] == "Co n=1 l=0" and descriptor.labels()[-1] == "Fe n=5 l=3"


def test_slopes_of_images_of_the_site_itself():
    """Alone in a cell, u.u does not change with the direction: only the lattice pulls."""
    atoms = Atoms("Fe", cell=2.5 * np.eye(3), pbc=True)
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=4.0, n_radial=4, l_max=3)
    graph = graph_of(atoms, descriptor)
    moments = np.array([[0.3, -1.2, 0.8]])
    cotangents = np.random.default_rng(3).normal(size=(1, 16))
    slopes = descriptor.vjp(graph, moments, cotangents).moments[0]
    assert abs(np.cross(slopes, moments[0])).max() < 1e-15
    step = 1e-5 * moments
    ends = [(cotangents * descriptor.forward(graph, moments + s)).sum() for s in (step, -step)]
    np.testing.assert_allclose(slopes @ moments[0], (ends[0] - ends[1]) / 2e-5, rtol=1e-7)


def test_radial_functions_are_coefficients_of_a_broadened_density():
    """Angular mean of the Gaussian with its images beyond R, projected on chi_n by quadrature."""
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=5.0, n_radial=4, width=0.4)
    cutoff, width = descriptor.cutoff, descriptor.width
    for r in (0.7, 2.5, 4.6):
        edge = (1 + np.cos(np.pi * r / cutoff)) / 2

        def mean(x, r=r):
            """4 pi r x times the mean over the sphere x of the normalized Gaussian at r."""
            images = [s + m * 2 * cutoff for m in (-1, 0, 1) for s in (r, -r)]
            return sum(
                np.sign(1 - 2 * (n % 2)) * np.exp(-((x - s) ** 2) / (2 * width**2))
                for n, s in enumerate(images)
            ) / (np.sqrt(2 * np.pi) * width)

        for n in range(1, 5):
            q = n * np.pi / cutoff
            value, _ = quad(lambda x, q=q: np.sqrt(2 / cutoff) * np.sin(q * x) * mean(x), 0, cutoff)
            expected = edge * value / r / np.sqrt(4 * np.pi)
            found = descriptor.radial_functions(r)[n - 1]
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_free_gaussians_differ_near_the_cutoff_only():
    """The free Gaussian of eq 8 on 0 .. R: equal up to R/2, beyond it to 5e-4 of the largest."""
    descriptor = ExchangeDensityDescriptor("Fe")
    cutoff, width = descriptor.cutoff, descriptor.width
    points = np.linspace(0.05, cutoff - 0.01, 60)
    found = descriptor.radial_functions(points)
    scale = abs(found[:, points > 1.0]).max()
    worst = {}
    for k, r in enumerate(points):
        edge = (1 + np.cos(np.pi * r / cutoff)) / 2
        for n in (1, 4, 12):
            q = n * np.pi / cutoff
            value, _ = quad(
                lambda x, q=q, r=r: (
                    np.sqrt(2 / cutoff)
                    * np.sin(q * x)
                    * (
                        np.exp(-((x - r) ** 2) / 2 / width**2)
                        - np.exp(-((x + r) ** 2) / 2 / width**2)
                    )
                ),
                0,
                cutoff,
                points=[r],
                limit=200,
            )
            free = edge * value / r / np.sqrt(4 * np.pi) / (np.sqrt(2 * np.pi) * width)
            worst[r] = max(worst.get(r, 0.0), abs(free - found[n - 1, k]))
    assert max(v for r, v in worst.items() if r < cutoff / 2) < 1e-13
    assert max(worst.values()) < 5e-4 * scale


def test_radial_basis_is_orthonormal_and_smooth_at_the_cutoff():
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=4.0, n_radial=6, width=0.05)
    r, weights = np.polynomial.legendre.leggauss(60)
    r, weights = 2 * (r + 1), 2 * weights
    edge = (1 + np.cos(np.pi * r / 4)) / 2
    q = np.arange(1, 7)[:, None] * np.pi / 4
    basis = descriptor.radial_functions(r) / edge * np.sqrt(4 * np.pi)
    basis /= np.exp(-((q * 0.05) ** 2) / 2)
    np.testing.assert_allclose((basis * weights * r**2) @ basis.T, np.eye(6), atol=1e-12)
    for envelope, power in (("cosine", 3), ("polynomial", 4)):
        descriptor = ExchangeDensityDescriptor("Fe", cutoff=4.0, n_radial=6, envelope=envelope)
        near, far = (abs(descriptor.radial_functions(4.0 - x)) for x in (1e-3, 2e-3))
        np.testing.assert_allclose(far / near, 2.0**power, rtol=0.01)
        assert not descriptor.radial_functions(np.array([4.0, 5.0])).any(where=[True, False])


def test_every_spin_width_keeps_every_channel():
    atoms = bulk("Fe", a=2.83, cubic=True)
    moments = np.array([[0, 0, 2.2], [0, 1.5, -1.0]])
    for spin_width in np.geomspace(0.1, 3.0, 40):
        descriptor = ExchangeDensityDescriptor("Fe", cutoff=4.0, n_radial=2, spin_width=spin_width)
        kappa = spin_width**-2
        degrees = np.arange(7)
        weights = descriptor.spin_weights(6)
        expected = spherical_in(degrees, kappa) / spherical_in(0, kappa)
        np.testing.assert_allclose(weights, expected, rtol=1e-12)
        assert (weights > 0).all() and (np.diff(weights) < 0).all()
        features = descriptor.forward(graph_of(atoms, descriptor), moments)
        assert np.isfinite(features).all() and features.all()
    for spin_width in (1e-3, 1e3):
        weights = ExchangeDensityDescriptor("Fe", spin_width=spin_width).spin_weights(16)
        assert weights[0] == 1 and np.isfinite(weights).all() and (weights**2 > 0).all()


def test_sizes_are_unknown_but_zero_is_legal():
    """Longitudinal slopes are smaller than the transverse ones by (softness/M)^2."""
    atoms = bulk("Fe", a=2.83, cubic=True) * (2, 2, 2)
    rng = np.random.default_rng(5)
    moments = rng.normal(size=(16, 3))
    moments *= 2.2 / np.linalg.norm(moments, axis=1)[:, None]
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=5.0)
    graph = graph_of(atoms, descriptor)
    slopes = descriptor.vjp(graph, moments, rng.normal(size=(16, 84)), lattice=False).moments
    along = np.einsum("ic,ic->i", slopes, moments) / 2.2
    assert abs(along).max() < 2 * (0.05 / 2.2) ** 2 * np.linalg.norm(slopes, axis=1).max()
    for softness in (1e-12, 0.05, 1e12):
        descriptor = ExchangeDensityDescriptor("Fe", cutoff=5.0, softness=softness)
        slopes = descriptor.vjp(graph, np.zeros((16, 3)), np.ones((16, 84))).moments
        assert np.isfinite(slopes).all()


def test_ghosts_empty_neighborhoods_and_nobody():
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=3.0, n_radial=3, l_max=2)
    rng = np.random.default_rng(6)
    chain = Atoms("Fe3", [[0, 0, 0], [2.2, 0, 0], [4.4, 0.3, 0]])
    moments, cotangents = rng.normal(size=(3, 3)), rng.normal(size=(3, 9))
    whole = graph_of(chain, descriptor)
    full = descriptor.vjp(whole, moments, cotangents * [[1], [1], [0]])
    pairs = whole.offsets[2]
    topology = Topology.from_shifts(
        whole.numbers, whole.offsets[:3], whole.neighbors[:pairs], whole.topology.shifts[:pairs]
    )
    ghosts = PairGraph.from_topology(topology, chain.positions, np.zeros((3, 3)), None, 3.0)
    features = descriptor.forward(ghosts, moments)
    np.testing.assert_array_equal(features, descriptor.forward(whole, moments)[:2])
    part = descriptor.vjp(ghosts, moments, cotangents[:2])
    np.testing.assert_allclose(part.moments, full.moments, atol=1e-15)
    np.testing.assert_allclose(part.radial, full.radial[:pairs], atol=1e-15)
    assert descriptor.vjp(ghosts, moments, cotangents[:2], lattice=False).radial is None
    lone = Atoms("Fe2", [[0, 0, 0], [9, 0, 0]])
    for atoms in (lone, Atoms(), Atoms("Cu2", [[0, 0, 0], [2, 0, 0]])):
        graph, n = graph_of(atoms, descriptor), len(atoms)
        assert not descriptor.forward(graph, np.ones((n, 3))).any()
        gradients = descriptor.vjp(graph, np.ones((n, 3)), np.ones((n, 9)))
        assert not gradients.moments.any() and not gradients.radial.any()
        tangents = descriptor.jvp(graph, np.ones((n, 3)), np.ones((n, 3)), graph.vectors)
        assert tangents.shape == (n, 9) and not tangents.any()


def test_threads_do_not_matter():
    descriptor = ExchangeDensityDescriptor("Fe", cutoff=5.0)
    atoms = testing.example(("Fe",), 1, repeats=(3, 3, 3))
    rng = np.random.default_rng(7)
    moments, cotangents = rng.normal(size=(54, 3)), rng.normal(size=(54, 84))
    results = []
    for threads in (1, 3):
        graph = graph_of(atoms, descriptor)
        graph.topology.threads = threads
        gradients = descriptor.vjp(graph, moments, cotangents)
        tangents = descriptor.jvp(graph, moments, moments, graph.vectors)
        results.append(
            (descriptor.forward(graph, moments), gradients.moments, gradients.radial, tangents)
        )
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)


def test_files_and_bad_input(tmp_path):
    descriptor = ExchangeDensityDescriptor(("Fe", "Ni"), cutoff=4.2, n_radial=6, l_max=2)
    storage.save(descriptor, tmp_path / "descriptor.npz")
    loaded = storage.load(tmp_path / "descriptor.npz")[0]
    assert loaded.to_dict() == descriptor.to_dict() and repr(loaded) == repr(descriptor)
    for options, message in (
        ({"cutoff": 0}, "the cutoff must be positive and finite, got 0 angstrom"),
        ({"cutoff": [5.0, 4.0]}, r"the cutoff must be one number, positive and finite, got \[5"),
        ({"cutoff": "5"}, "the cutoff must be one number, positive and finite, got 5 angstrom"),
        ({"l_max": np.nan}, "l_max must be an integer from 0 to 16, got nan"),
        ({"n_radial": np.inf}, "n_radial must be an integer from 1 to 32, got inf"),
        ({"n_radial": "9"}, "n_radial must be an integer from 1 to 32, got '9'"),
        ({"width": np.nan}, "the width must be positive and finite, got nan angstrom"),
        ({"spin_width": -1.0}, r"the spin width must be positive and finite, got -1\.0"),
        ({"softness": 0.0}, r"softness must be positive and finite, got 0\.0 mu_B"),
        ({"n_radial": 33}, "n_radial must be an integer from 1 to 32, got 33"),
        ({"l_max": 2.5}, r"l_max must be an integer from 0 to 16, got 2\.5"),
        ({"envelope": "hard"}, "envelope must be one of 'cosine', 'polynomial', got 'hard'"),
        (
            {"width": 1.3},
            r"a width of 1\.3 angstrom wipes out .* n = 12: .* at most 1\.13",
        ),
        (
            {"spin_width": 1e-8},
            r"the spin width must be from 0\.001 to 1000, .* got 1e-08 of a unit",
        ),
        ({"spin_width": 1e200}, r"the spin width must be from 0\.001 to 1000, .* got 1e\+200"),
        ({"softness": 1e-200}, r"softness must be from 1e-12 to 1e\+12, .* got 1e-200 mu_B"),
        ({"decay": 0.0}, r"the decay must be positive and finite, got 0\.0 angstrom"),
        (
            {"decay": 0.17},
            r"decay of 0\.17 angstrom nothing is left at the cutoff of 7 .* at least 0\.175",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            ExchangeDensityDescriptor("Fe", **options)
    for species in ("Xx9", ("Fe", "Fe"), ()):
        with pytest.raises(ValueError, match="different chemical symbols"):
            ExchangeDensityDescriptor(species)
    atoms = bulk("Fe", cubic=True)
    short = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.0)
    with pytest.raises(ValueError, match=r"up to 4 angstrom, but .* cutoff of 4\.2 angstrom"):
        descriptor.forward(short, np.zeros((2, 3)))
    graph = graph_of(atoms, descriptor)
    with pytest.raises(ValueError, match=r"moments must have shape \(2, 3\), got \(2,\)"):
        descriptor.forward(graph, np.zeros(2))
    with pytest.raises(ValueError, match=r"cotangents must have shape \(2, 36\), got \(2, 4\)"):
        descriptor.vjp(graph, np.zeros((2, 3)), np.zeros((2, 4)))
    some = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"pair_tangents must have shape \(\d+, 3\), got \(2, 3\)"):
        descriptor.jvp(graph, some, some, some)
    with pytest.raises(ValueError, match=r"moment_tangents must have shape \(2, 3\), got \(1, 3\)"):
        descriptor.jvp(graph, some, some[:1], graph.vectors)
    with pytest.raises(ValueError, match=r"the moment of atom 1 is not finite: \[ 1\. nan  1\.\]"):
        descriptor.forward(graph, np.array([[1, 1, 1], [1, np.nan, 1]]))
