"""The demo: a small run writes everything, reproducibly; bad input is refused at once."""

import csv
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from ase_mag import analysis, lsf
from ase_mag.cli import main
from ase_mag.cli.main_job import Settings, ferromagnet, learn, paramagnet

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The output of a run of 40 steps with landscapes of two snapshots."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def printed(folder):
    """What the run prints."""
    import contextlib
    import io

    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        command = ["--traceback", "demo", "--steps=40", "--snapshots=2", "--quiet"]
        assert main([*command, f"--output={folder}"]) == 0
    return text.getvalue()


def test_tables_have_numbers_with_units(printed):
    for line in (
        r"^a +-0\.1\d+ \+- 0\.0\d+ +eV/mu_B\^2$",
        r"^mean landscape +0\.0\d+ +0\.00\d+ +0\.\d+$",
        r"^Voronoi volume +0\.0\d+ +0\.00\d+ +0\.\d+$",
        r"^kernel ridge, descriptor 3 +0\.0\d+ +0\.00\d+ +0\.\d+$",
        r"^mean moment size +[12]\.\d+ +2\.200 +mu_B$",
        r"^magnetization .* mu_B$",
        r"^mean-square displacement +0\.\d+ \+- 0\.\d+ +0\.\d+ \+- 0\.\d+ +angstrom\^2$",
        r"^pressure .* GPa$",
        r"^paramagnetic run .* ms/step .*spins \d+%.*",
    ):
        assert re.search(line, printed, re.MULTILINE), f"{line} is not in\n{printed}"
    assert "SYNTHETIC" in printed
    # sqrt(8/(3 pi 54)) = 0.1254 of a moment of about 2 mu_B
    assert re.search(r"54 moments\s+without any correlation would\s+give 0\.2[3-8] mu_B", printed)


def test_everything_is_written(printed, folder):
    assert {path.name for path in folder.iterdir()} == {
        "tc.traj",
        "fm.traj",
        "landscapes.csv",
        "landscapes.npz",
        "predictor.npz",
        "report.html",
        *(f"{n}.png" for n in ("landscapes", "parity", "moments", "histogram", "msd", "pressure")),
    }
    with (folder / "landscapes.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + 2 * 54
    table = lsf.LandscapeTable.load(folder / "landscapes.npz")
    predictor = lsf.LsfPredictor.load(folder / "predictor.npz")
    a, _ = predictor.predict(table.frames[1])
    np.testing.assert_allclose(a, table.a[table.frame == 1], atol=0.01)


def test_the_report_is_one_page_with_six_figures(printed, folder):
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 6
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "a = 2.877 angstrom, 1043 K." in text
    for part in ("SYNTHETIC", "10.1103/PhysRevB.105.144417", "kernels", "numpy", "damping"):
        assert part in text


def test_trajectories_have_the_conditions_of_the_paper(printed, folder):
    tc, fm = (analysis.read(folder / name) for name in ("tc.traj", "fm.traj"))
    np.testing.assert_allclose(tc.time_fs, np.arange(0, 41, 2), rtol=1e-12)
    assert tc.description["temperature_K"] == 1043
    assert tc.description["damping"] == 0.05
    first = next(iter(tc))
    assert len(first) == 54
    np.testing.assert_allclose(first.cell.array, 3 * 2.877 * np.eye(3), rtol=1e-12)
    # Both start from the ideal lattice with the same momenta, twice 1043 K on the average.
    assert tc.msd()[0] == fm.msd()[0] == 0
    assert tc.temperature_K[0] == pytest.approx(fm.temperature_K[0], rel=1e-12)
    assert abs(tc.temperature_K[0] / 2086 - 53 / 54) < 3 * np.sqrt(2 / 159)
    # The ferromagnet keeps its moments; the paramagnet's sizes differ from atom to atom.
    np.testing.assert_allclose(fm.magnetization, np.tile([0, 0, 2.2], (21, 1)), rtol=1e-14)
    assert tc.moment_sizes.std(axis=1).min() > 0.01
    assert np.linalg.norm(tc.magnetization[0]) < 1.0


def test_the_figure_and_the_table_of_the_learning_show_the_same_predictions():
    learned = learn(Settings(snapshots=2), progress=False)
    method = learned.scores.methods[-1]
    truth = np.column_stack([learned.table.a, learned.table.b])
    errors = np.abs(learned.predictions - truth).mean(axis=0)
    # Folds of 10 and of 11 landscapes have the same weight in the table.
    np.testing.assert_allclose(
        errors, [learned.scores[method, "a"], learned.scores[method, "b"]], rtol=0.01
    )


def test_the_same_seed_gives_the_same_run(printed, folder, tmp_path):
    settings = Settings(steps=4, snapshots=2)
    learned = learn(settings, progress=False)
    again = paramagnet(settings, learned.predictor, tmp_path / "again.traj", progress=False).run
    other = Settings(steps=4, snapshots=2, seed=2)
    different = paramagnet(other, learned.predictor, tmp_path / "other.traj", progress=False).run
    first = analysis.read(folder / "tc.traj")
    np.testing.assert_array_equal(again.moment_sizes, first.moment_sizes[:3])
    assert not np.allclose(different.moment_sizes, first.moment_sizes[:3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps=5"], "--steps is 5, but averages with errors need at least 20"),
        (["--snapshots=1"], "--snapshots is 1, but learning needs at least 2"),
        (["--seed=-3"], "--seed is -3, but must not be negative"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(arguments, message, tmp_path, capsys):
    assert main(["demo", f"--output={tmp_path / 'out'}", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_matplotlib_the_extra_is_named_before_the_run(monkeypatch, tmp_path, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["demo", f"--output={tmp_path / 'out'}"]) == 1
    assert 'pip install "ase-mag[plot]"' in capsys.readouterr().err
    assert not Path(tmp_path / "out").exists()


@pytest.mark.slow
def test_equipartition_and_the_ordering_of_the_paper(tmp_path):
    """Full size: errors of the predictor, and the lattice temperature of both runs."""
    settings = Settings()
    learned = learn(settings, progress=False)
    scores, (mean, voronoi, _, ours) = learned.scores, learned.scores.methods
    for quantity in ("a", "b"):
        assert scores[ours, quantity] < scores[voronoi, quantity] < scores[mean, quantity]
        assert scores[ours, quantity] < 0.5 * scores[mean, quantity]
    for run in (
        paramagnet(settings, learned.predictor, tmp_path / "tc.traj", progress=False).run,
        ferromagnet(settings, tmp_path / "fm.traj", progress=False).run,
    ):
        temperatures = run.temperature_K[len(run) // 2 :]
        assert abs(temperatures.mean() - 1043) < 3 * analysis.block_error(temperatures, blocks=5)
