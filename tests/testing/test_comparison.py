"""Messages of comparisons, example structures, and independence of pytest."""

import subprocess

import numpy as np
import pytest

from ase_mag import get_moments, models, testing
from ase_mag.core import Response
from ase_mag.testing.structures import Structure, random_rotation


def test_close_arrays_pass():
    testing.assert_close([1.0, 2.0], [1.0, 2.0 + 1e-9], "x", rtol=1e-9)
    testing.assert_close(np.zeros((0, 3)), np.zeros((0, 3)), "nothing")
    testing.assert_close(1.0, 1.0, "a number")
    # Relative to the largest entry: 1e-13 beside 1 is rounding.
    testing.assert_close([1.0, 1e-13], [1.0, 0.0], "x", rtol=1e-12)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        ([[1.0, 2.0]], [[1.0, 2.5]], r"x: 2 instead of 2.5 at index \(0, 1\) \(difference 0.5, al"),
        ([1.0, 3.0, 5.0], [1.0, 1.0, 1.0], "5 instead of 1 .* 2 of 3 values differ"),
        ([-1.0], [1.0], "x: -1 instead of 1"),
        ([1.0, np.nan], [1.0, 2.0], r"x: nan instead of 2 at index \(1,\)"),
        ([1.0], [np.nan], "x: 1 instead of nan"),
        ([np.inf], [1.0], "x: inf instead of 1"),
        (2.0, 1.0, r"x: 2 instead of 1 \(difference"),
        ([1.0], [1.0, 2.0], r"x: the shape is \(1,\), but \(2,\) is expected"),
    ],
)
def test_messages_say_what_where_and_how_much(actual, expected, message):
    with pytest.raises(AssertionError, match=message):
        testing.assert_close(actual, expected, "x", rtol=1e-6)


def test_two_sided():
    for sign in (1, -1):
        with pytest.raises(AssertionError):
            testing.assert_close([1.0 + sign * 1e-3], [1.0], "x", atol=1e-4)


def test_identical_bits():
    testing.assert_identical(np.arange(3.0), np.arange(3.0), "x")
    testing.assert_identical(None, None, "x")
    for wrong in (np.nextafter(1.0, 2.0), -1.0):
        with pytest.raises(AssertionError, match="x: "):
            testing.assert_identical([wrong], [1.0], "x")
    with pytest.raises(AssertionError, match="the bits differ"):
        testing.assert_identical([-0.0], [0.0], "x")
    with pytest.raises(AssertionError, match="None instead of"):
        testing.assert_identical(None, [0.0], "x")


def test_responses():
    first = Response(np.ones(2), np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3, 3)))
    second = Response(np.ones(2), np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3, 3)))
    testing.assert_responses(first, second, "same", identical=True)
    second.virials[1, 2, 0] += 1e-9
    with pytest.raises(AssertionError, match=r"other: virials: 1 instead of .* at index \(1, 2, 0"):
        testing.assert_responses(first, second, "other")


def test_example_structure():
    atoms = testing.example(("Fe", "Co"), rng=1)
    again = testing.example(("Fe", "Co"), rng=1)
    np.testing.assert_array_equal(atoms.positions, again.positions)
    assert len(atoms) == 16
    assert set(atoms.get_chemical_symbols()) == {"Fe", "Co"}
    sizes = np.linalg.norm(get_moments(atoms), axis=1)
    assert sizes[-1] == 0.0
    assert 0.5 <= sizes[:-1].min() < sizes.max() <= 2.5
    distances = atoms.get_all_distances(mic=True)[np.triu_indices(16, 1)]
    assert distances.min() > 1.8


def test_structure_moves():
    atoms = testing.example(("Fe",), rng=2)
    structure = Structure.of(atoms)
    rotation = random_rotation(np.random.default_rng(0))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    turned = structure.rotated(rotation)
    np.testing.assert_allclose(turned.cell, (rotation @ structure.cell.T).T, atol=1e-13)
    large = structure.repeated((2, 1, 3))
    expected = atoms * (2, 1, 3)
    np.testing.assert_allclose(large.positions, expected.positions, atol=1e-12)
    np.testing.assert_allclose(large.cell, expected.cell.array, atol=1e-12)
    np.testing.assert_array_equal(large.moments, get_moments(expected))
    strained = structure.strained(np.diag([0.01, 0, 0]))
    np.testing.assert_allclose(strained.positions[:, 0], 1.01 * structure.positions[:, 0])
    assert Structure.of(structure) is structure


def test_given_atoms_are_used_and_not_changed():
    atoms = testing.example(("Fe",), rng=4, repeats=(2, 2, 1), displacement=0.05)
    before = atoms.copy()
    testing.check_model(models.named("FeHL-1"), atoms)
    np.testing.assert_array_equal(atoms.positions, before.positions)
    np.testing.assert_array_equal(get_moments(atoms), get_moments(before))


def test_testing_does_not_need_pytest(strict_python):
    code = (
        "import sys; sys.modules['pytest'] = None; sys.modules['_pytest'] = None\n"
        "from ase_mag import models, testing\n"
        "testing.check_model(models.named('FeHL-1'))"
    )
    subprocess.run([*strict_python, "-c", code], check=True, timeout=60)
