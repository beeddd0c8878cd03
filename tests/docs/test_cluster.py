"""The batch scripts of the page about clusters run in bash, are stopped, and go on."""

import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ase.io import Trajectory

PAGE = Path(__file__).parents[2] / "docs" / "cluster.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(toml|bash)\n(?:#!/bin/bash\n)?# (\S+)\n(.*?)^```$", TEXT, re.M | re.S)

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


@pytest.fixture
def folder(tmp_path, tree_environment):
    """A folder with the files of the page, smaller, and the command in the PATH."""
    for _, name, text in BLOCKS:
        text = text.replace("repeat = 10", "repeat = 3").replace("200_000", "1200")
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = tmp_path / "bin" / "ase-mag"
    command.parent.mkdir()
    command.write_text(f'#!/bin/bash\nexec {sys.executable} -m ase_mag.cli "$@"\n')
    command.chmod(0o755)
    environment = tree_environment | {"PATH": f"{command.parent}:{tree_environment['PATH']}"}

    def start(script, **more):
        return subprocess.Popen(["bash", script], cwd=tmp_path, env=environment | more)

    return tmp_path, start


def test_the_page_has_its_files():
    assert [name for _, name, _ in BLOCKS] == ["job.toml", "run.sh", "array.sh"]


@pytest.mark.slow
def test_a_run_that_slurm_stops_goes_on(folder):
    path, start = folder
    run = start("run.sh")
    deadline, log = time.monotonic() + 60, path / "job.log"
    while time.monotonic() < deadline:  # until the run is on its way
        if log.exists() and len(log.read_text().splitlines()) > 2:
            break
        time.sleep(0.02)
    run.send_signal(signal.SIGTERM)
    assert run.wait(timeout=60) == 143
    assert (path / "job.checkpoint.npz").exists()
    assert start("run.sh").wait(timeout=120) == 0
    with Trajectory(path / "job.traj") as frames:
        assert len(frames) == 13
    assert start("run.sh").wait(timeout=60) == 0  # a further link of the chain


def test_an_array_task_takes_its_temperature(folder):
    path, start = folder
    (path / "job.toml").write_text((path / "job.toml").read_text().replace("1200", "100"))
    assert start("array.sh", SLURM_ARRAY_TASK_ID="2").wait(timeout=60) == 0
    assert "temperature_K = 500\n" in (path / "T500" / "job.toml").read_text()
    assert (path / "T500" / "job.traj").exists()
