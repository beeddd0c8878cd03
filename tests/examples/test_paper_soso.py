"""The remade SOSO paper runs in small sizes, goes on where it was stopped, and keeps its sizes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "paper_soso" / "run.py"
pytest.importorskip("matplotlib")

PYTHON_OPTIONS = ()
OPTIONS = ("--workers", "1")


def test_every_figure_and_table_is_made(first, folder):
    assert {path.stem for path in folder.glob("*.png")} == {
        "fig2_effective_fields",
        "fig3_larger_cells",
        "fig4_energies",
        "fig6_7_crystals",
        "errors",
        "magnetization",
        "widths",
    }
    assert all(path.stat().st_size < 120_000 for path in folder.glob("*.png"))
    page = (folder / "summary.md").read_text(encoding="utf-8")
    assert page in first.stdout
    for title in (
        "Figs. 4, 5:",
        "Figs. 2 and 3:",
        "Fig. 3:",
        "Fig. 2:",
        "Figs. 6 and 7:",
        "Spin widths:",
        "Spin dynamics:",
    ):
        assert f"## {title}" in page
    assert "not density functional theory" in page
    assert "nan" not in page


def test_numbers_are_those_of_the_stages(first, folder):
    page = (folder / "summary.md").read_text("utf-8")
    found = json.loads((folder / "case_fixed.json").read_text())
    mean = np.mean([seed["linear"] for seed in found])
    printed = re.search(r"^\| fixed moments \| linear \| [^|]+ \| ([\d.]+) ± ", page, re.M)
    assert abs(float(printed[1]) - mean) < 6e-5
    # 12 configurations determine the five sums of exchange constants that 16 atoms know.
    assert mean < 1.0
    fields = json.loads((folder / "fields_fixed.json").read_text())
    assert fields[0]["linear"]["angle"][2] < 5.0


def test_thermal_configurations_and_crystals_are_those_of_the_reference(first, folder):
    """Energies above the ferromagnet, lattice constants of FeHL-1, sizes that depend on order."""
    hot = json.loads((folder / "thermal_300.json").read_text())
    for name, count in (("16 atoms", 8), ("54 atoms", 3)):
        true, predicted = (np.array(hot[name][key]) for key in ("true", "predicted"))
        assert true.shape == predicted.shape == (count,)
        assert true.min() > 5 and true.max() < 100  # meV/atom; kT is 26
        assert np.abs(predicted - true).max() < 2
    fields, predicted = (np.array(hot[key]) for key in ("fields", "predicted fields"))
    assert fields.shape == predicted.shape == (8 * 16, 3)
    assert np.sqrt(np.mean((fields - predicted) ** 2)) < 0.1 * np.sqrt(np.mean(fields**2))
    assert 0.005 < np.std(hot["sizes"]) < 0.2
    page = (folder / "summary.md").read_text("utf-8")
    found = {
        order: float(a) for order, a in re.findall(r"^\| (FM|AFM|NM) \| ([\d.]+) ", page, re.M)
    }
    # 2.8494 and 2.7546 (validation page); five lattice constants and a parabola.
    assert abs(found["FM"] - 2.8494) < 0.02 and abs(found["NM"] - 2.7546) < 0.02
    assert found["NM"] < found["AFM"] < found["FM"]


def test_a_stopped_job_goes_on(first, job, folder):
    before = (folder / "case_fixed.json").read_bytes()
    for name in ("case_fixed.json", "width_fixed_3.json"):
        (folder / name).unlink()
    done = job("--fast")
    assert done.returncode == 0, done.stderr[-3000:]
    made = re.findall(r"^([\w.]+): [\d.]+ s$", done.stdout, re.MULTILINE)
    assert made == ["case_fixed", "width_fixed_3"]
    assert (folder / "case_fixed.json").read_bytes() == before


def test_other_sizes_are_refused(first, job):
    done = job()
    assert done.returncode != 0 and "results of other sizes" in done.stderr
