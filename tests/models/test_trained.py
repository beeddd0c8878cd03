"""Trained sets: what their files and docs/mslp.md say of their errors is what they have."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import ase_mag
from ase_mag import fitting, models
from ase_mag.build import magnetic_phase

ROOT = Path(__file__).parents[2]
LABELS = ("energy", "forces", "stress", "magforces")
DFT = ROOT / "examples" / "dft"


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


@pytest.fixture
def train_dft(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "examples" / "train_mslp")
    import train_dft

    return train_dft


def test_dft_set_has_the_errors_of_its_file_on_its_data(train_dft):
    """The frames of the repository, split as the script does, are those of the fit: all digits."""
    model = models.named("Fe-MSLP-ABINIT")
    data = fitting.Dataset(
        [frame for path in train_dft.FRAMES for frame in train_dft.frames_of(path)]
    )
    parts = data.relative_to({"Fe": train_dft.FREE_ATOM}).split(0.85, rng=1)
    assert [len(part) for part in parts] == [234, 39]
    last = model.metadata["errors"].split("together")[1]
    for name, part in zip(("train", "test"), parts, strict=True):
        (line,) = re.findall(rf"RMSE, {name}: (.*)", last)
        found = fitting.compare(model, part)
        for label in LABELS:
            expected = float(re.search(rf"{label} ([\d.]+)", line)[1])
            assert found[label].rmse == pytest.approx(expected, rel=1e-3)


def test_dft_set_fails_where_its_page_says_so():
    """Against ABINIT (examples/dft/iron_orders.json): the page may not promise more than this."""
    orders = json.loads((DFT / "iron_orders.json").read_text())["PBE"]
    sizes = {round(a, 3): moment for a, _, moment in orders["AFM"]}
    model = models.named("Fe-MSLP-ABINIT")
    for a in (2.75, 2.80, 2.83):
        atoms = magnetic_phase("bcc", "SL-AFM", a, moment=1.6)
        atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed")
        atoms.get_potential_energy()
        assert np.abs(atoms.get_magnetic_moments()).max() < 0.1 < 0.9 < sizes[a]
    page = (ROOT / "docs" / "mslp.md").read_text(encoding="utf-8")
    assert "| bcc SL-AFM, relaxed sizes, at 2.75, 2.80, 2.83 Å (μ_B) | 0, 0, 0 |" in page
