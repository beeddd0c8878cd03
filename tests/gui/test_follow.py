"""Frames of files that grow, are half written, or start anew."""

import ase.io
import numpy as np
import pytest
from ase.io.trajectory import Trajectory

from ase_mag.gui.follow import Follower


def test_a_growing_trajectory(tmp_path, make_frames):
    frames, path = make_frames(6), tmp_path / "a.traj"
    follower = Follower(path)
    assert follower.new_frames() == [] and "No such file" in follower.problem
    with Trajectory(path, "w") as file:
        for number in (1, 0, 3):
            for _ in range(number):
                file.write(frames[follower.seen + _])
            before, new = follower.seen, follower.new_frames()
            assert follower.problem is None and len(new) == number
            for index, atoms in enumerate(new):
                expected = frames[before + index].calc.results["magforces"]
                assert np.array_equal(atoms.calc.results["magforces"], expected)


def test_half_a_frame_is_left_for_later(tmp_path, make_frames):
    whole, path = tmp_path / "whole.traj", tmp_path / "a.traj"
    ase.io.write(whole, make_frames(4))
    data = whole.read_bytes()
    ase.io.write(path, make_frames(2))
    follower = Follower(path, seen=2)
    path.write_bytes(data[: len(data) // 3])
    assert follower.new_frames() == []
    path.write_bytes(data)
    assert len(follower.new_frames()) == 2


def test_a_file_that_starts_anew(tmp_path, make_frames):
    path = tmp_path / "a.traj"
    ase.io.write(path, make_frames(5))
    follower = Follower(path)
    assert len(follower.new_frames()) == 5 and not follower.restarted
    ase.io.write(path, make_frames(2, seed=1))
    assert len(follower.new_frames()) == 2 and follower.restarted
    assert follower.new_frames() == [] and not follower.restarted


@pytest.mark.parametrize("suffix", ["extxyz", "xyz"])
def test_other_formats(tmp_path, make_frames, suffix):
    path = tmp_path / f"a.{suffix}"
    frames = make_frames(3)
    ase.io.write(path, frames[:1], format="extxyz")
    follower = Follower(path, seen=1)
    assert follower.new_frames() == []
    ase.io.write(path, frames[1:], format="extxyz", append=True)
    new = follower.new_frames()
    assert len(new) == 2
    assert np.allclose(new[1].calc.results["magmoms"], frames[2].calc.results["magmoms"])
