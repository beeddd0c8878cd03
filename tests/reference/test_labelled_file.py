"""The file of a campaign loses nothing when later calls give other frames."""

import json
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from ase.io import read

from ase_mag import models
from ase_mag.reference import ConstrainedModel, campaign

from .test_campaign import assert_same_labels, iron_frames


@pytest.fixture
def frames():
    return iron_frames(5)


@pytest.fixture
def model():
    return ConstrainedModel(models.named("FeHL-1"))


@pytest.mark.filterwarnings("ignore:Skipping unhashable information odd")
def test_fewer_frames_lose_nothing(frames, model, tmp_path):
    """The file holds the given frames first, then what earlier calls have finished."""
    path = tmp_path / "labels.extxyz"
    frames[0].info |= {"landscape": 7, "odd": object()}
    first = campaign(frames[:3], model, path, progress=False)
    fewer = campaign(frames[3:4], model, path, progress=False)
    assert fewer.computed == 1 and len(fewer.frames) == 1 and fewer.earlier == 3
    assert "and 3 frames of earlier calls in the file" in str(fewer)
    held = read(path, ":")
    assert_same_labels(held, fewer.frames + first.frames, atol=5.1e-9)
    assert held[1].info["landscape"] == 7
    np.testing.assert_allclose(
        held[1].arrays["ideal_positions"], frames[0].arrays["ideal_positions"], atol=1e-8
    )
    only = campaign(frames[1:2], model, path, keep_earlier=False, progress=False)
    assert only.computed == only.earlier == 0 and "earlier" not in str(only)
    assert len(read(path, ":")) == 1
    every = campaign(frames[1:2], model, path, progress=False)
    assert_same_labels(read(path, ":"), every.frames + first.frames[::2] + fewer.frames, 5.1e-9)


def test_frames_of_a_file_of_an_older_version_are_kept(frames, model, tmp_path):
    """Its records hold no frames, so these come from the file."""
    path = tmp_path / "labels.extxyz"
    first = campaign(frames[:3], model, path, progress=False)
    for record in (tmp_path / "labels.extxyz.jobs" / "records").iterdir():
        content = json.loads(record.read_text())
        del content["frame"]
        record.write_text(json.dumps(content))
    fewer = campaign(frames[2:3], model, path, progress=False)
    assert fewer.computed == 0 and fewer.earlier == 2
    assert_same_labels(read(path, ":"), [first.frames[k] for k in (2, 0, 1)], atol=1.1e-8)


def test_two_campaigns_in_one_folder_leave_one_file(frames, model, tmp_path):
    path = tmp_path / "labels.extxyz"
    with ProcessPoolExecutor(2) as processes:
        runs = [
            processes.submit(campaign, part, model, path, progress=False)
            for part in (frames[:3], frames[2:])
        ]
        for run in runs:
            run.result()
    campaign(frames[:1], model, path, progress=False)
    assert len(read(path, ":")) == 5
