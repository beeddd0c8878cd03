"""The script that makes Fe-MSLP-ABINIT, with every tenth frame and few iterations."""

from pathlib import Path

import numpy as np
import pytest

from ase_mag import models

SCRIPT = Path(__file__).parents[2] / "examples" / "train_mslp" / "train_dft.py"
OPTIONS = []
PYTHON_OPTIONS = []


@pytest.mark.slow
def test_three_stages_and_a_potential(first, folder):
    """Errors of the training frames fall from stage to stage; V below 2.4 A stays."""
    assert first.stdout.strip() == (folder / "errors.txt").read_text().strip()
    energies = [
        float(line.split("energy ")[1].split()[0])
        for line in first.stdout.splitlines()
        if "RMSE, train" in line
    ]
    assert len(energies) == 3 and energies[2] < energies[0]
    potential = models.load(folder / "mslp.npz")
    assert isinstance(potential, models.SpinLatticePotential) and potential.prepared
    start = models.SpinLatticePotential("Fe", hidden=(12, 12)).lattice.pair
    short = potential.lattice.pair_knots[0] < 2.4
    np.testing.assert_array_equal(potential.lattice.pair[:, short], start[:, short])


def test_missing_frames_are_named(job):
    done = job("none.extxyz")
    assert done.returncode == 1
    assert "there is no none.extxyz: Fe-MSLP-ABINIT was trained on iron_rattled" in done.stderr
