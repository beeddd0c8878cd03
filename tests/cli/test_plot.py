"""ase-mag plot: figures from the shell, and what cannot be plotted."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io.trajectory import Trajectory

from ase_mag import set_moments
from ase_mag.cli import main

pytest.importorskip("matplotlib")


@pytest.fixture
def trajectory(tmp_path):
    atoms = bulk("Fe", cubic=True)
    with Trajectory(tmp_path / "a.traj", "w") as file:
        file.set_description({"timestep": 0.1, "interval": 2})
        for angle in np.linspace(0, 1, 6):
            set_moments(atoms, 2 * np.array([[np.sin(angle), 0, np.cos(angle)], [0, 0, 1]]))
            atoms.rattle(0.01, rng=np.random.default_rng(1))
            file.write(atoms)
    return str(tmp_path / "a.traj")


def test_a_figure(shell, trajectory, tmp_path):
    assert shell("plot", "a.traj", "magnetization", "msd").stdout == "written: a.png\n"
    head = (tmp_path / "a.png").read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(head[k : k + 4], "big") for k in (16, 20))
    assert width > 2 * height > 1000  # two panels beside each other


def test_another_format(trajectory, tmp_path):
    figure = tmp_path / "fig.pdf"
    assert main(["plot", trajectory, "moments", "--output", str(figure)]) == 0
    assert figure.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["magnetisation"], "observables to plot are magnetization, msd, pressure, temperature"),
        (["pressure"], "frame 0 has no stress"),
        (["spin_temperature"], "have no spin temperature"),
        (["msd", "--timestep-fs", "-1"], "the time between two frames must be positive"),
        (["msd", "--output", "a.what"], "is not supported"),
    ],
)
def test_wrong_input(arguments, message, trajectory, capsys):
    assert main(["plot", trajectory, *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_trajectory(tmp_path, capsys):
    (tmp_path / "b.traj").write_text("nothing")
    for name, message in (("b.traj", "is no trajectory"), ("c.traj", "there is no trajectory")):
        assert main(["plot", str(tmp_path / name), "msd"]) == 2
        assert message in capsys.readouterr().err
