"""ConstrainedAbinit with a stand-in for the program: retries, errors, restart, provenance."""

import json
import pickle
import re
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.abinit import AbinitProfile
from ase.calculators.calculator import CalculationFailed
from ase.units import Bohr

import ase_mag
from ase_mag.reference import BadOutput, ConstrainedAbinit, NotConverged
from ase_mag.reference.abinit import parse_output


def iron():
    """The atoms of the recorded collinear output."""
    atoms = bulk("Fe", a=2.83, cubic=True)
    atoms.positions[1] += [0.03, 0, -0.02]
    ase_mag.set_moments(atoms, [2.2, 1.8])
    return atoms


def inputs(profile):
    """Return the inputs that the stand-in was called with."""
    folder = re.search(r"\S+/stand_in", profile.command).group(0)
    return [path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("*.input"))]


def test_results_are_those_of_the_output(stand_in, recorded):
    atoms, found = iron(), parse_output(recorded("abinit_collinear"))
    calc = atoms.calc = ConstrainedAbinit(profile=stand_in(recorded("abinit_collinear")))
    assert atoms.get_potential_energy() == found.energy
    assert calc.get_property("free_energy", atoms) == found.energy
    np.testing.assert_array_equal(atoms.get_forces(), found.forces)
    np.testing.assert_array_equal(atoms.get_stress(), found.stress)
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), found.moments)
    np.testing.assert_array_equal(calc.get_property("magforces", atoms), -found.gradient)
    np.testing.assert_allclose(calc.get_property("moment_error", atoms), [2e-6, 4e-6], atol=1e-12)
    assert len(inputs(calc.profile)) == 1


def test_moments_along_another_axis_are_turned_back(stand_in, recorded):
    atoms, axis = iron(), np.array([0.6, 0.0, -0.8])
    ase_mag.set_moments(atoms, np.outer([2.2, 1.8], axis))
    calc = atoms.calc = ConstrainedAbinit(profile=stand_in(recorded("abinit_collinear")))
    found = parse_output(recorded("abinit_collinear"))
    magforces = calc.get_property("magforces", atoms)
    np.testing.assert_allclose(magforces, np.outer(-found.gradient[:, 2], axis), atol=1e-14)
    np.testing.assert_allclose(atoms.get_magnetic_moments() @ axis, found.moments[:, 2])
    assert "nsppol 2" in inputs(calc.profile)[0]


@pytest.mark.parametrize("name", ["iron.traj", "iron.extxyz"])
def test_results_are_stored_in_files_of_ase(stand_in, recorded, tmp_path, name):
    atoms = iron()
    calc = atoms.calc = ConstrainedAbinit(profile=stand_in(recorded("abinit_collinear")))
    energy = atoms.get_potential_energy()
    ase.io.write(tmp_path / name, atoms)
    again = ase.io.read(tmp_path / name)
    assert again.get_potential_energy() == pytest.approx(energy, abs=1e-8)
    np.testing.assert_allclose(again.get_forces(), atoms.get_forces(), atol=1e-8)
    np.testing.assert_allclose(again.get_stress(), atoms.get_stress(), atol=1e-8)
    np.testing.assert_allclose(again.get_magnetic_moments(), atoms.get_magnetic_moments())
    np.testing.assert_allclose(
        again.calc.results["magforces"], calc.get_property("magforces", atoms), atol=1e-8
    )
    np.testing.assert_allclose(ase_mag.get_moments(again)[:, 2], [2.2, 1.8])


def spinat(text):
    return np.array(re.search(r"^spinat\s+(.*(?:\n .*)*)", text, re.M).group(1).split(), float)


def test_every_frame_of_spin_space_is_the_same_run(stand_in, recorded):
    """The forces of 9.6.2 are wrong where the sum of the moments has an x component."""
    moments = np.array([[0.5, 0.3, 2.0], [-0.9, 0.2, 1.1]])
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    profile = stand_in(*[recorded("abinit_collinear")] * 2)
    for given in (moments, moments @ turn.T):
        atoms = iron()
        ase_mag.set_moments(atoms, given)
        atoms.calc = ConstrainedAbinit(profile=profile, moment_tolerance=9.0)
        atoms.get_potential_energy()
    first, second = (spinat(text).reshape(2, 3) for text in inputs(profile))
    np.testing.assert_allclose(first.sum(axis=0)[:2], 0, atol=1e-14)
    np.testing.assert_allclose(first[:, 1], 0, atol=1e-14)
    np.testing.assert_allclose(first[:, 2], second[:, 2], atol=1e-14)
    np.testing.assert_allclose(np.abs(first[:, 0]), np.abs(second[:, 0]), atol=1e-14)
    np.testing.assert_allclose(first @ first.T, moments @ moments.T, atol=1e-13)
    assert "nspden 4" in inputs(profile)[0]


def test_safer_settings_after_an_unconverged_run(stand_in, recorded):
    atoms = iron()
    profile = stand_in(recorded("abinit_unconverged"), recorded("abinit_collinear"))
    atoms.calc = ConstrainedAbinit(profile=profile)
    atoms.get_potential_energy()
    first, second = inputs(profile)
    assert "iscf 7\n" in first and "nstep 120\n" in first and "diemix" not in first
    assert "npulayit 12\n" in second and "nstep 240\n" in second and "diemix" in second
    failures = atoms.calc.provenance["failed_attempts"]
    assert len(failures) == 1 and "not converged after 60 iterations" in failures[0]


def test_never_converged_raises_and_gives_no_numbers(stand_in, recorded):
    atoms = iron()
    profile = stand_in(*[recorded("abinit_unconverged")] * 3)
    atoms.calc = ConstrainedAbinit(profile=profile)
    with pytest.raises(NotConverged, match=r"ABINIT did not converge in 3 attempts: .*60 iterat"):
        atoms.get_potential_energy()
    assert atoms.calc.results == {} and len(inputs(profile)) == 3


def test_density_is_used_again_for_the_same_cell_only(stand_in, recorded):
    atoms, text = iron(), recorded("abinit_collinear")
    profile = stand_in(text, text, text, text, text)
    calc = atoms.calc = ConstrainedAbinit(profile=profile, moment_tolerance=1.0)
    atoms.get_potential_energy()
    ase_mag.set_moments(atoms, [2.3, 1.8])
    atoms.get_potential_energy()
    assert calc.provenance["restarted"]
    calc.parameters["constraint"] = {"Fe": "magnitude"}
    ase_mag.set_moments(atoms, [2.3, 1.9])
    atoms.get_potential_energy()
    assert not calc.provenance["restarted"]
    again = pickle.loads(pickle.dumps(calc))
    atoms.calc = again
    ase_mag.set_moments(atoms, [2.3, 1.8])
    atoms.get_potential_energy()
    assert not again.provenance["restarted"] and again.folder.path != calc.folder.path
    assert ["last_DEN" in text for text in inputs(profile)] == [False, True, False, False]
    calc = atoms.calc = ConstrainedAbinit(profile=profile, reuse_density=False)
    ase_mag.set_moments(atoms, [2.2, 1.8])
    atoms.get_potential_energy()
    assert calc.folder.kept is None


def test_results_of_other_atoms_are_an_error(stand_in, recorded):
    atoms = iron()
    atoms.positions[1, 0] += 1e-4
    atoms.calc = ConstrainedAbinit(profile=stand_in(recorded("abinit_collinear")))
    with pytest.raises(BadOutput, match=r"run\.abo belongs to other atoms than those"):
        atoms.get_potential_energy()


def test_exit_status_and_missing_output(stand_in):
    atoms = iron()
    atoms.calc = ConstrainedAbinit(profile=stand_in(14, "nothing", "garbage"))
    with pytest.raises(CalculationFailed, match=r"exit status 14 in .*: the sun was too bright"):
        atoms.get_potential_energy()
    with pytest.raises(BadOutput, match=r"ABINIT wrote no .*run\.abo"):
        atoms.get_potential_energy()
    with pytest.raises(BadOutput, match=r"run\.abo is not a main output of ABINIT"):
        atoms.get_potential_energy()


def test_missing_program_says_where_it_was_looked_for(data_sets):
    atoms = iron()
    folders = [str(data_sets)]
    atoms.calc = ConstrainedAbinit(profile=AbinitProfile("no_such_abinit", pp_paths=folders))
    with pytest.raises(
        FileNotFoundError, match=r"'no_such_abinit' was looked for in the PATH \(.*apt install ab"
    ):
        atoms.get_potential_energy()
    atoms.calc = ConstrainedAbinit(profile=AbinitProfile("/no/abinit -x", pp_paths=folders))
    with pytest.raises(FileNotFoundError, match="'/no/abinit' was looked for at that path"):
        atoms.get_potential_energy()


def test_missing_data_set(stand_in, data_sets):
    atoms = iron()
    (data_sets / "Fe.xml").unlink()
    atoms.calc = ConstrainedAbinit(profile=stand_in())
    with pytest.raises(
        FileNotFoundError, match=r"no pseudopotential for Fe: looked for .*data_sets"
    ):
        atoms.get_potential_energy()


@pytest.mark.parametrize(
    ("options", "moments", "message"),
    [
        ({"noncollinear": False}, [[2, 0, 0], [0, 0, 2]], "targets? moments are not collinear"),
        ({"sphere_radius": 2.1 * Bohr}, 2.2, "less than the PAW radius"),
        ({}, 17.0, r"target moment of 17 mu_B, more than its 16 valence electrons"),
        ({"constraint": "direction"}, [2.2, 0.0], "direction of atom 1 .* has no direction"),
        ({"constraint": {"Al": "vector"}}, 2.2, "names Al, but the atoms are Fe"),
    ],
)
def test_bad_jobs_raise_before_anything_runs(stand_in, options, moments, message):
    atoms, profile = iron(), stand_in()
    ase_mag.set_moments(atoms, moments)
    atoms.calc = ConstrainedAbinit(profile=profile, **options)
    with pytest.raises(ValueError, match=message.replace("targets? ", "target ")):
        atoms.get_potential_energy()
    assert inputs(profile) == []


def test_molecule_without_cell(stand_in):
    atoms = iron()
    atoms.pbc = (True, True, False)
    atoms.calc = ConstrainedAbinit(profile=stand_in())
    with pytest.raises(ValueError, match=r"pbc is \[True, True, False\]: set a cell"):
        atoms.get_potential_energy()


def test_unknown_options():
    with pytest.raises(TypeError, match=r"unknown parameter nspden; .*extra=\{\.\.\.\}"):
        ConstrainedAbinit(nspden=2)
    with pytest.raises(ValueError, match="keyword nspden is written by the calculator"):
        ConstrainedAbinit(extra={"nspden": 2})


def test_provenance_and_identity(stand_in, recorded, data_sets):
    atoms = iron()
    calc = atoms.calc = ConstrainedAbinit(profile=stand_in(recorded("abinit_collinear")))
    atoms.get_potential_energy()
    provenance = json.loads(json.dumps(calc.provenance))
    assert (provenance["code"], provenance["version"]) == ("ABINIT", "9.6.2")
    iron_set = provenance["pseudopotentials"]["Fe"]
    assert iron_set["file"] == "Fe.xml" and len(iron_set["sha256"]) == 64
    assert provenance["settings"]["tolvrs"] == 1e-8
    assert provenance["iterations"] == 33 and provenance["seconds"] > 0
    assert provenance["relative_error"] == {}  # collinear: no transverse labels
    identity = calc.todict()
    assert identity["name"] == "ABINIT" and "directory" not in identity
    json.dumps(identity)
    changed = ConstrainedAbinit(profile=calc.profile, kpts=(6, 6, 6)).todict()
    assert changed != identity


def test_default_profile_is_that_of_ase(monkeypatch):
    from ase_mag.reference.abinit import calculator

    monkeypatch.setattr(calculator.cfg, "parser", {"abinit": {"command": "my_abinit"}})
    assert ConstrainedAbinit().profile.command == "my_abinit"
    monkeypatch.setattr(calculator.cfg, "parser", {})
    assert ConstrainedAbinit().profile.command == "abinit"
