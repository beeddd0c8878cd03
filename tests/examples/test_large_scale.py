"""The loop on many processes: runs, goes on, and its maps have the stress of the whole box."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from ase.units import GPa

from ase_mag import models
from ase_mag.analysis import SiteMaps, site_maps

FOLDER = Path(__file__).parents[2] / "examples" / "large_scale"
pytest.importorskip("matplotlib")
TINY = ["--box", "4", "2", "6", "--inserted", "3", "--settling", "20", "--every", "5"]


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_the_loop_and_its_maps(n, mpirun, tmp_path, tree_environment):
    def shell(*command):
        done = subprocess.run(
            command, cwd=tmp_path, env=tree_environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    script = [sys.executable, "-m", "mpi4py", str(FOLDER / "loop.py"), "--output", "loop", *TINY]
    for steps in ("20", "40"):  # stopped, and gone on
        text = shell(mpirun, "-n", str(n), *script, "--steps", steps)
    assert text.startswith(f"291 atoms, {n} process")
    frames = read(tmp_path / "loop" / "run.traj", ":")
    assert len(frames) == 9
    shell(sys.executable, str(FOLDER / "maps.py"), "loop", "--inserted", "3")
    maps = SiteMaps.read(tmp_path / "loop" / "maps.extxyz")
    assert maps.n_frames == 5
    mean = np.mean([frame.get_stress() for frame in frames[4:]], axis=0) / GPa
    np.testing.assert_allclose(maps.stress.mean(axis=0), mean, rtol=0, atol=1e-6)
    # What the processes wrote is what the model says here.
    again = site_maps([_without_results(frame) for frame in frames[4:]], models.named("FeHL-1"))
    np.testing.assert_allclose(maps.stress, again.stress, rtol=0, atol=1e-6)
    np.testing.assert_allclose(maps.sizes, again.sizes, rtol=0, atol=1e-6)


def _without_results(atoms):
    plain = atoms.copy()
    plain.calc = None
    return plain
