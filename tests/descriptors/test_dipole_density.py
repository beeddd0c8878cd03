"""The two-body dipole descriptor of spin-orientation densities."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.special import spherical_in

from ase_mag import models, testing
from ase_mag.core import PairGraph, Response, storage
from ase_mag.descriptors import DipoleDensityDescriptor, ExchangeDensityDescriptor
from ase_mag.regressors import LinearFunction

from .conftest import graph_of, harmonics, ladder_states


@pytest.mark.parametrize("species", ["Fe", ("Fe", "Co")])
@pytest.mark.parametrize(
    "options",
    [
        {"cutoff": 4.5},
        {"cutoff": 3.5, "n_radial": 3, "l_max": 1, "envelope": "polynomial"},
        {"cutoff": 3.5, "n_radial": 1, "l_max": 0},
        {"cutoff": 3.0, "n_radial": 2, "l_max": 4, "chiral": True, "decay": 0.7},
    ],
)
def test_contract(species, options):
    descriptor = DipoleDensityDescriptor(species, **options)
    testing.check_descriptor(descriptor, spin_rotation=False)


def test_contract_of_a_model():
    """Energies that are linear in the features: forces, ghosts, cells below the cutoff, files."""
    descriptor = DipoleDensityDescriptor(("Fe", "Co"), cutoff=4.0, n_radial=3, chiral=True)
    values = np.random.default_rng(0).normal(size=1 + descriptor.n_features)
    function = LinearFunction(descriptor.n_features, parameters=values)
    model = models.DescriptorModel(descriptor, function)
    testing.check_model(model, spin_rotation=False)
    testing.check_trainable(model)


def invariant(l1, l2, degree, own, other, bond):
    """sqrt(8 pi^2) sqrt(4 pi/(2l + 1)) sum <l1 m1; l2 m2|l m> Y Y Y*, with its phase."""
    states = ladder_states(l1, l2)
    first, second = harmonics(l1, own), harmonics(l2, other)
    total = sum(
        first @ states[degree, m] @ second * harmonics(degree, bond)[degree - m].conj()
        for m in range(-degree, degree + 1)
    )
    total *= np.sqrt(8 * np.pi**2) * np.sqrt(4 * np.pi / (2 * degree + 1))
    phase = (-1.0) ** ((l1 + l2 - degree) // 2)
    if (l1 + l2 + degree) % 2:
        # The descriptor's is real: sin of the azimuth between the moments, times -2i here.
        total = -total / 1j
    assert abs(total.imag) < 1e-12
    return phase * total.real


def twin(atoms, moments, descriptor, i):
    """Features of a site for moments far above the softness, image by image."""
    cutoff = descriptor.cutoff
    degrees = np.arange(descriptor.l_max + 1)
    kappa = descriptor.spin_width**-2
    weights = spherical_in(degrees, kappa) / spherical_in(0, kappa)
    q = np.arange(1, descriptor.n_radial + 1) * np.pi / cutoff
    damping = np.exp(-((q * descriptor.width) ** 2) / 2) * np.sqrt(2 / cutoff / 4 / np.pi)
    shape = (len(descriptor.species), descriptor.n_radial, len(descriptor.channels))
    values = np.zeros(shape)
    for j in range(len(atoms)):
        k = descriptor.species.index(atoms.symbols[j])
        for shift in np.ndindex(5, 5, 5):
            offset = (np.array(shift) - 2) @ atoms.cell.array
            bond = atoms.positions[j] + offset - atoms.positions[i]
            r = np.linalg.norm(bond)
            if 1e-6 < r < cutoff:
                radial = (1 + np.cos(np.pi * r / cutoff)) / 2 * damping * np.sin(q * r) / r
                if descriptor.decay is not None:
                    radial *= np.exp((cutoff / 2 - r) / descriptor.decay)
                angular = [
                    weights[l1] * weights[l2] * invariant(l1, l2, d, moments[i], moments[j], bond)
                    for l1, l2, d in descriptor.channels
                ]
                values[k] += np.outer(radial, angular)
    return values.ravel()


@pytest.mark.parametrize("options", [{"l_max": 2, "decay": 0.5}, {"l_max": 3, "chiral": True}])
def test_coupled_harmonics_of_images_give_the_same(options):
    rng = np.random.default_rng(3)
    atoms = bulk("Fe", a=2.9, cubic=True)
    atoms.symbols[1] = "Co"
    atoms.positions += rng.normal(0, 0.1, (2, 3))
    moments = rng.normal(size=(2, 3))
    descriptor = DipoleDensityDescriptor(
        ("Fe", "Co"), cutoff=3.4, n_radial=3, softness=1e-9, **options
    )
    features = descriptor.forward(graph_of(atoms, descriptor), moments)
    assert features.shape[1] == descriptor.n_features == len(descriptor.labels())
    for i in range(2):
        expected = twin(atoms, moments, descriptor, i)
        np.testing.assert_allclose(features[i], expected, rtol=0, atol=1e-12)


def test_perfect_iron_with_its_images():
    """16 atoms in a box of 5.66 A and a cutoff of 7 A; closed forms of l_max = 1."""
    atoms = bulk("Fe", a=2.83, cubic=True) * (2, 2, 2)
    units = np.random.default_rng(1).normal(size=(16, 3))
    units /= np.linalg.norm(units, axis=1)[:, None]
    descriptor = DipoleDensityDescriptor("Fe", l_max=1, softness=1e-9)
    weights = descriptor.spin_weights(1)
    expected = np.zeros((16, 12, 3))
    for i in range(16):
        for j in range(16):
            for shift in np.ndindex(5, 5, 5):
                offset = (np.array(shift) - 2) @ atoms.cell.array
                bond = atoms.positions[j] + offset - atoms.positions[i]
                r = np.linalg.norm(bond)
                if 1e-6 < r < 7.0:
                    a, b, c = units[i] @ units[j], units[i] @ bond / r, units[j] @ bond / r
                    angular = np.array(
                        [
                            np.sqrt(0.5),
                            np.sqrt(1.5) * a * weights[1] ** 2,
                            np.sqrt(0.75) * (3 * b * c - a) * weights[1] ** 2,
                        ]
                    )
                    expected[i] += np.outer(descriptor.radial_functions(r), angular)
    features = descriptor.forward(graph_of(atoms, descriptor), 2.2 * units)
    assert descriptor.channels == [(0, 0, 0), (1, 1, 0), (1, 1, 2)]
    np.testing.assert_allclose(features, expected.reshape(16, -1), rtol=0, atol=1e-12)


def test_exchange_features_are_those_of_l_zero():
    atoms = testing.example(("Fe",), 4)
    moments = np.random.default_rng(4).normal(size=(16, 3))
    dipole = DipoleDensityDescriptor("Fe", cutoff=5.0, n_radial=5, l_max=3, spin_width=0.8)
    exchange = ExchangeDensityDescriptor("Fe", cutoff=5.0, n_radial=5, l_max=3, spin_width=0.8)
    graph = graph_of(atoms, dipole)
    places = [dipole.channels.index((degree, degree, 0)) for degree in range(4)]
    found = dipole.forward(graph, moments).reshape(16, 5, -1)[:, :, places]
    expected = exchange.forward(graph, moments).reshape(16, 5, 4)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_channels():
    assert [len(DipoleDensityDescriptor("Fe", l_max=n).channels) for n in range(5)] == [
        1,
        3,
        8,
        16,
        29,
    ]
    assert (1, 1, 1) in DipoleDensityDescriptor("Fe", chiral=True).channels
    for l1, l2, degree in DipoleDensityDescriptor("Fe", l_max=4, chiral=True).channels:
        assert (l1 + l2) % 2 == 0 and abs(l1 - l2) <= degree <= l1 + l2


def dipole_energies(graph, units, edge):
    """Site energies -1/2 sum_j edge(r) [3 (e_i.r)(e_j.r) - e_i.e_j]/r^3 of unit vectors."""
    i, j, r = graph.centers, graph.neighbors, graph.distances
    own = np.einsum("pc,pc->p", units[i], graph.vectors) / r
    other = np.einsum("pc,pc->p", units[j], graph.vectors) / r
    products = np.einsum("pc,pc->p", units[i], units[j])
    return -0.5 * graph.sum_pairs(edge(r) * (3 * own * other - products) / r**3)


def test_dipole_energies_are_spanned():
    """Least squares on 4, 8 and 14 radial functions: to 5e-3, 3e-5 and 1e-5 of the energies."""

    def edge(r):
        return np.clip(1 - (r / 5.0) ** 2, 0, None) ** 4

    errors = []
    for n_radial in (4, 8, 14):
        descriptor = DipoleDensityDescriptor(
            "Fe", cutoff=5.0, n_radial=n_radial, l_max=1, width=0.2, softness=1e-6
        )
        rows, targets = [], []
        rng = np.random.default_rng(5)
        for _ in range(30):
            atoms = testing.example(("Fe",), rng, displacement=0.1)
            units = rng.normal(size=(16, 3))
            units /= np.linalg.norm(units, axis=1)[:, None]
            graph = graph_of(atoms, descriptor)
            rows.append(descriptor.forward(graph, units))
            targets.append(dipole_energies(graph, units, edge))
        X, y = np.concatenate(rows[:25]), np.concatenate(targets[:25])
        solution = np.linalg.lstsq(X, y, rcond=1e-13)[0]
        miss = np.concatenate(rows[25:]) @ solution - np.concatenate(targets[25:])
        errors.append(np.sqrt((miss**2).mean()) / np.concatenate(targets[25:]).std())
    assert errors[0] > 50 * errors[1] > 100 * errors[2], errors
    assert errors[2] < 2e-5, errors
    # The magnetic forces of the learned energy are those of the dipoles.
    cotangents = np.tile(solution, (16, 1))
    gradients = descriptor.vjp(graph, units, cotangents)
    magforces = Response.from_gradients(
        graph, type(gradients)(np.zeros(16), gradients.moments, gradients.pairs)
    ).magforces
    step, k = 1e-5, 3
    for c in range(3):
        ends = []
        for sign in (1, -1):
            moved = units.copy()
            moved[k, c] += sign * step
            moved[k] /= np.linalg.norm(moved[k])
            ends.append(dipole_energies(graph, moved, edge).sum())
        np.testing.assert_allclose(
            magforces[k, c], -(ends[0] - ends[1]) / (2 * step), atol=1e-4 * abs(magforces).max()
        )


def test_moments_alone_may_not_be_turned():
    atoms = testing.example(("Fe",), 6)
    moments = np.random.default_rng(6).normal(size=(16, 3))
    descriptor = DipoleDensityDescriptor("Fe", cutoff=4.0, l_max=1)
    graph = graph_of(atoms, descriptor)
    turned = moments @ testing.structures.random_rotation(np.random.default_rng(7)).T
    first, second = (descriptor.forward(graph, m).reshape(-1, 12, 3) for m in (moments, turned))
    np.testing.assert_allclose(first[:, :, :2], second[:, :, :2], atol=1e-13)
    assert abs(first[:, :, 2] - second[:, :, 2]).max() > 0.01
    np.testing.assert_array_equal(
        descriptor.forward(graph, -moments), descriptor.forward(graph, moments)
    )


def test_inversion_of_positions_changes_odd_ones_only():
    atoms = testing.example(("Fe",), 8)
    moments = np.random.default_rng(8).normal(size=(16, 3))
    descriptor = DipoleDensityDescriptor("Fe", cutoff=4.0, n_radial=2, chiral=True)
    inverted = Atoms(atoms, positions=-atoms.positions)
    values = [
        descriptor.forward(graph_of(a, descriptor), moments).reshape(16, 2, -1)
        for a in (atoms, inverted)
    ]
    signs = [(-1.0) ** degree for _, _, degree in descriptor.channels]
    np.testing.assert_allclose(values[0] * signs, values[1], atol=1e-13)


def test_threads_zero_moments_and_nobody():
    descriptor = DipoleDensityDescriptor("Fe", cutoff=4.0, n_radial=3)
    atoms = testing.example(("Fe",), 1, repeats=(3, 3, 3))
    rng = np.random.default_rng(7)
    moments, cotangents = rng.normal(size=(54, 3)), rng.normal(size=(54, 24))
    moments[:9] = 0.0
    results = []
    for threads in (1, 3):
        graph = graph_of(atoms, descriptor)
        graph.topology.threads = threads
        gradients = descriptor.vjp(graph, moments, cotangents)
        tangents = descriptor.jvp(graph, moments, moments, graph.vectors)
        results.append(
            (descriptor.forward(graph, moments), gradients.moments, gradients.pairs, tangents)
        )
    for one, three in zip(*results, strict=True):
        np.testing.assert_array_equal(one, three)
        assert np.isfinite(one).all()
    assert descriptor.vjp(graph, moments, cotangents, lattice=False).pairs is None
    for atoms in (Atoms("Fe2", [[0, 0, 0], [9, 0, 0]]), Atoms(), Atoms("Cu2", [[0] * 3, [2] * 3])):
        graph, n = graph_of(atoms, descriptor), len(atoms)
        assert not descriptor.forward(graph, np.ones((n, 3))).any()
        gradients = descriptor.vjp(graph, np.ones((n, 3)), np.ones((n, 24)))
        assert not gradients.moments.any() and not gradients.pairs.any()
        assert not descriptor.jvp(graph, np.ones((n, 3)), np.ones((n, 3)), graph.vectors).any()


def test_files_and_bad_input(tmp_path):
    descriptor = DipoleDensityDescriptor(("Fe", "Ni"), cutoff=4.2, n_radial=6, chiral=True)
    storage.save(descriptor, tmp_path / "descriptor.npz")
    loaded = storage.load(tmp_path / "descriptor.npz")[0]
    assert loaded.to_dict() == descriptor.to_dict() and loaded.channels == descriptor.channels
    for options, message in (
        ({"cutoff": -1}, "the cutoff must be positive and finite, got -1 angstrom"),
        ({"l_max": 5}, "l_max must be an integer from 0 to 4, got 5"),
        ({"n_radial": 0}, "n_radial must be an integer from 1 to 32, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            DipoleDensityDescriptor("Fe", **options)
    atoms = bulk("Fe", cubic=True)
    short = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.0)
    with pytest.raises(ValueError, match=r"up to 4 angstrom, but .* cutoff of 4\.2 angstrom"):
        descriptor.forward(short, np.zeros((2, 3)))
    graph = graph_of(atoms, descriptor)
    with pytest.raises(ValueError, match=r"cotangents must have shape \(2, 132\), got \(2, 4\)"):
        descriptor.vjp(graph, np.zeros((2, 3)), np.zeros((2, 4)))
    some = np.ones((2, 3))
    with pytest.raises(ValueError, match=r"pair_tangents must have shape \(\d+, 3\), got \(2, 3\)"):
        descriptor.jvp(graph, some, some, some)
    with pytest.raises(ValueError, match=r"moment_tangents must have shape \(2, 3\), got \(1, 3\)"):
        descriptor.jvp(graph, some, some[:1], graph.vectors)
    with pytest.raises(ValueError, match=r"the moment of atom 1 is not finite: \[ 1\. nan  1\.\]"):
        descriptor.forward(graph, np.array([[1, 1, 1], [1, np.nan, 1]]))
    with pytest.raises(ValueError, match=r"moments must have shape \(2, 3\), got \(3, 3\)"):
        descriptor.forward(graph, np.zeros((3, 3)))
