"""Boxes of bcc crystal and finding the lattice of one."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag.build import BccLattice, bcc_crystal
from ase_mag.core import get_moments


@pytest.mark.parametrize("orientation, size, per_cell", [("100", 3, 2), ("111", (3, 2, 4), 6)])
def test_lattice_of_a_box(orientation, size, per_cell):
    atoms = bcc_crystal(2.85, size, moment=2.0, orientation=orientation)
    assert len(atoms) == per_cell * np.prod(np.broadcast_to(size, 3))
    assert atoms.get_volume() / len(atoms) == pytest.approx(2.85**3 / 2)
    assert (get_moments(atoms) == (0, 0, 2.0)).all()
    lattice = BccLattice.of(atoms)
    assert lattice.a == pytest.approx(2.85)
    np.testing.assert_allclose(lattice.axes @ lattice.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(lattice.axes) == pytest.approx(1.0)
    if orientation == "100":
        np.testing.assert_allclose(lattice.axes, np.eye(3), atol=1e-12)
    else:
        np.testing.assert_allclose(lattice.direction((1, 1, 1), (0, 0, 1)), [0, 0, 1], atol=1e-12)
        np.testing.assert_allclose(lattice.direction((1, 1, 0), (1, 0, 0)), [1, 0, 0], atol=1e-12)
        np.testing.assert_allclose(
            atoms.cell.lengths() / 2.85, np.sqrt([2, 6, 0.75]) * size, rtol=1e-12
        )


def test_the_boxes_of_the_paper():
    """128,000 + 265 and 139,026 + 261 atoms: 40^3 cubic cells, and 29 x 17 x 47 along [111]."""
    assert 2 * 40**3 + 265 == 128_265
    assert 6 * 29 * 17 * 47 + 261 == 139_287
    lengths = bcc_crystal(2.85, (29, 17, 47), orientation="111").cell.lengths()
    assert np.ptp(lengths) < 0.03 * lengths.mean()


def test_a_skewed_cell_of_one_atom():
    lattice = BccLattice.of(bulk("Fe", "bcc", a=2.85))
    np.testing.assert_allclose(lattice.axes, np.eye(3), atol=1e-12)


def rattled():
    atoms = bulk("Fe", "bcc", a=2.85, cubic=True) * 3
    atoms.rattle(0.02, seed=1)
    return atoms


@pytest.mark.parametrize(
    "atoms, message",
    [
        (bulk("Fe", "fcc", a=3.5, cubic=True) * 2, "not a perfect bcc crystal"),
        (rattled(), "before atoms are displaced"),
        (Atoms("Fe", cell=[3, 3, 3]), "periodic in three directions is needed"),
        ((bulk("Fe", "bcc", a=2.85, cubic=True) * 3)[:-1], "53 atoms of Fe53 are not a perfect"),
    ],
)
def test_what_is_not_bcc(atoms, message):
    with pytest.raises(ValueError, match=message):
        BccLattice.of(atoms)


def test_bad_boxes():
    with pytest.raises(ValueError, match="'100' or '111', got '110'"):
        bcc_crystal(2.85, 3, orientation="110")
    for size in (0, 2.5, (1, 2, -1)):
        with pytest.raises(ValueError, match="positive whole numbers"):
            bcc_crystal(2.85, size)


@pytest.mark.parametrize("near", [(0, 0, 0), (0, 1), (1.0, np.nan, 0.0)])
def test_no_direction(near):
    lattice = BccLattice.of(bcc_crystal(2.85, 3))
    with pytest.raises(ValueError, match="three numbers that are not all zero, got"):
        lattice.direction((1, 1, 0), near)
