"""Prismatic loops: numbers of atoms, Burgers vectors, and what is perfect in them."""

import numpy as np
import pytest
from matscipy.neighbours import neighbour_list

from ase_mag.analysis import burgers_vector, loop_circuit
from ase_mag.build import BccLattice, bcc_crystal, prismatic_loop
from ase_mag.core import get_moments

A = 2.85
BOXES = {
    "100": bcc_crystal(A, 12, moment=2.1),
    "111": bcc_crystal(A, (9, 5, 14), moment=2.1, orientation="111"),
}
CASES = [
    ("100", "<100>", 41),
    ("111", "1/2<111>", 37),
    ("100", "1/2<111>", 19),
    ("111", "<100>", 25),
    ("100", "<100>", 30),
    ("111", "1/2<111>", 48),
]


@pytest.mark.parametrize("box, burgers, n_atoms", CASES)
def test_burgers_vector_of_a_circuit(box, burgers, n_atoms):
    """A circuit through the loop encloses b; outside of it, or in the crystal, nothing."""
    crystal = BOXES[box]
    lattice = BccLattice.of(crystal)
    atoms = prismatic_loop(crystal, burgers, n_atoms=n_atoms)
    assert len(atoms) == len(crystal) + n_atoms
    b = atoms.info["burgers_vector"]
    assert np.linalg.norm(b) == pytest.approx(A if burgers == "<100>" else np.sqrt(0.75) * A)
    circuit = loop_circuit(atoms, lattice)
    np.testing.assert_allclose(burgers_vector(atoms, lattice, circuit), b, atol=1e-9)
    np.testing.assert_allclose(burgers_vector(atoms, lattice, circuit[::-1]), -b, atol=1e-9)
    np.testing.assert_allclose(burgers_vector(crystal, lattice, circuit), 0, atol=1e-9)
    inside, outside = circuit[:3], circuit[6:3:-1]
    beside = np.array([*(0.3 * inside + 0.7 * outside), *outside[::-1]])
    np.testing.assert_allclose(burgers_vector(atoms, lattice, beside), 0, atol=1e-9)


def test_bad_circuits():
    crystal = BOXES["100"]
    lattice = BccLattice.of(crystal)
    with pytest.raises(ValueError, match="three waypoints or more"):
        burgers_vector(crystal, lattice, [[0, 0, 0], [1, 1, 1]])
    around = np.outer(np.arange(3), [0, 0, 4 * A])
    with pytest.raises(ValueError, match="goes around the periodic box"):
        burgers_vector(crystal, lattice, around)
    with pytest.raises(ValueError, match=r"atoms\.info has no 'burgers_vector'"):
        loop_circuit(crystal, lattice)
    shaken = crystal.copy()
    shaken.rattle(0.6, seed=1)
    with pytest.raises(ValueError, match=r"is stuck at atom|is like none of bcc"):
        burgers_vector(shaken, lattice, [[0, 0, 0], [0, 0, 12], [12, 0, 12], [12, 0, 0]])


@pytest.mark.parametrize("box, burgers, n_atoms", CASES[:2])
def test_perfect_crystal_inside(box, burgers, n_atoms):
    """The atom in the middle of the platelet has the 14 neighbors of bcc, strained."""
    atoms = prismatic_loop(BOXES[box], burgers, n_atoms=n_atoms)
    lattice = BccLattice.of(BOXES[box])
    inserted = atoms.positions[-n_atoms:] - atoms.info["loop_center"]
    middle = len(atoms) - n_atoms + np.linalg.norm(inserted, axis=1).argmin()
    i, vectors = neighbour_list("iD", atoms, 1.2 * A)
    seen = 2 * vectors[i == middle] @ lattice.axes.T / A
    assert len(seen) == 14
    np.testing.assert_allclose(seen, np.rint(seen), atol=0.4)
    assert (get_moments(atoms) == (0, 0, 2.1)).all()


def test_far_from_the_loop_nothing_moves():
    crystal = BOXES["100"]
    atoms = prismatic_loop(crystal, "<100>", n_atoms=13)
    moved = np.linalg.norm(atoms.positions[: len(crystal)] - crystal.positions, axis=1)
    borders = (crystal.positions < 0.1).any(axis=1)
    assert borders.sum() == 12**3 - 11**3
    assert moved[borders].max() < 0.02
    # On the axis of a square, Omega = 4 arcsin(h^2/(h^2 + z^2)); the nearest atoms are at A/4.
    half = np.sqrt(13 / 8)
    expected = A / np.pi * np.arcsin(half**2 / (half**2 + 1 / 16))
    assert moved.max() == pytest.approx(expected, rel=1e-6)


def test_complete_squares_and_circles():
    """k^2 + (k - 1)^2 atoms are squares with edges along <100>; 37 atoms a hexagonal shell."""
    crystal = bcc_crystal(A, 16)
    for k in (2, 3, 5):
        count = k**2 + (k - 1) ** 2
        atoms = prismatic_loop(crystal, "<100>", n_atoms=count)
        places = atoms.positions[-count:, :2] - atoms.info["loop_center"][:2]
        assert abs(places).max() == pytest.approx((k - 1) / 2 * A)
        assert (abs(places).max(axis=1) > (k - 1.1) / 2 * A).sum() == 4 * (k - 1)
        by_radius = prismatic_loop(crystal, "<100>", radius=(k - 1) / 2 * A + 0.1)
        np.testing.assert_allclose(by_radius.positions, atoms.positions)
    box = BOXES["111"]
    for count, center in ((7, 0.0), (12, A * np.sqrt(2 / 9)), (37, 0.0)):
        atoms = prismatic_loop(box, "1/2<111>", n_atoms=count)
        places = atoms.positions[-count:, :2] - atoms.info["loop_center"][:2]
        np.testing.assert_allclose(places.mean(axis=0), 0, atol=1e-6)
        assert np.linalg.norm(places, axis=1).min() == pytest.approx(center, abs=1e-6)


def test_the_loops_of_the_paper_fit_their_boxes():
    atoms = prismatic_loop(bcc_crystal(A, 40), "<100>", n_atoms=265)
    assert len(atoms) == 128_265
    assert 2 * atoms.info["loop_radius"] == pytest.approx(A * np.sqrt(265 / 2))


def test_moments_and_direction():
    atoms = prismatic_loop(
        BOXES["100"], "<100>", n_atoms=13, direction=(-1, 0.1, 0), moment=(0, 0, -1.0)
    )
    np.testing.assert_allclose(atoms.info["burgers_vector"], [-A, 0, 0], atol=1e-9)
    assert (get_moments(atoms)[-13:] == (0, 0, -1.0)).all()
    assert (get_moments(atoms)[:-13] == (0, 0, 2.1)).all()


@pytest.mark.parametrize(
    "options, message",
    [
        ({"burgers": "<110>", "n_atoms": 13}, "burgers must be '<100>' or '1/2<111>', got '<110>'"),
        ({"burgers": "<100>"}, "one of n_atoms and radius is needed"),
        ({"burgers": "<100>", "n_atoms": 13, "radius": 4.0}, "one of n_atoms and radius is needed"),
        ({"burgers": "<100>", "n_atoms": 0}, "n_atoms must be a whole number from 1 to 288"),
        (
            {"burgers": "<100>", "n_atoms": 221},
            r"is 0.8\d times as wide as the box, but at most 0.8",
        ),
        ({"burgers": "1/2<111>", "radius": -1.0}, "holds no row of atoms"),
        ({"burgers": "<100>", "n_atoms": 13, "moment": "up"}, "moments must be numbers in mu_B"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        prismatic_loop(BOXES["100"], **options)


def test_not_a_crystal():
    atoms = BOXES["100"].copy()
    atoms.rattle(0.05, seed=1)
    with pytest.raises(ValueError, match="not a perfect bcc crystal"):
        prismatic_loop(atoms, "<100>", n_atoms=13)
