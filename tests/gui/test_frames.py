"""Frames repeated, copied for files, and changed."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag.gui.frames import appendable, change_moments, moments_of, repeated_results, saved


def test_repeated_results_are_those_of_the_repeated_crystal(make_frames):
    (atoms,) = make_frames(1)
    model = ase_mag.models.named("FeHL-1")
    atoms.calc = ase_mag.MagneticCalculator(model)
    found = repeated_results(atoms, 12)  # calculates what an attached calculator can
    large = atoms * (3, 2, 2)
    large.calc = ase_mag.MagneticCalculator(model)
    for name in ("energy", "forces", "energies", "stress", "stresses", "magmoms", "magforces"):
        expected = large.calc.get_property(name, large)
        assert np.shape(found[name]) == np.shape(expected), name
        assert np.allclose(found[name], expected, rtol=1e-10, atol=1e-10), name


def test_copies_keep_everything(make_frames):
    (atoms,) = make_frames(1)
    copy = saved(atoms)
    assert copy.calc is not atoms.calc and copy.info == atoms.info
    for name, value in atoms.calc.results.items():
        assert np.array_equal(copy.calc.results[name], value), name
    one = saved(atoms, np.array([False, True]))
    assert np.array_equal(one.calc.results["magmoms"], atoms.calc.results["magmoms"][1:])
    assert "energy" not in one.calc.results


def test_changes_of_moments(make_frames):
    (atoms,) = make_frames(1)
    before, second = moments_of(atoms), np.array([False, True])
    change_moments(atoms, second, moment=[1, 2, 2])
    assert np.array_equal(moments_of(atoms), [before[0], [1, 2, 2]])
    change_moments(atoms, second, size=1.5)
    assert np.allclose(moments_of(atoms), [before[0], [0.5, 1, 1]])
    change_moments(atoms, np.array([True, True]), flip=True)
    assert np.allclose(moments_of(atoms), [-before[0], [-0.5, -1, -1]])


def test_collinear_moments_stay_collinear():
    atoms = bulk("Fe", cubic=True)
    atoms.set_initial_magnetic_moments([2.0, -2.0])
    change_moments(atoms, np.array([True, False]), moment=[0, 0, 1.5])
    assert atoms.arrays["initial_magmoms"].tolist() == [1.5, -2.0]
    change_moments(atoms, np.array([True, False]), moment=[1.5, 0, 0])
    assert atoms.arrays["initial_magmoms"].tolist() == [[1.5, 0, 0], [0, 0, -2.0]]


def test_collinear_and_vector_moments_are_joined(make_frames):
    collinear = bulk("Fe")  # 2.3 mu_B along z
    (vectors,) = make_frames(1)
    moments = moments_of(vectors)
    joined = vectors.copy()
    joined += appendable(joined, collinear)
    assert np.array_equal(moments_of(joined), [*moments, [0, 0, 2.3]])
    assert collinear.arrays["initial_magmoms"].tolist() == [2.3]
    joined = collinear.copy()
    joined += appendable(joined, vectors)
    assert np.array_equal(moments_of(joined), [[0, 0, 2.3], *moments])
    assert appendable(collinear, collinear) is collinear


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": -1.0}, "size of a moment is -1.0 mu_B, but must not be negative"),
        ({"size": 1.0}, "a moment of zero has no direction"),
        ({"moment": [0, np.inf, 0]}, "moment of atom 0 is not a finite number"),
    ],
)
def test_changes_that_are_refused(change, message):
    atoms = bulk("Fe")
    ase_mag.set_moments(atoms, 0.0)
    with pytest.raises(ValueError, match=message):
        change_moments(atoms, np.array([True]), **change)
    assert np.array_equal(atoms.arrays["initial_magmoms"], np.zeros((1, 3)))
