"""The remade paper runs in small sizes, goes on where it was stopped, and keeps its sizes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "paper_lsf" / "run.py"
pytest.importorskip("matplotlib")


#: Short runs from random directions leave the range of a few snapshots: expected here.
PYTHON_OPTIONS = ("-W", "ignore:the predictor extrapolates")
OPTIONS = ()


def test_every_figure_and_table_is_made(first, folder):
    figures = {path.name.partition("_")[0] for path in folder.glob("*.png")}
    assert figures == {"fig1", "fig4", "fig5", "fig6", "fig7", "fig8", "fig9", "moment", "table3"}
    assert all(path.stat().st_size < 120_000 for path in folder.glob("*.png"))
    page = (folder / "summary.md").read_text(encoding="utf-8")
    assert page in first.stdout
    for title in ("Table II:", "Table III:", "Figs. 5 and 6:", "Fig. 7:", "Fig. 8:", "Fig. 9:"):
        assert f"## {title}" in page
    assert "SYNTHETIC" in page
    assert "nan" not in page


def test_numbers_are_those_of_the_stages(first, folder):
    """What can be seen even in small sizes: the order of methods, transfer, magnetic pressure."""
    errors, _, methods = json.loads((folder / "learned.json").read_text())
    assert len(errors) == 8
    assert methods["invariants"]["a"][0] < methods["descriptor 3"]["a"][0]
    assert methods["descriptor 3"]["a"][0] < methods["(ii) mean landscape"]["a"][0]
    cases = json.loads((folder / "transfer.json").read_text())["descriptor 3"]
    assert cases["both -> core"]["error"][0] < 0.3 * cases["Tc -> core"]["error"][0]
    true, guess = (np.array(cases["Tc -> core"][key]) for key in ("true", "predicted"))
    np.testing.assert_allclose(
        np.abs(true - guess).mean(axis=0), cases["Tc -> core"]["error"], rtol=1e-9
    )
    core = json.loads((folder / "core.json").read_text())
    for means in core["replicas"]:
        assert 15 < means["PM"][0] - means["NM"][0] < 40  # GPa
    found = re.search(r"\| PM - NM \| ([\d.]+) ± ", (folder / "summary.md").read_text("utf-8"))
    mean = np.mean([means["PM"][0] - means["NM"][0] for means in core["replicas"]])
    assert abs(float(found[1]) - mean) < 0.006


def test_a_stopped_job_goes_on(first, job, folder):
    """Without the last stage, its runs and the figures, only these are made again."""
    before = json.loads((folder / "core.json").read_text())
    (folder / "core.json").unlink()
    (folder / "core1_PM.traj").unlink()
    (folder / "core1_PM.npz").unlink()
    done = job("--fast")
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.findall(r"^(\w+): [\d.]+ s$", done.stdout, re.MULTILINE) == ["core"]
    after = json.loads((folder / "core.json").read_text())
    assert after["replicas"] == before["replicas"]
    refused = job()
    assert refused.returncode == 1
    assert "holds results of other sizes" in refused.stderr
