"""Scalars per atom against numpy, their ranges, and what frames do not have."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk

import ase_mag
from ase_mag.gui import quantities
from ase_mag.gui.frames import fields_of, moments_of


def test_values_are_those_of_numpy(make_frames):
    (atoms,) = make_frames(1, n=2)
    atoms.set_tags(range(16))
    moments, fields = atoms.calc.results["magmoms"], atoms.calc.results["magforces"]
    mean = moments.mean(axis=0)
    cosine = moments @ mean / np.linalg.norm(moments, axis=1) / np.linalg.norm(mean)
    expected = {
        "size": np.sqrt((moments**2).sum(axis=1)),
        "mx": moments[:, 0],
        "my": moments[:, 1],
        "mz": moments[:, 2],
        "angle": np.degrees(np.arccos(cosine)),
        "field": np.sqrt((fields**2).sum(axis=1)),
        "torque": np.sqrt((np.cross(moments, fields) ** 2).sum(axis=1)),
        "energy": atoms.calc.results["energies"],
        "pressure": -16 * atoms.calc.results["stresses"][:, :3].sum(axis=1) / 3 / units.GPa,
        "force": np.sqrt((atoms.calc.results["forces"] ** 2).sum(axis=1)),
        "tag": np.arange(16),
    }
    found = quantities.available(atoms)
    assert list(found) == list(expected)  # no speed, no charge, and nothing is listed twice
    for name, values in expected.items():
        assert np.allclose(found[name].values(atoms), values, rtol=1e-12, atol=1e-12), name


def test_small_angles_are_accurate():
    # arccos of a cosine would give 0 or 1.2e-6 degrees
    vectors = np.array([[0, np.sin(1e-9), 1.0], [0, 1, 0], [0, 0, -2], [0, 0, 0]])
    angles = quantities.angles_to(vectors, np.array([0, 0, 3.0]))
    assert np.allclose(angles[:3], [np.degrees(1e-9), 90, 180], rtol=1e-12)
    assert np.isnan(angles[3])


def test_a_mean_of_zero_has_no_direction():
    moments = np.array([[0, 0, 2.0], [0, 0, -2.0]])
    assert np.isnan(quantities.angles_to_mean(moments)).all()
    assert np.isnan(quantities.angles_to_mean(np.zeros((2, 3)))).all()
    assert len(quantities.angles_to_mean(np.zeros((0, 3)))) == 0
    moments[0, 2] = 2.001
    assert np.allclose(quantities.angles_to_mean(moments), [0, 180])


def test_collinear_moments_lie_along_z():
    atoms = bulk("NiO", "rocksalt", a=4.2)
    atoms.set_initial_magnetic_moments([1.7, -0.1])
    assert np.array_equal(moments_of(atoms), [[0, 0, 1.7], [0, 0, -0.1]])
    found = quantities.available(atoms)
    assert np.allclose(found["mz"].values(atoms), [1.7, -0.1])
    assert np.allclose(found["angle"].values(atoms), [0, 180])
    assert "field" not in found and fields_of(atoms) is None


def test_columns_of_arrays_have_names():
    atoms = bulk("Cu", cubic=True)[:2]
    atoms.set_array("site", np.array([3, 4]))
    atoms.set_array("drift", np.array([[3.0, 4, 0], [0, 0, 1]]))
    atoms.set_array("stress", np.arange(12.0).reshape(2, 6))
    atoms.set_array("two", np.arange(4.0).reshape(2, 2))
    atoms.set_array("word", np.array(["a", "b"]))
    found = quantities.available(atoms)
    assert "word" not in found
    for name, values in {
        "site": [3, 4],
        "drift": [5, 1],
        "drift:y": [4, 0],
        "stress:yz": [3, 9],
        "two:1": [1, 3],
    }.items():
        assert np.allclose(found[name].values(atoms), values), name
    with pytest.raises(ValueError, match=r"colored by 'size': the frame has site, drift, drift:x"):
        quantities.find(atoms, "size")


def test_ranges_span_all_frames(make_frames):
    frames = make_frames(4) + [bulk("Cu"), Atoms()]
    size, mz, angle = (quantities.BUILT_IN[name] for name in ("size", "mz", "angle"))
    sizes = [np.linalg.norm(a.calc.results["magmoms"], axis=1) for a in frames[:4]]
    assert quantities.value_range(frames, size) == (np.min(sizes), np.max(sizes))
    low, high = quantities.value_range(frames, mz)
    assert -low == high == max(abs(a.calc.results["magmoms"][:, 2]).max() for a in frames[:4])
    assert quantities.value_range(frames, angle) == (0, 180)
    assert quantities.value_range(frames[4:], size) == (0, 0)


def test_moments_that_are_not_finite_are_refused():
    atoms = bulk("Fe")
    atoms.arrays["initial_magmoms"] = np.array([np.nan])
    with pytest.raises(ValueError, match="moment of atom 0 is not a finite number"):
        quantities.available(atoms)


def test_fields_come_from_results_arrays_or_a_calculator(make_frames):
    (atoms,) = make_frames(1)
    assert np.array_equal(fields_of(atoms), atoms.calc.results["magforces"])
    ase_mag.set_moments(atoms, 1.0)  # results of another state are none
    assert fields_of(atoms) is None
    atoms.calc = ase_mag.MagneticCalculator(ase_mag.models.named("FeHL-1"))
    assert np.array_equal(fields_of(atoms), atoms.calc.get_property("magforces", atoms))
    atoms.calc = None
    atoms.set_array("REF_magforces", np.ones((2, 3)))
    assert np.array_equal(fields_of(atoms), np.ones((2, 3)))
    atoms.set_array("magforces", np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"magforces have shape \(2, 2\); .* it must be \(2, 3\)"):
        fields_of(atoms)
