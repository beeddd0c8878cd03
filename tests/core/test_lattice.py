"""Perfect crystals are found in any order of their atoms, and nothing else is taken for one."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, make_supercell

from ase_mag.core import find_lattice

CRYSTALS = {
    "bcc": (bulk("Fe", a=2.8665, cubic=True) * (5, 6, 7), (5, 6, 7), 2),
    "bcc primitive": (bulk("Fe", a=2.8665) * (5, 6, 7), (5, 6, 7), 1),
    "hcp": (bulk("Co") * (4, 5, 6), (4, 5, 6), 2),
    "rocksalt": (bulk("NiO", "rocksalt", a=4.17, cubic=True) * (4, 4, 5), (4, 4, 5), 8),
    "CsCl": (bulk("FeCo", "cesiumchloride", a=2.85) * (6, 5, 4), (6, 5, 4), 2),
    # Finer repeats than those of atoms.repeat.
    "sheared": (make_supercell(bulk("Ni"), [[1, 0, 0], [0, 1, 0], [1, 1, 4]]) * (6, 6, 2), None, 0),
}


def found(atoms):
    return find_lattice(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers)


def check(lattice, atoms):
    """Every atom once, and each where the lattice says, up to cell vectors of the structure."""
    order = lattice.atoms.ravel()
    assert np.array_equal(np.sort(order), np.arange(len(atoms)))
    cells = np.stack(np.indices(lattice.repeats), axis=-1) @ lattice.cell
    places = lattice.basis[:, None, None, None] + cells
    apart = (places - atoms.positions[lattice.atoms]).reshape(-1, 3)
    whole = np.where(atoms.pbc[:, None], atoms.cell.array, np.eye(3))
    fractions = np.linalg.solve(whole.T, apart.T).T
    fractions -= np.where(atoms.pbc, np.rint(fractions), 0)
    np.testing.assert_allclose(fractions @ whole, 0, atol=1e-9)
    kinds = np.broadcast_to(lattice.numbers[:, None, None, None], lattice.atoms.shape)
    assert np.array_equal(atoms.numbers[lattice.atoms], kinds)


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("order", ["repeat", "shuffled", "moved and wrapped"])
def test_crystals_are_found(name, order):
    atoms, repeats, n_basis = CRYSTALS[name]
    rng = np.random.default_rng(1)
    if order != "repeat":
        atoms = atoms[rng.permutation(len(atoms))]
    if order == "moved and wrapped":
        atoms.translate([0.7, -11.3, 0.2])
        atoms.wrap()
    lattice = found(atoms)
    check(lattice, atoms)
    if repeats is not None:
        assert lattice.repeats == repeats
        assert len(lattice.basis) == n_basis


def test_films_and_wires_repeat_along_their_periodic_directions():
    atoms = bulk("Fe", a=2.8665, cubic=True) * (6, 5, 4)
    for pbc in ((1, 1, 0), (0, 1, 0)):
        film = atoms.copy()
        film.pbc = pbc
        film.cell[~film.pbc] = 0
        lattice = found(film)
        assert lattice.repeats == tuple(np.where(pbc, (6, 5, 4), 1))
        check(lattice, film)
    film.pbc = False
    assert found(film) is None


def test_a_finer_sublattice_does_not_hide_the_lattice():
    # Iron makes a chain of half the period; the cobalt atoms are not repeated that often.
    positions = [[0, 0, 0.5 * k] for k in range(40)] + [[0.3, 0, k + 0.1] for k in range(20)]
    positions += [[0.6, 0, k + 0.2] for k in range(20)] + [[0.2, 0.4, k + 0.3] for k in range(20)]
    atoms = Atoms("Fe40Co20Ni20Cu20", positions, cell=[9, 9, 20], pbc=True)
    atoms.numbers[:40] = 27
    atoms.numbers[40:60] = 26
    lattice = found(atoms)
    assert lattice.repeats == (1, 1, 20)
    check(lattice, atoms)
    atoms.numbers[:] = 26  # the first atom belongs to the finer chain
    assert found(atoms).repeats == (1, 1, 20)


def spoiled(how):
    atoms = bulk("Fe", a=2.8665, cubic=True) * 6
    if how.startswith("displaced"):
        atoms.positions[int(how.split()[1]), 1] += 1e-7
    elif how == "species":
        atoms.numbers[100] = 27
    elif how == "vacancy":
        del atoms[100]
    elif how == "two vacancies of one kind":
        del atoms[[100, 102]]
    elif how == "interstitial":
        atoms += Atoms("Fe", [[0.7, 0.7, 0.1]])
    elif how == "on top of another":
        atoms.positions[100] = atoms.positions[102]
    elif how == "strained in half":
        atoms.positions[atoms.positions[:, 2] > 8, 2] += 0.01
    elif how == "vibrating":
        atoms.rattle(0.05, seed=1)
    elif how == "alloy":
        atoms.numbers[np.random.default_rng(1).random(len(atoms)) < 0.5] = 27
    return atoms


@pytest.mark.parametrize(
    "how",
    [
        "displaced 0",
        "displaced 1",
        "displaced 431",
        "species",
        "vacancy",
        "two vacancies of one kind",
        "interstitial",
        "on top of another",
        "strained in half",
        "vibrating",
        "alloy",
    ],
)
def test_one_defect_leaves_no_lattice(how):
    lattice = found(spoiled(how))
    if how == "strained in half":
        assert lattice.repeats == (6, 6, 1)  # still one, across the strain
    else:
        assert lattice is None


def test_no_atoms_and_no_volume():
    assert find_lattice(np.zeros((0, 3)), np.eye(3), [True] * 3, []) is None
    assert find_lattice(np.zeros((1, 3)), np.zeros((3, 3)), [True] * 3, [26]) is None
    assert find_lattice(np.zeros((1, 3)), np.eye(3), [True] * 3, [26]) is None
