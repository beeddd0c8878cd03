"""ase-mag plot: figures from the shell, and what cannot be plotted."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io.trajectory import Trajectory

from ase_mag import set_moments
from ase_mag.analysis.panels import PANELS
from ase_mag.cli import main

from .conftest import JOB

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
        ([], "name what to plot (magnetization, moments, msd,"),
        (["msd", "--skip", "half"], "--skip is 'half'; allowed is a number of frames, or a frac"),
        (["msd", "--skip", "-1"], "a fraction of them below 1"),
        (["phonons"], "phonons needs a path through the zone: q_path='GHNGP' (on the command"),
        (["magnons", "--path", "GH"], "give the model (on the command line --model)"),
        (["magnons", "--path", "GH", "--model", "none"], "FeHL-1"),
        (["binder"], "fluctuations need 20 frames or more after the first 3, the run has 6"),
        (["--summary"], "averages with errors need 20 frames or more"),
        (["magnetisation"], "observables to plot are magnetization, moments, msd, pressure"),
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


def test_a_run_with_a_page_about_it(shell, write_job, tmp_path):
    write_job(JOB, [("interval = 10", "interval = 1\nreport = true"), ("600", "900")])
    assert "job.html" in shell("run", "job.toml").stdout
    page = (tmp_path / "job.html").read_text()
    assert page.count("data:image/png;base64") >= 9
    for text in (
        "pressure",
        "FeHL-1",
        "seed",
        "Spin temperature",
        "averages of the last 31 frames",
    ):
        assert text in page, text


@pytest.mark.slow
def test_every_observable(shell, write_job, tmp_path):
    write_job(JOB, [("interval = 10", "interval = 1")])
    shell("run", "job.toml")
    done = shell(
        "plot", "job.traj", *PANELS, "--path", "GH", "--model", "FeHL-1", "--summary",
        "--cutoff-angstrom", "4", "--report", "all.html", "--segment", "16",
    )  # fmt: skip
    assert done.stdout.startswith("job.traj: 61 frames of 16 atoms (Fe16), 1 fs apart, 0.06 ps")
    assert done.stdout.endswith("written: job.png\nwritten: all.html\n")
    assert (tmp_path / "all.html").read_text().count("data:image/png;base64") == len(PANELS)
    assert (tmp_path / "job.png").stat().st_size > 50_000


def test_trajectories_that_are_empty_or_cut_off(trajectory, tmp_path, capsys):
    data = (tmp_path / "a.traj").read_bytes()
    (tmp_path / "cut.traj").write_bytes(data[:-60])
    Trajectory(tmp_path / "empty.traj", "w").close()
    bulk("Cu").write(tmp_path / "bare.traj")
    for name, message in (
        ("cut", "frame 5 of"),
        ("empty", "has no frames: the run that writes it has not begun, or was stopped"),
        ("bare", "have no moments: ase_mag.set_moments"),
    ):
        path = str(tmp_path / f"{name}.traj")
        assert main(["plot", path, "magnetization", "--timestep-fs", "1"]) == 2
        assert message in capsys.readouterr().err


def test_a_run_without_moments_has_the_rest(tmp_path, capsys):
    """What is missing is said with its reason, on the page and in the table."""
    atoms = bulk("Cu", cubic=True) * 2
    rng = np.random.default_rng(0)
    atoms.set_momenta(rng.normal(size=(32, 3)))
    with Trajectory(tmp_path / "cu.traj", "w") as file:
        file.set_description({"timestep": 0.2, "interval": 1})
        for _ in range(40):
            atoms.rattle(0.01, rng=rng)
            file.write(atoms)
    page = tmp_path / "cu.html"
    trajectory = str(tmp_path / "cu.traj")
    command = ["plot", trajectory, "--summary", "--report", str(page), "--cutoff-angstrom", "4"]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "magnetization            none: the frames of" in text
    assert "pressure                 none: frame 0 has no stress" in text
    assert page.read_text().count("data:image/png;base64") == 4  # temperature, msd, rdf, vibrations
    for name in ("binder", "susceptibility", "correlation", "moments"):
        assert f"<td>{name}</td><td>the frames of" in page.read_text(), name
        assert main(["plot", trajectory, name]) == 2
        assert "have no moments" in capsys.readouterr().err
