"""Programs of codes: what they leave, what is ended, what is said when they are not there."""

import sys
import time

import pytest

from ase_mag.core.execution import execute, last_lines, split_command


def test_status_time_and_output(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    code = "import os; print('said', os.environ['OMP_NUM_THREADS']); raise SystemExit(4)"
    status, seconds = execute([sys.executable, "-c", code], tmp_path, "log", threads=3)
    assert status == 4 and 0 < seconds < 30
    assert (tmp_path / "log").read_text() == "said 3\n"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    execute([sys.executable, "-c", code], tmp_path, "log", threads=3)
    assert (tmp_path / "log").read_text() == "said 2\n"


def test_a_program_and_its_children_are_ended(tmp_path):
    """The grandchild would write a file after the time is over."""
    child = "import time; time.sleep(3); open('late', 'w')"
    code = (
        "import subprocess, sys, time; print('begun', flush=True); "
        f"subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    )
    with pytest.raises(TimeoutError, match=r"did not end within 2 s(.|\n)*begun"):
        execute([sys.executable, "-c", code], tmp_path, "log", timeout=2)
    time.sleep(2)
    assert not (tmp_path / "late").exists()


def test_commands(tmp_path):
    assert split_command(f"{sys.executable} -c 'a b'", "X", "Try.") == [sys.executable, "-c", "a b"]
    with pytest.raises(FileNotFoundError, match=r"X was not found.*in the PATH.*Try\."):
        split_command("no_such_program -n 2", "X", "Try.")
    with pytest.raises(FileNotFoundError, match="at that path"):
        split_command(str(tmp_path / "x"), "X", "Try.")
    with pytest.raises(ValueError, match="the command of X is empty"):
        split_command(" ", "X", "Try.")


def test_last_lines(tmp_path):
    path = tmp_path / "log"
    path.write_text("".join(f"line {k}\n" for k in range(30)))
    assert last_lines(path, 2).endswith(":\nline 28\nline 29")
    path.write_text("")
    assert last_lines(path).endswith("is empty")
