"""Windows that follow a running job, and those that a script opens."""

import ase.io
import numpy as np
from ase.build import bulk
from ase.io.trajectory import Trajectory

import ase_mag.gui
from ase_mag.gui import colors
from ase_mag.gui.frames import fields_of, moments_of


def test_a_running_job(open_gui, make_frames, tmp_path):
    frames, path = make_frames(6), tmp_path / "run.traj"
    ase.io.write(path, frames[:2])
    gui = open_gui(ase.io.read(path, ":"))
    graph = gui.graph("magnetization")
    gui.follow(path, seconds=0.02)

    def wait_for(count):
        for _ in range(500):
            gui.window.win.update()
            if len(gui.images) == count:
                return
            gui.window.win.after(10)
        raise AssertionError(f"{len(gui.images)} frames, not {count}: {gui._followed.problem}")

    def add(*new):
        with Trajectory(path, "a") as file:
            for atoms in new:
                file.write(atoms)

    add(*frames[2:4])
    wait_for(4)
    assert gui.frame == 3 and "4 images" in gui.window.win.title()
    assert np.array_equal(moments_of(gui.atoms), frames[3].calc.results["magmoms"])
    assert len(graph.axes.lines[0].get_xdata()) == 4
    assert (
        gui.color_range()[1]
        == np.linalg.norm([a.calc.results["magmoms"] for a in frames[:4]], axis=2).max()
    )
    gui.set_frame(1)  # who looks at an earlier frame is left there
    gui.images.repeat_images([2, 1, 1])
    gui.set_frame(1)
    add(*frames[4:])
    wait_for(6)
    assert gui.frame == 1 and len(gui.images[5]) == 4
    assert np.array_equal(moments_of(gui.images[5])[2:], frames[5].calc.results["magmoms"])
    ase.io.write(path, frames[:1])  # the job starts anew
    wait_for(1)
    assert gui.frame == 0 and len(gui.atoms) == 4


def test_view_from_a_script(display, make_frames, monkeypatch):
    atoms = bulk("Fe", cubic=True)
    ase_mag.set_moments(atoms, [[0, 0, 2.0], [1.0, 0, 1.0]])
    atoms.calc = ase_mag.MagneticCalculator(ase_mag.models.named("FeHL-1"))
    seen = []

    def run(gui):
        gui.images.repeat_images([2, 1, 1])
        seen.append(
            (gui.quantity.name, gui.shows("moments"), gui.shows("fields"), gui.get_colors())
        )
        gui.exit()

    monkeypatch.setattr("ase_mag.gui.viewer.MagneticGUI.run", run)
    ase_mag.gui.view(atoms, color="torque", arrows=["fields"], rotations="90x", repeat=(1, 1, 2))
    assert len(atoms) == 2 and len(moments_of(atoms)) == 2  # what is shown is a copy
    torques = np.linalg.norm(np.cross(moments_of(atoms), fields_of(atoms)), axis=1)
    ends = torques.min(), torques.max()
    expected = colors.colors_of(torques, *ends, colors.palette("viridis"))
    assert seen == [("torque", False, True, 2 * expected)]
