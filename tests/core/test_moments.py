"""The border between Atoms and (N, 3) moments."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag import get_moments, set_moments
from ase_mag.core import as_moments


def test_set_and_get():
    atoms = Atoms("Fe3", positions=np.eye(3))
    np.testing.assert_array_equal(get_moments(atoms), np.zeros((3, 3)))
    vectors = np.random.default_rng(0).normal(size=(3, 3))
    along_z = [[0, 0, 1.0], [0, 0, -2.0], [0, 0, 3.0]]
    for given, expected in ((2.2, [[0, 0, 2.2]] * 3), ([1, -2, 3], along_z), (vectors, vectors)):
        set_moments(atoms, given)
        np.testing.assert_array_equal(get_moments(atoms), expected)
        assert atoms.arrays["initial_magmoms"].shape == (3, 3)


def test_collinear_moments_of_ase_are_along_z():
    atoms = bulk("Fe", cubic=True)
    assert atoms.arrays["initial_magmoms"].shape == (2,)
    np.testing.assert_array_equal(get_moments(atoms), [[0, 0, 2.3]] * 2)
    set_moments(atoms, np.ones((2, 3)))
    np.testing.assert_array_equal(get_moments(atoms), np.ones((2, 3)))


def test_get_moments_returns_a_copy():
    atoms = Atoms("Fe")
    set_moments(atoms, 1.0)
    get_moments(atoms)[:] = 5.0
    np.testing.assert_array_equal(get_moments(atoms), [[0, 0, 1.0]])


@pytest.mark.parametrize(
    ("moments", "message"),
    [
        (np.zeros((2, 3)), r"shape \(2, 3\); for 3 atoms allowed are a number and \(3,\)"),
        (np.zeros(4), r"shape \(4,\)"),
        (np.zeros((3, 1)), r"shape \(3, 1\)"),
        ([[1, 2, 3], [1, np.nan, 3], [0, 0, 0]], r"moment of atom 1 is not a finite number"),
        ([1, 2, np.inf], r"moment of atom 2 is not a finite number: inf mu_B"),
        (np.nan, r"moment of atom 0 is not a finite number: nan mu_B"),
        ("up", "moments must be numbers in mu_B"),
        ([[1, 2], [3], [4]], "moments must be numbers in mu_B"),
    ],
)
def test_bad_moments(moments, message):
    with pytest.raises(ValueError, match=message):
        as_moments(moments, 3)
    with pytest.raises(ValueError, match=message):
        set_moments(Atoms("Fe3"), moments)


def test_array_of_a_wrong_shape_in_atoms():
    # Repeat in "ase gui" makes (2N, 6) arrays, and broadcasting (N, 1) would make [m, m, m].
    for array in (np.zeros((3, 6)), np.ones((3, 1)), np.full((3, 3), np.nan)):
        atoms = Atoms("Fe3")
        atoms.arrays["initial_magmoms"] = array
        with pytest.raises(ValueError, match=r"have shape|not a finite number"):
            get_moments(atoms)
