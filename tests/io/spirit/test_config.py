"""Config files of Spirit against a plain loop, against Spirit itself, and broken ones."""

from importlib.util import find_spec

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import io, models, units
from ase_mag.core import get_moments

from .. import bond_energy

PAIRS = """log_to_file 0
log_to_console 0
hamiltonian heisenberg_pairs
boundary_conditions 1 1 0   # a comment
external_field_magnitude 3.0
external_field_normal 0.0 3.0 4.0
bravais_vectors
1.4 0 0
0 1.5 0
0 0.1 1.55
lattice_constant 2.0
basis
2
0 0 0
0.5 0.5 0.4
mu_s 2.0 1.5
n_basis_cells 3 2 2
n_anisotropy 1
i K Kx Ky Kz
0 0.7 0.0 1.0 1.0
n_interaction_pairs 4
i j   da db dc   Jij   Dij Dijx Dijy Dijz
0 1   0  0  0    10.0  2.5  1.0 2.0 2.0
0 0   1  0  0   | -4.0  6.0  0.0 0.5 0.0
1 0   0  1  1    -4.0  0.0  0.0 6.0 0.0
1 0   0  0  0    1.0   0.0  0.0 0.0 0.0
"""

SHELLS = """log_to_file 0
log_to_console 0
hamiltonian heisenberg_neighbours
boundary_conditions 1 1 {third}
bravais_lattice {lattice}
lattice_constant 2.8
n_basis_cells 4 4 {cells}
mu_s 2.2
external_field_magnitude 0
anisotropy_magnitude 0.3
anisotropy_normal 1 1 0
n_shells_exchange 2
jij 10.0 -3.0
n_shells_dmi 1
dij 2.5
dm_chirality {chirality}
ddi_method none
"""

CASES = [("sc", 4, 1), ("bcc", 4, 2), ("fcc", 4, -1), ("hex2d", 1, 2), ("hex2d120", 1, -2)]


def energy(atoms, model, e):
    """Energy in meV of moments along e."""
    atoms = atoms.copy()
    ase_mag.set_moments(atoms, np.linalg.norm(get_moments(atoms), axis=1)[:, None] * e)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return 1000 * atoms.get_potential_energy()


def test_energy_of_random_moments_against_a_plain_loop(tmp_path):
    """-sum_<ij> [J n.n + D.(n x n)] - K (k.n)^2 - mu B.n; open along c, a pair listed twice."""
    (tmp_path / "a.cfg").write_text(PAIRS)
    atoms, model = io.read_spirit(tmp_path / "a.cfg")
    assert len(atoms) == 24 and atoms.pbc.tolist() == [True, True, False]
    assert list(atoms.symbols[:2]) == ["Fe", "Co"]
    np.testing.assert_allclose(atoms.positions[1], 2 * np.array([0.7, 0.79, 0.62]))
    np.testing.assert_allclose(get_moments(atoms)[:2], [[0, 0, 2.0], [0, 0, 1.5]])
    e = bond_energy.random_directions(24, rng=2)
    spins = e.reshape(3, 2, 2, 2, 3)
    pairs = [
        (0, 1, (0, 0, 0), 10.0, 2.5 * np.array([1, 2, 2]) / 3),
        (0, 0, (1, 0, 0), -4.0, np.array([0, 6.0, 0])),
        (1, 0, (0, 1, 1), -4.0, np.zeros(3)),
        (1, 0, (0, 0, 0), 1.0, np.zeros(3)),
    ]
    expected = 0.0
    for cell in np.ndindex(3, 2, 2):
        for i, j, shift, scalar, d in pairs:
            other = np.add(cell, shift)
            if not 0 <= other[2] < 2:
                continue
            a, b = spins[cell][i], spins[tuple(other % [3, 2, 2])][j]
            expected -= scalar * a @ b + d @ np.cross(a, b)
    expected -= 0.7 * ((spins[..., 0, :] @ [0, np.sqrt(0.5), np.sqrt(0.5)]) ** 2).sum()
    along = spins @ [0, 0.6, 0.8]
    expected -= 3.0 * 1000 * units.mu_B * (2.0 * along[..., 0] + 1.5 * along[..., 1]).sum()
    assert energy(atoms, model, e) == pytest.approx(expected, rel=1e-12)


def test_separate_files_and_species(tmp_path):
    head, _, table = PAIRS.partition("n_interaction_pairs 4\n")
    (tmp_path / "pairs.txt").write_text(table)
    (tmp_path / "a.cfg").write_text(PAIRS)
    (tmp_path / "b.cfg").write_text(head + "interaction_pairs_file pairs.txt\n")
    e = bond_energy.random_directions(24, rng=2)
    first = energy(*io.read_spirit(tmp_path / "a.cfg"), e)
    second = energy(*io.read_spirit(tmp_path / "b.cfg", species=("Mn", "Ni")), e)
    assert first == pytest.approx(second, rel=1e-12)
    with pytest.raises(ValueError, match="sites of Fe have different anisotropies"):
        io.read_spirit(tmp_path / "a.cfg", species="Fe")
    with pytest.raises(ValueError, match=r"has 2 sites in its basis: species must be .* got"):
        io.read_spirit(tmp_path / "a.cfg", species=("Fe",))


def crystal():
    cell = bulk("Fe", a=2.9, cubic=True)
    cell.symbols[1] = "Co"
    cell.set_cell(cell.cell @ np.array([[1, 0.05, 0], [0, 1.02, 0.03], [0, 0, 0.97]]), True)
    ase_mag.set_moments(cell, [[0.3, 0.2, 2.1], [0.1, -1.6, 0.2]])
    model = models.Heisenberg(("Fe", "Co"), models.cubic(0.19, 3.75))
    model += models.DzyaloshinskiiMoriya(("Fe", "Co"), models.cubic(0.08, 3.5))
    model += models.UniaxialAnisotropy("Fe", 0.01, (1, 2, -1), moment=2.2)
    model += models.Zeeman(("Fe", "Co"), (1.0, 20.0, -3.0))
    return cell, model


@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, True)])
def test_round_trip(tmp_path, pbc):
    cell, model = crystal()
    cell.pbc = pbc
    io.write_spirit(tmp_path / "a.cfg", cell, model, repeat=(2, 3, 2))
    again, read = io.read_spirit(tmp_path / "a.cfg", species=("Fe", "Co"))
    sample = cell.repeat((2, 3, 2))
    np.testing.assert_allclose(again.positions, sample.positions, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(again.pbc, pbc)
    e = bond_energy.random_directions(len(sample), rng=4)
    assert energy(again, read, e) == pytest.approx(energy(sample, model, e), rel=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("heisenberg_pairs", "gaussian", "line 3: hamiltonian is 'gaussian', read are"),
        ("0 1.5 0\n", "0 1.5\n", "line 9: bravais_vectors needs 3 numbers, got '0 1.5'"),
        ("0.5 0.5 0.4\n", "", "line 15: a site of the basis needs 3 numbers, got 'mu_s"),
        ("n_basis_cells 3 2 2\n", "", "needs n_basis_cells, three positive numbers"),
        ("mu_s 2.0 1.5", "mu_s 2.0 x", "line 16: mu_s needs 2 numbers, got '2.0 x'"),
        ("external_field_normal 0.0", "external_field_normal", "line 6: .* needs 3 numbers"),
        ("i K Kx Ky Kz", "i K Kx Ky", r"line 20: an anisotropy needs (4|the columns)"),
        ("0 0.7 0.0", "2 0.7 0.0", "line 20: the site must be a whole number from 0 to 1"),
        ("n_interaction_pairs 4", "n_interaction_pairs 5", "ends after line 26, where a pair 5 of"),
        ("0 0   1  0  0   | -4.0", "0 0   0  0  0   -4.0", "the bond couples a site to itself"),
        ("1 0   0  1  1 ", "1 2   0  1  1 ", "line 25: the site must be .* got '2'"),
        ("n_interaction_pairs 4\n", "", "has neither n_interaction_pairs nor interaction_pairs"),
        ("i j   da db dc", "i j   da db dz", "a pair needs the columns i j da db dc"),
        ("10.0  2.5  1.0", "10.0  2.5", "line 23: a pair needs 10 numbers"),
    ],
)
def test_broken_files(tmp_path, old, new, message):
    assert old in PAIRS
    (tmp_path / "a.cfg").write_text(PAIRS.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        io.read_spirit(tmp_path / "a.cfg")


def test_what_is_not_read_or_written(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.cfg does not exist"):
        io.read_spirit(tmp_path / "a.cfg")
    (tmp_path / "a.cfg").write_text(PAIRS + "ddi_method fft\n")
    with pytest.warns(UserWarning, match="ddi_method are not read"):
        io.read_spirit(tmp_path / "a.cfg")
    for old, new, message in (
        ("bravais_lattice sc", "bravais_lattice hcp", "line 5: bravais_lattice is 'hcp', known"),
        ("jij 10.0 -3.0", "jij 10.0", "line 13: jij needs 2 numbers"),
        ("dm_chirality 1", "dm_chirality 3", "line 16: dm_chirality is 3, known are"),
    ):
        text = SHELLS.format(lattice="sc", cells=4, chirality=1, third=1)
        assert old in text
        (tmp_path / "a.cfg").write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=message):
            io.read_spirit(tmp_path / "a.cfg")
    cell, model = crystal()
    tensor = models.TensorExchange(("Fe", "Co"), models.cubic(0.05, 3.6), np.diag([1, 1, 2.0]))
    with pytest.raises(ValueError, match="has J and D only"):
        io.write_spirit(tmp_path / "b.cfg", cell, model + tensor)
    ase_mag.set_moments(cell, 0.0)
    with pytest.raises(ValueError, match="atom 0 has no moment"):
        io.write_spirit(tmp_path / "b.cfg", cell, model)
    assert not (tmp_path / "b.cfg").exists()


def of_spirit(path, repeat, n_sites):
    """Return random directions in the order of ASE and Spirit's energy of them, meV."""
    from spirit import configuration, state, system

    with state.State(str(path), quiet=True) as spirit:
        configuration.random(spirit)
        e = np.array(system.get_spin_directions(spirit), dtype=float)
        system.update_data(spirit)
        value = system.get_energy(spirit)
    e = e.reshape(*repeat[::-1], n_sites, 3).transpose(2, 1, 0, 3, 4).reshape(-1, 3)
    return e / np.linalg.norm(e, axis=1)[:, None], value


needs_spirit = pytest.mark.skipif(
    find_spec("spirit") is None, reason="the package spirit is not installed"
)


@needs_spirit
@pytest.mark.parametrize(("lattice", "cells", "chirality"), CASES)
def test_energies_of_spirit_with_shells(tmp_path, lattice, cells, chirality):
    """Single precision inside Spirit."""
    path = tmp_path / "a.cfg"
    path.write_text(
        SHELLS.format(lattice=lattice, cells=cells, chirality=chirality, third=int(cells > 1))
    )
    e, value = of_spirit(path, (4, 4, cells), 1)
    assert energy(*io.read_spirit(path), e) == pytest.approx(value, rel=1e-5, abs=1e-3)


@needs_spirit
def test_energies_of_spirit_with_pairs(tmp_path):
    """A file by hand, and one that this package writes."""
    (tmp_path / "a.cfg").write_text(PAIRS)
    e, value = of_spirit(tmp_path / "a.cfg", (3, 2, 2), 2)
    assert energy(*io.read_spirit(tmp_path / "a.cfg"), e) == pytest.approx(
        value, rel=1e-5, abs=1e-3
    )
    cell, model = crystal()
    io.write_spirit(tmp_path / "b.cfg", cell, model, repeat=(4, 4, 4))
    e, value = of_spirit(tmp_path / "b.cfg", (4, 4, 4), 2)
    assert energy(cell * 4, model, e) == pytest.approx(value, rel=1e-5, abs=1e-2)
