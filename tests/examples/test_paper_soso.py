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
    assert {path.name for path in folder.glob("*.png")} == {
        "errors.png",
        "magnetization.png",
        "widths.png",
    }
    page = (folder / "summary.md").read_text(encoding="utf-8")
    assert page in first.stdout
    for title in ("Figs. 4, 5:", "Fig. 3:", "Fig. 2:", "Spin widths:", "Spin dynamics:"):
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
