"""Trajectory files that stay open."""

import gc
import warnings

import numpy as np
from ase import Atoms
from ase.io import read

from ase_mag.dynamics.frame_file import FrameFile


def frame(x):
    return Atoms("Fe", [[x, 0, 0]], cell=[3, 3, 3], pbc=True)


def test_every_frame_is_readable_at_once(tmp_path):
    path = tmp_path / "run.traj"
    with FrameFile(path) as file:
        file.set_description({"timestep": 2.0})
        for k in range(3):
            file.write(frame(k))
            assert [f.positions[0, 0] for f in read(path, ":")] == list(range(k + 1))
            assert len(file) == k + 1


def test_a_file_that_nobody_closes_is_closed(tmp_path):
    """Also in a cycle of objects, as dynamics and their observers are."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(20):
            file = FrameFile(tmp_path / f"{k}.traj")
            file.write(frame(0))
            file.cycle = [file]
            del file
        gc.collect()
    assert not [warning for warning in caught if warning.category is ResourceWarning]
    assert len(read(tmp_path / "3.traj", ":")) == 1


def test_append_after_closing(tmp_path):
    path = tmp_path / "run.traj"
    file = FrameFile(path)
    file.write(frame(0))
    file.close()
    file.write(frame(1))
    file.close()
    with FrameFile(path, append=True) as more:
        assert len(more) == 2
        more.write(frame(2))
    np.testing.assert_array_equal([f.positions[0, 0] for f in read(path, ":")], [0, 1, 2])
    with FrameFile(path) as new:
        new.write(frame(9))
    assert read(path, ":")[0].positions[0, 0] == 9
