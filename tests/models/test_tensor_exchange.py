"""Symmetric exchange tensors and Dzyaloshinskii-Moriya: double loops, chirality, the contract."""

import itertools

import numpy as np
import pytest
from ase.build import bulk
from scipy.optimize import minimize_scalar

from ase_mag.core import PairGraph, get_moments, set_moments
from ase_mag.models import DzyaloshinskiiMoriya, Heisenberg, TensorExchange, cubic, dmi_tensors
from ase_mag.testing import assert_close, check_bilinear, check_forces, check_model, example

XXZ = np.diag([1.0, 1.0, 1.3])
FULL = np.array([[1.0, 0.2, -0.1], [0.2, 0.7, 0.3], [-0.1, 0.3, 1.4]])
D2D = np.diag([1.0, -1.0, 0.0])
J = cubic(0.2, cutoff=3.75)


def graph_of(atoms, model):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )


def double_loop(atoms, moments, pair_energy, cutoff, images=2):
    """Sum of pair_energy(vector, M_i, M_j) over all ordered pairs and images."""
    total = 0.0
    for shift in itertools.product(range(-images, images + 1), repeat=3):
        for i, j in itertools.product(range(len(atoms)), repeat=2):
            r = atoms.positions[j] - atoms.positions[i] + np.array(shift) @ atoms.cell.array
            if 0 < np.linalg.norm(r) < cutoff:
                total += pair_energy(r, moments[i], moments[j])
    return total


def pair(vector, model, moments):
    """Response of two atoms, the second one ``vector`` away from the first."""
    positions = np.array([np.zeros(3), vector])
    graph = PairGraph.build(positions, np.zeros((3, 3)), False, [26, 26], model.cutoff)
    return model.evaluate(graph, np.array(moments, dtype=float))


@pytest.mark.parametrize("matrix", [XXZ, FULL], ids=["XXZ", "full"])
def test_contract_of_tensors(matrix):
    check_model(
        TensorExchange("Fe", J, matrix),
        spin_rotation=False,
        rotated=lambda R: TensorExchange("Fe", J, R @ matrix @ R.T),
    )


@pytest.mark.parametrize(
    ("rule", "normal"),
    [("bulk", (0, 0, 1)), ("interfacial", (1, 2, 3)), (D2D, (0, 0, 1)), (FULL + 1, (0, 0, 1))],
    ids=["bulk", "interfacial", "D2d", "matrix"],
)
def test_contract_of_dmi(rule, normal):
    model = DzyaloshinskiiMoriya("Fe", J, rule, normal)
    check_model(
        model,
        spin_rotation=False,
        rotated=lambda R: DzyaloshinskiiMoriya("Fe", J, R @ model.rule @ R.T),
    )


def test_contract_of_dmi_in_an_alloy():
    functions = {("Fe", "Co"): J, ("Fe", "Fe"): cubic(-0.05, cutoff=3.0)}
    model = DzyaloshinskiiMoriya(("Fe", "Co"), functions, "bulk")
    check_model(model, spin_rotation=False)
    check_model(Heisenberg(("Fe", "Co"), J) + model, spin_rotation=False)


@pytest.mark.parametrize(
    "model",
    [Heisenberg("Fe", J), TensorExchange("Fe", J, FULL), DzyaloshinskiiMoriya("Fe", J)],
    ids=lambda model: type(model).__name__,
)
def test_bilinear_forms_equal_gradients(model):
    for repeats in ((1, 1, 1), (3, 2, 2)):
        check_bilinear(model, example(("Fe",), repeats=repeats), rtol=1e-13)


def test_unit_tensor_is_heisenberg():
    atoms = example(("Fe",))
    moments = get_moments(atoms)
    a, b = Heisenberg("Fe", J), TensorExchange("Fe", J, np.eye(3))
    graph = graph_of(atoms, a)
    a, b = a.evaluate(graph, moments), b.evaluate(graph, moments)
    for part in ("energies", "magforces", "forces", "virials"):
        assert_close(getattr(b, part), getattr(a, part), part, rtol=1e-14)


def test_tensors_against_a_double_loop():
    atoms = example(("Fe",), rng=1, repeats=(1, 1, 2))
    moments = np.random.default_rng(1).normal(size=(len(atoms), 3))
    model = TensorExchange("Fe", J, FULL)

    def energy(r, a, b):
        return -0.5 * J(np.linalg.norm(r)) * a @ FULL @ b

    expected = double_loop(atoms, moments, energy, 3.75)
    assert_close(model.evaluate(graph_of(atoms, model), moments).energy, expected, "E", rtol=1e-13)


@pytest.mark.parametrize("unit_vectors", [False, True])
def test_dmi_against_a_double_loop(unit_vectors):
    """-1/2 sum D.(M x M) inside; -sum D.(e x e) in UppASD's convention, D in mRy."""
    atoms = example(("Fe",), rng=2, repeats=(1, 1, 2))
    rng = np.random.default_rng(2)
    moments = rng.normal(size=(len(atoms), 3))
    factor, scale, options = 0.5, 1.0, {}
    if unit_vectors:
        moments *= 2.2 / np.linalg.norm(moments, axis=1)[:, None]
        factor, scale = 13.605693123e-3, 2.2
        options = {"unit": "mRy", "convention": "UppASD", "moment": 2.2}
    normal = np.array([1.0, -2.0, 0.5])
    model = DzyaloshinskiiMoriya("Fe", J, "interfacial", normal, **options)
    n = normal / np.linalg.norm(normal)

    def energy(r, a, b):
        d = np.linalg.norm(r)
        return -factor * J(d) * np.cross(n, r / d) @ np.cross(a, b) / scale**2

    expected = double_loop(atoms, moments, energy, 3.75)
    assert_close(model.evaluate(graph_of(atoms, model), moments).energy, expected, "E", rtol=1e-12)


def test_sign_of_dmi():
    """-D.(M1 x M2): D along +z prefers M2 turned counterclockwise about +z from M1."""
    model = DzyaloshinskiiMoriya("Fe", J, "bulk")
    d = J(2.5)
    plus = pair([0, 0, 2.5], model, [[2, 0, 0], [0, 3, 0]])
    minus = pair([0, 0, 2.5], model, [[2, 0, 0], [0, -3, 0]])
    assert abs(plus.energy + 6 * d) < 1e-15
    assert abs(minus.energy - 6 * d) < 1e-15
    # B_1 = -dE/dM_1 = M_2 x D_12 and B_2 = D_12 x M_1.
    assert_close(plus.magforces, [[3 * d, 0, 0], [0, 2 * d, 0]], "magforces", rtol=1e-14)


def test_angle_of_a_pair_with_exchange_and_dmi():
    """The pair energy -J cos(phi) - D sin(phi) has its minimum at tan(phi) = D/J."""
    exchange, dmi = cubic(0.2, cutoff=3.75), cubic(0.07, cutoff=3.75)
    model = Heisenberg("Fe", exchange) + DzyaloshinskiiMoriya("Fe", dmi, "bulk")

    def energy(phi):
        moments = [[1, 0, 0], [np.cos(phi), np.sin(phi), 0]]
        return pair([0, 0, 2.5], model, moments).energy

    best = minimize_scalar(
        energy, bounds=(-np.pi, np.pi), method="bounded", options={"xatol": 1e-9}
    )
    assert abs(best.x - np.arctan2(0.07, 0.2)) < 1e-6
    assert best.x > 0


def test_pitch_of_a_chain():
    """A chain along x with D_ij along z is a spiral of tan(q a) = D/J turning towards +y."""
    a, n = 2.5, 40
    q = 2 * np.pi * 3 / (n * a)
    dmi = cubic(0.2 * np.tan(q * a), cutoff=3.75)
    # Interfacial rule: D = D(r) normal x r, along +z for the normal -y ... (-y) x x = z.
    model = Heisenberg("Fe", cubic(0.2, cutoff=3.75)) + DzyaloshinskiiMoriya(
        "Fe", dmi, "interfacial", normal=(0, -1, 0)
    )
    positions = np.zeros((n, 3))
    positions[:, 0] = a * np.arange(n)
    cell = np.diag([n * a, 20.0, 20.0])
    graph = PairGraph.build(positions, cell, [True, False, False], [26] * n, model.cutoff)
    phase = q * positions[:, 0]
    spiral = np.stack([np.cos(phase), np.sin(phase), 0 * phase], axis=1)
    result = model.evaluate(graph, spiral)
    # In equilibrium the field is along the moments; of 2 sqrt(J^2 + D^2).
    size = 2 * np.hypot(0.2, 0.2 * np.tan(q * a)) * (1 - a / 3.75) ** 3
    assert_close(result.magforces, size * spiral, "magforces", rtol=1e-12)
    mirrored = model.evaluate(graph, spiral * [1, -1, 1])
    assert result.energy < mirrored.energy - 1e-3


def test_interfacial_dmi_of_neel_type():
    """n = z, bond along x: D = D(r) y; moments turning in the x-z plane gain energy."""
    model = DzyaloshinskiiMoriya("Fe", J, "interfacial")
    d = J(2.5)
    result = pair([2.5, 0, 0], model, [[0, 0, 1], [1, 0, 0]])
    # M1 x M2 = z x x = y.
    assert abs(result.energy + d) < 1e-15
    # A bond along the normal has no interfacial DMI.
    assert pair([0, 0, 2.5], model, [[1, 0, 0], [0, 1, 0]]).energy == 0


def test_forces_of_dmi_include_the_direction():
    """A pair feels a force across the bond: dE/dy of -D(r)/r (A r).C."""
    model = DzyaloshinskiiMoriya("Fe", J, "bulk")
    result = pair([2.5, 0, 0], model, [[0, 0, 1], [1, 0, 0]])
    # C = y: no energy at r along x, but dE/dr_y = -D(r)/r.
    assert result.energy == 0
    assert_close(result.forces[1], [0, J(2.5) / 2.5, 0], "force", rtol=1e-14)


def test_forces_of_a_perfect_crystal():
    atoms = bulk("Fe", a=2.87, cubic=True)
    set_moments(atoms, np.random.default_rng(5).normal(size=(2, 3)))
    check_forces(DzyaloshinskiiMoriya("Fe", J, D2D), atoms)


def test_dmi_tensors():
    rng = np.random.default_rng(6)
    d, a, b = rng.normal(size=(3, 3))
    assert_close(a @ dmi_tensors(d) @ b, d @ np.cross(a, b), "M.T.M", rtol=1e-14)
    assert dmi_tensors(rng.normal(size=(4, 3))).shape == (4, 3, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TensorExchange("Fe", J, np.eye(2)), r"tensor must be a finite \(3, 3\) matrix"),
        (lambda: TensorExchange("Fe", J, np.full((3, 3), np.nan)), "tensor must be a finite"),
        (lambda: TensorExchange("Fe", J, [[0, 1, 0], [-1, 0, 0], [0, 0, 0]]), "be symmetric, got"),
        (lambda: DzyaloshinskiiMoriya("Fe", J, "neel"), "rule 'neel' is unknown: use 'bulk'"),
        (lambda: DzyaloshinskiiMoriya("Fe", J, np.ones(3)), "rule must be a finite"),
        (
            lambda: DzyaloshinskiiMoriya("Fe", J, "interfacial", (0, 0, 0)),
            "normal must be three numbers, not all zero",
        ),
        (lambda: DzyaloshinskiiMoriya("Zz", J), "'Zz' is not a chemical symbol"),
        (lambda: DzyaloshinskiiMoriya("Fe", J, convention="TB2J"), "give the moment size"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
