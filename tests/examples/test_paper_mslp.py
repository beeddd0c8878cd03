"""The remade paper runs in small sizes, goes on where it was stopped, and keeps its sizes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.io import read

import ase_mag
from ase_mag.analysis import SiteMaps

SCRIPT = Path(__file__).parents[2] / "examples" / "paper_mslp" / "run.py"
pytest.importorskip("matplotlib")


PYTHON_OPTIONS = ()
OPTIONS = ("--model", "FeHL-1")  # quick, and known exactly


def test_every_figure_and_table_is_made(first, folder):
    figures = {path.name.partition("_")[0] for path in folder.glob("*.png")}
    assert figures == {"fig1", "fig2", "fig3", "fig4", "quench.png"}
    assert len(list(folder.glob("fig[34]*.png"))) == 6
    assert all(path.stat().st_size < 120_000 for path in folder.glob("*.png"))
    page = (folder / "summary.md").read_text(encoding="utf-8")
    assert page in first.stdout
    for title in (
        "Table 1:",
        "Table 2:",
        "Fig. 1:",
        "Fig. 1 a, b:",
        "Quench",
        "Loops",
        "Figs. 3 and 4:",
    ):
        assert f"## {title}" in page
    assert "SYNTHETIC" in page
    assert "nan" not in page


def test_numbers_are_those_of_the_stages(first, folder):
    """What can be seen even in small sizes: minima, the order of defects, whole loops."""
    page = (folder / "summary.md").read_text("utf-8")
    rows = {row["phase"]: row for row in json.loads((folder / "phases.json").read_text())}
    assert abs(rows["bcc FM"]["a"] - 2.84939) < 1e-5
    assert abs(rows["bcc SL-AFM"]["difference"] - 0.2332) < 1e-4
    (printed,) = re.findall(r"^\| bcc FM \| ([\d.]+) \(2.817\)", page, re.MULTILINE)
    assert abs(float(printed) - 2.84939) < 1e-4
    defects = json.loads((folder / "defects.json").read_text())
    energies = {row["kind"]: row["energy"] for row in defects["rows"] if row["size"] == 4}
    assert energies["vacancy"] < energies["<110>"] < energies["<111>"] < energies["<100>"]
    for name, count, total in (("100", 13, 1037), ("111", 7, 1303)):
        for temperature in (0, 10, 800):
            maps = SiteMaps.read(folder / f"map_{name}_{temperature}K.extxyz")
            assert len(maps.atoms) == total
            assert maps.trace[-count:].mean() < -20
            assert maps.sizes[-count:].mean() < maps.sizes.mean() - 0.05
            assert maps.atoms.info.get("closure", 1.0) == pytest.approx(1.0, abs=1e-6)
    loops = re.findall(r"^\| (<100>|1/2<111>) \| (\d+ in \d+) \| .* \| yes \|", page, re.MULTILINE)
    assert loops == [("<100>", "13 in 1037"), ("1/2<111>", "7 in 1303")]


def test_snapshots_and_fluctuations_are_those_of_the_runs(first, folder):
    """Hot moments around the relaxed defects; energies between those of the bath and of rest."""
    for name, count in (("110", 129), ("vacancy", 127)):
        atoms = read(folder / f"snapshot_{name}.extxyz")
        assert len(atoms) == count
        directions = ase_mag.get_moments(atoms)
        sizes = np.linalg.norm(directions, axis=1)
        # 10 K: nearly parallel, and not exactly.
        order = np.linalg.norm(directions.sum(axis=0)) / sizes.sum()
        assert 1e-6 < 1 - order < 0.02
    ground = next(
        row for row in json.loads((folder / "phases.json").read_text()) if row["phase"] == "bcc FM"
    )
    for kelvin in (10, 100):
        for count in (16, 128):
            series = json.loads((folder / f"fluctuations_{kelvin}K_{count}.json").read_text())
            above = np.array(series["energy"]) - ground["energy"]
            # 1.5 kT of kinetic energy at the start; 3 kT, and 1.5 of the moments, at the end.
            assert above.min() > 0 and above.max() < 8 * units.kB * kelvin
            assert abs(series["a"][-1] - ground["a"]) < 0.01


def test_a_stopped_job_goes_on(first, job, folder):
    """Without one temperature of Fig. 1 and one map, only these are made again, bit for bit."""
    before = (folder / "heated_300.extxyz").read_text()
    stress = SiteMaps.read(folder / "map_111_10K.extxyz").stress
    for name in ("heated_300.extxyz", "map_111_10K.extxyz"):
        (folder / name).unlink()
    done = job("--fast")
    assert done.returncode == 0, done.stderr[-3000:]
    made = re.findall(r"^(\w+): [\d.]+ s$", done.stdout, re.MULTILINE)
    assert made == ["heated_300", "map_111_10K"]
    assert (folder / "heated_300.extxyz").read_text() == before
    np.testing.assert_allclose(SiteMaps.read(folder / "map_111_10K.extxyz").stress, stress)
    for options, message in (
        ((), "holds results of another job"),
        (("--fast", "--model", "nothing.npz"), "neither a file nor one of"),
    ):
        refused = job(*options)
        assert refused.returncode == 1
        assert message in refused.stderr
