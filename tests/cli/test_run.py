"""ase-mag run: the same frames from two runs and a resumed one, dry runs, refusals."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed
from ase.io import read as read_frames
from ase.io.trajectory import Trajectory

import ase_mag
from ase_mag import MagneticCalculator, lsf, models, reference, set_moments
from ase_mag.cli import info, main
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics


def assert_equal_frames(first, second):
    first, second = read_frames(first, ":"), read_frames(second, ":")
    assert len(first) == len(second) > 1
    for a, b in zip(first, second, strict=True):
        for name in ("positions", "momenta", "initial_magmoms"):
            np.testing.assert_array_equal(a.arrays[name], b.arrays[name])
        np.testing.assert_array_equal(a.cell.array, b.cell.array)
        assert a.get_potential_energy() == b.get_potential_energy()


def test_two_runs_and_a_resumed_one_have_identical_frames(shell, write_job, tmp_path, capsys):
    write_job()
    done = shell("run", "job.toml")
    assert "60 steps in " in done.stdout
    assert done.stderr == ""  # no progress bar without a terminal
    # The job that is in the trajectory makes the same run.
    capsys.readouterr()
    assert main(["info", "--job", str(tmp_path / "job.traj")]) == 0
    text = capsys.readouterr().out
    assert text == (tmp_path / "job.toml").read_text()
    again = write_job(text, name="again.toml")
    assert main(["run", again, "--quiet"]) == 0
    assert_equal_frames(tmp_path / "job.traj", tmp_path / "again.traj")
    # Stopped after 35 steps: the last checkpoint is older than the last frame.
    short = [("steps = 60", "steps = 35")]
    resumed = write_job(replacements=short, name="resumed.toml")
    capsys.readouterr()
    assert main(["run", resumed, "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")
    assert len(read_frames(tmp_path / "resumed.traj", ":")) == 4
    write_job(name="resumed.toml")
    assert main(["run", resumed, "--resume", "--quiet"]) == 0
    assert_equal_frames(tmp_path / "job.traj", tmp_path / "resumed.traj")
    assert (tmp_path / "job.log").read_text() == (tmp_path / "resumed.log").read_text()


def test_a_killed_run_goes_on(write_job, tmp_path, tree_environment):
    endless = [("steps = 60", "steps = 1000000000")]
    job = write_job(replacements=endless)
    command = [sys.executable, "-m", "ase_mag.cli", "run", job]
    process = subprocess.Popen(
        command, env=tree_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "job.log"
    end = time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") > 4) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert "steps; go on with --resume" in errors
    done = int(errors.split("stopped after ")[1].split()[0])
    assert done >= 30
    total = done + 13
    write_job(replacements=[("steps = 60", f"steps = {total}")])
    assert main(["run", job, "--resume", "--quiet"]) == 0
    whole = write_job(replacements=[("steps = 60", f"steps = {total}")], name="whole.toml")
    assert main(["run", whole, "--quiet"]) == 0
    assert_equal_frames(tmp_path / "job.traj", tmp_path / "whole.traj")


def test_the_run_is_that_of_the_library(write_job, tmp_path):
    job = write_job(
        'version = 1\nseed = 9\n[structure]\nbulk = "Fe"\nrepeat = 2\nmoments = 2.2\n'
        '[model]\nname = "FeHL-1"\n[dynamics]\nkind = "spin"\ntimestep_fs = 0.5\nsteps = 20\n'
        "temperature_K = 400\nlongitudinal = true\nlongitudinal_rate = 0.02\n"
        "[output]\ninterval = 5\n"
    )
    assert main(["run", job, "--quiet"]) == 0
    atoms = bulk("Fe", cubic=True) * (2, 2, 2)
    set_moments(atoms, 2.2)
    atoms.calc = MagneticCalculator(models.named("FeHL-1"))
    dynamics = SpinDynamics(
        atoms,
        0.5 * units.fs,
        temperature_K=400,
        longitudinal=True,
        longitudinal_rate=0.02 / units.fs,
        rng=9,
        trajectory=tmp_path / "library.traj",
        loginterval=5,
    )
    dynamics.run(20)
    dynamics.close()
    assert_equal_frames(tmp_path / "job.traj", tmp_path / "library.traj")


def test_asd_aimd_with_exchange_and_predictor(write_job, tmp_path):
    atoms = bulk("Fe", a=2.877, cubic=True) * (2, 2, 2)
    set_moments(atoms, 2.0)
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    frames = lsf.snapshots(atoms, displacement=0.1, count=2, rng=1)
    table = lsf.landscapes(frames, calculator, progress=False)
    lsf.LsfPredictor(descriptor="invariant").fit(table).save(tmp_path / "sizes.npz")
    models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75)).save(tmp_path / "j.npz")
    job = write_job(
        'version = 1\nseed = 2\n[structure]\nbulk = "Fe"\na_angstrom = 2.877\nrepeat = 2\n'
        'moments = 2.0\nrandom_directions = true\n[model]\nname = "FeHL-1"\n'
        '[exchange]\nfile = "j.npz"\n[dynamics]\nkind = "asd-aimd"\ntimestep_fs = 1\nsteps = 6\n'
        'temperature_K = 1043\nfriction_per_fs = 0.01\npredictor = "sizes.npz"\nmeasure = 2\n'
        "spin_timestep_fs = 0.05\n[output]\ninterval = 2\n"
    )
    assert main(["run", job, "--quiet"]) == 0
    with Trajectory(tmp_path / "job.traj") as file:
        description = file.description
    assert description["md-type"] == "AsdAimd"
    assert set(description["origin"]["inputs"]) == {"j.npz", "sizes.npz"}
    last = read_frames(tmp_path / "job.traj", -1)
    expected = lsf.LsfPredictor.load(tmp_path / "sizes.npz").moments(last, 1043, 2)
    sizes = np.linalg.norm(ase_mag.get_moments(last), axis=1)
    np.testing.assert_allclose(sizes, expected, rtol=1e-10)


def test_asd_aimd_with_a_code_and_where_a_code_is_refused(vasp, write_job, tmp_path, capsys):
    """Two steps with VASP (its physics: FeHL-1) end where two steps with FeHL-1 end."""
    text = (
        'version = 1\nseed = 2\n[structure]\nbulk = "Fe"\na_angstrom = 2.85\nmoments = 2.0\n'
        "displacement_angstrom = 0.05\n[reference]\n[dynamics]\nkind = 'asd-aimd'\n"
        "timestep_fs = 2\nsteps = 2\n[output]\ninterval = 1\n"
    )
    code = (
        'code = "vasp"\ncommand = "true"\nsettings = { xc = "PBE", kpts = [2, 2, 2], '
        "encut = 400, moment_tolerance = 0.02 }\n"
    )
    assert (
        main(["run", write_job(text, [("[reference]\n", f"[reference]\n{code}")]), "--quiet"]) == 0
    )
    assert len(vasp) >= 4
    embedded = ("[reference]\n", '[model]\nname = "FeHL-1"\n')
    assert main(["run", write_job(text, [embedded], "model.toml"), "--quiet"]) == 0
    one, two = (read_frames(tmp_path / f"{name}.traj", -1) for name in ("job", "model"))
    moved = np.abs(two.positions - read_frames(tmp_path / "model.traj", 0).positions).max()
    # VASP prints six digits of positions and moments that are 0.02 mu_B off.
    assert np.abs(one.positions - two.positions).max() < 0.02 * moved
    spins = ("kind = 'asd-aimd'", "kind = 'spin-lattice'")
    job = write_job(text, [spins, ("[reference]\n", f"[reference]\n{code}")], "refused.toml")
    assert main(["run", job]) == 2
    assert "a code gives forces in kind asd-aimd only; kind is spin-" in capsys.readouterr().err


def test_a_dry_run_writes_nothing_and_knows_the_sizes_of_the_files(
    write_job, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("ase_mag.cli.estimate.MEASURED", 0.05)
    job = write_job()
    assert main(["run", job, "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"job.toml"}
    assert "SpinLatticeDynamics: 16 atoms (Fe16), 300 K, 60 steps of 1 fs = 0.06 ps" in text
    assert "files (7 frames):" in text
    assert " ms per step" in text
    assert main(["run", job]) == 0
    for line in text.splitlines():
        if line.startswith("  "):
            path, size, unit = line.split()
            actual = Path(path).stat().st_size
            assert float(size) * {"kB": 1e3, "bytes": 1}[unit] == pytest.approx(actual, rel=0.03)


def test_nothing_is_overwritten_unasked(write_job, tmp_path, capsys):
    job = write_job(replacements=[("steps = 60", "steps = 4"), ("interval = 10", "interval = 2")])
    assert main(["run", job, "--quiet"]) == 0
    before = (tmp_path / "job.traj").read_bytes()
    assert main(["run", job]) == 2
    assert (
        "exist already: go on with --resume, or start anew with --over" in capsys.readouterr().err
    )
    assert (tmp_path / "job.traj").read_bytes() == before
    assert main(["run", job, "--overwrite", "--quiet"]) == 0
    assert len((tmp_path / "job.log").read_text().splitlines()) == 1 + 3
    assert (tmp_path / "job.traj").read_bytes() == before
    assert main(["run", job, "--overwrite", "--resume"]) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "log = 'job.toml'",
            "job.toml would be written, but it is an input of the job or named tw",
        ),
        ("log = 'j.npz'", "j.npz would be written, but it is an input of the job or named twice"),
        ("trajectory = 'a.xyz'", "trajectory is 'a.xyz', but frames are written as .traj"),
        (
            "log = 'a.traj'\ntrajectory = './a.traj'",
            "a.traj would be written, but it is an input of the job or n",
        ),
        ("log = 'folder'", "folder would be written, but it is a folder"),
        ("log = 'j.npz/a'", "cannot be written: "),
    ],
)
def test_outputs_replace_neither_inputs_nor_each_other(line, message, write_job, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    models.named("FeHL-1").save(tmp_path / "j.npz")
    replacements = [('name = "FeHL-1"', 'file = "j.npz"'), ("[output]", f"[output]\n{line}")]
    assert main(["run", write_job(replacements=replacements), "--overwrite"]) == 2
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"folder", "j.npz", "job.toml"}


def test_a_changed_job_is_not_resumed(write_job, capsys):
    job = write_job()
    assert main(["run", job, "--quiet"]) == 0
    write_job(replacements=[("= 300", "= 301")])
    assert main(["run", job, "--resume"]) == 2
    assert "temperature_K 300 -> 301" in capsys.readouterr().err


def test_a_run_that_fails_has_the_status_1(write_job, capsys, monkeypatch):
    def fail(dynamics):
        raise CalculationFailed("the moments did not converge")

    monkeypatch.setattr(SpinLatticeDynamics, "step", fail)
    assert main(["run", write_job()]) == 1
    assert capsys.readouterr().err.startswith("ase-mag run: the moments did not converge\n")


def test_a_terminal_shows_the_time_left(write_job, tree_environment):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    command = [sys.executable, "-m", "ase_mag.cli", "run", write_job()]
    done = subprocess.run(
        command, env=tree_environment, stdout=subprocess.PIPE, stderr=theirs, timeout=60
    )
    os.close(theirs)
    assert done.returncode == 0
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert re.search(r"100%.*60/60 \[\d\d:\d\d<00:00", shown)


def test_resuming_with_another_version_is_said(write_job, monkeypatch):
    short = [("steps = 60", "steps = 10")]
    job = write_job(replacements=short)
    assert main(["run", job, "--quiet"]) == 0
    write_job()
    describe = info.describe
    monkeypatch.setattr(info, "describe", lambda: describe() | {"ase-mag": "99.0"})
    message = rf"begun with other versions or files \(ase-mag {ase_mag.__version__} -> 99.0\): the"
    with pytest.warns(UserWarning, match=message):
        assert main(["run", job, "--resume", "--quiet"]) == 0


def test_wrong_input_has_the_status_2_and_no_traceback(shell, write_job):
    write_job(replacements=[("damping", "dampin")])
    errors = shell("run", "job.toml", status=2).stderr
    assert errors.startswith("ase-mag run: job.toml, line 19, [dynamics]: dampin is unknown; did")
    assert "Traceback" not in errors


def test_the_example_of_the_help_runs(example_of, write_job):
    job = write_job(example_of("run"), [("steps = 1000", "steps = 2")])
    assert main(["run", job, "--quiet"]) == 0
