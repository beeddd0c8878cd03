"""Every example runs as it is, in a folder of its own, and says something."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_examples_are_numbered():
    assert [path.name[:2] for path in EXAMPLES] == [f"{k:02}" for k in range(1, len(EXAMPLES) + 1)]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path, strict_python, tree_environment):
    done = subprocess.run(
        [*strict_python, path],
        cwd=tmp_path,
        env=tree_environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:]
    assert len(done.stdout.splitlines()) > 3
