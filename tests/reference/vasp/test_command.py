"""``ase-mag check-reference vasp`` on the fake program."""

import re
import sys

import pytest
from ase.config import cfg

from ase_mag import reference
from ase_mag.cli import main
from ase_mag.reference.vasp import calculator


@pytest.fixture
def inside(fake, monkeypatch):
    """The fake program runs in this process, whatever the command is; returns the commands."""
    commands = []

    def execute(command, folder):
        commands.append(command)
        with (folder / "vasp.out").open("w") as out, monkeypatch.context() as context:
            context.setattr(sys, "stdout", out)
            assert fake.main(folder) == 0

    monkeypatch.setattr(calculator, "execute", execute)
    return commands


@pytest.mark.parametrize("options", [[], ["--noncollinear"]])
def test_magnetic_forces_are_proved_then_all_derivatives(inside, capsys, tmp_path, options):
    cfg.parser.set("environment", "ASE_VASP_COMMAND", "true from-configuration")
    arguments = ["check-reference", "vasp", "--directory", str(tmp_path / "run"), *options]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    ratio = float(re.search(r"of this VASP: (\S+) times what the energies", text)[1])
    assert abs(ratio - 1) < 0.01
    assert "reference VASP on Fe2" in text and "verdict: PASSED" in text
    assert text.count(" ok") == 3 + len(options)
    assert set(inside) == {"true from-configuration"}
    # Four weights for the proof and for each of the 5 (7) evaluations.
    assert len(inside) == 4 * (6 + 2 * len(options))


@pytest.mark.parametrize("mood", ["sign", "factor", "without_penalty"])
def test_wrong_magnetic_forces_are_refused(inside, capsys, monkeypatch, mood):
    monkeypatch.setenv("FAKE_VASP", mood)
    assert main(["check-reference", "vasp", "--command", "true"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("ase-mag check-reference: ") and "lambda*MW_perp" in error


def test_deltaspin_needs_no_proof(inside, capsys):
    assert main(["check-reference", "vasp", "--deltaspin", "--command", "true"]) == 0
    text = capsys.readouterr().out
    assert "verdict: PASSED" in text and "of this VASP" not in text
    assert len(inside) == 5  # no ramp


def test_a_missing_program_says_where_it_was_looked_for(capsys):
    assert main(["check-reference", "vasp"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("ase-mag check-reference: there is no command to run VASP: looked for")
    assert "ASE_VASP_COMMAND, VASP_COMMAND, VASP_SCRIPT in the environment" in error
    assert main(["check-reference", "vasp", "--command", "no_such_vasp -x"]) == 1
    error = capsys.readouterr().err
    assert "the program 'no_such_vasp' of the command 'no_such_vasp -x' was not found" in error


def test_a_missing_potcar_says_where_it_was_looked_for(capsys, potcars):
    (potcars / "potpaw_PBE" / "Fe" / "POTCAR").unlink()
    assert main(["check-reference", "vasp", "--command", "true"]) == 1
    assert f"under VASP_PP_PATH ({potcars})" in capsys.readouterr().err


def test_the_reference_is_public():
    assert "ConstrainedVasp" in reference.__all__
