"""ase-mag gui as it was promised (block 9), in a fresh folder and process."""

import json
import subprocess
import sys
from pathlib import Path

import ase.io
import pytest

PROMISED = (Path(__file__).parents[1] / "docs" / "api_blocks.txt").read_text(encoding="utf-8")
#: ~/.ase/gui.py: what is looked at when the program waits for its user, who then leaves.
LOOK = """\
import json, time
import ase.gui.ui

# Otherwise the stock program leaves a process with a graph of the energy behind.
gui_default_settings["gui_graphs_string"] = ""

def look(window):
    def shown():
        window.win.update()
        items = {kind: len(window.canvas.find_withtag(kind)) for kind in ("moments", "legend")}
        return items | {"title": window.win.title(), "status": window.status["text"]}

    found = [shown()]
    if LIVE:
        import ase.io
        from ase.io.trajectory import Trajectory
        with Trajectory("tc.traj", "a") as file:
            file.write(ase.io.read("next.traj"))
        for _ in range(300):
            found = found[:1] + [shown()]
            if "3 images" in found[1]["title"]:
                break
            time.sleep(0.02)
    lines = lambda: sum(window.canvas.type(k) == "line" for k in window.canvas.find_all())
    before = lines()
    menu = window.win.nametowidget(window.win["menu"])
    menu = window.win.nametowidget(menu.entrycget("View", "menu"))
    menu.invoke("Show magmoms")
    window.win.update()
    found[0]["magmoms"] = lines() - before
    with open("found.json", "w") as file:
        json.dump(found, file)
    window.win.destroy()

ase.gui.ui.MainWindow.run = look
"""


@pytest.fixture
def command(home, virtual_display, tmp_path, make_frames, tree_environment):
    """A function that runs ``ase-mag gui`` and returns what its window showed."""
    *frames, last = make_frames(3)
    ase.io.write(tmp_path / "tc.traj", frames)
    ase.io.write(tmp_path / "next.traj", last)
    (home / ".ase").mkdir()

    def run(*arguments, command=("-m", "ase_mag.cli", "gui"), environment=tree_environment):
        (home / ".ase" / "gui.py").write_text(f"LIVE = {'--live' in arguments}\n{LOOK}")
        done = subprocess.run(
            [sys.executable, *command, *arguments],
            cwd=tmp_path,
            env=environment | {"HOME": str(home), "DISPLAY": virtual_display},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        return json.loads((tmp_path / "found.json").read_text())

    return run


def test_the_promised_command(command):
    assert "\nase-mag gui tc.traj " in PROMISED
    (found,) = command("tc.traj")
    assert found["moments"] == 8 and found["legend"] > 64  # arrows of two atoms, color scale
    assert found["title"].startswith("tc.traj@1 — 2 images")
    assert found["status"].startswith("|⟨M⟩| = ")


@pytest.mark.slow
def test_options_and_a_running_job(command):
    options = ["--model", "FeHL-1", "--arrows", "moments", "fields", "--repeat", "2", "1", "1"]
    first, last = command("tc.traj", "--live", "--poll", "0.05", "--color", "torque", *options)
    assert "2 images" in first["title"] and "3 images" in last["title"]
    assert first["moments"] == last["moments"] == 4 * 2 * 4  # four atoms, two arrows each
    assert first["status"] != last["status"]


@pytest.mark.slow
def test_the_viewer_of_ase(command, tmp_path, installed):
    """``ase.visualize.view`` knows it, where the package is installed."""
    (tmp_path / "script.py").write_text(
        "from ase.io import read\nfrom ase.visualize import view\n"
        "view(read('tc.traj', ':'), viewer='ase_mag', repeat=(3, 1, 1), color='mz')\n"
    )
    (found,) = command("script.py", command=(), environment=installed)
    assert found["moments"] == 6 * 4 and "2 images" in found["title"]


def test_the_stock_program_shows_the_moments(command):
    """Its own View > Show magmoms draws an arrow for each atom; there is no menu Moments here."""
    assert "\nase gui tc.traj " in PROMISED
    (found,) = command("tc.traj", command=("-m", "ase", "gui"))
    assert found["moments"] == 0 and found["title"].startswith("tc.traj@1 — 2 images")
    assert found["magmoms"] == 2 * 3  # ASE draws an arrow as three lines
