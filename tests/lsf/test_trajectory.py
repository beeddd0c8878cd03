"""Snapshots cut from runs."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.io import write
from ase.io.trajectory import Trajectory

import ase_mag
from ase_mag import lsf, models
from ase_mag.dynamics import AsdAimd
from ase_mag.lsf.ideal import ideal_lattice
from ase_mag.reference import ConstrainedModel

fs = units.fs


def remembering(crystal, n_frames, tau_u, tau_e, rng):
    """Frames whose displacements and directions are autoregressive with known times, in frames."""
    rng = np.random.default_rng(rng)
    shape = (len(crystal), 3)
    u, g = rng.normal(size=shape), rng.normal(size=shape)
    frames = []
    for _ in range(n_frames):
        frame = crystal.copy()
        frame.positions += 0.1 * u + [0.3, 0.0, 0.1]  # and a drift, which is no displacement
        frame.wrap()
        ase_mag.set_moments(frame, 2 * g / np.linalg.norm(g, axis=1)[:, None])
        frames.append(frame)
        for values, tau in ((u, tau_u), (g, tau_e)):
            c = np.exp(-1 / tau)
            values *= c
            values += np.sqrt(1 - c * c) * rng.normal(size=shape)
    return frames


@pytest.mark.parametrize("tau_u, tau_e", [(12.0, 3.0), (3.0, 12.0)])
@pytest.mark.parametrize("known", [True, False])
def test_the_spacing_is_the_time_after_which_snapshots_are_forgotten(
    iron, tmp_path, tau_u, tau_e, known
):
    """exp(-t/12) falls below 1/e after 12 frames; the directions of Gaussian vectors sooner.

    <e(0).e(t)> of normalized vectors with correlation c is not c, but 8c/(3 pi) + ..., which is
    below c: 0.345 for c = 0.4. So 10 to 12.
    """
    frames = remembering(iron, 1500, tau_u, tau_e, rng=1)
    write(tmp_path / "run.extxyz", frames)
    cut = lsf.frames_from_trajectory(
        tmp_path / "run.extxyz", iron if known else None, timestep=2 * fs
    )
    spacing = cut[1].info["trajectory_frame"]
    # 1500 frames of 48 components: 6000 independent values, an error of C of about 0.013.
    assert 10 <= spacing <= 13
    for k, frame in enumerate(cut):
        assert frame.info["trajectory_frame"] == k * spacing
        assert frame.info["time_fs"] == pytest.approx(2 * k * spacing)
        assert frame.info["trajectory"] == "run.extxyz"
        np.testing.assert_allclose(frame.positions, frames[k * spacing].positions, atol=1e-7)
        np.testing.assert_allclose(
            ase_mag.get_moments(frame), ase_mag.get_moments(frames[k * spacing]), atol=1e-7
        )
        assert ("ideal_positions" in frame.arrays) == known
    assert len(cut) == -(-1500 // spacing)


def test_snapshots_of_a_coupled_run_make_landscapes(tmp_path):
    """The chain of the paper: a run, snapshots out of it, landscapes, a predictor."""
    crystal = bulk("Fe", a=2.877, cubic=True) * (2, 2, 2)
    atoms = crystal.copy()
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(16, 3))
    ase_mag.set_moments(atoms, 2 * directions / np.linalg.norm(directions, axis=1)[:, None])
    atoms.set_momenta(2.0 * rng.normal(size=(16, 3)))
    calc = atoms.calc = ConstrainedModel(models.named("FeHL-1"))
    exchange = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))
    with AsdAimd(
        atoms,
        fs,
        exchange=exchange,
        temperature_K=800,
        friction=0.05 / fs,
        pressure=0.0,
        spin_timestep=0.1 * fs,
        trajectory=tmp_path / "run.traj",
        loginterval=5,
        rng=1,
        progress=False,
    ) as run:
        run.run(400)
    path = tmp_path / "run.traj"
    cut = lsf.frames_from_trajectory(path, crystal, start_fs=98, every_fs=149, count=3)
    assert [frame.info["trajectory_frame"] for frame in cut] == [20, 50, 80]
    assert [frame.info["time_fs"] for frame in cut] == pytest.approx([100, 250, 400])
    with Trajectory(path) as file:
        for frame in cut:
            there = file[frame.info["trajectory_frame"]]
            np.testing.assert_array_equal(frame.positions, there.positions)
            np.testing.assert_array_equal(frame.cell.array, there.cell.array)
            assert frame.calc is None and "momenta" not in frame.arrays
            assert not np.allclose(frame.cell.array, crystal.cell.array)
            np.testing.assert_array_equal(ideal_lattice(frame).cell.array, crystal.cell.array)
    new = lsf.landscapes(cut, calc, sizes=5, progress=False)
    predictor = lsf.LsfPredictor(3).fit(new)
    np.testing.assert_allclose(predictor.predict(cut[1])[0], new.a[16:32], atol=1e-3)


def test_snapshots_that_are_too_close_are_announced(iron, tmp_path):
    write(tmp_path / "run.extxyz", remembering(iron, 300, 12.0, 3.0, rng=1))
    path, step = tmp_path / "run.extxyz", {"timestep": fs}
    with pytest.warns(UserWarning, match=r"2 fs apart, but .* correlated for 1\d fs"):
        close = lsf.frames_from_trajectory(path, iron, every_fs=1.5, **step)
    assert len(close) == 150
    with pytest.warns(UserWarning, match="fewer independent data"):
        spread = lsf.frames_from_trajectory(path, iron, count=100, start_fs=3, **step)
    assert [f.info["trajectory_frame"] for f in spread[:3]] == [3, 5, 7]
    apart = lsf.frames_from_trajectory(path, iron, count=4, **step)
    assert [f.info["trajectory_frame"] for f in apart] == [0, 99, 198, 297]


def test_bad_input_is_explained(iron, tmp_path):
    path = tmp_path / "run.extxyz"
    with pytest.raises(FileNotFoundError, match="there is no trajectory"):
        lsf.frames_from_trajectory(path)
    write(path, remembering(iron, 20, 50.0, 50.0, rng=1))
    with pytest.raises(ValueError, match="does not say how much time lies between its frames"):
        lsf.frames_from_trajectory(path)
    with pytest.raises(ValueError, match=r"stay correlated for as long as the run is \(19 fs"):
        lsf.frames_from_trajectory(path, iron, timestep=fs)
    with pytest.raises(ValueError, match=r"has 2 snapshots 10 fs apart.*fewer than count = 5"):
        lsf.frames_from_trajectory(path, every_fs=10, count=5, timestep=fs)
    with pytest.raises(ValueError, match="no frames after start_fs = 50 fs"):
        lsf.frames_from_trajectory(path, start_fs=50, timestep=fs)
    for name, value in (("every_fs", 0), ("count", 0), ("start_fs", -1)):
        with pytest.raises(ValueError, match=f"{name} must be a"):
            lsf.frames_from_trajectory(path, timestep=fs, **{name: value})
    write(path, [bulk("Cu")] * 3)
    with pytest.raises(ValueError, match=r"frame 0 .* has no moments"):
        lsf.frames_from_trajectory(path, timestep=fs)
