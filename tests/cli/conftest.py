"""Job files and a shell for tests of commands."""

import subprocess
import sys
import textwrap

import pytest

from ase_mag.cli import main

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
