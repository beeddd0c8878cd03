"""ConstrainedVasp on a fake VASP whose physics is a model: everything has an exact value."""

import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.calculator import CalculationFailed, PropertyNotImplementedError
from ase.config import cfg

import ase_mag
from ase_mag import lsf
from ase_mag.reference import (
    BadOutput,
    ConstrainedModel,
    ConstrainedVasp,
    NotConverged,
    campaign,
)

FAKE = Path(__file__).with_name("fake_vasp.py")


def exact(fake, atoms, moments):
    """Return the model's results at these moments."""
    atoms = atoms.copy()
    ase_mag.set_moments(atoms, moments)
    calc = ConstrainedModel(fake.model_of(atoms.get_chemical_symbols()))
    return {n: calc.get_property(n, atoms) for n in ("energy", "forces", "stress", "magforces")}


def test_labels_of_the_last_lambda_are_exact_ones_of_the_moments_reached(vasp, iron, fake):
    # OSZICAR shows lambda with three digits only.
    settings = {"lambdas": (1, 2.5, 5, 10.0456), "magforces_verified": True}
    iron.calc = calc = vasp(extrapolate=False, moment_tolerance=0.1, **settings)
    iron.get_potential_energy()
    found = calc.results
    missed = found["moment_error"]
    assert 5e-3 < missed.max() < 0.1
    np.testing.assert_allclose(calc.provenance["missed_targets"][-1], missed.max(), rtol=1e-10)
    expected = exact(fake, iron, found["magmoms"])
    for name, atol in (("energy", 3e-7), ("forces", 1e-6), ("stress", 1e-6), ("magforces", 3e-5)):
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=atol, err_msg=name)
    # The total energy of VASP has the penalty in it.
    assert calc.provenance["penalties"][-1] > 1e-3


@pytest.mark.parametrize("constraint", ["vector", "direction"])
def test_extrapolated_labels_are_those_of_the_targets(vasp, iron, fake, constraint):
    iron.calc = calc = vasp(constraint=constraint, magforces_verified=True)
    iron.get_potential_energy()
    found, errors = calc.results, calc.provenance["extrapolation_errors"]
    target = ase_mag.get_moments(iron)
    if constraint == "direction":  # sizes are what VASP prints, with three decimals
        units = target / np.linalg.norm(target, axis=1)[:, None]
        np.testing.assert_allclose(
            np.cross(found["magmoms"], units), 0, atol=2e-5 + 3 * errors["moments"]
        )
        target = np.einsum("ij,ij->i", found["magmoms"], units)[:, None] * units
    expected = exact(fake, iron, target)
    rounding = 3e-4 if constraint == "direction" else 1e-6
    for name in ("energy", "forces", "stress", "magforces"):
        difference = np.abs(found[name] - expected[name]).max()
        assert difference < errors[name] + rounding, name
    assert np.abs(found["energy"] - expected["energy"]) < 1e-5
    largest = np.abs(expected["magforces"]).max()
    assert np.abs(found["magforces"] - expected["magforces"]).max() < 2e-3 * largest
    assert found["moment_error"].max() < 5e-4


def test_magnetic_forces_and_forces_are_differences_of_energies(vasp, iron):
    iron.calc = calc = vasp(magforces_verified=True, lambdas=(5, 10, 20))
    magforces = calc.get_property("magforces", iron)
    forces = iron.get_forces()
    moments, step = ase_mag.get_moments(iron), 0.02
    for axis in (0, 2):
        energies = []
        for sign in (1, -1):
            changed = moments.copy()
            changed[0, axis] += sign * step
            ase_mag.set_moments(iron, changed)
            energies.append(iron.get_potential_energy())
        slope = (energies[0] - energies[1]) / (2 * step)
        assert slope == pytest.approx(-magforces[0, axis], abs=1e-3)
    ase_mag.set_moments(iron, moments)
    energies = []
    for sign in (1, -1):
        iron.positions[1, 0] += sign * 0.01
        energies.append(iron.get_potential_energy())
        iron.positions[1, 0] -= sign * 0.01
    assert (energies[0] - energies[1]) / 0.02 == pytest.approx(-forces[1, 0], abs=2e-3)


def test_the_ramp_starts_from_the_files_of_the_step_before(vasp, iron, tmp_path):
    iron.calc = vasp()
    iron.get_potential_energy()
    history = (tmp_path / "run" / "history").read_text().splitlines()
    assert history == ["0 2 1", "1 1 2.5", "1 1 5", "1 1 10"]
    moments = ase_mag.get_moments(iron)
    ase_mag.set_moments(iron, moments * 1.05)  # the next calculation starts from the last
    iron.get_potential_energy()
    assert (tmp_path / "run" / "history").read_text().splitlines()[4] == "1 1 1"
    iron.symbols[1] = "Al"  # but not from that of another structure
    iron.get_potential_energy()
    assert (tmp_path / "run" / "history").read_text().splitlines()[8] == "0 2 1"


@pytest.mark.parametrize("mood", ["unconverged", "edddav"])
def test_unconverged_runs_are_tried_again_with_safer_mixing(
    vasp, iron, fake, monkeypatch, mood, tmp_path
):
    if mood == "edddav":
        plain = fake.main

        def crashing(folder):
            status = plain(folder)
            if status:
                raise NotConverged("VASP printed 'EDDDAV'")
            return status

        monkeypatch.setattr(fake, "main", crashing)
    monkeypatch.setenv("FAKE_VASP", mood)
    iron.calc = calc = vasp()
    iron.get_potential_energy()
    assert len(calc.provenance["failed_attempts"]) == 1
    assert float(fake.read_incar(tmp_path / "run" / "INCAR")["AMIX"]) == 0.1
    assert calc.provenance["settings"]["AMIX_MAG"] == 0.2
    # The second try does not start from what the first one left.
    starts = (tmp_path / "run" / "history").read_text().splitlines()
    assert [line for line in starts if line.endswith(" 1")] == ["0 2 1"] * len(
        [line for line in starts if line.endswith(" 1")]
    )


def test_free_atoms_find_their_moments(vasp, mixed, fake):
    mixed.calc = calc = vasp(
        constraint={"Fe": "vector", "Al": "free"}, magforces_verified=True, lambdas=(5, 10, 20)
    )
    magforces = calc.get_property("magforces", mixed)
    moments = calc.results["magmoms"]
    target = ase_mag.get_moments(mixed)
    np.testing.assert_allclose(moments[[0, 2]], target[[0, 2]], atol=1e-3)
    assert np.abs(moments[[1, 3]] - target[[1, 3]]).max() > 0.05
    np.testing.assert_array_equal(magforces[[1, 3]], 0.0)
    target[[1, 3]] = moments[[1, 3]]
    expected = exact(fake, mixed, target)
    assert calc.results["energy"] == pytest.approx(expected["energy"], abs=2e-5)
    np.testing.assert_allclose(magforces, expected["magforces"], atol=2e-3)


def test_nothing_constrained(vasp, iron, tmp_path):
    iron.calc = calc = vasp(constraint="free", magforces_verified=True)
    iron.get_potential_energy()
    assert len((tmp_path / "run" / "history").read_text().splitlines()) == 1
    np.testing.assert_array_equal(calc.results["magforces"], 0.0)
    sizes = np.linalg.norm(calc.results["magmoms"], axis=1)
    assert np.all(np.abs(sizes - 2.1) < 0.2)


def test_direction_and_sign(vasp, iron, fake):
    """I_CONSTRAINED_M = 4: energy, forces and moments, but no magnetic forces."""
    iron.calc = calc = vasp(
        constraint="direction", direction_penalty=4, lambdas=(10, 20, 40), magforces_verified=True
    )
    energy = iron.get_potential_energy()
    assert "magforces" not in calc.results
    with pytest.raises(PropertyNotImplementedError, match="direction_penalty=1"):
        calc.get_property("magforces", iron)
    other = iron.copy()
    other.calc = vasp(constraint="direction", lambdas=(10, 20, 40))
    assert energy == pytest.approx(other.get_potential_energy(), abs=1e-5)


def test_magnetic_forces_must_be_proved_first(vasp, iron, monkeypatch):
    iron.calc = calc = vasp()
    iron.get_potential_energy()
    assert "magforces" not in calc.results and "magforces" not in calc.implemented_properties
    with pytest.raises(PropertyNotImplementedError, match=r"not proved.*verify_magforces\(atoms\)"):
        calc.get_property("magforces", iron)
    report = calc.verify_magforces(iron)
    assert report["ratio"] == pytest.approx(1.0, abs=2e-3) and abs(report["energy_change"]) > 1e-2
    assert calc.parameters["magforces_verified"]
    assert np.abs(calc.get_property("magforces", iron)).max() > 0.1

    # A VASP whose TOTEN does not contain E_p.
    monkeypatch.setenv("FAKE_VASP", "without_penalty")
    calc = vasp()
    with pytest.raises(BadOutput, match="the magnetic forces contradict the energies of the ramp"):
        calc.verify_magforces(iron)
    iron.calc = vasp(magforces_verified=True)
    with pytest.raises(BadOutput, match="the energy changes by"):
        iron.get_potential_energy()
    monkeypatch.delenv("FAKE_VASP")
    free = vasp(constraint="free")
    iron.calc = free
    iron.get_potential_energy()
    ase_mag.set_moments(iron, free.results["magmoms"])
    with pytest.raises(ValueError, match="too close to equilibrium to prove"):
        vasp().verify_magforces(iron)
    with pytest.raises(ValueError, match="not for DeltaSpin"):
        vasp(deltaspin=True).verify_magforces(iron)


def test_relaxed_sizes(vasp, iron, fake):
    found = vasp(moment_tolerance=0.01).relax_sizes(iron)
    expected = ConstrainedModel(fake.model_of(["Fe"])).relax_sizes(iron)
    np.testing.assert_allclose(found, expected, atol=1e-3)  # three decimals
    ase_mag.set_moments(iron, [[0, 0, 2.0], [0, 0, 0]])
    found = vasp(moment_tolerance=0.01).relax_sizes(iron)
    np.testing.assert_array_equal(found[1], 0.0)
    ase_mag.set_moments(iron, 0.0)
    np.testing.assert_array_equal(vasp().relax_sizes(iron), np.zeros((2, 3)))


def test_a_moment_that_misses_its_target_is_no_result(vasp, iron):
    iron.calc = vasp(extrapolate=False, lambdas=(1.0,))
    with pytest.raises(NotConverged, match=r"mu_B away from its target"):
        iron.get_potential_energy()


def test_a_ramp_that_does_not_extrapolate_is_no_result(vasp, iron):
    iron.calc = vasp(lambdas=(0.02, 0.05), moment_tolerance=2.0)
    with pytest.raises(NotConverged, match=r"do not extrapolate: the error is .*allows 0\.002 eV"):
        iron.get_potential_energy()


def test_provenance_and_todict(vasp, iron):
    iron.calc = calc = vasp()
    iron.get_potential_energy()
    told = json.loads(json.dumps(calc.provenance))
    assert told["code"] == "VASP" and told["version"] == "vasp.6.4.2"
    assert told["potcars"] == ["PAW_PBE Fe 06Sep2000"] and told["lambdas"] == [1, 2.5, 5, 10]
    assert told["constraint"] == ["vector", "vector"] and told["settings"]["encut"] == 400.0
    assert told["iterations"] == 16 and told["settings"]["RWIGS"] == [["Fe"], [1.302]]
    settings = json.loads(json.dumps(calc.todict()))
    assert settings["encut"] == 400.0 and "directory" not in settings


def test_the_program_itself(iron, fake, tmp_path, tree_environment, monkeypatch):
    """A process of its own, in a campaign; directory, command and failure."""
    monkeypatch.setenv("PYTHONPATH", tree_environment["PYTHONPATH"])
    command = shlex.join([sys.executable, str(FAKE)])
    calc = ConstrainedVasp(xc="PBE", kpts=(2, 2, 2), command=command, lambdas=(5, 10, 20))
    path = tmp_path / "labels.extxyz"
    result = campaign([iron], calc, path, keep_files=True, progress=False)
    expected = exact(fake, iron, ase_mag.get_moments(iron))
    assert result.frames[0].get_potential_energy() == pytest.approx(expected["energy"], abs=1e-5)
    assert result.frames[0].info["code"] == "VASP"
    assert result.frames[0].arrays["sphere_magmoms"].shape == (2, 3)
    [run] = (tmp_path / "labels.extxyz.jobs" / "run").iterdir()
    assert {"INCAR", "OUTCAR", "OSZICAR", "vasp.out", "WAVECAR"} <= set(os.listdir(run))
    monkeypatch.setenv("FAKE_VASP", "crash")
    cfg.parser.set("environment", "ASE_VASP_COMMAND", command)
    iron.calc = ConstrainedVasp(xc="PBE", kpts=(2, 2, 2), directory=tmp_path / "crash")
    with pytest.raises(CalculationFailed, match=r"ended with exit status 1: forrtl: severe \(174"):
        iron.get_potential_energy()


def test_a_missing_program_says_where_it_was_looked_for(iron):
    iron.calc = ConstrainedVasp(xc="PBE")
    with pytest.raises(FileNotFoundError, match=r"no command to run VASP.*ASE_VASP_COMMAND, VASP_"):
        iron.get_potential_energy()
    iron.calc = ConstrainedVasp(xc="PBE", command="mpivasp -np 4 vasp_ncl")
    with pytest.raises(FileNotFoundError, match=r"'mpivasp' of the command .* looked in PATH: /"):
        iron.get_potential_energy()
    iron.calc = ConstrainedVasp(xc="PBE", command="OMP_NUM_THREADS=1 mpivasp")
    with pytest.raises(FileNotFoundError, match=r"'mpivasp' of the command .* looked in PATH: /"):
        iron.get_potential_energy()
    iron.calc = ConstrainedVasp(xc="PBE", kpts=(2, 2, 2), command="cd . && mpivasp")
    with pytest.raises(FileNotFoundError, match=r"the shell did not find .*mpivasp'.*not found"):
        iron.get_potential_energy()


def test_landscapes_run_on_it(vasp, iron, fake):
    table = lsf.landscapes(
        [iron], vasp(moment_tolerance=0.02), sizes=[1.8, 2.2, 2.6], progress=False
    )
    model = ConstrainedModel(fake.model_of(["Fe"]))
    expected = lsf.landscapes([iron], model, sizes=[1.8, 2.2, 2.6], progress=False)
    np.testing.assert_allclose(table.energies, expected.energies, atol=1e-3)
    np.testing.assert_allclose(table.relaxed, expected.relaxed, atol=2e-3)
