"""ase-mag gui: what it refuses, and the menu in the stock program; tests/gui has its window."""

import sys
from types import SimpleNamespace

import ase.io
import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag.cli import main
from ase_mag.gui import display


@pytest.fixture
def trajectory(tmp_path):
    atoms = bulk("Fe", cubic=True)
    ase_mag.set_moments(atoms, [[0, 1, 2], [2, 0, 1]])
    ase.io.write(tmp_path / "a.traj", [atoms, atoms])
    return str(tmp_path / "a.traj")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_install_and_uninstall(home, capsys):
    path = home / ".ase" / "gui.py"
    for option in ["--install"] * 2 + ["--uninstall"] * 2:
        assert main(["gui", option]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"the menu Moments was added to ase gui: {path}",
        f"the menu Moments is there already: {path}",
        f"the menu Moments was removed from ase gui: {path}",
        f"nothing to remove: the menu Moments is not in {path}",
    ]
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a file to show, or --install"),
        (["b.traj"], "b.traj does not exist"),
        (["a.traj", "--color", "spin"], "cannot be colored by 'spin': the frame has size, mx, my"),
        (["a.traj", "--color", "field"], "cannot be colored by 'field'"),
        (["a.traj", "--arrows", "fields"], "the last frame has no magforces (-dE/dM) to draw"),
        (["a.traj", "--model", "FeHL-9"], "--model FeHL-9: "),
        (["a.traj@0", "--live"], "--live follows a whole file, so give a.traj without @0"),
        (["a.traj", "a.traj", "--live"], "--live follows one file, but there are 2"),
        (["a.traj", "--poll", "0"], "--poll is 0 seconds, but must be positive"),
        (["a.traj", "--repeat", "1", "0", "1"], "must be at least 1 1 1"),
        (["a.traj", "--rotations", "up"], "--rotations up: "),
        (["a.traj", "--install"], "--install and --uninstall stand alone"),
        (["broken.traj"], "broken.traj"),
        (["copper.xyz", "--arrows", "moments"], "copper.xyz: no frame has moments"),
        (["nan.extxyz"], "the moment of atom 0 is not a finite number"),
    ],
)
def test_wrong_input(arguments, message, trajectory, home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    (home / "broken.traj").write_text("nothing")
    atoms = bulk("Cu")
    ase.io.write("copper.xyz", atoms)
    atoms.set_array("initial_magmoms", np.array([[0, np.nan, 0]]))
    ase.io.write("nan.extxyz", atoms)
    assert main(["gui", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_file_without_moments_is_shown_as_it_is(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    ase.io.write("copper.xyz", bulk("Cu"))
    opened = []
    monkeypatch.setattr("ase_mag.cli.gui.require_display", lambda: None)
    monkeypatch.setattr(
        "ase_mag.cli.gui.make_window",
        lambda images, arguments: opened.append(images) or SimpleNamespace(run=lambda: None),
    )
    assert main(["gui", "copper.xyz"]) == 0
    assert len(opened[0]) == 1
    assert capsys.readouterr().out.startswith("ase-mag gui: no frame of copper.xyz has moments")


def test_broken_lines_in_the_startup_file(home, capsys):
    (home / ".ase").mkdir()
    (home / ".ase" / "gui.py").write_text("def (:\n")
    assert main(["gui", "--install"]) == 2
    assert "is no valid Python, and ase gui does not start with it" in capsys.readouterr().err


def test_without_a_display(trajectory, home, monkeypatch, capsys):
    pytest.importorskip("tkinter")
    monkeypatch.setenv("DISPLAY", ":12345")
    assert main(["gui", trajectory]) == 1
    message = capsys.readouterr().err
    assert "no window can be opened (couldn't connect to display" in message
    assert "log in with ssh -X, set DISPLAY, or start a virtual display (xvfb-run)" in message


def test_without_tkinter(trajectory, home, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tkinter", None)  # as if Python had been built without it
    with pytest.raises(ImportError, match="install the system package python3-tk"):
        display.require_tkinter()
    assert main(["gui", trajectory]) == 1
    assert "python3-tk" in capsys.readouterr().err
