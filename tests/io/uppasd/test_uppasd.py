"""UppASD folders: energies, types, symmetries, anisotropies, and broken files."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import io, models, units
from ase_mag.core import get_moments
from ase_mag.io.uppasd.symmetry import operations

from .samples import BCC, MRY, energy, folder, random_moments


def hamiltonian(atoms, shells):
    """Return -sum_{i!=j} J e_i.e_j in mRy per atom, by brute force over all images."""
    vectors = get_moments(atoms)
    e = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    total, lengths = 0.0, atoms.cell.lengths()
    shifts = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for shift in shifts * lengths:
        r = atoms.positions[None] + shift - atoms.positions[:, None]
        distances = np.linalg.norm(r, axis=2)
        for radius, value in shells:
            total -= value * ((np.abs(distances - radius) < 1e-3) * (e @ e.T)).sum()
    return total / len(atoms)


def test_energy_of_random_moments_against_a_plain_sum(tmp_path):
    atoms, model, settings = io.read_uppasd(folder(tmp_path))
    assert len(atoms) == 16 and atoms.pbc.all()
    assert atoms.cell.lengths() == pytest.approx(2 * 2.8665)
    random_moments(atoms)
    a = 2.8665
    shells = [(a * np.sqrt(0.75), 1.33767484769984), (a, 0.7570357654565)]
    assert energy(atoms, model) == pytest.approx(hamiltonian(atoms, shells), rel=1e-12)
    assert settings.temperature_K == 300.0 and settings.damping == 0.1 and settings.steps == 100
    assert settings.timestep == pytest.approx(0.1 * ase_units.fs)
    # The same exchange as this package states it.
    same = models.Heisenberg(
        "Fe",
        models.shells(
            [1.33767484769984, 0.7570357654565],
            reference=bulk("Fe", a=a, cubic=True),
            unit="mRy",
            convention="UppASD",
            moment=2.23,
        ),
    )
    assert energy(atoms, model) == pytest.approx(energy(atoms, same), rel=1e-12)


def test_order_of_the_atoms(tmp_path):
    """Sites of a cell first, then x, then y, then z."""
    text = BCC["inpsd.dat"].replace("ncell 2 2 2", "ncell 3 2 1")
    atoms = io.read_uppasd(folder(tmp_path, inpsd_dat=text))[0]
    cells = atoms.positions[::2] / 2.8665
    np.testing.assert_allclose(cells, [(x, y, 0) for y in range(2) for x in range(3)], atol=1e-12)
    np.testing.assert_allclose(atoms.positions[1] / 2.8665, 0.5)


def test_species_types_and_direct_coordinates(tmp_path):
    """Two types in a primitive cell, exchange by cells (maptype 2): FeCo of the manual's form."""
    inpsd = BCC["inpsd.dat"].replace("Sym 1", "Sym 1\nmaptype 2\nposfiletype D")
    jfile = "1 1 0 0 -1 0.03\n1 2 0 0 0 1.84\n2 1 0 0 0 1.84\n2 2 0 0 -1 0.06\n"
    position = "1 1 0.0 0.0 0.0\n2 2 0.5 0.5 0.5\n"
    moments = "1 1 2.72 0 0 1\n2 1 1.72 0 0 1\n"
    path = folder(tmp_path, inpsd_dat=inpsd, posfile=position, momfile=moments, jfile=jfile)
    atoms, model, _ = io.read_uppasd(path, species=("Mn", "Co"))
    assert set(atoms.symbols) == {"Mn", "Co"}
    # Ferromagnet: half of 6 x 0.03 + 8 x 1.84, and of 6 x 0.06 + 8 x 1.84.
    assert energy(atoms, model) == pytest.approx(-(6 * 0.09 + 16 * 1.84) / 2, rel=1e-12)
    with pytest.raises(ValueError, match=r"has 2 types: species must be .* got \('Fe',\)"):
        io.read_uppasd(path, species="Fe")


@pytest.mark.parametrize(("kind", "count"), [(0, 1), (1, 48), (2, 8), (3, 24)])
def test_point_groups(kind, count, tmp_path):
    """As many operations as the group has, closed under products, orthogonal."""
    matrices = operations(kind, tmp_path)
    assert len(matrices) == count
    keys = {tuple(np.round(m, 6).ravel() + 0.0) for m in matrices}
    products = {tuple(np.round(a @ b, 6).ravel() + 0.0) for a in matrices for b in matrices}
    assert keys == products and len(keys) == count
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), [np.eye(3)] * count, atol=1e-12
    )


def test_own_operations(tmp_path):
    (tmp_path / "sym.mat").write_text("2\n1 0 0\n0 1 0\n0 0 1\n-1 0 0\n0 -1 0\n0 0 -1\n")
    np.testing.assert_array_equal(operations(4, tmp_path), [np.eye(3), -np.eye(3)])
    (tmp_path / "sym.mat").write_text("2\n1 0 0\n0 1 0\n0 0 1\n")
    with pytest.raises(ValueError, match="2 operations need 6 lines, but there are 3"):
        operations(4, tmp_path)


def test_dmi_turns_as_its_hamiltonian_says(tmp_path):
    """H = -sum_{i!=j} D.(e_i x e_j) of a pair of D = 0.3 along z, both orders."""
    inpsd = BCC["inpsd.dat"].replace("ncell 2 2 2", "ncell 2 1 1").replace("P P P", "0 0 0")
    inpsd = inpsd.replace("exchange ./jfile", "dm ./dmfile").replace("Sym 1", "Sym 0")
    position, moments = "1 1 0.0 0.0 0.0\n", "1 1 2.0 0.0 0.0 1.0\n"
    dm = "1 1 1.0 0.0 0.0 0.0 0.0 0.3\n1 1 -1.0 0.0 0.0 0.0 0.0 -0.3\n"
    path = folder(tmp_path, inpsd_dat=inpsd, posfile=position, momfile=moments, dmfile=dm)
    atoms, model, _ = io.read_uppasd(path)
    ase_mag.set_moments(atoms, 2.0 * np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert 2 * energy(atoms, model) == pytest.approx(-2 * 0.3, rel=1e-12)


#: (K1 + 2 K2/m^2) c^2 - K2 c^4 with c = 1/2.
UNIAXIAL = (-0.02 + 2 * 0.005 / 2.23**2) / 4 - 0.005 / 16


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 1 -0.02 0.005 0.0 1.0 1.0 0.0", UNIAXIAL),
        ("1 2 -0.02 0.005 0.0 0.0 1.0 0.0", 0.02 / 4),
        ("1 7 -0.02 0.005 0.0 1.0 1.0 0.1", UNIAXIAL + 0.1 * 2.23**2 * 0.02 / 4),
    ],
)
def test_anisotropies(tmp_path, line, expected):
    """Moments along (1, 0, 1): e.n = 1/2 for n along (0, 1, 1), and x^2 z^2 = 1/4.

    The program's own signs and sizes, see test_program.
    """
    inpsd = BCC["inpsd.dat"].replace("exchange ./jfile", "anisotropy ./kfile")
    moments = "1 1 2.23 1.0 0.0 1.0\n2 1 2.23 1.0 0.0 1.0\n"
    path = folder(tmp_path, inpsd_dat=inpsd, momfile=moments, kfile=f"{line}\n2{line[1:]}\n")
    atoms, model, _ = io.read_uppasd(path)
    assert energy(atoms, model) == pytest.approx(expected, rel=1e-12)


def test_an_anisotropy_of_one_site_of_a_type_is_an_error(tmp_path):
    inpsd = BCC["inpsd.dat"].replace("exchange ./jfile", "anisotropy ./kfile")
    line = " 1 -0.02 0.0 0.0 0.0 1.0 0.0\n"
    path = folder(tmp_path, inpsd_dat=inpsd, kfile="1" + line)
    with pytest.raises(ValueError, match=r"the sites \[1, 2\] of type 1 have different anisot"):
        io.read_uppasd(path)
    (tmp_path / "posfile").write_text("1 1 0.0 0.0 0.0\n2 2 0.5 0.5 0.5\n")
    atoms, model, _ = io.read_uppasd(path)
    assert energy(atoms, model) == pytest.approx(-0.01, rel=1e-12)
    (tmp_path / "kfile").write_text("1" + line + "1" + line.replace("-0.02", "0.02"))
    with pytest.raises(ValueError, match="line 2: site 1 has another anisotropy before"):
        io.read_uppasd(path)


def test_field_and_cone_and_random_moments(tmp_path):
    inpsd = BCC["inpsd.dat"].replace("exchange ./jfile", "hfield 0 0 10.0")
    path = folder(tmp_path, inpsd_dat=inpsd)
    atoms, model, settings = io.read_uppasd(path)
    assert settings.field.tolist() == [0, 0, 10]
    assert energy(atoms, model) * MRY == pytest.approx(-2.23 * 10 * units.tesla)
    random = inpsd.replace("Initmag 3", "Initmag 1\ntseed 7")
    (tmp_path / "inpsd.dat").write_text(random)
    first, second = (get_moments(io.read_uppasd(path)[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 2.23)
    cone = inpsd.replace("Initmag 3", "Initmag 2\ntheta0 10.0\nphi0 0.0")
    (tmp_path / "inpsd.dat").write_text(cone)
    moments = get_moments(io.read_uppasd(path)[0])
    assert (moments[:, 2] >= 2.23 * np.cos(np.radians(10)) - 1e-12).all() and np.ptp(moments) > 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"jfile": ""}, r"jfile lists no bonds: it is empty .* leave its line out of inpsd\.dat"),
        ({"jfile": "1 1 0.5 0.5 0.5\n"}, "jfile, line 1: exchange needs 6 columns, got 5"),
        ({"jfile": "1 3 0.5 0.5 0.5 1.0\n"}, "expected a whole number from 1 to 2, got 3"),
        ({"jfile": "1 1 a 0.5 0.5 1.0\n"}, "line 1: exchange needs 6 numbers, got '1 1 a"),
        ({"posfile": "1 1 0 0 0\n1 1 0.5 0.5 0.5\n"}, "numbered 1 to 2, each once"),
        ({"posfile": "1 1 0 0 0\n2 3 0.5 0.5 0.5\n"}, "types must be numbered 1 to 3, each used"),
        ({"momfile": "1 1 2.23 0 0 1\n"}, "momfile: site 2 has no moment"),
        ({"momfile": "1 1 0.0 0 0 1\n2 1 2.2 0 0 1\n"}, "line 1: size and direction .* are zero"),
        ({"momfile": "1 1 2.0 0 0 1\n2 1 2.2 0 0 1\n"}, "sites of type 1 have the moments"),
    ],
)
def test_broken_files(tmp_path, changed, message):
    with pytest.raises(ValueError, match=message):
        io.read_uppasd(folder(tmp_path, **changed))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.0 1.0 0.0\n", "0.0 1.0\n", "line 5: cell needs three rows of three numbers"),
        ("Sym 1", "Sym 9", "sym is 9, but UppASD knows"),
        ("Sym 1", "maptype 3", "maptype is 3, but ase_mag reads 1 and 2"),
        ("Sym 1", "do_ralloy 1", "random alloys"),
        ("Initmag 3", "Initmag 9", "initmag 9 is not read"),
        ("BC P P P", "BC P X P", "bc must be three of P and 0, got P X P"),
        ("ncell 2 2 2", "ncell 2 two 2", "line 3: ncell needs 3 numbers, got 2 two 2"),
    ],
)
def test_broken_input(tmp_path, old, new, message):
    text = BCC["inpsd.dat"].replace(old, new)
    with pytest.raises(ValueError, match=message):
        io.read_uppasd(folder(tmp_path, inpsd_dat=text))


def test_missing_files_and_templates(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"inpsd\.dat does not exist .*none"):
        io.read_uppasd(tmp_path)
    folder(tmp_path)
    (tmp_path / "jfile").unlink()
    with pytest.raises(FileNotFoundError, match=r"jfile does not exist, which inpsd\.dat names"):
        io.read_uppasd(tmp_path)
    folder(tmp_path, inpsd_dat=BCC["inpsd.dat"].replace("300.0", "TEMP"))
    with pytest.warns(UserWarning, match="temp is 'TEMP', not a number"):
        assert io.read_uppasd(tmp_path)[2].temperature_K is None
    folder(tmp_path, inpsd_dat=BCC["inpsd.dat"] + "bq ./bqfile\n")
    with pytest.warns(UserWarning, match="and switches bq are not read"):
        io.read_uppasd(tmp_path)
    folder(tmp_path, inpsd_dat=BCC["inpsd.dat"] + "do_dip 1\naunits N\nmult_axis Y\n")
    with pytest.warns(UserWarning, match="switches do_dip, mult_axis are not read"):
        io.read_uppasd(tmp_path)


@pytest.mark.parametrize("flat", [1, 2])
def test_cells_of_chains_and_layers_may_have_vectors_of_zero_length(tmp_path, flat):
    """Two neighbors of each atom along every vector that is there."""
    cell = bulk("Fe", "sc", a=2.5)
    cell.cell[3 - flat :] = 0.0
    cell.pbc = [True] * (3 - flat) + [False] * flat
    ase_mag.set_moments(cell, 2.0)
    model = models.Heisenberg("Fe", models.cubic(0.02, cutoff=3.0))
    io.write_uppasd(tmp_path, cell, model, repeat=[4] * (3 - flat) + [1] * flat)
    atoms, again, _ = io.read_uppasd(tmp_path)
    expected = -(2.0**2) * (3 - flat) * 0.02 * (1 - 2.5 / 3.0) ** 3 / MRY
    assert energy(atoms, model) == pytest.approx(expected, rel=1e-12)
    assert energy(atoms, again) == pytest.approx(expected, rel=1e-12)


def test_a_restart_file_that_is_named_is_read(tmp_path):
    text = BCC["inpsd.dat"].replace("Initmag 3", "restartfile ./restart.in")
    path = folder(tmp_path, inpsd_dat=text)
    moments = 2.23 * np.eye(3)[np.arange(16) % 3]
    io.write_uppasd_restart(tmp_path / "restart.in", moments)
    np.testing.assert_allclose(get_moments(io.read_uppasd(path)[0]), moments, rtol=1e-14)


def test_a_lattice_constant_in_angstrom_is_an_error(tmp_path):
    """alat is in meters, the one length of the file that is."""
    inpsd = BCC["inpsd.dat"].replace("alat 2.8665d-10", "alat 2.8665")
    with pytest.raises(ValueError, match=r"alat is 2\.8665, but it is in meters"):
        io.read_uppasd(folder(tmp_path, inpsd_dat=inpsd))
