"""The remade paper runs in small sizes, goes on where it was stopped, and keeps its sizes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "paper_mmtp" / "run.py"
pytest.importorskip("matplotlib")


PYTHON_OPTIONS = ()
OPTIONS = ("--workers", "2")


def test_every_figure_and_table_is_made(first, folder):
    figures = {path.name.partition("_")[0] for path in folder.glob("*.png")}
    assert figures == {f"fig{n}" for n in range(1, 8)} | {"table3", "table4"}
    assert all(path.stat().st_size < 120_000 for path in folder.glob("*.png"))
    page = (folder / "summary.md").read_text(encoding="utf-8")
    assert page in first.stdout
    for title in ("Fig. 2:", "Tables 1 and 2:", "Table 3:", "Table 4:", "Fig. 7:"):
        assert f"## {title}" in page
    assert "SYNTHETIC" in page
    assert "nan" not in page


def test_numbers_are_those_of_the_stages(first, folder):
    """What can be seen even in small sizes: fits to magnetic forces know more of them."""
    errors = json.loads((folder / "errors.json").read_text())
    page = (folder / "summary.md").read_text("utf-8")
    for basis in (2, 3):
        free, fitted = (np.mean(errors[f"N{basis} w{w}"]["magforces"]) for w in ("0", "0.1"))
        assert fitted < 0.6 * free
        (printed,) = re.findall(rf"^\| {basis} \| ([\d.]+) \|", page, re.MULTILINE)
        assert abs(float(printed) - free / fitted) < 0.006
    reference = json.loads((folder / "relaxed.json").read_text())["reference"]
    assert reference[0]["aluminum"] == 0
    assert abs(reference[0]["energy"]) < 0.1  # meV/atom: bcc iron is one of the elements
    assert abs(reference[0]["lattice parameter"] - 2.8494) < 5e-4
    assert abs(reference[0]["moment"] - 2.145) < 2e-3
    runs = json.loads((folder / "expansion.json").read_text())["0"]
    mean = np.mean(runs["reference"]["a"][20:])
    assert abs(mean - reference[0]["lattice parameter"]) < 0.03
    found = re.search(r"\| 0/16 \| [\d.]+ \| ([\d.]+) ± ", page)
    assert abs(float(found[1]) - mean) < 6e-5


def test_a_stopped_job_goes_on(first, job, folder):
    """Without one ensemble and what came of it, only these are made again, with the same result."""
    before = json.loads((folder / "errors.json").read_text())
    for name in ("ensemble_N2_w0.1.npz", "errors.json", "expansion.json"):
        (folder / name).unlink()
    done = job("--fast")
    assert done.returncode == 0, done.stderr[-3000:]
    made = re.findall(r"^([\w.]+): [\d.]+ s$", done.stdout, re.MULTILINE)
    assert made == ["ensemble_N2_w0.1", "errors", "expansion"]
    after = json.loads((folder / "errors.json").read_text())
    for name, row in before.items():
        for label, values in row.items():
            np.testing.assert_allclose(after[name][label], values, rtol=1e-6)
    refused = job()
    assert refused.returncode == 1
    assert "holds results of other sizes" in refused.stderr
