from itertools import product

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.polynomial.chebyshev import chebval

import ase_mag
from ase_mag import testing
from ase_mag.core import PairGraph, Response, Trainable
from ase_mag.models import (
    Heisenberg,
    MomentTensorBasis,
    MomentTensorPotential,
    NoncollinearMomentTensorPotential,
    cubic,
)
from ase_mag.models.moment_tensor_basis import contractions
from ase_mag.testing.comparison import assert_identical, assert_responses
from ase_mag.testing.consistency import _threads
from ase_mag.testing.structures import Structure

Z = np.array([0.0, 0.0, 1.0])
LETTERS = "abcdefghijkl"


def chebyshev(k, x):
    return chebval(x, np.eye(k + 1)[k])


def contracted(graph, f, u):
    """A contraction of the full tensors sum_j f_mu u_j (x) ... (x) u_j."""
    names, operands, labels = {}, [], []
    for a, (mu, _, links) in enumerate(graph):
        keys = [(min(a, b), max(a, b), n) for b, count in enumerate(links) for n in range(count)]
        label = "".join(names.setdefault(key, LETTERS[len(names)]) for key in keys)
        factors = "".join(",z" + letter for letter in label)
        operands.append(np.einsum(f"z{factors}->{label}", f[mu], *[u] * len(label)))
        labels.append(label)
    return np.einsum(",".join(labels) + "->", *operands)


def twin(model, atoms, sign=1):
    """Energies of the sites by explicit sums over images and contractions of full tensors."""
    c, n_xi = model.coefficients, model.n_scalars
    rest = model.parameters[c.size :]
    xi, terms = rest[:n_xi], rest[n_xi:].reshape(-1, len(model.species))
    graphs = contractions(model.level)
    shifts = np.array(list(product(range(-3, 4), repeat=3))) @ atoms.cell.array
    moments = sign * ase_mag.get_moments(atoms)
    kinds = [model.species.index(symbol) for symbol in atoms.symbols]
    v = moments / model.max_moment[kinds][:, None]
    energies = []
    for i, xyz in enumerate(atoms.positions):
        f, u = [], []
        for j, shift in product(range(len(atoms)), shifts):
            d = atoms.positions[j] + shift - xyz
            r = np.linalg.norm(d)
            if not 0 < r < model.cutoff:
                continue
            x = (2 * r - model.r_min - model.cutoff) / (model.cutoff - model.r_min)
            phi = [chebyshev(k, x) for k in range(model.n_radial_basis)]
            phi = model.scaling * np.array(phi) * (model.cutoff - r) ** model.cutoff_power
            u.append(d / r)
            f.append(
                np.einsum("cmk,k,c->m", c[kinds[i], kinds[j]], phi, channels(model, v[i], v[j]))
            )
        values = [contracted(graph, np.array(f).T, np.array(u)) for graph in graphs]
        onsite = (v[i] @ v[i]) ** np.arange(1 + model.onsite) @ terms[:, kinds[i]]
        energies.append(xi @ values + onsite)
    return np.array(energies)


def channels(model, a, b):
    n = model.magnetic_basis
    if isinstance(model, MomentTensorPotential):
        a, b = a @ model.axis, b @ model.axis
        return [chebyshev(k, a) * chebyshev(m, b) for k, m in product(range(n), repeat=2)]
    return [
        chebyshev(i, 2 * a @ a - 1) * chebyshev(j, 2 * b @ b - 1) * chebyshev(k, a @ b)
        for i, j, k, _ in model.channels
    ]


def structure(axis=None, species=("Fe", "Al")):
    return testing.example(species, rng=4, repeats=(1, 1, 2), axis=axis)


def test_published_numbers_of_parameters():
    sizes = [
        MomentTensorPotential(("Fe", "Al"), level=12, magnetic_basis=n).n_parameters
        for n in (2, 3, 4, 5)
    ]
    assert sizes == [415, 895, 1567, 2431]
    assert MomentTensorPotential(("Fe", "Al")).n_scalars == 29


@pytest.mark.parametrize(("basis", "power", "onsite"), [(1, 2, 0), (2, 2, 0), (3, 3, 2), (4, 2, 1)])
def test_collinear_energies_equal_the_numpy_twin(basis, power, onsite):
    axis = np.array([2.0, -1.0, 2.0]) / 3.0
    model = MomentTensorPotential(
        ("Fe", "Al"),
        magnetic_basis=basis,
        cutoff=4.2,
        max_moment={"Fe": 3.0, "Al": 2.7},
        axis=axis,
        cutoff_power=power,
        onsite=onsite,
        rng=basis,
    )
    model.parameters += np.random.default_rng(1).normal(scale=0.2, size=model.n_parameters)
    atoms = structure(axis)
    expected = 0.5 * (twin(model, atoms) + twin(model, atoms, -1))
    actual = Structure.of(atoms).response(model).energies
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-13)
    if basis > 1:
        assert np.abs(twin(model, atoms) - twin(model, atoms, -1)).max() > 1e-4


@pytest.mark.parametrize(("basis", "species"), [(1, "Fe"), (2, ("Fe", "Al")), (3, ("Al", "Fe"))])
def test_noncollinear_energies_equal_the_numpy_twin(basis, species):
    model = NoncollinearMomentTensorPotential(species, 10, basis, 4.2, rng=basis)
    model.parameters += np.random.default_rng(1).normal(scale=0.2, size=model.n_parameters)
    atoms = structure(species=(species,) if isinstance(species, str) else species)
    actual = Structure.of(atoms).response(model).energies
    np.testing.assert_allclose(actual, twin(model, atoms), rtol=1e-11, atol=1e-13)


def test_noncollinear_numbers_of_functions():
    sizes = [NoncollinearMomentTensorPotential("Fe", 2, n).n_parameters for n in range(1, 5)]
    assert sizes == [8 * n + 1 + 1 + 3 for n in (1, 4, 10, 20)]


@pytest.mark.parametrize("basis", [2, 3])
def test_collinear_moments_reduce_to_the_even_collinear_potential(basis):
    """T_a(2 v^2 - 1) = T_2a(v) and v_i.v_j = v_i v_j: the same functions under two names."""
    collinear = MomentTensorPotential("Fe", 10, basis, 4.2, rng=2)
    vectors = NoncollinearMomentTensorPotential("Fe", 10, basis, 4.2, onsite=0)
    c = collinear.coefficients
    c[:, :, collinear.channels[:, 3] < 0] = 0.0
    mapped = np.zeros(vectors.coefficient_shape)
    names = {tuple(row[:3]): k for k, row in enumerate(vectors.channels.tolist())}
    for k, (b, g, _, sign) in enumerate(collinear.channels.tolist()):
        if sign > 0:
            name = (b // 2, g // 2, 0) if b % 2 == 0 else (0, 0, 1)
            mapped[:, :, names[name]] = c[:, :, k]
    rest = collinear.parameters[c.size :]
    collinear.parameters = np.concatenate([c.ravel(), rest])
    vectors.parameters = np.concatenate([mapped.ravel(), rest])
    atoms = Structure.of(structure(Z, ("Fe",)))
    assert_responses(atoms.response(vectors), atoms.response(collinear), "vectors along z")


@pytest.mark.parametrize(
    "model",
    [
        MomentTensorPotential(("Fe", "Al"), 8, 2, 4.2, cutoff_power=3),
        MomentTensorPotential("Fe", 6, 3, 4.2, onsite=2, cutoff_power=3),
        NoncollinearMomentTensorPotential(("Fe", "Al"), 6, 2, 4.2, cutoff_power=3),
    ],
    ids=["collinear", "on-site terms", "vectors"],
)
def test_parameter_gradient_against_differences(model):
    testing.check_trainable(model, step=1e-3, rtol=1e-7)


def test_design_equals_that_of_the_base_class():
    """One pass of the kernel against 61 evaluations; and in batches of few scalars."""
    model = MomentTensorPotential(("Fe", "Al"), magnetic_basis=3, cutoff=4.2, onsite=1, rng=1)
    atoms = Structure.of(structure(Z))
    graph = atoms.graph(model)
    for lattice in (True, False):
        actual = model.design(graph, atoms.moments, lattice=lattice)
        expected = Trainable.design(model, graph, atoms.moments, lattice=lattice)
        parts = ("energies", "magforces", "forces", "virials")[: 4 if lattice else 2]
        assert_responses(actual, expected, "design", rtol=1e-11, parts=parts)
    assert actual.forces is None


def test_design_in_batches(monkeypatch):
    model = NoncollinearMomentTensorPotential("Fe", 10, 2, 4.2, rng=1)
    atoms = Structure.of(structure(species=("Fe",)))
    graph = atoms.graph(model)
    whole = model.design(graph, atoms.moments)
    monkeypatch.setattr("ase_mag.models.moment_tensor._DESIGN", 15 * graph.n_pairs)
    parts = model.design(graph, atoms.moments)
    assert_responses(parts, whole, "design in batches of two", identical=True)


def test_parameter_derivatives_do_not_depend_on_the_number_of_threads():
    model = MomentTensorPotential(("Fe", "Al"), cutoff=4.2, rng=1)
    atoms = Structure.of(testing.example(model.species, rng=2, axis=Z))
    results = []
    for n in (1, 2):
        with _threads(n):
            graph = atoms.graph(model)
            weights = model.evaluate(graph, atoms.moments)
            results.append(
                (
                    model.parameter_vjp(graph, atoms.moments, weights),
                    model.design(graph, atoms.moments),
                )
            )
    assert_identical(results[0][0], results[1][0], "parameter_vjp of one and two threads")
    assert_responses(results[0][1], results[1][1], "design of one and two threads", identical=True)


def test_atoms_of_other_species_have_no_part():
    model = MomentTensorPotential("Fe", cutoff=4.2, rng=1)
    atoms = structure(Z)
    iron = atoms[atoms.symbols == "Fe"]
    # Moments of the others may have any direction and size.
    atoms.arrays["initial_magmoms"][atoms.symbols == "Al"] = [9.0, -9.0, 9.0]
    both, alone = (Structure.of(a) for a in (atoms, iron))
    expected = alone.response(model)
    chosen = atoms.symbols == "Fe"
    actual = both.response(model)
    for part in ("energies", "magforces", "forces", "virials"):
        value = getattr(actual, part)
        np.testing.assert_allclose(value[chosen], getattr(expected, part), rtol=1e-12, atol=1e-13)
        assert not value[~chosen].any()
    graph = both.graph(model)
    weights = Response(np.ones(len(atoms)), np.ones((len(atoms), 3)), actual.forces, actual.virials)
    mine = Response(*(getattr(weights, part)[chosen] for part in testing.comparison.PARTS))
    np.testing.assert_allclose(
        model.parameter_vjp(graph, both.moments, weights),
        model.parameter_vjp(alone.graph(model), alone.moments, mine),
        rtol=1e-10,
        atol=1e-12,
    )
    atoms.calc = ase_mag.MagneticCalculator(model)
    with pytest.raises(ValueError, match="holds Al, but the model describes only Fe"):
        atoms.get_potential_energy()


def test_published_cutoff_has_a_kink_in_the_forces_and_the_third_power_has_none():
    """F(R - d) ~ d and ~ d^2: the slope of the forces jumps, or not."""
    for power, expected in ((2, 2.0), (3, 4.0)):
        model = MomentTensorPotential("Fe", 2, 1, 4.0, cutoff_power=power, rng=1)
        forces = []
        for d in (2e-4, 1e-4):
            pair = Atoms("Fe2", [[0, 0, 0], [0, 0, 4.0 - d]])
            forces.append(Structure.of(pair).response(model).forces[0, 2])
        assert forces[0] / forces[1] == pytest.approx(expected, rel=1e-3)


def test_a_fresh_potential_is_no_saddle():
    """Tensors of order 1, and the energy depends on every coefficient of pairs that occur."""
    model = MomentTensorPotential(("Fe", "Al"))
    atoms = Structure.of(testing.example(model.species, rng=3, axis=Z))
    graph = atoms.graph(model)
    energies = model.design(graph, atoms.moments).energies
    sizes = np.abs(energies).mean(axis=1)
    assert sizes.max() < 10.0
    assert np.median(sizes) > 0.03
    assert sizes.min() > 0.0
    weights = Response(np.random.default_rng(0).normal(size=len(atoms)), None)
    assert (np.abs(model.parameter_vjp(graph, atoms.moments, weights)) > 1e-8).all()
    again, other = MomentTensorPotential(("Fe", "Al")), MomentTensorPotential(("Fe", "Al"), rng=1)
    assert_identical(model.parameters, again.parameters, "the same seed")
    assert not np.isclose(model.parameters[:413], other.parameters[:413]).any()


def test_a_lone_atom():
    """Published: a constant. With on-site terms: a Landau energy."""
    atom = Structure.of(Atoms("Fe", magmoms=[2.0]))
    published = MomentTensorPotential("Fe")
    parameters = published.parameters
    parameters[-1] = -3.0
    published.parameters = parameters
    response = atom.response(published)
    assert response.energy == -3.0 and not response.magforces.any()
    vectors = NoncollinearMomentTensorPotential("Fe", max_moment=4.0)
    parameters = vectors.parameters
    parameters[-4:] = [-3.0, -0.5, 0.3, 0.2]
    vectors.parameters = parameters
    response = atom.changed(moments=np.array([[0.0, 2.0, 0.0]])).response(vectors)
    assert response.energy == pytest.approx(-3.0 - 0.5 / 4 + 0.3 / 16 + 0.2 / 64, rel=1e-14)
    slope = 2 * 2.0 / 16 * (-0.5 + 2 * 0.3 / 4 + 3 * 0.2 / 16)
    np.testing.assert_allclose(response.magforces, [[0, -slope, 0]], rtol=1e-13)


def test_without_magnetic_functions_moments_are_not_read():
    model = MomentTensorPotential(("Fe", "Al"), magnetic_basis=1, cutoff=4.2)
    atoms = Structure.of(structure())
    response = atoms.changed(moments=5 * atoms.moments).response(model)
    assert not response.magforces.any() and model.moment_axis is None
    np.testing.assert_array_equal(response.forces, atoms.response(model).forces)


def test_transverse_moments_are_refused():
    model = MomentTensorPotential(("Fe", "Al"), cutoff=4.2)
    atoms = structure(Z)
    expected = Structure.of(atoms).response(model)
    assert not expected.magforces[:, :2].any() and expected.magforces[:, 2].any()
    atoms.arrays["initial_magmoms"][3] = [0.0, 1e-9, 2.0]
    Structure.of(atoms).response(model)
    atoms.arrays["initial_magmoms"][3] = [0.0, 0.01, 2.0]
    message = r"atom 3 is \[0.0, 0.01, 2.0\] mu_B, but a collinear .* \[0.0, 0.0, 1.0\] only: turn"
    with pytest.raises(ValueError, match=message):
        Structure.of(atoms).response(model)
    exchange = Heisenberg("Fe", cubic(0.1, 3.0))
    with pytest.raises(ValueError, match="atom 3"):
        Structure.of(atoms).response(model + exchange)
    with pytest.raises(ValueError, match="different axes"):
        model + MomentTensorPotential("Fe", axis=(1, 0, 0))


@pytest.mark.parametrize("cls", [MomentTensorPotential, NoncollinearMomentTensorPotential])
def test_short_distances_and_large_moments_are_refused_or_extrapolated(cls):
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, 2.0)
    model, free = (
        cls("Fe", r_min=2.4, max_moment=2.0),
        cls("Fe", r_min=2.4, max_moment=2.0, extrapolate=True),
    )
    graph = PairGraph.build(atoms.positions, atoms.cell, True, atoms.numbers, 5.0)
    assert not model.extrapolates(graph, ase_mag.get_moments(atoms)).any()
    expected = Structure.of(atoms).response(model)
    assert_responses(Structure.of(atoms).response(free), expected, "inside", identical=True)
    ase_mag.set_moments(atoms, [2.0, -2.5])
    with pytest.raises(ValueError, match=r"moment of atom 1 is 2.5 mu_B.*max_moment = 2: train"):
        Structure.of(atoms).response(model)
    assert free.extrapolates(graph, ase_mag.get_moments(atoms)).tolist() == [False, True]
    assert np.isfinite(Structure.of(atoms).response(free).energy)
    trio = Atoms("Fe3", [[0, 0, 0], [0, 0, 2.5], [0, 2.3, 2.5]])
    message = r"atoms 1 and 2 are 2.3 angstrom apart, but .* r_min = 2.4: train"
    for refuse in (
        lambda: Structure.of(trio).response(model),
        lambda: model.parameter_vjp(
            Structure.of(trio).graph(model), np.zeros((3, 3)), Response(np.ones(3), None)
        ),
        lambda: model.design(Structure.of(trio).graph(model), np.zeros((3, 3))),
    ):
        with pytest.raises(ValueError, match=message):
            refuse()
    graph = Structure.of(trio).graph(free)
    assert free.extrapolates(graph, np.zeros((3, 3))).tolist() == [False, True, True]
    testing.check_forces(free, trio)


def test_a_basis_from_elsewhere_is_saved_with_the_potential(tmp_path):
    basis = MomentTensorBasis([[0, 0, 0, 0], [1, 0, 0, 0]], [[0, 1, 3, 2], [2, 2, 1, 3]], [2, 3, 1])
    model = MomentTensorPotential("Fe", None, 2, 4.2, basis=basis, rng=5)
    testing.check_model(
        MomentTensorPotential("Fe", None, 2, 4.2, basis=basis, cutoff_power=3, max_moment=8.0),
        rotated=False,
        spin_rotation=False,
    )
    assert model.n_scalars == 3
    testing.consistency.check_storage(model, structure(Z, ("Fe",)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": 1}, "level must be"),
        ({"magnetic_basis": 0}, "magnetic_basis must be a whole number from 1 .* to 16, got 0"),
        ({"magnetic_basis": 17}, "got 17"),
        ({"cutoff": 1.5}, "0 <= r_min < cutoff, got 2.0 and 1.5 angstrom"),
        ({"r_min": np.nan}, "finite"),
        ({"n_radial_basis": 0}, "n_radial_basis must be a whole number of at least 1, got 0"),
        ({"cutoff_power": 1}, "cutoff_power must be a whole number of at least 2"),
        ({"onsite": -1}, "onsite"),
        ({"max_moment": 0.0}, "max_moment must be positive"),
        ({"max_moment": {"Fe": 3.0}}, "one entry for each of Fe, Al, got Fe"),
        ({"axis": (0, 0, 0)}, "axis must be three numbers that are not all zero"),
        ({"scaling": 0.0}, "scaling must be positive"),
        ({"parameters": np.zeros(3)}, "parameters must be 415 finite numbers, got .* \\(3,\\)"),
        ({"parameters": np.full(415, np.nan)}, "finite"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        MomentTensorPotential(("Fe", "Al"), **options)


def test_initial_parameters_are_those_of_a_new_potential():
    model = MomentTensorPotential("Fe", level=6, rng=3)
    np.testing.assert_array_equal(model.initial_parameters(3), model.parameters)
    assert (model.initial_parameters(4) != model.parameters).any()
    np.testing.assert_array_equal(
        model.initial_parameters(np.random.default_rng(3)), model.parameters
    )
