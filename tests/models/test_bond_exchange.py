"""Tables of bonds: the lattice, sublattices, moving atoms, tables that cannot be right."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag.core import PairGraph, get_moments, set_moments, storage
from ase_mag.models import BondExchange, Heisenberg, dmi_tensors, shells
from ase_mag.testing import assert_close, check_model

A = 2.87
NEAREST = A / 2 * np.array([[x, y, z] for x in (1, -1) for y in (1, -1) for z in (1, -1)])
SECOND = A * np.vstack([np.eye(3), -np.eye(3)])
BONDS = np.vstack([NEAREST, SECOND])
VALUES = np.repeat([1.3, 0.75], [8, 6])
ISOTROPIC = VALUES[:, None, None] * np.eye(3)


def crystal(displacement=0.0, repeats=(2, 2, 2), seed=0):
    atoms = bulk("Fe", a=A, cubic=True) * repeats
    rng = np.random.default_rng(seed)
    atoms.positions += rng.normal(scale=displacement, size=atoms.positions.shape)
    set_moments(atoms, rng.normal(size=(len(atoms), 3)))
    return atoms


def respond(model, atoms):
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    return model.evaluate(graph, get_moments(atoms))


def random_table(seed=0):
    """Tensors without any symmetry on half of the bonds (the reverse ones are added)."""
    half = BONDS[[0, 1, 2, 3, 8, 9, 10]]
    return half, np.random.default_rng(seed).normal(scale=0.01, size=(len(half), 3, 3))


def test_contract():
    bonds, tensors = random_table()
    model = BondExchange("Fe", bonds, tensors)
    check_model(
        model,
        crystal(0.1),
        spin_rotation=False,
        smooth=False,
        rotated=lambda R: BondExchange("Fe", bonds @ R.T, R @ tensors @ R.T),
    )


@pytest.mark.parametrize("repeats", [(1, 1, 1), (2, 2, 2)])
@pytest.mark.parametrize("displacement", [0.0, 0.15])
def test_isotropic_bonds_are_shells(displacement, repeats):
    """The energy is that of shells on the ideal lattice, also where the atoms have moved."""
    options = {"unit": "mRy", "convention": "UppASD", "moment": 2.2}
    table = BondExchange("Fe", BONDS, ISOTROPIC, **options)
    model = Heisenberg("Fe", shells([1.3, 0.75], bulk("Fe", a=A), **options))
    moved = respond(table, crystal(displacement, repeats))
    ideal = crystal(0.0, repeats)
    set_moments(ideal, get_moments(crystal(displacement, repeats)))
    expected = respond(model, ideal)
    assert_close(moved.energies, expected.energies, "energies", rtol=1e-13)
    assert_close(moved.magforces, expected.magforces, "magforces", rtol=1e-13)
    assert not moved.forces.any()


def test_reverse_bonds_are_added():
    bonds, tensors = random_table(1)
    half = BondExchange("Fe", bonds, tensors)
    both = BondExchange(
        "Fe", np.vstack([bonds, -bonds]), np.concatenate([tensors, tensors.transpose(0, 2, 1)])
    )
    assert len(half.bonds) == len(both.bonds) == 14
    atoms = crystal(0.1)
    assert_close(respond(half, atoms).magforces, respond(both, atoms).magforces, "B", rtol=1e-14)


def test_dmi_of_a_bond():
    """A pair with D_12 along z: E = -D.(M1 x M2), the sign of UppASD."""
    model = BondExchange("Fe", [[0, 0, 2.5]], dmi_tensors([[0, 0, 0.1]]), complete=False)
    atoms = Atoms("Fe2", [[0, 0, 0], [0, 0, 2.5]], pbc=False)
    set_moments(atoms, [[2.0, 0, 0], [0, 3.0, 0]])
    assert abs(respond(model, atoms).energy + 0.6) < 1e-15


def test_sublattices_of_one_element():
    """Kagome: bonds +v from A to B and -v from A to B have the same D, -v from B to A has -D."""
    a = 5.0
    cell = np.array([[a, 0, 0], [a / 2, a * np.sqrt(3) / 2, 0], [0, 0, 20]])
    scaled = np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]])
    atoms = Atoms("Fe3", scaled_positions=scaled, cell=cell, pbc=[True, True, False])
    corners = atoms.positions[:, None, :]
    bonds, sites = [], []
    for i, j in ((0, 1), (1, 2), (2, 0)):
        v = (corners[j] - corners[i])[0]
        bonds += [v, -v]
        sites += [(i, j), (i, j)]
    d = dmi_tensors(np.tile([0, 0, 0.02], (6, 1)))
    model = BondExchange("Fe", bonds, d, sites, basis=("Fe",) * 3)
    assert len(model.bonds) == 12
    # 120 degree order (A, B, C turning counterclockwise): 2 x 6 ordered bonds per cell.
    order = np.array([[np.cos(t), np.sin(t), 0] for t in 2 * np.pi / 3 * np.arange(3)])
    for chirality in (1, -1):
        large = atoms * (2, 3, 1)
        moments = np.tile(order * [1, chirality, 1], (6, 1))
        set_moments(large, moments)
        energy = respond(model, large).energy
        assert abs(energy + chirality * 6 * 6 * 0.02 * np.sin(2 * np.pi / 3)) < 1e-12
    graph = PairGraph.build(
        large.positions, large.cell.array, large.pbc, large.numbers, model.cutoff
    )
    graph.topology.in_order = False  # as on several processes
    with pytest.raises(ValueError, match="which runs on several processes do not keep"):
        model.evaluate(graph, get_moments(large))
    # Without the basis the table contradicts itself.
    with pytest.raises(ValueError, match="contradicts itself: the bond"):
        BondExchange("Fe", bonds, d)
    large = large[::-1]
    large.numbers[0] = 27
    with pytest.raises(ValueError, match="not a repetition of the basis"):
        respond(model, large)


def test_species_tell_bonds_apart():
    crystal = bulk("FeCo", "cesiumchloride", a=A) * (2, 2, 2)
    rng = np.random.default_rng(3)
    set_moments(crystal, rng.normal(size=(len(crystal), 3)))
    model = BondExchange(
        ("Fe", "Co"),
        np.vstack([NEAREST, SECOND]),
        ISOTROPIC,
        sites=[(0, 1)] * 8 + [(1, 1)] * 6,
        unit="meV",
        convention="TB2J",
        moment={"Fe": 2.2, "Co": 1.6},
    )
    options = {"unit": "meV", "convention": "TB2J"}
    pairs = {
        ("Fe", "Co"): shells([1.3], crystal, pair=("Fe", "Co"), moment=(2.2, 1.6), **options),
        ("Co", "Co"): shells([0.75], crystal, pair=("Co", "Co"), moment=1.6, **options),
    }
    expected = respond(Heisenberg(("Fe", "Co"), pairs), crystal)
    assert_close(respond(model, crystal).magforces, expected.magforces, "B", rtol=1e-13)


def test_structures_that_are_not_the_crystal():
    model = BondExchange("Fe", BONDS, ISOTROPIC)
    atoms = crystal()
    del atoms[3]
    with pytest.raises(ValueError, match=r"atom 0 has no neighbor within .*complete=False"):
        respond(model, atoms)
    loose = BondExchange("Fe", BONDS, ISOTROPIC, complete=False)
    assert np.isfinite(respond(loose, atoms).energy)
    fcc = bulk("Fe", "fcc", a=3.6)
    with pytest.raises(ValueError, match="has no neighbor within"):
        respond(model, fcc)
    dense = bulk("Fe", a=A / 2, cubic=True)
    with pytest.raises(ValueError, match="two neighbors of atom 0 lie within 2 angstrom"):
        respond(BondExchange("Fe", BONDS, ISOTROPIC, tolerance=2.0), dense)


def test_saved_table(tmp_path):
    bonds, tensors = random_table(2)
    model = BondExchange("Fe", bonds, tensors, unit="mRy", convention="UppASD", moment=2.2)
    model.save(tmp_path / "model.npz")
    loaded, _ = storage.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(loaded.tensors, model.tensors)
    np.testing.assert_array_equal(loaded.bonds, model.bonds)
    assert loaded.tolerance == model.tolerance


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((BONDS, ISOTROPIC[:3]), {}, r"must have shapes.*got \(14, 3\), \(3, 3, 3\)"),
        (([], []), {}, "must have shapes"),
        ((BONDS, np.nan * ISOTROPIC), {}, "contain NaN"),
        (([[0, 0, 0]], [np.eye(3)]), {}, "couples a site to itself"),
        ((BONDS, ISOTROPIC), {"tolerance": 3.0}, "between 0 and the shortest bond"),
        ((BONDS, ISOTROPIC), {"sites": [(0, 1)] * 14}, "from 0 to 0, got 0 to 1"),
        ((BONDS, ISOTROPIC), {"basis": ("Co",)}, "holds species that are not in"),
        ((BONDS, ISOTROPIC), {"convention": "UppASD"}, "give the moment size"),
        ((BONDS, np.eye(3) * np.arange(14)[:, None, None]), {}, "contradicts itself"),
        ((BONDS, dmi_tensors(np.ones((14, 3)))), {}, r"so D_ji = -D_ij"),
    ],
)
def test_bad_tables(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        BondExchange("Fe", *arguments, **options)
