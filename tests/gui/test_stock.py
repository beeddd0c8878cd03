"""The stock program, started from a shell in a home folder of its own."""

import json
import subprocess
import sys

import ase.io
import pytest

from ase_mag.gui import install, uninstall

#: What the user has in ~/.ase/gui.py: settings, and here something that looks at the window when
#: the program waits for its user, chooses from its menus, and closes it.
OWN = """\
gui_default_settings["gui_graphs_string"] = ""
gui_default_settings["show_bonds"] = True

import json
import ase.gui.ui

COLORS = ["#111111", "#fde725"]  # arrows, and the end of viridis

def look(window):
    top = window.win

    def menu_of(*labels):
        menu = top.nametowidget(top["menu"])
        for label in labels:
            menu = top.nametowidget(menu.entrycget(label, "menu"))
        return menu

    def labels_of(menu):
        kinds = [menu.type(k) for k in range(menu.index("end") + 1)]
        return [menu.entrycget(k, "label") for k, kind in enumerate(kinds)
                if kind not in ("separator", "tearoff")]

    found = {"menus": labels_of(menu_of()), "view": labels_of(menu_of("View"))}
    def pixels():
        from PIL import ImageGrab
        import numpy as np

        top.geometry("+0+0")
        top.update()
        image = ImageGrab.grab(xdisplay=top.winfo_screen()).convert("RGB")
        codes = np.asarray(image) @ [1 << 16, 1 << 8, 1]
        return {name: int((codes == int(name[1:], 16)).sum()) for name in COLORS}

    found["bonds"] = bool(window["toggle-show-bonds"])
    if "Moments" in found["menus"]:
        found["moments"] = labels_of(menu_of("Moments"))
        found["arrows"], found["pixels"] = [], []
        for _ in range(2):
            found["arrows"].append(len(window.canvas.find_withtag("moments")))
            found["pixels"].append(pixels())
            menu_of("Moments").invoke("Arrows of moments")
        menu_of("Moments").invoke("Legend")
        menu_of("Moments", "Color by").invoke("|M| (μB)")
        ovals = [i for i in window.canvas.find_all() if window.canvas.type(i) == "oval"]
        found["pixels"].append(pixels())
        found["fills"] = sorted(window.canvas.itemcget(i, "fill") for i in ovals)
    with open("found.json", "w") as file:
        json.dump(found, file)
    top.destroy()

ase.gui.ui.MainWindow.run = look
"""


@pytest.fixture
def stock(home, virtual_display, tmp_path, make_frames, tree_environment):
    """A function that starts ``ase gui`` and returns what stood in its window."""
    ase.io.write(tmp_path / "a.traj", make_frames(1))
    (home / ".ase").mkdir()
    (home / ".ase" / "gui.py").write_text(OWN)

    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "ase", "gui", "a.traj", *arguments],
            cwd=tmp_path,
            env=tree_environment | {"HOME": str(home), "DISPLAY": virtual_display} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found = tmp_path / "found.json"
        return (json.loads(found.read_text()) if found.exists() else None), done

    return run


def test_the_menu_comes_and_goes(stock, home):
    plain, _ = stock()
    assert "Moments" not in plain["menus"] and plain["bonds"]
    install()
    found, done = stock()
    assert [name for name in found["menus"] if name != "Moments"] == plain["menus"]
    assert found["menus"].count("Moments") == 1 and found["menus"][-2:] == ["Moments", "Help"]
    assert "Arrows of effective fields" in found["moments"] and "Graphs" in found["moments"]
    assert found["view"] == plain["view"] and found["bonds"]
    assert found["arrows"] == [0, 8]  # none at the start; two arrows in halves with borders
    before, arrows, colored = found["pixels"]
    assert before["#111111"] < 50 and arrows["#111111"] > 500  # letters have some such pixels
    assert before["#fde725"] == 0 == arrows["#fde725"] and colored["#fde725"] > 500
    assert len(set(found["fills"])) == 2 and "#fde725" in found["fills"]  # the end of viridis
    assert done.stderr == "" == done.stdout
    uninstall()
    assert (home / ".ase" / "gui.py").read_text() == OWN


@pytest.mark.slow
def test_without_the_package_the_stock_program_goes_on(stock, tmp_path):
    install()
    (tmp_path / "broken" / "ase_mag").mkdir(parents=True)
    (tmp_path / "broken" / "ase_mag" / "__init__.py").write_text("raise ImportError('not there')")
    found, done = stock(PYTHONPATH=str(tmp_path / "broken"))
    assert "Moments" not in found["menus"]
    assert done.stderr.count("~/.ase/gui.py: no menu Moments of ase_mag: not there") == 1


@pytest.mark.slow
def test_in_a_terminal_no_window_is_needed(stock, tmp_path):
    install()
    path = tmp_path / "home" / ".ase" / "gui.py"
    path.write_text(path.read_text().replace(OWN, ""))
    found, done = stock("-t", "-g", "i,e", DISPLAY="")
    assert found is None and done.stdout.split() == ["0.0", "-16.0"]


@pytest.mark.slow
def test_settings_and_repeated_cells(stock, home):
    path = home / ".ase" / "gui.py"
    path.write_text(OWN + "gui_default_settings['show_moments'] = True\n")
    install()
    assert stock("--repeat", "2")[0]["arrows"] == [64, 0]


def test_extending_twice_is_extending_once(display):
    from ase.gui.gui import GUI
    from ase.gui.images import Images

    from ase_mag.gui.stock import extend

    original, repeat_results = GUI.get_menu_data, Images.repeat_results
    try:
        extend()
        extend()
        assert GUI.stock_menu_data is original
        gui = GUI()
        assert type(gui).__name__ == "MagneticGUI" and type(gui.images).__name__ == "MagneticImages"
        gui.exit()
    finally:
        GUI.get_menu_data = original
        Images.repeat_results = repeat_results
        del GUI.stock_menu_data
