"""Trained sets: what their files and docs/mslp.md say of their errors is what they have."""

import re
from pathlib import Path

import pytest

from ase_mag import fitting, models

ROOT = Path(__file__).parents[2]
LABELS = ("energy", "forces", "stress", "magforces")


def rows(text):
    """Return the errors of the test frames after every stage, as the script printed them."""
    table = text.split("RMSE, test")[1]
    found = re.findall(r"^(nonmagnetic|bulk|network|together) +(.*)$", table, re.M)
    return {
        name: dict(zip(LABELS, map(float, numbers.split()), strict=True)) for name, numbers in found
    }


def test_network_lowers_all_errors_by_a_factor_of_three():
    """Held-out frames, against V_NM + V_HL of the stage before."""
    errors = rows(models.named("Fe-MSLP-FeHL1").metadata["errors"])
    for label in LABELS:
        assert errors["network"][label] < errors["bulk"][label] / 3
        assert errors["together"][label] < errors["network"][label]


def test_page_shows_these_errors():
    page = (ROOT / "docs" / "mslp.md").read_text(encoding="utf-8")
    for numbers in rows(models.named("Fe-MSLP-FeHL1").metadata["errors"]).values():
        for value in numbers.values():
            assert f" {value:g} |" in page


def test_errors_on_new_frames(monkeypatch):
    """Frames that nobody has seen: the errors of the file, within a factor of 1.7."""
    monkeypatch.syspath_prepend(ROOT / "examples" / "train_mslp")
    import data

    model = models.named("Fe-MSLP-FeHL1")
    expected = rows(model.metadata["errors"])["together"]
    frames = data.together(data.frames(77, 4, 6, 10))
    found = fitting.compare(model, frames)
    for label in LABELS:
        assert found[label].rmse == pytest.approx(expected[label], rel=0.7)


def test_dft_set_on_its_published_frames():
    """The 58 frames that are in the repository (most of them were trained on)."""
    frames = fitting.read(ROOT / "examples" / "dft" / "iron_pairs.extxyz")
    found = fitting.compare(models.named("Fe-MSLP-ABINIT"), frames.relative_to({"Fe": -3381.60}))
    assert found["energy"].rmse < 2.5
    assert found["forces"].rmse < 30
    assert found["stress"].rmse < 1.0
    assert found["magforces"].rmse < 8
