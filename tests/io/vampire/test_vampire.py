"""VAMPIRE files against a plain loop over its Hamiltonian, round trips, and broken files."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import ase_mag
from ase_mag import io, models, units
from ase_mag.core import get_moments

from .. import bond_energy

JOULE = 1.602176634e-19  # one eV

UCF = """# Unit cell size:
3.0 3.2 4.0
# Unit cell vectors:
1.0 0.0 0.0
0.0 1.0 0.0
0.0 0.0 1.0
# Atoms num, id cx cy cz mat lc hc
2 2
0 0.0 0.0 0.0 0
1 0.5 0.5 0.5 1 0 1
# Interactions
4 {kind}
0 0 1 0 0 0 {first}
1 1 0 0 0 0 {first_reversed}
2 1 1 0 0 1 {second}
3 1 1 0 0 -1 {second_reversed}
"""

MAT = """# two materials
material:num-materials=2
material[1]:material-name=A
material[1]:material-element=Co
material[1]:atomic-spin-moment=1.72 !muB
material[1]:uniaxial-anisotropy-constant=-1.5e-23
material[1]:uniaxial-anisotropy-direction=0,1,1
material[1]:initial-spin-direction=1,0,0
material[1]:exchange-matrix[2] = 2.0e-21
material[2]:material-name=B
material[2]:material-element=Fe   # iron
material[2]:atomic-spin-moment = 2.0402822172260002e-23
material[2]:damping-constant=0.1
material[2]:exchange-matrix[1] = 2.0e-21
material[2]:exchange-matrix[2] = -1.0e-21
"""


def files(folder, kind="isotropic", values=("3e-21", "3e-21", "-1e-21", "-1e-21"), mat=MAT):
    names = ("first", "first_reversed", "second", "second_reversed")
    text = UCF.format(kind=kind, **dict(zip(names, values, strict=True)))
    (folder / "a.ucf").write_text(text)
    (folder / "a.mat").write_text(mat)
    return folder / "a.ucf"


def numbers(matrix):
    return " ".join(f"{x:.12e}" for x in np.ravel(matrix))


RNG = np.random.default_rng(4)
FIRST, SECOND = 1e-21 * RNG.normal(size=(2, 3, 3))


@pytest.mark.parametrize(
    ("kind", "values", "tensors"),
    [
        ("isotropic", ("3e-21", "3e-21", "-1e-21", "-1e-21"), (3e-21, -1e-21)),
        ("0", ("3e-21", "3e-21", "-1e-21", "-1e-21"), (3e-21, -1e-21)),
        ("vectorial", ("1e-21 2e-21 3e-21",) * 4, (1e-21 * np.array([1, 2, 3]),) * 2),
        ("normalised-isotropic", ("1", "1", "0.5", "0.5"), (2e-21, -0.5e-21)),
        (
            "tensorial",
            (numbers(FIRST), numbers(FIRST.T), numbers(SECOND), numbers(SECOND.T)),
            (FIRST, SECOND),
        ),
    ],
)
def test_energy_of_random_moments_against_a_plain_loop(tmp_path, kind, values, tensors):
    """-1/2 sum_ij e_i.J.e_j - sum_i K (e.n)^2 in joule, K = -1.5e-23 J along (0, 1, 1) for Co."""
    atoms, model = io.read_vampire(files(tmp_path, kind, values))
    assert list(atoms.symbols) == ["Co", "Fe"]
    sizes = np.linalg.norm(get_moments(atoms), axis=1)
    np.testing.assert_allclose(sizes, [1.72, 2.2], rtol=1e-9)
    np.testing.assert_allclose(get_moments(atoms), [[1.72, 0, 0], [0, 0, 2.2]], rtol=1e-9)
    first, second = (t if np.ndim(t) == 2 else t * np.eye(3) for t in tensors)
    bonds = [(0, 1, (0, 0, 0), first), (1, 0, (0, 0, 0), first.T)]
    bonds += [(1, 1, (0, 0, 1), second), (1, 1, (0, 0, -1), second.T)]
    repeats = (2, 2, 3)
    sample = atoms * repeats
    e = bond_energy.random_directions(len(sample), rng=1)
    expected = -0.5 * bond_energy.energy(e, repeats, 2, bonds)
    expected += 1.5e-23 * ((e[::2] @ [0, np.sqrt(0.5), np.sqrt(0.5)]) ** 2).sum()
    ase_mag.set_moments(sample, np.tile(sizes, len(e) // 2)[:, None] * e)
    sample.calc = ase_mag.MagneticCalculator(model)
    assert sample.get_potential_energy() * JOULE == pytest.approx(expected, rel=1e-12)


def crystal():
    """An orthorhombic cell with two species; an atom lies outside."""
    atoms = Atoms("FeCo", [[0.2, 0.1, 0.0], [1.5, 1.7, -1.6]], cell=(2.9, 3.1, 3.3), pbc=True)
    ase_mag.set_moments(atoms, [[0.3, 0.2, 2.1], [0.1, -1.6, 0.2]])
    return atoms


def terms(tensorial):
    model = models.Heisenberg(("Fe", "Co"), models.cubic(0.19, 3.75))
    model += models.UniaxialAnisotropy("Fe", 0.01, (1, 2, -1), moment=2.2)
    model += models.Landau(("Fe", "Co"), a=-0.15, b=0.02)
    if tensorial:
        model += models.DzyaloshinskiiMoriya(("Fe", "Co"), models.cubic(0.08, 3.5))
    return model


@pytest.mark.parametrize("tensorial", [False, True])
def test_round_trip_keeps_energies_and_torques(tmp_path, tensorial):
    atoms, model = crystal(), terms(tensorial)
    without_landau = models.NonMagnetic(("Fe", "Co"))
    for term in model.terms:
        if not isinstance(term, models.Landau):
            without_landau += term
    assert len(model.terms) == 3 + tensorial
    io.write_vampire(tmp_path / "c.ucf", atoms, model)
    assert ("tensorial" in (tmp_path / "c.ucf").read_text()) == tensorial
    again, read = io.read_vampire(tmp_path / "c.ucf")
    np.testing.assert_allclose(get_moments(again), get_moments(atoms), rtol=1e-14)
    gaps = again.get_scaled_positions() - atoms.get_scaled_positions()
    np.testing.assert_allclose(gaps - np.round(gaps), 0.0, atol=1e-14)
    again.positions = atoms.positions  # not moved into the cell
    results = []
    for sample, m in ((atoms, without_landau), (again, read)):
        sample = sample * (2, 3, 2)
        e = bond_energy.random_directions(len(sample), rng=3)
        sizes = np.linalg.norm(get_moments(sample), axis=1)
        ase_mag.set_moments(sample, sizes[:, None] * e)
        sample.calc = ase_mag.MagneticCalculator(m)
        results.append((sample.get_potential_energy(), sample.calc.results["magforces"]))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-12)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("3.0 3.2 4.0", "3.0 3.2", r"a\.ucf, line 2: the size of the unit cell needs 3 numbers"),
        ("1 0.5 0.5 0.5 1", "1 0.5 0.5 0.5 2", "line 10: the material .* from 0 to 1, got '2'"),
        ("1 0.5 0.5 0.5 1", "2 0.5 0.5 0.5 1", "line 10: the number of an atom .* 0 to 1"),
        ("4 isotropic", "4 biquadratic", "line 12: the type of exchange is 'biquadratic'"),
        ("4 isotropic", "5 isotropic", "ends after line 16, where interaction 5 of 5 should"),
        ("4 isotropic", "3 isotropic", "lists the bond from site 2 to 2 .* not the reverse"),
        ("2 1 1 0 0 1 -1e-21", "2 1 1 0 0 1", "line 15: isotropic exchange needs 7 columns"),
        ("2 1 1 0 0 1", "2 1 4 0 0 1", "line 15: the number of an atom must be .* got '4'"),
        ("2 1 1 0 0 1", "2 1 1 0 0 0", "line 15: the bond couples a site to itself"),
        ("1 1 0 0 0 0", "1 0 1 0 0 0", "line 14: this bond is listed a second time"),
    ],
)
def test_broken_unit_cells(tmp_path, old, new, message):
    path = files(tmp_path)
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        io.read_vampire(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("material:num-materials=2\n", "", r"a\.mat, line 2: material:num-materials must come"),
        ("1.72 !muB", "1.72 !T", "line 5: atomic-spin-moment has the unit !T, known are muB"),
        ("1.72 !muB", "big !muB", "line 5: atomic-spin-moment needs 1 number, got 'big'"),
        ("=Co", "=Xy", "line 4: material-element is 'Xy', not a chemical symbol"),
        ("material[2]:damp", "material[3]:damp", "line 13: the number of a material .* 1 to 2"),
        ("=1,0,0", "=0,0,0", "line 8: initial-spin-direction is zero"),
        ("material[1]:material-name=A", "name A", r"line 3: expected material\[1\]:keyword"),
        ("=Co", "=Fe", "sites of Fe have different anisotropies"),
    ],
)
def test_broken_materials(tmp_path, old, new, message):
    assert old in MAT
    with pytest.raises(ValueError, match=message):
        io.read_vampire(files(tmp_path, mat=MAT.replace(old, new, 1)))


def test_every_truncation_is_noticed(tmp_path):
    path = files(tmp_path)
    lines = path.read_text().splitlines()
    for count in range(1, len(lines)):
        path.write_text("\n".join(lines[:count]) + "\n")
        with pytest.raises(ValueError, match=r"a\.ucf"):
            io.read_vampire(path)


def test_materials_that_are_cut_off(tmp_path):
    """Up to the first line of the last material that is an error, up to its moment a warning."""
    lines = MAT.splitlines()
    for count in range(2, 10):
        with pytest.raises(ValueError, match=r"a\.mat has 2 materials, but no line of material"):
            io.read_vampire(files(tmp_path, mat="\n".join(lines[:count]) + "\n"))
    for count in (10, 11):
        with pytest.warns(UserWarning, match=r"material\[2\] has no .*; it gets 1.72 mu_B"):
            io.read_vampire(files(tmp_path, mat="\n".join(lines[:count]) + "\n"))


def test_what_is_not_read_is_said(tmp_path):
    mat = MAT + "material[1]:cubic-anisotropy-constant=1e-24\n"
    with pytest.warns(UserWarning, match="cubic-anisotropy-constant are not read"):
        io.read_vampire(files(tmp_path, mat=mat))
    with pytest.raises(FileNotFoundError, match=r"b\.ucf does not exist, the unit cell file"):
        io.read_vampire(tmp_path / "b.ucf")
    path = files(tmp_path, mat=MAT.replace("=1,0,0", "=random"))
    first, second = (get_moments(io.read_vampire(path, rng=3)[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert np.linalg.norm(first[0]) == pytest.approx(1.72) and abs(first[0, 0]) < 1.7


def test_what_cannot_be_written(tmp_path):
    atoms, model = crystal(), terms(False)
    path = tmp_path / "c.ucf"
    with pytest.raises(ValueError, match=r"must end in \.ucf, got 'c\.dat'"):
        io.write_vampire(tmp_path / "c.dat", atoms, model)
    with pytest.raises(ValueError, match="an external field of 10 T"):
        io.write_vampire(path, atoms, model + models.Zeeman(("Fe", "Co"), (0, 0, 10.0)))
    with pytest.raises(ValueError, match="its Hamiltonian there is bilinear"):
        cubic = models.CubicAnisotropy("Co", 0.01, -0.02, moment=1.5)
        io.write_vampire(path, atoms, model + cubic)
    with pytest.raises(ValueError, match="vectors along x, y and z only"):
        skewed = bulk("Fe")
        ase_mag.set_moments(skewed, 2.2)
        io.write_vampire(path, skewed, models.Heisenberg("Fe", models.cubic(0.19, 3.75)))
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match="must be periodic in three directions"):
        io.write_vampire(path, atoms, model)
    assert not path.exists()
    assert units.energy_unit("J") == pytest.approx(1 / JOULE)
