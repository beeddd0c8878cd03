"""Anisotropy energies of crystal directions, their fields, and the contract."""

import numpy as np
import pytest

from ase_mag.core import PairGraph, get_moments
from ase_mag.models import CubicAnisotropy, Heisenberg, UniaxialAnisotropy, cubic
from ase_mag.testing import assert_close, check_model, example
from ase_mag.testing.structures import random_rotation

AXES = random_rotation(np.random.default_rng(7))


def respond(model, moments, numbers=26):
    """Response of isolated atoms."""
    moments = np.atleast_2d(np.array(moments, dtype=float))
    n = len(moments)
    numbers = np.broadcast_to(numbers, n)
    graph = PairGraph.build(np.zeros((n, 3)), np.zeros((3, 3)), False, numbers, 0.0)
    return model.evaluate(graph, moments)


def test_contract_of_uniaxial():
    axis = np.array([1.0, 2.0, -0.5])
    for fourth in (0.0, -3e-3):
        check_model(
            UniaxialAnisotropy("Fe", 2e-3, axis, moment=2.2, fourth=fourth),
            spin_rotation=False,
            rotated=lambda R, k4=fourth: UniaxialAnisotropy("Fe", 2e-3, R @ axis, 2.2, k4),
        )


def test_contract_of_cubic():
    check_model(
        CubicAnisotropy("Fe", 2e-3, -5e-3, moment=2.2, axes=AXES),
        spin_rotation=False,
        rotated=lambda R: CubicAnisotropy("Fe", 2e-3, -5e-3, 2.2, AXES @ R.T),
    )


def test_contract_of_a_sum():
    model = (
        Heisenberg(("Fe", "Co"), cubic(0.1, cutoff=3.5))
        + UniaxialAnisotropy("Co", 1e-3, (0, 0, 1), moment=1.6)
        + CubicAnisotropy("Fe", 1e-4, 0.0, moment=2.2)
    )
    check_model(model, spin_rotation=False, rotated=False)
    atoms = example(model.species)
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    assert model.bilinear(graph) is not None


@pytest.mark.parametrize("fourth", [0.0, 0.4])
@pytest.mark.parametrize("size", [0.0, 1.1, 2.2])
def test_uniaxial_energy(size, fourth):
    """-K c^2 (m/m0)^2 - K4 c^4 (m/m0)^4 with c the cosine to the axis."""
    model = UniaxialAnisotropy("Fe", 0.3, (0, 0, 5.0), moment=2.2, fourth=fourth)
    theta = np.linspace(0, np.pi, 7)
    moments = size * np.stack([np.sin(theta), 0 * theta, np.cos(theta)], axis=1)
    x = size / 2.2 * np.cos(theta)
    result = respond(model, moments)
    assert_close(result.energies, -0.3 * x**2 - fourth * x**4, "energies", rtol=1e-14)
    slope = (2 * 0.3 * x + 4 * fourth * x**3) / 2.2
    expected = np.zeros((7, 3))
    expected[:, 2] = slope
    assert_close(result.magforces, expected, "magforces", rtol=1e-14)


def test_positive_constant_is_an_easy_axis():
    model = UniaxialAnisotropy("Fe", 1e-3, (1, 1, 0), moment=2.2)
    along = respond(model, 2.2 * np.array([1, 1, 0]) / np.sqrt(2)).energy
    across = respond(model, [0, 0, 2.2]).energy
    assert abs(along + 1e-3) < 1e-18
    assert across == 0


def test_fourth_order_has_no_bilinear_form():
    graph = PairGraph.build(np.zeros((1, 3)), np.eye(3), False, [26], 0.0)
    assert UniaxialAnisotropy("Fe", 1e-3, (0, 0, 1), 2.2, fourth=1e-4).bilinear(graph) is None
    assert UniaxialAnisotropy("Fe", 1e-3, (0, 0, 1), 2.2).bilinear(graph) is not None


@pytest.mark.parametrize(
    ("direction", "energy"),
    [
        ((1, 0, 0), 0.0),
        ((1, 1, 0), 0.3 / 4),
        ((1, 1, 1), 0.3 / 3 - 0.7 / 27),
        ((2, 1, 0), 0.3 * 4 / 25),
        ((2, 1, 1), 0.3 * 9 / 36 - 0.7 * 4 / 216),
    ],
)
@pytest.mark.parametrize("axes", [np.eye(3), AXES], ids=["xyz", "turned"])
def test_cubic_energies_of_crystal_directions(direction, energy, axes):
    """K1 (u^2 v^2 + ...) + K2 u^2 v^2 w^2: [110] K1/4, [111] K1/3 + K2/27."""
    model = CubicAnisotropy("Fe", 0.3, -0.7, moment=2.2, axes=3.0 * axes)
    moment = 2.2 * np.array(direction) / np.linalg.norm(direction) @ axes
    assert abs(respond(model, moment).energy - energy) < 1e-15
    # Each order scales with its power of the moment.
    half = CubicAnisotropy("Fe", 0.3 / 16, -0.7 / 64, moment=1.1, axes=axes)
    model_of_half = respond(model, moment / 2).energy
    assert abs(model_of_half - respond(half, moment / 2).energy) < 1e-15


def test_other_species_have_no_part():
    for model in (
        UniaxialAnisotropy("Fe", 1.0, (0, 0, 1), 2.2),
        CubicAnisotropy("Fe", 1.0, 1.0, 2.2),
    ):
        result = respond(model, np.ones((3, 3)), [26, 27, 26])
        assert result.energies[1] == 0 and not result.magforces[1].any()
        assert result.energies[0] == result.energies[2] != 0


def test_axes_of_any_length_and_order():
    atoms = example(("Fe",))
    model = CubicAnisotropy("Fe", 1.0, 1.0, 2.2, axes=AXES[[1, 2, 0]] * [[1], [2], [3]])
    turned = CubicAnisotropy("Fe", 1.0, 1.0, 2.2, axes=AXES)
    moments = get_moments(atoms)
    assert_close(
        respond(model, moments).energies, respond(turned, moments).energies, "E", rtol=1e-13
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: UniaxialAnisotropy("Fe", 1, (0, 0, 0), 2.2), "axis must be three numbers"),
        (lambda: UniaxialAnisotropy("Fe", 1, (0, 0), 2.2), "axis must be three numbers"),
        (lambda: UniaxialAnisotropy("Fe", np.nan, (0, 0, 1), 2.2), "constant must be a finite"),
        (lambda: UniaxialAnisotropy("Fe", 1, (0, 0, 1), 0), "moment must be positive, got 0"),
        (lambda: UniaxialAnisotropy("Qq", 1, (0, 0, 1), 2.2), "'Qq' is not a chemical symbol"),
        (lambda: CubicAnisotropy("Fe", np.inf, 1, 2.2), "k1 must be a finite number, got inf"),
        (lambda: CubicAnisotropy("Fe", 1, 1, -2.2), r"moment must be positive, got -2\.2"),
        (lambda: CubicAnisotropy("Fe", 1, 1, 2.2, np.eye(2)), r"shape \(3, 3\), got \(2, 2\)"),
        (
            lambda: CubicAnisotropy("Fe", 1, 1, 2.2, [[1, 0, 0], [1, 1, 0], [0, 0, 1]]),
            "must be orthogonal",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
