"""The command line: help, version, errors without traceback, info."""

import re
import subprocess
import sys
import warnings
from importlib.metadata import PackageNotFoundError

import pytest
from ase.build import bulk

import ase_mag
from ase_mag.cli import info, main
from ase_mag.cli.program import COMMANDS


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for name, module in COMMANDS.items():
        assert re.search(rf"^\s+{name}\s+{re.escape(module.SUMMARY)}", text, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert COMMANDS[name].__doc__.split("\n")[0] in text
    assert re.search(rf"^ *ase-mag {name}", text, re.MULTILINE), "an example"


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.strip() == f"ase-mag {ase_mag.__version__}"


def test_without_command_the_commands_are_named(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_errors_are_one_sentence(monkeypatch, capsys):
    def fail(arguments):
        raise ValueError("steps is -1, but must be positive")

    monkeypatch.setattr(info, "run", fail)
    assert main(["info"]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("ase-mag info: steps is -1, but must be positive\n")
    assert "Traceback" not in captured.err
    with pytest.raises(ValueError, match="steps is -1"):
        main(["--traceback", "info"])


def test_interrupts_and_warnings_are_one_line(monkeypatch, capsys):
    def interrupted(arguments):
        sys.stderr.write(warnings.formatwarning("a long step", UserWarning, "a.py", 1))
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "run", interrupted)
    assert main(["info"]) == 130
    assert capsys.readouterr().err == "ase-mag info: a long step\nase-mag info: interrupted\n"
    assert "UserWarning" in warnings.formatwarning("a", UserWarning, "a.py", 1)


def test_info(capsys):
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    for line in (
        rf"^ase-mag +{re.escape(ase_mag.__version__)} ",
        r"^kernels +(portable|avx2)$",
        r"^OpenMP +(yes|no)",
        r"^threads +\d+$",
        r"^numpy +\d",
        r"^qml-lightning +",
    ):
        assert re.search(line, text, re.MULTILINE), line


def test_info_names_the_extra_of_a_missing_package(monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(info, "version", version)
    lines = info.describe()
    assert lines["matplotlib"] == 'not installed (pip install "ase-mag[plot]")'
    assert "git+https://github.com/nickjbrowning/qml-lightning" in lines["qml-lightning"]
    assert lines["numpy"] == "missing"


def test_the_module_runs():
    command = [sys.executable, "-m", "ase_mag.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == f"ase-mag {ase_mag.__version__}", done.stderr


def test_info_of_keys_and_trajectories(capsys, tmp_path):
    assert main(["info", "--keys"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"friction_per_fs: .*\n +a number at least 0, in 1/fs", text)
    atoms = bulk("Fe")
    atoms.write(tmp_path / "fe.traj")
    assert main(["info", str(tmp_path / "fe.traj")]) == 2
    assert "does not say which job made it" in capsys.readouterr().err
    assert main(["info", str(tmp_path / "none.traj")]) == 2
    assert main(["info", "--job"]) == 2
