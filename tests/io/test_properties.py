"""magforces in ASE's files, and files that an ASE without ase_mag reads."""

import os
import subprocess
import textwrap

import ase
import ase.calculators.calculator as ase_calculator
import ase.io.extxyz as ase_extxyz
import ase.outputs as ase_outputs
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.io.trajectory import Trajectory

import ase_mag
from ase_mag import MagneticCalculator, models
from ase_mag.io import properties, register_magforces


def iron(seed=0):
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    ase_mag.set_moments(atoms, np.random.default_rng(seed).normal(size=(16, 3)))
    atoms.calc = MagneticCalculator(models.named("FeHL-1"))
    atoms.get_forces()
    return atoms


@pytest.fixture
def plain(strict_python):
    """Return the function :func:`run_plain` with the interpreter to use."""
    return lambda code, *arguments: run_plain(strict_python, code, *arguments)


def run_plain(python, code, *arguments):
    """Run ``code`` in a process that has ASE only, with warnings as errors; return its output."""
    guard = "import sys; sys.modules['ase_mag'] = None; import numpy as np; import ase.io\n"
    done = subprocess.run(
        [*python, "-c", guard + textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def assert_same(again, atoms, atol):
    results, expected = again.calc.results, atoms.calc.results
    for name in ("energy", "free_energy", "forces", "stress", "magmoms", "magforces", "energies"):
        np.testing.assert_allclose(results[name], expected[name], rtol=0, atol=atol)
    assert results["magmoms"].shape == results["magforces"].shape == (16, 3)
    np.testing.assert_allclose(
        again.arrays["initial_magmoms"], atoms.arrays["initial_magmoms"], rtol=0, atol=atol
    )
    np.testing.assert_array_equal(again.calc.get_property("magforces", again), results["magforces"])
    np.testing.assert_array_equal(again.get_magnetic_moments(), results["magmoms"])


@pytest.mark.parametrize(
    ("name", "atol"), [("run.traj", 0.0), ("run.extxyz", 6e-9), ("run.json", 0.0)]
)
def test_round_trip(tmp_path, name, atol):
    frames = [iron(seed) for seed in range(3)]
    write(tmp_path / name, frames)
    again = read(tmp_path / name, ":")
    for a, b in zip(again, frames, strict=True):
        assert_same(a, b, atol)
        assert "magforces" not in a.arrays


def test_trajectory_of_a_run(tmp_path):
    atoms = iron()
    with Trajectory(tmp_path / "run.traj", "w", atoms) as trajectory:
        for size in (1.0, 2.0):
            ase_mag.set_moments(atoms, size)
            # Frames hold what was calculated: here energies and magnetic forces only.
            atoms.get_potential_energy()
            trajectory.write()
    first, second = read(tmp_path / "run.traj", ":")
    assert "forces" not in first.calc.results
    assert np.abs(first.calc.results["magforces"] - second.calc.results["magforces"]).max() > 0.1
    np.testing.assert_array_equal(ase_mag.get_moments(second)[:, 2], np.full(16, 2.0))
    with Trajectory(tmp_path / "run.traj") as trajectory:
        assert len(trajectory) == 2
        assert "synthetic" in trajectory[0].calc.parameters["model"]


def test_appending_and_selected_properties(tmp_path):
    path = tmp_path / "run.traj"
    atoms = iron()
    for mode in ("w", "a"):
        with Trajectory(path, mode, atoms, properties=["energy", "magforces"]) as trajectory:
            trajectory.write()
    frames = read(path, ":")
    assert [set(f.calc.results) for f in frames] == 2 * [{"energy", "magforces"}]


@pytest.mark.parametrize("name", ["run.traj", "run.extxyz"])
def test_plain_ase_reads_our_files(tmp_path, name, plain):
    atoms = iron()
    write(tmp_path / name, [atoms, atoms])
    output = plain(
        """
        frames = ase.io.read(sys.argv[1], ':')
        atoms = frames[-1]
        assert 'magforces' not in atoms.calc.results
        assert atoms.get_magnetic_moments().shape == (16, 3)
        print(len(frames), *atoms.get_initial_magnetic_moments()[3], atoms.get_potential_energy())
        ase.io.write(sys.argv[2], frames)
        """,
        tmp_path / name,
        tmp_path / f"again-{name}",
    )
    values = [float(x) for x in output.split()]
    expected = [2, *ase_mag.get_moments(atoms)[3], atoms.get_potential_energy()]
    np.testing.assert_allclose(values, expected, rtol=0, atol=6e-9)
    again = read(tmp_path / f"again-{name}", -1)
    np.testing.assert_allclose(again.get_forces(), atoms.get_forces(), rtol=0, atol=2e-8)
    if name.endswith("extxyz"):
        # An ASE that does not know the name keeps the column as an array, so it survives.
        magforces = again.calc.results["magforces"]
        np.testing.assert_allclose(magforces, atoms.calc.results["magforces"], rtol=0, atol=2e-8)


@pytest.mark.parametrize("name", ["old.traj", "old.extxyz"])
def test_files_of_plain_ase(tmp_path, name, plain):
    plain(
        """
        from ase.build import bulk
        from ase.calculators.emt import EMT
        atoms = bulk('Ni', cubic=True)
        atoms.set_initial_magnetic_moments([1.0, -1.0, 2.0, 0.0])
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.calc.results['magmoms'] = np.arange(4.0)
        ase.io.write(sys.argv[1], [atoms, atoms])
        """,
        tmp_path / name,
    )
    atoms = read(tmp_path / name, -1)
    assert "magforces" not in atoms.calc.results
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), np.arange(4.0))
    np.testing.assert_array_equal(ase_mag.get_moments(atoms)[:, 2], [1.0, -1.0, 2.0, 0.0])
    expected = bulk("Ni", cubic=True)
    expected.calc = EMT()
    assert atoms.get_potential_energy() == pytest.approx(expected.get_potential_energy(), abs=1e-8)


def test_other_calculators_are_not_disturbed(tmp_path):
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    atoms.get_forces()
    for name in ("cu.traj", "cu.extxyz", "cu.json"):
        write(tmp_path / name, atoms)
        again = read(tmp_path / name)
        assert "magforces" not in again.calc.results
        assert again.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-8)


def test_single_point_calculator_takes_magforces():
    atoms = iron()
    values = np.ones((16, 3))
    atoms.calc = SinglePointCalculator(atoms, energy=1.0, magforces=values)
    np.testing.assert_array_equal(atoms.calc.get_property("magforces", atoms), values)
    atoms.calc.results.pop("energy")
    assert atoms.calc.export_properties()["magforces"].shape == (16, 3)


def test_databases(tmp_path):
    from ase.db import connect

    atoms = iron()
    with connect(tmp_path / "iron.json") as database:
        database.write(atoms)
        row = database.get(1)
    np.testing.assert_allclose(row.magforces, atoms.calc.results["magforces"], atol=1e-15)
    # sqlite has no column for it; collinear systems are stored as before.
    copper = bulk("Cu", cubic=True)
    copper.calc = EMT()
    copper.get_forces()
    with connect(tmp_path / "copper.db") as database:
        database.write(copper, key=1)
        assert database.get(1).toatoms().get_potential_energy() == copper.get_potential_energy()


def test_registration_is_idempotent_and_complete():
    assert register_magforces()
    assert register_magforces()
    assert ase_calculator.all_properties.count("magforces") == 1
    assert ase_extxyz.per_atom_properties.count("magforces") == 1
    assert ase_outputs.all_outputs["magforces"].shapespec == ("natoms", 3)
    assert properties._problem is None


def test_an_ase_whose_lists_have_moved(monkeypatch, recwarn):
    monkeypatch.setattr(properties, "_problem", None)
    for module, name in (
        (ase_outputs, "all_outputs"),
        (ase_outputs, "ArrayProperty"),
        (ase_extxyz, "per_atom_properties"),
        (ase_calculator, "all_properties"),
    ):
        with monkeypatch.context() as patch:
            patch.delattr(module, name)
            assert not register_magforces()
        with monkeypatch.context() as patch:
            patch.setattr(module, name, None)
            assert not register_magforces()
    assert len(recwarn) == 0


def test_writing_without_registration_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(properties, "_problem", "ImportError: no all_properties")
    atoms = iron()
    with (
        Trajectory(tmp_path / "run.traj", "w") as trajectory,
        pytest.warns(UserWarning, match="magforces are not written to files") as warned,
    ):
        trajectory.write(atoms)
    assert ase.__version__ in str(warned[0].message)
    assert "ImportError: no all_properties" in str(warned[0].message)


def test_importing_ase_mag_registers(strict_python):
    code = (
        "import ase_mag; from ase.calculators.calculator import all_properties\n"
        "print('magforces' in all_properties)"
    )
    command = [*strict_python, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
