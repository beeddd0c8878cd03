"""Job files and a shell for tests of commands."""

import subprocess
import sys
import textwrap
from configparser import ConfigParser
from importlib import util
from pathlib import Path

import pytest
from ase.config import cfg

from ase_mag.cli import main
from ase_mag.reference.vasp import calculator as vasp_calculator

#: Moments and atoms of 16 iron atoms, 60 steps.
JOB = """\
version = 1
seed = 3

[structure]
bulk = "Fe"
a_angstrom = 2.8494
repeat = 2
moments = 2.145
momenta_K = 600

[model]
name = "FeHL-1"

[dynamics]
kind = "spin-lattice"
timestep_fs = 1.0
steps = 60
temperature_K = 300
damping = 0.1
friction_per_fs = 0.01

[output]
interval = 10
checkpoint_interval = 25
"""
#: A program that reads and writes the files of VASP; its physics is FeHL-1.
FAKE = Path(__file__).parents[1] / "reference" / "vasp" / "fake_vasp.py"


@pytest.fixture
def write_job(tmp_path):
    """A function that writes job.toml, with replacements, and returns its path as a str."""

    def write(text=JOB, replacements=(), name="job.toml"):
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def example_of(capsys):
    """A function that returns the job file in the help of a command."""

    def example(command):
        with pytest.raises(SystemExit) as stop:
            main([command, "--help"])
        assert stop.value.code == 0
        text = capsys.readouterr().out
        start = text.index("    version = 1")
        return textwrap.dedent(text[start : text.index("    ase-mag ", start)])

    return example


@pytest.fixture
def shell(tmp_path, tree_environment):
    """A function that runs ``ase-mag`` in a fresh process and folder."""

    def run(*arguments, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "ase_mag.cli", *arguments],
            cwd=tmp_path,
            env=tree_environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def vasp(tmp_path, monkeypatch):
    """Potentials and a VASP that runs in this process; returns the commands that were given."""
    folder = tmp_path / "potentials" / "potpaw_PBE" / "Fe"
    folder.mkdir(parents=True)
    (folder / "POTCAR").write_text(
        "  PAW_PBE Fe 06Sep2000\n   8.00000000000000\n parameters from PSCTR are:\n"
        "   TITEL  = PAW_PBE Fe 06Sep2000\n   LEXCH  = PE\n   EATOM  =   594.4687 eV\n"
        "   POMASS =   55.847; ZVAL   =    8.000    mass and valenz\n"
        "   RWIGS  =    2.460; RWIGS  =    1.302    wigner-seitz radius (au A)\n End of Dataset\n"
    )
    monkeypatch.delenv("VASP_PP_PATH", raising=False)
    parser = ConfigParser()
    parser.read_dict({"environment": {"VASP_PP_PATH": str(tmp_path / "potentials")}})
    monkeypatch.setattr(cfg, "parser", parser)
    spec = util.spec_from_file_location("fake_vasp", FAKE)
    fake = util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    commands = []

    def execute(command, folder):
        commands.append(command)
        with (folder / "vasp.out").open("w") as out, monkeypatch.context() as context:
            context.setattr(sys, "stdout", out)
            assert fake.main(folder) == 0

    monkeypatch.setattr(vasp_calculator, "execute", execute)
    return commands
