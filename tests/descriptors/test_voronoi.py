"""Exact periodic Voronoi volumes."""

import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial import ConvexHull, Voronoi

from ase_mag.core import get_threads, set_threads
from ase_mag.descriptors import voronoi_volumes

LATTICES = {
    "bcc, one atom": bulk("Fe", a=2.877),
    "bcc, two atoms": bulk("Fe", a=2.877, cubic=True),
    "bcc, 54 atoms": bulk("Fe", a=2.877, cubic=True) * (3, 3, 3),
    "fcc, one atom": bulk("Cu"),
    "fcc, 108 atoms": bulk("Cu", cubic=True) * (3, 3, 3),
    "simple cubic": bulk("Po", "sc", a=3.3) * (2, 3, 4),
    "hcp": bulk("Co") * (2, 2, 2),
    "diamond": bulk("Si", cubic=True),
}


def padded(positions, cell, images):
    """Volumes from scipy's Voronoi tessellation of an explicit supercell."""
    ranges = [range(-images, images + 1)] * 3
    shifts = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
    shifts = shifts[np.argsort(np.abs(shifts).sum(axis=1), kind="stable")]
    points = (positions[None] + (shifts @ cell)[:, None]).reshape(-1, 3)
    diagram = Voronoi(points)
    regions = [diagram.regions[diagram.point_region[i]] for i in range(len(positions))]
    return np.array([ConvexHull(diagram.vertices[region]).volume for region in regions])


@pytest.mark.parametrize("name", LATTICES)
def test_perfect_lattices_with_ties_have_equal_volumes(name):
    atoms = LATTICES[name]
    volumes = voronoi_volumes(atoms.positions, atoms.cell.array)
    np.testing.assert_allclose(volumes, atoms.get_volume() / len(atoms), rtol=1e-13)


def test_displaced_iron_agrees_with_a_padded_supercell():
    atoms = LATTICES["bcc, 54 atoms"].copy()
    atoms.rattle(0.173, seed=1)
    volumes = voronoi_volumes(atoms.positions, atoms.cell.array)
    expected = padded(atoms.positions, atoms.cell.array, images=1)
    np.testing.assert_allclose(volumes, expected, rtol=1e-12)
    assert abs(volumes.sum() / atoms.get_volume() - 1) < 1e-14


@pytest.mark.parametrize("n_atoms", [1, 2, 3, 7, 20])
def test_random_triclinic_cells_agree_with_a_padded_supercell(n_atoms):
    rng = np.random.default_rng(n_atoms)
    cell = np.diag([4.0, 5.0, 6.0]) + rng.normal(0, 1.0, (3, 3))
    positions = rng.random((n_atoms, 3)) @ cell
    volumes = voronoi_volumes(positions, cell)
    np.testing.assert_allclose(volumes, padded(positions, cell, images=3), rtol=1e-10)
    assert abs(volumes.sum() / abs(np.linalg.det(cell)) - 1) < 1e-12


def test_an_extremely_skewed_cell_is_the_same_lattice():
    rng = np.random.default_rng(0)
    cell = np.array([[3.0, 0.0, 0.0], [0.4, 3.2, 0.0], [0.1, -0.3, 3.5]])
    skewed = np.array([[1, 0, 0], [13, 1, 0], [-27, 8, 1]]) @ cell
    positions = rng.random((6, 3)) @ cell
    np.testing.assert_allclose(
        voronoi_volumes(positions, skewed), voronoi_volumes(positions, cell), rtol=1e-11
    )


@pytest.mark.parametrize("noise", [1e-15, 1e-13, 1e-11, 1e-9, 1e-6])
@pytest.mark.parametrize("name", ["fcc, 108 atoms", "simple cubic", "diamond"])
def test_almost_ties_are_consistent(name, noise):
    atoms = LATTICES[name]
    rng = np.random.default_rng(2)
    positions = atoms.positions + rng.normal(0, noise, atoms.positions.shape) + rng.normal(size=3)
    volumes = voronoi_volumes(positions, atoms.cell.array)
    assert abs(volumes.sum() / atoms.get_volume() - 1) < 1e-12
    np.testing.assert_allclose(volumes, atoms.get_volume() / len(atoms), rtol=20 * noise + 1e-11)


def test_many_faces_and_empty_space_are_right():
    """A sphere of 300 atoms around one: its cell has 300 faces, the others reach far out."""
    rng = np.random.default_rng(5)
    sphere = rng.normal(size=(300, 3))
    sphere *= 2.0 / np.linalg.norm(sphere, axis=1)[:, None]
    positions = np.vstack([np.zeros(3), sphere])
    cell = 20.0 * np.eye(3)
    volumes = voronoi_volumes(positions, cell)
    np.testing.assert_allclose(volumes, padded(positions, cell, images=1), rtol=1e-9)
    assert 4.19 < volumes[0] < 4.6
    assert abs(volumes.sum() / 8000.0 - 1) < 1e-12


def test_wrapping_translation_and_order_do_not_matter():
    rng = np.random.default_rng(3)
    atoms = LATTICES["hcp"].copy()
    atoms.rattle(0.2, seed=4)
    volumes = voronoi_volumes(atoms.positions, atoms.cell.array)
    moved = atoms.positions + rng.integers(-3, 4, (len(atoms), 3)) @ atoms.cell.array + 0.37
    order = rng.permutation(len(atoms))
    np.testing.assert_allclose(
        voronoi_volumes(moved[order], atoms.cell.array), volumes[order], rtol=1e-12
    )


def test_volumes_do_not_depend_on_the_number_of_threads():
    atoms = bulk("Fe", a=2.877, cubic=True) * (6, 6, 6)
    atoms.rattle(0.17, seed=6)
    before = get_threads()
    try:
        set_threads(1)
        one = voronoi_volumes(atoms.positions, atoms.cell.array)
        set_threads(3)
        three = voronoi_volumes(atoms.positions, atoms.cell.array)
    finally:
        set_threads(before)
    np.testing.assert_array_equal(one, three)


def test_inputs_are_not_changed():
    atoms = LATTICES["bcc, two atoms"]
    positions, cell = atoms.positions + 7.0, atoms.cell.array
    copies = positions.copy(), cell.copy()
    voronoi_volumes(positions, cell)
    np.testing.assert_array_equal(positions, copies[0])
    np.testing.assert_array_equal(cell, copies[1])


def test_bad_input_is_explained():
    positions, cell = np.zeros((1, 3)), 3.0 * np.eye(3)
    with pytest.raises(ValueError, match=r"non-periodic cell.*pbc is \[True, True, False\].*set"):
        voronoi_volumes(positions, cell, pbc=(True, True, False))
    with pytest.raises(ValueError, match=r"atoms 1 and 4 are in the same place.*remove"):
        crowd = np.array([[0, 0, 0], [1, 1, 1], [2, 1, 0], [0, 2, 2], [4, 1, -2]], float)
        voronoi_volumes(crowd, cell)
    with pytest.raises(ValueError, match="has no volume"):
        voronoi_volumes(positions, np.diag([3.0, 3.0, 0.0]))
    with pytest.raises(ValueError, match=r"shape \(N, 3\), got \(3,\)"):
        voronoi_volumes(positions[0], cell)
    with pytest.raises(ValueError, match=r"cell must have shape \(3, 3\), got \(3,\)"):
        voronoi_volumes(positions, np.ones(3))
    with pytest.raises(ValueError, match="NaN or infinity"):
        voronoi_volumes(np.full((1, 3), np.nan), cell)
