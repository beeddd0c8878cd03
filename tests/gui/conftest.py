"""A virtual display, and frames whose moments point anywhere."""

import os
import shutil
import subprocess
from collections import Counter

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import ase_mag


@pytest.fixture(scope="session")
def virtual_display():
    """The name of an X display on a screen that nobody sees."""
    pytest.importorskip("tkinter", reason="no tkinter: install python3-tk")
    if shutil.which("Xvfb") is None:
        pytest.skip("no virtual display: install xvfb")
    reading, writing = os.pipe()
    # The server writes the number of its display there when it is ready.
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1000x800x24"]
    with open(os.devnull, "w") as nowhere:
        server = subprocess.Popen(
            [*command, "-nolisten", "tcp"], pass_fds=[writing], stdout=nowhere, stderr=nowhere
        )
    os.close(writing)
    with os.fdopen(reading) as ready:
        number = ready.readline().strip()
    try:
        if not number:
            pytest.skip("the virtual display Xvfb does not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder without settings of anybody."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


@pytest.fixture
def display(virtual_display, home, monkeypatch):
    """A display for windows of this process."""
    monkeypatch.setenv("DISPLAY", virtual_display)
    return virtual_display


@pytest.fixture
def open_gui(display):
    """A function that opens the viewer on frames; all windows are closed afterwards."""
    from ase_mag.gui.viewer import open_viewer

    opened = []

    def open_gui(images, **options):
        gui = open_viewer(images, **options)
        opened.append(gui)
        gui.window.win.update()
        return gui

    yield open_gui
    for gui in opened:
        gui.exit()


@pytest.fixture
def errors(monkeypatch):
    """The messages that error windows would show."""
    shown = []
    monkeypatch.setattr("ase.gui.ui.showerror", lambda title, text=None: shown.append(text))
    return shown


@pytest.fixture
def pixels(display):
    """A function that returns how often each color is on the screen in the picture of a viewer."""
    grab = pytest.importorskip("PIL.ImageGrab")

    def count(gui):
        gui.window.win.geometry("+0+0")
        gui.window.win.lift()
        gui.window.win.update()
        x, y = gui.window.canvas.winfo_rootx(), gui.window.canvas.winfo_rooty()
        box = (x, y, x + int(gui.window.size[0]), y + int(gui.window.size[1]))
        image = np.asarray(grab.grab(xdisplay=display).crop(box).convert("RGB")).reshape(-1, 3)
        codes, counts = np.unique(image @ [1 << 16, 1 << 8, 1], return_counts=True)
        return Counter({f"#{code:06x}": int(n) for code, n in zip(codes, counts, strict=True)})

    return count


@pytest.fixture
def make_frames():
    """A function that makes frames of iron with moments, fields and other results."""

    def make(count=3, n=1, seed=0):
        rng = np.random.default_rng(seed)
        frames = []
        for index in range(count):
            atoms = bulk("Fe", a=2.87, cubic=True) * (n, n, n)
            moments = rng.normal(size=(len(atoms), 3)) * (1 + 0.2 * index)
            ase_mag.set_moments(atoms, moments)
            atoms.info["spin_temperature_K"] = 100.0 + 50 * index
            atoms.calc = SinglePointCalculator(
                atoms,
                energy=-8.0 * len(atoms),
                forces=rng.normal(size=(len(atoms), 3)),
                energies=rng.normal(size=len(atoms)),
                stresses=rng.normal(size=(len(atoms), 6)),
                stress=rng.normal(size=6),
                magmom=moments.sum(axis=0)[2],
                magmoms=moments,
                magforces=rng.normal(size=(len(atoms), 3)) / 10,
            )
            frames.append(atoms)
        return frames

    return make
