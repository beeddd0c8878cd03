"""Rotations of atoms with their moments, beside scipy's rotations and the energies of models."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixedPlane
from ase.stress import voigt_6_to_full_3x3_stress
from scipy.spatial.transform import Rotation

import ase_mag
from ase_mag import models
from ase_mag.build import rotate_moments, rotate_with_moments
from ase_mag.core import get_moments
from ase_mag.testing.structures import example

ISOTROPIC = models.Heisenberg("Fe", models.cubic(0.2, 3.6))
CHIRAL = models.DzyaloshinskiiMoriya("Fe", models.cubic(0.2, 3.6))
UNIAXIAL = models.UniaxialAnisotropy("Fe", 0.01, (0, 0, 1), 2.2)


def computed(model):
    atoms = example(["Fe"], 3)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


def recorded(model):
    """Atoms whose results are on record, as those of a file."""
    atoms = computed(model)
    results = {name: np.copy(atoms.calc.get_property(name, atoms)) for name in PROPERTIES}
    atoms.calc = SinglePointCalculator(atoms)
    atoms.calc.results.update(results)
    return atoms


PROPERTIES = ("energy", "energies", "forces", "magforces", "magmoms", "magmom", "stress")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((73.0, (1, 2, 3)), Rotation.from_rotvec(np.radians(73) * np.array([1, 2, 3]) / 14**0.5)),
        ((90, "z"), Rotation.from_matrix([[0, -1, 0], [1, 0, 0], [0, 0, 1]])),
        (("x", "y"), Rotation.from_matrix([[0, -1, 0], [1, 0, 0], [0, 0, 1]])),
        ((Rotation.from_euler("xyz", [0.1, 0.7, -2.0]),), None),
        ((Rotation.from_euler("xyz", [0.1, 0.7, -2.0]).as_matrix(),), None),
    ],
)
def test_positions_cell_and_moments_turn_as_in_scipy(arguments, expected):
    atoms = example(["Fe", "Co"], 1)
    atoms.set_momenta(np.random.default_rng(0).normal(size=(len(atoms), 3)))
    atoms.set_array("my_field", np.random.default_rng(1).normal(size=(len(atoms), 3)))
    before = atoms.copy()
    if expected is None:
        expected = Rotation.from_euler("xyz", [0.1, 0.7, -2.0])
    matrix = rotate_with_moments(atoms, *arguments, center=(1.0, 2.0, -0.5), vectors=["my_field"])
    np.testing.assert_allclose(matrix, expected.as_matrix(), atol=1e-12)
    around = expected.apply(before.positions - [1.0, 2.0, -0.5]) + [1.0, 2.0, -0.5]
    np.testing.assert_allclose(atoms.positions, around, atol=1e-12)
    np.testing.assert_allclose(atoms.cell.array, expected.apply(before.cell.array), atol=1e-12)
    for new, old in (
        (get_moments(atoms), get_moments(before)),
        (atoms.get_momenta(), before.get_momenta()),
        (atoms.arrays["my_field"], before.arrays["my_field"]),
    ):
        np.testing.assert_allclose(new, expected.apply(old), atol=1e-12)


def test_positions_are_those_of_ase():
    atoms, other = example(["Fe"], 1), example(["Fe"], 1)
    rotate_with_moments(atoms, 31.0, (1, 1, 0), center="COM")
    other.rotate(31.0, (1, 1, 0), center="COM", rotate_cell=True)
    np.testing.assert_allclose(atoms.positions, other.positions, atol=1e-12)
    np.testing.assert_allclose(atoms.cell.array, other.cell.array, atol=1e-12)
    # What this is for: ASE leaves the moments behind.
    np.testing.assert_array_equal(get_moments(other), get_moments(example(["Fe"], 1)))


@pytest.mark.parametrize("model", [ISOTROPIC, CHIRAL, ISOTROPIC + CHIRAL])
def test_energies_of_bodies_that_turn_as_a_whole_stay(model):
    """And an interaction that depends on the lattice knows whether the moments came along."""
    atoms = computed(model)
    energy = atoms.get_potential_energy()
    rotate_with_moments(atoms, 50.0, (1, -2, 0.5))
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-10)
    rotate_moments(atoms, 40.0, "x")
    change = atoms.get_potential_energy() - energy
    assert abs(change) < 1e-10 if model is ISOTROPIC else abs(change) > 1e-2


def test_a_uniaxial_anisotropy_changes_as_it_must():
    """E = -K sum m_z^2 of an axis that stays, by hand."""
    atoms = computed(UNIAXIAL)
    rotate_with_moments(atoms, 30.0, "y")
    z = get_moments(example(["Fe"], 3)) @ Rotation.from_euler("y", 30, degrees=True).as_matrix()[2]
    expected = -0.01 * np.sum((z / 2.2) ** 2)
    assert atoms.get_potential_energy() == pytest.approx(expected, abs=1e-12)


def test_recorded_results_turn_into_those_of_the_turned_atoms():
    model = ISOTROPIC + CHIRAL
    atoms = recorded(model)
    rotate_with_moments(atoms, 77.0, (3, 1, 2), center="COP")
    fresh = atoms.copy()
    fresh.calc = ase_mag.MagneticCalculator(model)
    for name in PROPERTIES:
        np.testing.assert_allclose(
            atoms.calc.get_property(name, atoms, allow_calculation=False),
            fresh.calc.get_property(name, fresh),
            atol=1e-10,
            err_msg=name,
        )


def test_recorded_results_of_rotated_moments():
    """They are kept where spin space is said to be isotropic, and removed otherwise."""
    atoms = recorded(ISOTROPIC)
    forces = atoms.get_forces().copy()
    rotate_moments(atoms, 20.0, (1, 0, 2), isotropic=True)
    fresh = atoms.copy()
    fresh.calc = ase_mag.MagneticCalculator(ISOTROPIC)
    np.testing.assert_array_equal(atoms.get_forces(), forces)
    for name in PROPERTIES:
        np.testing.assert_allclose(
            atoms.calc.results[name], fresh.calc.get_property(name, fresh), atol=1e-10
        )
    rotate_moments(atoms, 20.0, "z")
    assert atoms.calc is None
    with pytest.raises(ValueError, match="leave out isotropic"):
        rotate_moments(atoms, 20.0, "z", indices=[0], isotropic=True)


def test_some_moments_turn():
    atoms = example(["Fe"], 1)
    before = get_moments(atoms)
    rotate_moments(atoms, 90.0, "z", indices=[1, 2])
    x, y, z = before[1:3].T
    np.testing.assert_allclose(get_moments(atoms)[1:3], np.transpose([-y, x, z]), atol=1e-12)
    others = [0, *range(3, len(atoms))]
    np.testing.assert_array_equal(get_moments(atoms)[others], before[others])


def test_moments_along_z_become_vectors():
    atoms = Atoms("Fe2", [[0, 0, 0], [0, 0, 2.5]], magmoms=[1.0, -2.0])
    atoms.calc = SinglePointCalculator(atoms, energy=1.0, magmoms=np.array([1.1, -2.1]))
    rotate_with_moments(atoms, "z", "x")
    np.testing.assert_allclose(get_moments(atoms), [[1, 0, 0], [-2, 0, 0]], atol=1e-12)
    found = atoms.calc.results["magmoms"]
    np.testing.assert_allclose(found, [[1.1, 0, 0], [-2.1, 0, 0]], atol=1e-12)
    assert atoms.get_potential_energy() == 1.0


def test_a_stress_turns_as_a_tensor():
    """EMT knows nothing of this package; the stress of a sheared crystal turned by hand."""
    atoms = bulk("Cu") * 2
    sheared = atoms.cell.array @ [[1, 0.02, 0], [0, 1.01, 0], [0.01, 0, 0.98]]
    atoms.set_cell(sheared, scale_atoms=True)
    atoms.calc = EMT()
    stress = atoms.get_stress()
    atoms.calc = SinglePointCalculator(atoms, stress=stress, energy=0.0)
    matrix = rotate_with_moments(atoms, 33.0, (0, 1, 1))
    recorded_stress = voigt_6_to_full_3x3_stress(atoms.get_stress())
    np.testing.assert_allclose(
        recorded_stress, matrix @ voigt_6_to_full_3x3_stress(stress) @ matrix.T, atol=1e-14
    )
    atoms.calc = EMT()
    np.testing.assert_allclose(
        voigt_6_to_full_3x3_stress(atoms.get_stress()), recorded_stress, atol=1e-10
    )


def test_what_cannot_be_turned():
    atoms = example(["Fe"], 1)
    with pytest.raises(ValueError, match="determinant 1 is needed"):
        rotate_with_moments(atoms, -np.eye(3))
    with pytest.raises(ValueError, match="determinant 1 is needed"):
        rotate_with_moments(atoms, 2 * np.eye(3))
    with pytest.raises(ValueError, match="'tags' is not there"):
        rotate_with_moments(atoms, 10, "x", vectors=["tags"])
    atoms.set_constraint(FixAtoms([0]))
    rotate_with_moments(atoms, 10, "x")
    atoms.set_constraint(FixedPlane(0, (0, 0, 1)))
    with pytest.raises(ValueError, match="FixedPlane may have directions"):
        rotate_with_moments(atoms, 10, "x")
    atoms.set_constraint()
    atoms.calc = SinglePointCalculator(atoms, energy=0.0)
    atoms.calc.results["polarizability"] = np.zeros(6)
    with pytest.raises(ValueError, match="'polarizability' turns"):
        rotate_with_moments(atoms, 10, "x")
