"""Campaigns that are killed, outlived by their workers, or started twice: nothing is done twice."""

import os
import signal
import subprocess
import sys
import time

from ase.io import read

SCRIPT = '''
"""A campaign of 40 jobs in two processes; every computation is written to a log when it starts."""
import os, sys, time
from concurrent.futures import ProcessPoolExecutor
from ase.build import bulk
import ase_mag
from ase_mag import lsf, models
from ase_mag.core.jobs import frame_digest
from ase_mag.reference import ConstrainedModel, campaign

class Counted(ConstrainedModel):
    last = None
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        key = frame_digest(atoms)[:32]
        if key != self.last:
            self.last = key
            log = os.open("computed.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(log, f"{key}\\n".encode())
            os.close(log)
            time.sleep(SLEEP)
        super().calculate(atoms, properties, system_changes)

if __name__ == "__main__":
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, 2.2)
    frames = lsf.snapshots(atoms, 0.1, count=COUNT, rng=1)
    with ProcessPoolExecutor(2) as executor:
        reference = Counted(models.named("FeHL-1"))
        result = campaign(frames, reference, "labels.extxyz", executor, progress=False)
    print(len(result.frames), result.computed)
'''


def start(tmp_path, environment, count=40, sleep=0.1):
    script = tmp_path / "job.py"
    script.write_text(SCRIPT.replace("COUNT", str(count)).replace("SLEEP", str(sleep)))
    return subprocess.Popen(
        [sys.executable, script.name],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(tmp_path):
    return {p.stem for p in (tmp_path / "labels.extxyz.jobs" / "records").glob("*.json")}


def computed(tmp_path):
    log = tmp_path / "computed.log"
    return log.read_text().split() if log.exists() else []


def wait_for(condition, process, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, "the campaign did not get there"
        time.sleep(0.01)


def test_forty_jobs_killed_twice(tmp_path, tree_environment):
    """kill -9 of all processes; what had a result then is never computed again."""
    known, before = set(), 0
    for jobs in (10, 25):
        process = start(tmp_path, tree_environment)
        wait_for(lambda jobs=jobs: len(finished(tmp_path)) >= jobs, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        starts = computed(tmp_path)
        assert known.isdisjoint(starts[before:])
        known, before = finished(tmp_path), len(starts)
        assert jobs <= len(known) < 40
    process = start(tmp_path, tree_environment)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.split() == ["40", str(40 - len(known))]
    starts = computed(tmp_path)
    assert known.isdisjoint(starts[before:])
    assert len(set(starts)) == len(finished(tmp_path)) == 40
    # Only what two workers had begun and not finished at the two kills was begun again.
    assert 40 <= len(starts) <= 44
    assert len(read(tmp_path / "labels.extxyz", ":")) == 40


def test_workers_that_outlive_their_campaign(tmp_path, tree_environment):
    """kill -9 of the main process alone: what its workers still compute is not begun again."""
    process = start(tmp_path, tree_environment, count=12, sleep=0.3)
    try:
        wait_for(lambda: len(finished(tmp_path)) >= 2, process)
        process.kill()
        again = start(tmp_path, tree_environment, count=12, sleep=0.3)
        out, err = again.communicate(timeout=60)
        assert again.returncode == 0, err
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert out.split()[0] == "12"
    assert len(computed(tmp_path)) == len(set(computed(tmp_path))) == 12


def test_two_campaigns_at_once_share_the_work(tmp_path, tree_environment):
    both = [start(tmp_path, tree_environment, count=8, sleep=0.2) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.split()[0] == "8"
    assert len(computed(tmp_path)) == len(set(computed(tmp_path))) == 8
