"""Potentials fitted to iron from constrained ABINIT calculations, where present."""

import sys
from pathlib import Path

import numpy as np
import pytest

from ase_mag import fitting

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
FRAMES = DATA / "fe_constrained_dft" / "fe_constrained_dft.extxyz"
LANDSCAPES = DATA / "fe_lsf_landscapes" / "fe_lsf_landscapes.extxyz"
sys.path.insert(0, str(ROOT / "examples" / "dft"))
import iron_abinit  # noqa: E402

sys.path.pop(0)


@pytest.fixture(scope="module")
def data():
    if not (FRAMES.exists() and LANDSCAPES.exists()):
        pytest.skip("the frames of iron are not beside this tree")
    return iron_abinit.read_data([FRAMES], LANDSCAPES)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SystemExit, match=r"there is no .*none\.extxyz"):
        iron_abinit.read_data([tmp_path / "none.extxyz"])


def test_scans_stay_together(data):
    assert len(data) == 213 and len(set(data.groups)) == 38 + 25


@pytest.mark.slow
def test_landscapes_that_were_left_out(data, record_property):
    """Scans of a fifth of the landscapes, and the phases of iron, from one fit without them."""
    scans = np.array([frame.source == str(LANDSCAPES) for frame in data])
    train, test = data[scans].folds(5, 1)[0]
    potential = iron_abinit.new_potential()
    report = fitting.fit(potential, data[~scans] + train, test=test, **iron_abinit.OPTIONS)
    errors = report.test
    record_property("rmse", " ".join(f"{k} {e.rmse:.3g}" for k, e in errors.items()))
    assert errors["energy"].rmse < 0.1 * errors["energy"].spread
    assert errors["magforces"].rmse < 0.15 * errors["magforces"].spread
    a, size, bulk_modulus, *_ = iron_abinit.phases(potential)
    record_property("ferromagnet", f"{a:.4f} {size:.3f} {bulk_modulus:.0f}")
    assert abs(a - 2.84) < 0.02 and abs(size - 2.28) < 0.06 and 130 < bulk_modulus < 230
