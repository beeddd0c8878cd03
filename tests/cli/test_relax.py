"""ase-mag relax: crystals and moments, convergence as exit status."""

import ase.build
import ase.io
import ase.units
import numpy as np
import pytest

from ase_mag import get_moments
from ase_mag.cli import main

JOB = """\
version = 1
seed = 2

[structure]
bulk = "Fe"
a_angstrom = 2.9
moments = 2.0

[model]
name = "FeHL-1"

[relax]
fmax_eV_per_angstrom = 1e-4
"""
ALONE = [("[relax]\n", "[relax]\ncell = false\npositions = false\n")]


def test_the_crystal_of_the_reference_set(shell, write_job, tmp_path):
    write_job(JOB)
    text = shell("relax", "job.toml").stdout
    assert "converged: after " in text
    atoms = ase.io.read(tmp_path / "job.relaxed.traj")
    np.testing.assert_allclose(atoms.cell.lengths(), 2.8494, atol=2e-4)
    np.testing.assert_allclose(get_moments(atoms), [[0, 0, 2.145]] * 2, atol=2e-4)
    assert f"energy         {atoms.get_potential_energy():.6f} eV" in text


def test_pressure_and_fixed_positions(write_job, tmp_path):
    extra = ("[relax]\n", "[relax]\npositions = false\npressure_GPa = 10\n")
    assert main(["relax", write_job(JOB, [extra]), "--quiet"]) == 0
    atoms = ase.io.read(tmp_path / "job.relaxed.traj")
    pressure = -atoms.get_stress()[:3] / ase.units.GPa
    np.testing.assert_allclose(pressure, 10, atol=0.01)


def test_moments_alone(write_job, tmp_path, capsys):
    text = JOB.replace("[structure]\n", "[structure]\nrepeat = 2\nrandom_directions = true\n")
    job = write_job(text, [*ALONE, ("fmax_eV_per_angstrom = 1e-4", "result = 'out.extxyz'")])
    assert main(["relax", job]) == 0
    assert "converged: " in capsys.readouterr().out
    atoms = ase.io.read(tmp_path / "out.extxyz")
    start = ase.build.bulk("Fe", a=2.9, cubic=True) * (2, 2, 2)
    np.testing.assert_allclose(atoms.positions, start.positions, atol=1e-7)
    moments = get_moments(atoms)
    np.testing.assert_allclose(moments, np.broadcast_to(moments[0], moments.shape), atol=1e-4)


def test_sizes_alone_keep_directions(write_job, tmp_path):
    text = JOB.replace("moments = 2.0", "moments = [[2, 0, 0], [0, 2, 0]]")
    alone = ALONE[0][1] + "directions = false\n"
    job = write_job(text, [(ALONE[0][0] + "fmax_eV_per_angstrom = 1e-4", alone)])
    assert main(["relax", job, "--quiet"]) == 0
    moments = get_moments(ase.io.read(tmp_path / "job.relaxed.traj"))
    np.testing.assert_allclose(moments[0, 1:], 0, atol=1e-12)
    np.testing.assert_allclose(moments[1, [0, 2]], 0, atol=1e-12)


def test_what_does_not_converge_has_the_status_1(write_job, tmp_path, capsys):
    job = write_job(JOB, [("[relax]\n", "[relax]\nmax_steps = 1\n")])
    assert main(["relax", job]) == 1
    assert "not converged: 1 steps were not enough; raise max_steps" in capsys.readouterr().out
    assert (tmp_path / "job.relaxed.traj").exists()
    assert main(["relax", job]) == 2
    assert "exist already: start anew with --overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (
            ("fmax_eV_per_angstrom", "fmax"),
            "line 13, [relax]: fmax is unknown; did you mean fmax_eV",
        ),
        (("[relax]\n", "[relax]\ncell = false\npressure_GPa = 1\n"), "no effect on a fixed cell"),
        (("[relax]\n", ALONE[0][1]), "fmax_eV_per_angstrom has no effect on moments alone"),
        (("= 1e-4", "= 0"), "allowed is a number above 0, in eV/angstrom"),
        (
            ("[relax]\n", "[relax]\nsizes = false\n"),
            "line 13, [relax]: sizes is for moments alone, but",
        ),
        (("moments = 2.0\n", "moments = [2]\n"), "line 7, [structure]: moments have shape (1,)"),
        (("[relax]\n", "[relax]\nresult = 'a.strange'\n"), "ASE knows no format for the name "),
    ],
)
def test_wrong_input(replacement, message, write_job, capsys):
    assert main(["relax", write_job(JOB, [replacement])]) == 2
    assert message in capsys.readouterr().err


def test_the_example_of_the_help_runs(example_of, write_job):
    assert main(["relax", write_job(example_of("relax")), "--quiet"]) == 0
