"""The promised lines of a shell (block 9), each as written in a fresh folder.

The two lines that open a window are in tests/gui/test_shell.py.
"""

import re
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.cli.program import COMMANDS

HERE = Path(__file__).parent
_TEXT = (HERE / "api_blocks.txt").read_text(encoding="utf-8").partition("## 9.")[2]
LINES = re.search(r"^```\n(.*?)^```", _TEXT, re.MULTILINE | re.DOTALL)[1].splitlines()
(DEMO, RUN, OTHERS, VIEWER, STOCK, CONVERT) = LINES


@pytest.fixture
def sh(tmp_path, installed):
    """A function that gives a line to a shell where the package is installed."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("ase", "ase"), ("ase-mag", "ase_mag.cli")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        program.chmod(0o755)
    folder = tmp_path / "fresh"
    folder.mkdir()

    def run(line):
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=folder,
            env=installed | {"PATH": f"{programs}:{installed['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
        return done.stdout

    run.folder = folder
    return run


@pytest.mark.slow
def test_the_demo(sh):
    pytest.importorskip("matplotlib")
    printed = sh(DEMO)
    output = sh.folder / "demo_output"
    assert "ase-mag gui demo_output/tc.traj" in printed
    assert (output / "report.html").stat().st_size > 100_000
    assert ase_mag.get_moments(ase.io.read(output / "tc.traj")).shape == (54, 3)


@pytest.mark.slow
def test_a_job_file_and_going_on(sh):
    """The first job file of the page of the command line; the same run in two parts is the same."""
    page = (HERE.parents[1] / "docs" / "command-line.md").read_text(encoding="utf-8")
    job = re.search(r"^```toml\n(# job\.toml\n.*?)^```", page, re.MULTILINE | re.DOTALL)[1]
    path = sh.folder / "job.toml"
    path.write_text(job.replace("report = true", "report = false"), encoding="utf-8")
    sh(RUN)
    whole = ase.io.read(sh.folder / "job.traj")
    for file in sh.folder.glob("job.[!t]*"):
        file.unlink()
    (sh.folder / "job.traj").unlink()
    path.write_text(path.read_text().replace("steps = 100", "steps = 40"))
    sh(RUN)
    path.write_text(path.read_text().replace("steps = 40", "steps = 100"))
    sh("ase-mag run job.toml --resume")
    parts = ase.io.read(sh.folder / "job.traj")
    assert (ase_mag.get_moments(parts) == ase_mag.get_moments(whole)).all()
    assert (parts.positions == whole.positions).all()


def test_the_other_commands_exist():
    named = OTHERS.removeprefix("ase-mag").split("|")
    assert {name.strip() for name in named} <= set(COMMANDS)


def test_formats_are_known_to_ase(sh):
    atoms = bulk("Fe", a=2.8665, cubic=True)
    ase_mag.set_moments(atoms, [[0, 0, 2.23], [2.23, 0, 0]])
    ase_mag.io.write_uppasd(sh.folder, atoms, models.named("Fe-UppASD"))
    sh(CONVERT)
    moments = ase_mag.get_moments(ase.io.read(sh.folder / "fe.extxyz"))
    assert moments.tolist() == [[0, 0, 2.23], [2.23, 0, 0]]
