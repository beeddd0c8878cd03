"""The page of the command line: its commands run in order, its tables of keys are the schema."""

import re
import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models, reference, set_moments
from ase_mag.cli import main
from ase_mag.cli.job.job import TOP
from ase_mag.cli.job.keys import table
from ase_mag.cli.job.sections import SECTIONS
from ase_mag.cli.program import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
TEXT = PAGE.read_text(encoding="utf-8")


def keys_of_all_sections():
    """Return the tables that belong between the marks of the page."""
    lines = ["| above all sections | |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in TOP.items()]
    for name, section in SECTIONS.items():
        lines += ["", f"### [{name}]", "", section.__doc__.splitlines()[0], ""]
        lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
        for key, value, default, meaning in table(section):
            shown = default if default in ("", "required") else f"`{default}`"
            lines.append(f"| `{key}` | {value} | {shown} | {meaning} |")
    return "\n".join(lines)


def test_the_tables_of_keys_are_those_of_the_schema():
    shown = TEXT.split("<!-- keys -->")[1].split("<!-- end of keys -->")[0].strip()
    assert shown == keys_of_all_sections(), "write keys_of_all_sections() into the page"


def test_every_command_is_in_the_table():
    for name in COMMANDS:
        assert re.search(rf"^\| `ase-mag {name}\b", TEXT, re.MULTILINE), name


def _write_frames(path, largest=2.6):
    """Write the labelled frames that the page takes for granted."""
    rng = np.random.default_rng(int(10 * largest))
    frames = []
    for _ in range(16):
        atoms = bulk("Fe", a=2.86, cubic=True)
        atoms.positions += rng.normal(scale=0.05, size=(2, 3))
        set_moments(atoms, rng.uniform(min(1.0, largest), largest, size=2))
        frames.append(atoms)
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    reference.campaign(frames, calculator, path, progress=False)


@pytest.mark.filterwarnings("ignore:the data determine")
def test_the_commands_run_in_order(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    # Files and options of ase-mag gui are checked; no window is opened.
    monkeypatch.setattr("ase_mag.cli.gui.require_display", lambda: None)
    window = SimpleNamespace(run=lambda: None)
    monkeypatch.setattr("ase_mag.cli.gui.make_window", lambda images, arguments: window)
    _write_frames("frames.extxyz")
    _write_frames("nonmagnetic.extxyz", 0.0)
    _write_frames("bulk.extxyz", 2.2)
    monkeypatch.setattr("ase_mag.cli.estimate.MEASURED", 0.05)
    commands = 0
    for kind, block in re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        if kind == "toml" and (name := re.match(r"# (\S+\.toml)\n", block)):
            Path(name[1]).write_text(block, encoding="utf-8")
        for line in block.splitlines():
            if kind == "text" and line.startswith("ase-mag ") and ": " not in line:
                assert main(shlex.split(line)[1:]) == 0, line + "\n" + capsys.readouterr().err
                commands += 1
    assert commands >= 10
    for name in ("job.traj", "job.html", "spectra.png", "stages.report.json"):
        assert Path(name).exists()
