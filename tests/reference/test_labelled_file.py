"""The file of a campaign loses nothing when later calls give other frames."""

from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from ase.io import read

from ase_mag import models
from ase_mag.io import read_database
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


def test_databases_hold_all_digits(frames, model, tmp_path):
    path = tmp_path / "labels.db"
    first = campaign(frames[:3], model, path, progress=False)
    assert_same_labels(read_database(path), first.frames)
    result = campaign(frames, model, path, progress=False)
    assert result.computed == 2
    again = read_database(path)
    assert_same_labels(again, result.frames)
    for first, second in zip(again, result.frames, strict=True):
        np.testing.assert_equal(first.info, second.info)
    np.testing.assert_array_equal(again[0].arrays["moment_error"], np.zeros(2))
