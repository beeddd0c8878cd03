"""Pictures of the viewer, and of the stock ``ase gui`` with the menu Moments, for the docs.

    python screenshots.py FOLDER

A skyrmion on a square lattice shrinks in spin dynamics; both programs are started on its
trajectory as a user starts them, on a virtual display (Xvfb), in a home folder of their own whose
~/.ase/gui.py takes the picture. Needs Xvfb, tkinter and Pillow.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms, units

import ase_mag
from ase_mag import models
from ase_mag.dynamics import SpinDynamics
from ase_mag.gui import install

#: ~/.ase/gui.py: the picture, when the program waits for its user.
CAMERA = """\
gui_default_settings["gui_graphs_string"] = ""
import ase.gui.ui

def photograph(window):
    from PIL import ImageGrab

    top = window.win

    def menu_of(*labels):
        menu = top.nametowidget(top["menu"])
        for label in labels:
            menu = top.nametowidget(menu.entrycget(label, "menu"))
        return menu

    def later(milliseconds, action):
        top.after(milliseconds, action)

    others = [child for child in top.winfo_children() if child.winfo_class() == "Toplevel"]
    movie = [child for child in others if child.title() == "Movie"]
    for child in movie:
        child.destroy()
    top.geometry("620x600+0+0")
    placed = []
    for child in others:
        if child not in movie:
            y = 322 * (len(placed) % 2)
            child.geometry(f"520x310+630+{y}")
            placed.append(child)
    top.update()
    menu_of("View").invoke("Focus")
    zoom = [menu_of("View").invoke("Zoom in") for _ in range(ZOOM)]
    WORK
    top.update()

    def shoot():
        ImageGrab.grab(xdisplay=top.winfo_screen()).crop(BOX).quantize(256).save(TARGET)
        top.destroy()

    later(1500, shoot)
    top.mainloop()

ase.gui.ui.MainWindow.run = photograph
"""
#: What the user chooses in the stock program before opening the menu Moments.
CHOICES = """\
moments = menu_of("Moments")
    moments.invoke("Arrows of moments")
    menu_of("Moments", "Color by").invoke("angle to mean (°)")
    moments.post(top.winfo_rootx() + 232, top.winfo_rooty() + 2)"""


def skyrmion(path, size=11):
    """Write the trajectory of a skyrmion that exchange and anisotropy shrink."""
    a = 2.6
    x, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    positions = a * np.column_stack([x.ravel(), y.ravel(), 0 * x.ravel()])
    atoms = Atoms("Fe" * size**2, positions, cell=[size * a, size * a, 0], pbc=[1, 1, 0])
    away = positions[:, :2] - a * (size - 1) / 2
    radius = np.linalg.norm(away, axis=1)
    angle = np.pi * np.clip(1 - radius / (0.46 * size * a), 0, 1)
    turn = np.arctan2(away[:, 1], away[:, 0])
    directions = [np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)]
    ase_mag.set_moments(atoms, 2.0 * np.column_stack(directions))
    model = models.Heisenberg("Fe", models.cubic(0.03, cutoff=4.5))
    model += models.Landau("Fe", a=-0.15, b=0.0192)
    atoms.calc = ase_mag.MagneticCalculator(model)
    options = dict(temperature_K=40, damping=0.3, longitudinal=True, rng=1, trajectory=path)
    SpinDynamics(atoms, timestep=1.0 * units.fs, loginterval=10, **options).run(240)


def main(folder):
    """Write viewer.png and viewer-stock.png."""
    folder = Path(folder).resolve()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        skyrmion(home / "skyrmion.traj")
        reading, writing = os.pipe()
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1200x800x24"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        try:
            with os.fdopen(reading) as ready:
                display = ":" + ready.readline().strip()
            environment = os.environ | {"HOME": name, "DISPLAY": display}
            (home / ".ase").mkdir()
            startup = home / ".ase" / "gui.py"

            def take(command, target, box, work="pass", zoom=1):
                text = CAMERA.replace("WORK", work).replace("BOX", str(box))
                text = text.replace("TARGET", repr(str(folder / target)))
                startup.write_text(text.replace("ZOOM", str(zoom)), encoding="utf-8")
                if "ase_mag" not in " ".join(command):
                    install(startup)
                subprocess.run(
                    [sys.executable, "-m", *command], cwd=name, env=environment, check=True
                )

            view = "--rotations=-40x,0y,0z"
            options = ["--color", "mz", "--graph", "magnetization", "histogram", view]
            command = ["ase_mag.cli", "gui", "skyrmion.traj", *options]
            take(command, "viewer.png", (0, 0, 1150, 632))
            command = ["ase", "gui", "skyrmion.traj@12", view]
            take(command, "viewer-stock.png", (0, 0, 620, 632), CHOICES)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(sys.argv[1])
