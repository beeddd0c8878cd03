"""The script that trains the spin-lattice potential, with a few frames."""

from pathlib import Path

import numpy as np
import pytest

from ase_mag import models

SCRIPT = Path(__file__).parents[2] / "examples" / "train_mslp" / "train.py"
OPTIONS = ["--fast"]
PYTHON_OPTIONS = []


def test_four_stages_and_a_potential(first, folder):
    names = ("nonmagnetic", "bulk", "network", "together")
    assert all(first.stdout.count(f"\n{name} ") == 2 for name in names)
    assert "V_NM + V_HL, all parameters fitted to all data" in first.stdout
    assert first.stdout.strip() == (folder / "errors.txt").read_text().strip()
    potential = models.load(folder / "mslp.npz")
    assert isinstance(potential, models.SpinLatticePotential)
    assert potential.prepared


def test_finished_stages_are_read(job, first, folder):
    before = models.load(folder / "mslp.npz").parameters
    again = job("--restart")
    assert again.returncode == 0, again.stderr[-3000:]
    np.testing.assert_array_equal(models.load(folder / "mslp.npz").parameters, before)


@pytest.mark.parametrize("seed", [1])
def test_frames_are_what_the_docstring_says(seed, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    import data

    sets = data.frames(seed, 6, 6, 6)
    moments = {
        name: np.concatenate([f.atoms.arrays["initial_magmoms"] for f in found])
        for name, found in sets.items()
    }
    assert not moments["nonmagnetic"].any()
    assert np.linalg.norm(moments["train"], axis=1).max() < 4.5
    shortest = min(
        f.atoms.get_all_distances(mic=True)[~np.eye(len(f), dtype=bool)].min()
        for f in data.together(sets)
    )
    assert 1.75 < shortest < 2.3
