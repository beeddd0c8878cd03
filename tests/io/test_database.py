"""Databases of ASE with vector moments and magnetic forces."""

import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.db import connect

import ase_mag
from ase_mag import models
from ase_mag.io import read_database, write_database


@pytest.fixture
def frame():
    atoms = bulk("Fe", a=2.87, cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    ase_mag.set_moments(atoms, np.random.default_rng(1).normal(scale=1.5, size=(4, 3)))
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    atoms.get_stress()
    return atoms


def test_everything_comes_back_with_all_digits(frame, tmp_path):
    frame.info["comment"] = "a rattled cell"
    frame.arrays["group"] = np.array([1, 0, 0, 1])
    frame.set_constraint(FixAtoms([0]))
    frame.set_velocities(np.full((4, 3), 0.1))
    write_database(tmp_path / "iron.db", [frame, frame])
    frames = read_database(tmp_path / "iron.db")
    assert len(frames) == 2
    again = frames[1]
    assert again == frame and again.info["comment"] == "a rattled cell"
    for name, values in frame.arrays.items():
        np.testing.assert_array_equal(again.arrays[name], values, err_msg=name)
    assert again.constraints[0].index.tolist() == [0]
    assert again.calc.name == frame.calc.name
    assert set(frame.calc.results) <= set(again.calc.results)
    for name, value in frame.calc.results.items():
        np.testing.assert_array_equal(again.calc.results[name], value, err_msg=name)
    assert again.calc.get_property("magforces", again).shape == (4, 3)


def test_plain_ase_reads_and_selects(frame, tmp_path):
    write_database(tmp_path / "iron.db", [frame])
    code = (
        "import sys; from ase.db import connect\n"
        "rows = list(connect(sys.argv[1]).select('energy<0,natoms=4'))\n"
        "assert 'ase_mag' not in sys.modules\n"
        "print(rows[0].toatoms().get_potential_energy())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "iron.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) == frame.get_potential_energy()


def test_rows_of_others_and_frames_without_results(frame, tmp_path):
    path = tmp_path / "mixed.db"
    write_database(path, [frame.copy()])
    copper = bulk("Cu", cubic=True)
    copper.calc = EMT()
    copper.get_forces()
    with connect(path) as database:
        database.write(copper)
    bare, other = read_database(path)
    np.testing.assert_array_equal(ase_mag.get_moments(bare), ase_mag.get_moments(frame))
    assert not bare.calc.results
    assert other.get_potential_energy() == copper.get_potential_energy()
    assert read_database(path, "Cu")[0].get_chemical_formula() == "Cu4"


def test_files_that_exist_or_not(frame, tmp_path):
    path = tmp_path / "iron.db"
    with pytest.raises(FileNotFoundError):
        read_database(path)
    write_database(path, [frame])
    with pytest.raises(FileExistsError):
        write_database(path, [frame])
