"""Joined, sorted and repeated systems, beside numpy and the energies of models."""

import numpy as np
import pytest
from ase import Atom, Atoms
from ase.build import bulk, make_supercell, sort
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.transform import Rotation

import ase_mag
from ase_mag import models
from ase_mag.build import extend_with_moments, join, magnetic_supercell, sort_with_results
from ase_mag.core import get_moments
from ase_mag.testing.structures import example

MODEL = models.Heisenberg(("Fe", "Co"), models.cubic(0.2, 3.6))
PROPERTIES = ("energy", "magmom", "stress")
PROPERTIES += ("energies", "forces", "magforces", "magmoms", "stresses")


def recorded(atoms, model=MODEL):
    calc = ase_mag.MagneticCalculator(model)
    results = {name: np.copy(calc.get_property(name, atoms)) for name in PROPERTIES}
    atoms.calc = SinglePointCalculator(atoms)
    atoms.calc.results.update(results)
    return atoms


def check_results(atoms, model=MODEL):
    """Results on record are those that a calculator finds."""
    fresh = ase_mag.MagneticCalculator(model)
    for name in PROPERTIES:
        np.testing.assert_allclose(
            atoms.calc.get_property(name, atoms, allow_calculation=False),
            fresh.get_property(name, atoms.copy()),
            atol=1e-10,
            err_msg=name,
        )


def test_joined_moments_are_vectors():
    vectors = Atoms("Fe2", [[0, 0, 0], [2, 0, 0]])
    ase_mag.set_moments(vectors, [[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])
    collinear = Atoms("Co3", np.ones((3, 3)), magmoms=[1.5, -1.5, 0.5])
    bare = Atoms("Al")
    atom = Atom("Ni", (9, 9, 9), magmom=0.6)
    along_z = [[0, 0, 1.5], [0, 0, -1.5], [0, 0, 0.5]]
    expected = [[1, 2, 3], [0, -1, 0.5], *along_z, [0, 0, 0], [0, 0, 0.6]]
    atoms = join(vectors, collinear, bare, atom)
    assert str(atoms.symbols) == "Fe2Co3AlNi"
    np.testing.assert_array_equal(get_moments(atoms), expected)
    np.testing.assert_array_equal(atoms.positions[:2], vectors.positions)
    np.testing.assert_array_equal(atoms.positions[-1], [9, 9, 9])
    # The other order, and in place; the parts are not changed.
    np.testing.assert_array_equal(get_moments(join(collinear, vectors)), [*along_z, *expected[:2]])
    extend_with_moments(bare, vectors)
    np.testing.assert_array_equal(get_moments(bare), [[0, 0, 0], *expected[:2]])
    assert collinear.arrays["initial_magmoms"].shape == (3,)
    assert len(vectors) == 2


def test_ase_itself_loses_moments():
    """What the helpers are for; if ASE learns it, they may go."""
    vectors, collinear = Atoms("Fe"), Atoms("Fe", magmoms=[2.0])
    ase_mag.set_moments(vectors, [[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(get_moments(vectors + collinear)[1], [2, 2, 2])
    np.testing.assert_array_equal(get_moments(join(vectors, collinear))[1], [0, 0, 2])


def test_nothing_without_moments():
    atoms = join(Atoms("Fe"), Atoms("Co"), Atom("Ni"))
    assert "initial_magmoms" not in atoms.arrays or not get_moments(atoms).any()
    with pytest.raises(TypeError, match="got 'Fe'"):
        join(Atoms("Fe"), "Fe")


def test_energy_of_two_molecules_far_apart():
    """A joined system computes anew; the energy of parts that do not meet is their sum."""
    one, other = example(["Fe"], 1), example(["Co"], 2)
    one.pbc = other.pbc = False
    energies = []
    for part in (one, other):
        part.calc = ase_mag.MagneticCalculator(MODEL)
        energies.append(part.get_potential_energy())
    other.positions += 100
    extend_with_moments(one, other)
    assert one.get_potential_energy() == pytest.approx(sum(energies), abs=1e-10)
    one.calc = SinglePointCalculator(one, energy=1.0)
    extend_with_moments(one, Atom("Fe"))
    assert one.calc is None


def test_sorted_with_results():
    atoms = recorded(example(["Fe", "Co"], 5))
    ordered = sort_with_results(atoms)
    assert ordered.get_chemical_symbols() == sorted(atoms.get_chemical_symbols())
    assert sort(atoms).calc is None  # ASE's own
    np.testing.assert_array_equal(ordered.positions, sort(atoms).positions)
    check_results(ordered)
    order = np.random.default_rng(0).permutation(len(atoms))
    shuffled = sort_with_results(atoms, np.argsort(order))
    np.testing.assert_array_equal(shuffled.positions, atoms.positions[order])
    check_results(shuffled)
    along_z = sort_with_results(atoms, get_moments(atoms)[:, 2])
    assert (np.diff(get_moments(along_z)[:, 2]) >= 0).all()
    with pytest.raises(ValueError, match="key has 1 values, but there are 16"):
        sort_with_results(atoms, [1])
    moved = atoms.copy()
    moved.calc = atoms.calc
    moved.positions += 0.1
    assert sort_with_results(moved).calc is None


@pytest.mark.parametrize("repeats", [(2, 1, 3), [[1, 1, 0], [-1, 1, 0], [0, 1, 2]]])
def test_supercell_with_results(repeats):
    atoms = recorded(example(["Fe", "Co"], 5, repeats=(2, 1, 1)))
    atoms.info["note"] = "kept"
    big = magnetic_supercell(atoms, repeats)
    assert big.info == {"note": "kept"}
    other = make_supercell(atoms, np.diag(repeats) if np.ndim(repeats) == 1 else np.array(repeats))
    np.testing.assert_allclose(big.cell.array, other.cell.array)
    assert len(big) == len(other)
    check_results(big)


def test_supercell_of_a_propagation_vector():
    """Every atom's moment is that of the cell, turned by 2 pi q.T, with T found from positions."""
    cell = example(["Fe", "Co"], 5, repeats=(1, 1, 1))
    q, axis = np.array([1 / 3, 0.5, 0.0]), np.array([1.0, 2.0, 2.0]) / 3
    big = magnetic_supercell(cell, [[3, 0, 0], [0, 2, 1], [0, 2, -1]], q, axis=axis)
    assert len(big) == 12 * len(cell)
    for k, atom in enumerate(big):
        site = k % len(cell)
        shift = np.linalg.solve(cell.cell.array.T, atom.position - cell.positions[site])
        turn = Rotation.from_rotvec(2 * np.pi * (shift @ q) * axis)
        np.testing.assert_allclose(
            get_moments(big)[k], turn.apply(get_moments(cell)[site]), atol=1e-10
        )


def test_energy_of_a_spiral_supercell():
    """E per atom of a flat spiral is -1/2 m^2 J(q), J(q) = sum_R J(R) cos(q.R): a direct sum."""
    cell = bulk("Fe", a=2.87)
    ase_mag.set_moments(cell, [[2.2, 0, 0]])
    q = np.array([0.25, 0.0, 0.0])
    big = magnetic_supercell(cell, (4, 3, 3), q)
    big.calc = ase_mag.MagneticCalculator(MODEL)
    steps = np.stack(np.meshgrid(*[range(-4, 5)] * 3, indexing="ij"), -1).reshape(-1, 3)
    distances = np.linalg.norm(steps @ cell.cell.array, axis=1)
    near = (distances > 0) & (distances < 3.6)
    coupling = 0.2 * (1 - distances[near] / 3.6) ** 3
    of_q = (coupling * np.cos(2 * np.pi * steps[near] @ q)).sum()
    assert big.get_potential_energy() / len(big) == pytest.approx(-0.5 * 2.2**2 * of_q, abs=1e-12)


def test_supercells_that_cannot_be_made():
    cell = bulk("Fe", a=2.87)
    with pytest.raises(ValueError, match="whole numbers with a determinant"):
        magnetic_supercell(cell, (1.5, 1, 1))
    with pytest.raises(ValueError, match="with a determinant"):
        magnetic_supercell(cell, (1, 0, 1))
    with pytest.raises(ValueError, match=r"makes \[0.75"):
        magnetic_supercell(cell, (3, 1, 1), (0.25, 0, 0))
    with pytest.raises(ValueError, match=r"set atoms\.cell"):
        magnetic_supercell(Atoms("Fe"), (2, 1, 1))
    cell.calc = SinglePointCalculator(cell)
    cell.calc.results["gap"] = 1.0
    assert sort_with_results(cell).calc.results["gap"] == 1.0
    with pytest.raises(ValueError, match="'gap' grows with the cell"):
        magnetic_supercell(cell, (2, 1, 1))
