"""Dumps of LAMMPS, cut back to a checkpoint."""

import pytest

from ase_mag.bridges.checkpoint import shorten_dump


def frame(step):
    return f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n1\nITEM: ATOMS id\n1\n"


def test_one_file(tmp_path):
    path = tmp_path / "run.dump"
    path.write_text("".join(map(frame, (0, 10, 20, 30))))
    shorten_dump(path, 20)
    assert path.read_text() == frame(0) + frame(10)


@pytest.mark.parametrize("end", ["", ".gz"])
def test_a_file_for_each_frame(end, tmp_path):
    others = {"run.20.dum", "run.x.dump" + end, "other.30.dump" + end, "run.1.30.dump" + end}
    for name in others | {f"run.{step}.dump{end}" for step in (0, 5, 15, 20, 100)}:
        (tmp_path / name).write_text("a frame")
    shorten_dump(tmp_path / f"run.*.dump{end}", 20)
    kept = {f"run.{step}.dump{end}" for step in (0, 5, 15)}
    assert {path.name for path in tmp_path.iterdir()} == others | kept
