"""ase-mag convert: formats that keep moments, those that do not, and UppASD folders."""

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.data import chemical_symbols

from ase_mag import MagneticCalculator, get_moments, models, set_moments
from ase_mag.cli import main
from ase_mag.io import read_uppasd, write_uppasd


@pytest.fixture
def frames(tmp_path):
    """Three frames with non-collinear moments and magnetic forces, written as run.traj."""
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(3):
        atoms = bulk("Fe", a=2.86, cubic=True)
        atoms.rattle(0.05, rng=rng)
        set_moments(atoms, rng.normal(size=(2, 3)))
        atoms.calc = MagneticCalculator(models.named("FeHL-1"))
        atoms.get_forces()
        frames.append(atoms)
    ase.io.write(tmp_path / "run.traj", frames)
    return frames


def test_frames_with_moments_and_magnetic_forces(shell, frames, tmp_path):
    done = shell("convert", "run.traj", "run.extxyz")
    assert done.stdout == "3 frames written: run.extxyz\n"
    for before, after in zip(frames, ase.io.read(tmp_path / "run.extxyz", ":"), strict=True):
        np.testing.assert_allclose(get_moments(after), get_moments(before), atol=1e-7)
        np.testing.assert_allclose(
            after.calc.results["magforces"], before.calc.results["magforces"], atol=1e-7
        )
        assert after.get_potential_energy() == pytest.approx(before.get_potential_energy())


def test_single_frames_and_replacing(frames, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "run.traj", "new/b.traj", "--index=-1"]) == 0
    last = ase.io.read("new/b.traj", ":")
    assert len(last) == 1
    np.testing.assert_array_equal(get_moments(last[0]), get_moments(frames[2]))
    assert main(["convert", "run.traj", "new/b.traj"]) == 2
    assert "new/b.traj exists already: replace it with --overwrite" in capsys.readouterr().err
    assert main(["convert", "run.traj", "new/b.traj", "--overwrite"]) == 0
    assert len(ase.io.read("new/b.traj", ":")) == 3


def test_a_format_without_moments_fails_unless_allowed(frames, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["convert", "run.traj", "a.cif", "--index=0"]
    assert main(command) == 1
    assert "a.cif: its format does not keep the moments of frame 0" in capsys.readouterr().err
    assert main([*command, "--overwrite", "--allow-loss"]) == 0


def test_folders_of_uppasd_in_both_directions(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = bulk("Fe", a=2.8665)
    set_moments(cell, [[0, 2.23 * 0.6, 2.23 * 0.8]])
    write_uppasd("first", cell, models.named("Fe-UppASD"), repeat=(2, 2, 2))
    assert main(["convert", "first", "fe.traj"]) == 0
    atoms, model, _ = read_uppasd("first")
    read = ase.io.read("fe.traj")
    np.testing.assert_allclose(get_moments(read), get_moments(atoms), atol=1e-9)
    np.testing.assert_allclose(read.positions, atoms.positions, atol=1e-9)
    assert main(["convert", "first/inpsd.dat", "second/inpsd.dat"]) == 0
    assert main(["convert", "fe.traj", "third/inpsd.dat", "--model=Fe-UppASD"]) == 0
    energies = []
    for folder in ("first", "second", "third"):
        # UppASD knows no elements, and every site that is written is a type of its own.
        species = None if folder == "first" else chemical_symbols[21:29]
        atoms, model, _ = read_uppasd(folder, species=species)
        atoms.calc = MagneticCalculator(model)
        energies.append(atoms.get_potential_energy())
    np.testing.assert_allclose(energies, energies[0], rtol=1e-8)
    assert main(["convert", "first", "co.traj", "--species", "Co"]) == 0
    assert str(ase.io.read("co.traj").symbols) == "Co8"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.traj", "a.traj"], "none.traj does not exist"),
        (["run.traj", "a.strange"], "ASE knows no format for the name a.strange"),
        (["run.traj", "a.cif", "--index=9"], "run.traj: frames 9 cannot be read ("),
        (["run.traj", "POSCAR"], "POSCAR holds one frame, but there are 3: say which with --index"),
        (["run.traj", "u/inpsd.dat"], "holds a Hamiltonian: give --model, a name of FeHL-1, "),
        (["run.traj", "u/inpsd.dat", "--model=x"], "--model x: there is no parameter set called"),
        (["run.traj", "a.traj", "--species", "Fe"], "--species names the atom types of an UppASD"),
        (["job.txt", "a.traj"], "job.txt: "),
    ],
)
def test_wrong_input(arguments, message, frames, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "job.txt").write_text("no frames\n")
    assert main(["convert", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / arguments[1]).exists()
