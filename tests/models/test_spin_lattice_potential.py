"""The spin-lattice potential: against its equations written out, differences, known potentials."""

import copy

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag import models, testing
from ase_mag.core import PairGraph, storage
from ase_mag.descriptors import RadialSpinDescriptor
from ase_mag.models import HeisenbergLandau, HoppingEmbeddedAtom, SpinLatticePotential
from ase_mag.models.eam_parameters import ScreenedNuclei
from ase_mag.regressors import Perceptron
from ase_mag.testing.structures import Structure

T, T_KNOTS = np.array([4.0, -1.9, 0.45]), np.array([2.6, 3.2, 4.2])
V, V_KNOTS = np.array([60.0, 5.0, -0.5]), np.array([2.0, 2.5, 5.0])


def random_potential(species="Fe", activation="tanh", seed=1):
    """Return a small potential whose network is at work, all parameters off their defaults."""
    descriptor = RadialSpinDescriptor(species, 5.3, 3)
    function = Perceptron(12, (4, 3), activation)
    lattice = HoppingEmbeddedAtom(
        species, hopping=dict(zip(T_KNOTS, T, strict=True)), pair=dict(zip(V_KNOTS, V, strict=True))
    )
    moments = HeisenbergLandau(lattice, a=(-0.15, 4e-3, -1e-5), b=(0.0192, 4e-4, 1e-6))
    network = models.DescriptorModel(descriptor, function)
    model = SpinLatticePotential(species, moments=moments, network=network)
    structure = Structure.of(testing.example(model.species, 5))
    model.prepare([(structure.graph(model), structure.moments)])
    rng = np.random.default_rng(seed)
    parameters = model.parameters * (1.0 + 0.05 * rng.normal(size=len(model.parameters)))
    here = model.linear[-4:]
    parameters[here] = 0.1 * rng.normal(size=4)
    model.parameters = parameters
    return model


def cubes(amplitudes, knots, r):
    return sum(a * max(k - r, 0.0) ** 3 for a, k in zip(amplitudes, knots, strict=True))


def test_equations_written_out():
    """Eqs 4-14 for five atoms, in plain loops."""
    rng = np.random.default_rng(0)
    positions = rng.normal(scale=1.6, size=(5, 3))
    positions += 2.2 * np.arange(5)[:, None] * [1.0, 0.2, 0.0]
    moments = rng.normal(size=(5, 3))
    phi, J0, C = -3e-4, 0.4, 2e-4
    a, b = (-0.15, 4e-3, -1e-5), (0.0192, 4e-4, 1e-6)
    total = 0.0
    for i in range(5):
        rho = 0.0
        for j in range(5):
            r = np.linalg.norm(positions[j] - positions[i])
            if i == j or r >= 5.3:
                continue
            assert r > 1.8
            rho += cubes(T, T_KNOTS, r) ** 2
            total += 0.5 * cubes(V, V_KNOTS, r)
            total -= 0.5 * J0 * (1 - r / 5.3) ** 5 * moments[i] @ moments[j]
        total += -np.sqrt(rho) + phi * rho**2
        m2 = moments[i] @ moments[i]
        total += (a[0] + a[1] * rho + a[2] * rho**2) * m2 + C * m2**3
        total += (b[0] + b[1] * rho + b[2] * rho**2) * m2**2
    lattice = HoppingEmbeddedAtom(
        "Fe",
        hopping=dict(zip(T_KNOTS, T, strict=True)),
        pair=dict(zip(V_KNOTS, V, strict=True)),
        square=phi,
    )
    model = SpinLatticePotential(moments=HeisenbergLandau(lattice, J0, a, b, C))
    graph = PairGraph.build(positions, np.zeros((3, 3)), False, [26] * 5, model.cutoff)
    assert model.evaluate(graph, moments).energy == pytest.approx(total, rel=1e-12)


def test_pair_energy_joins_the_nuclei_with_two_derivatives():
    """Below r1 it is the screened repulsion; at r1 and r2 value, slope and curvature agree."""
    lattice = HoppingEmbeddedAtom("Fe")
    function = lattice._pair[0, 0]
    nuclei = ScreenedNuclei(26**2 * 14.399645, 0.88534 * 0.529177 / (2 * 26**0.23), cutoff=1.3)
    r = np.linspace(0.3, 1.29, 20)
    np.testing.assert_allclose(function(r), nuclei(r), rtol=2e-6)
    assert nuclei(0.3) > 2000.0
    h = 1e-4
    for edge in (1.3, 1.8):
        steps = 1e-10 + h * np.arange(3)
        below, above = edge - steps, edge + steps
        left, right = function(below), function(above)
        assert left[0] == pytest.approx(right[0], rel=1e-6)
        slope = (left[0] - left[1]) / h, (right[1] - right[0]) / h
        assert slope[0] == pytest.approx(slope[1], rel=1e-2)
        bend = left[0] - 2 * left[1] + left[2], right[0] - 2 * right[1] + right[2]
        assert bend[0] == pytest.approx(bend[1], rel=2e-2)


def test_starts_near_the_iron_of_mendelev():
    ours, theirs = HoppingEmbeddedAtom("Fe"), models.mendelev_2003()
    for a in (2.7, 2.86, 3.0):
        structure = Structure.of(bulk("Fe", a=a))
        found, expected = (structure.response(m).energy for m in (ours, theirs))
        assert found == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("species", "activation"), [("Fe", "twisted"), ("Fe", "algebraic"), (("Fe", "Cr"), "tanh")]
)
def test_trainable_contract(species, activation):
    model = random_potential(species, activation)
    testing.check_trainable(model, rtol=1e-7)


def test_trainable_contract_at_short_distances():
    """Pairs in all three parts of V, the polynomial and the nuclei among them."""
    atoms = testing.example(("Fe",), 3, displacement=0.3, a=2.4)
    for model in (HoppingEmbeddedAtom("Fe"), random_potential("Fe")):
        r = Structure.of(atoms).graph(model).distances
        assert (r < 1.3).any() and ((r > 1.3) & (r < 1.8)).any()
        testing.check_trainable(model, atoms, rtol=1e-7)
        testing.check_forces(model, atoms)


def test_terms_add_up():
    model = random_potential(("Fe", "Cr"))
    structure = Structure.of(testing.example(("Fe", "Cr"), 2))
    whole = structure.response(model)
    parts = [structure.response(term) for term in (model.lattice, model.moments, model.network)]
    for name in ("energies", "magforces", "forces", "virials"):
        expected = sum(getattr(part, name) for part in parts)
        np.testing.assert_allclose(getattr(whole, name), expected, rtol=1e-10, atol=1e-10)


def test_new_parameters_count_on_a_used_graph():
    """Values that are kept on the graph follow the parameters, also those of the shared density."""
    model = random_potential()
    structure = Structure.of(testing.example(("Fe",), 2))
    graph = structure.graph(model)
    model.evaluate(graph, structure.moments)
    size = len(graph.cache)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        parameters = model.parameters
        model.parameters = parameters * (1.0 + 0.01 * rng.normal(size=len(parameters)))
        found = model.evaluate(graph, structure.moments)
        fresh = structure.response(model)
        np.testing.assert_array_equal(found.forces, fresh.forces)
        np.testing.assert_array_equal(found.magforces, fresh.magforces)
    assert len(graph.cache) == size  # nothing piles up in a fit


def test_knots_stay_inside():
    model = HoppingEmbeddedAtom("Fe")
    parameters = model.parameters
    parameters[4:7] = [-50.0, 0.0, 50.0]
    model.parameters = parameters
    np.testing.assert_allclose(model.hopping_knots[0, :3], [0.0, 2.65, 5.3], atol=1e-12)
    assert np.isfinite(Structure.of(testing.example(("Fe",))).response(model).energy)


@pytest.mark.parametrize("direction", ["together", "against"])
def test_large_moments_cost_energy(direction):
    """C > 0 outgrows exchange and network, whatever their sign."""
    model = random_potential()
    atoms = bulk("Fe", a=2.86, cubic=True)
    signs = np.array([1.0, 1.0 if direction == "together" else -1.0])
    structure = Structure.of(atoms)
    energies = [
        structure.changed(moments=m * signs[:, None] * [0.0, 0.0, 1.0]).response(model).energy
        for m in (2.0, 50.0, 100.0)
    ]
    assert energies[0] < energies[1] < energies[2]


def test_pairs_repel_at_short_distance():
    model = random_potential()
    moments = np.array([[0.0, 0.0, 3.0], [1.0, 2.0, 0.0]])
    energies = []
    for r in (1.5, 1.0, 0.6, 0.3):
        graph = PairGraph.build([[0, 0, 0], [0, 0, r]], np.zeros((3, 3)), False, [26, 26], 5.3)
        energies.append(model.evaluate(graph, moments).energy)
    assert (np.diff(energies) > 0).all()
    assert energies[-1] > 1000.0


def test_other_atoms_have_no_part():
    model = random_potential()
    atoms = Atoms("FeAlFe", positions=[[0, 0, 0], [0, 0, 2.3], [0, 2.4, 0]])
    without = Atoms("Fe2", positions=[[0, 0, 0], [0, 2.4, 0]])
    moments = np.array([[0.0, 1.0, 2.0], [9.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    both = [
        model.evaluate(PairGraph.build(a.positions, np.zeros((3, 3)), False, a.numbers, 5.3), m)
        for a, m in ((atoms, moments), (without, moments[[0, 2]]))
    ]
    assert both[0].energy == pytest.approx(both[1].energy, rel=1e-12)
    assert not both[0].magforces[1].any()


def test_saved_and_loaded(tmp_path):
    model = random_potential(("Fe", "Cr"))
    model.save(tmp_path / "m.npz")
    loaded = models.load(tmp_path / "m.npz")
    np.testing.assert_array_equal(loaded.parameters, model.parameters)
    assert loaded.moments.lattice is loaded.lattice
    assert storage.digest(loaded) == storage.digest(model)
    other = copy.deepcopy(model)
    assert other.moments.lattice is other.lattice


def test_bad_input():
    with pytest.raises(ValueError, match=r"knots of hopping must lie between 0 and the cutoff 5.3"):
        HoppingEmbeddedAtom("Fe", hopping={6.0: 1.0})
    with pytest.raises(ValueError, match=r"0 < r1 < r2 < cutoff must hold"):
        HoppingEmbeddedAtom("Fe", inner=(1.8, 1.3))
    with pytest.raises(ValueError, match=r"pair must be a dict .* shape \(3, n, 2\), got \(2, 1"):
        HoppingEmbeddedAtom(("Fe", "Cr"), pair=np.ones((2, 1, 2)))
    with pytest.raises(ValueError, match="C must lie above least_sixth"):
        HeisenbergLandau(HoppingEmbeddedAtom("Fe"), c=-1e-4)
    with pytest.raises(ValueError, match="least_sixth must be positive"):
        HeisenbergLandau(HoppingEmbeddedAtom("Fe"), least_sixth=0.0)
    with pytest.raises(TypeError, match="must be a HoppingEmbeddedAtom"):
        HeisenbergLandau("Fe")
    with pytest.raises(ValueError, match="moments has another lattice"):
        SpinLatticePotential(
            lattice=HoppingEmbeddedAtom("Fe"), moments=HeisenbergLandau(HoppingEmbeddedAtom("Fe"))
        )
    with pytest.raises(
        ValueError, match=r"lattice describes Cr to 5.3 angstrom, but the potential"
    ):
        SpinLatticePotential("Fe", lattice=HoppingEmbeddedAtom("Cr"))
    with pytest.raises(ValueError, match="parameters must be 921 finite numbers"):
        SpinLatticePotential("Fe").parameters = [1.0]


@pytest.mark.parametrize("q", [-60.0, 60.0])
def test_a_knot_that_a_fit_has_driven_to_an_end_can_be_saved(q, tmp_path):
    """R = cutoff/(1 + exp(-q)) is rounded to 0 or the cutoff, where no table may have a knot."""
    model = HoppingEmbeddedAtom("Fe")
    parameters = model.parameters.copy()
    parameters[model.hopping.size] = q  # of the first knot of t
    model.parameters = parameters
    assert model.hopping_knots.ravel()[0] in (0.0, model.cutoff)
    model.save(tmp_path / "model.npz")
    loaded = models.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.parameters, parameters)
    np.testing.assert_array_equal(loaded.hopping_knots, model.hopping_knots)
