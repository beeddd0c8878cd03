"""Running the remade papers: modules name their SCRIPT, its OPTIONS and PYTHON_OPTIONS."""

import subprocess

import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("paper")


@pytest.fixture(scope="module")
def job(request, folder, strict_python, tree_environment):
    """A function that runs the job of a module in ``folder``."""
    module = request.module
    command = [*strict_python, *module.PYTHON_OPTIONS, module.SCRIPT, "--output", folder]

    def run(*arguments):
        return subprocess.run(
            [*command, *module.OPTIONS, *arguments],
            env=tree_environment,
            capture_output=True,
            text=True,
            timeout=180,
        )

    return run


@pytest.fixture(scope="module")
def first(job):
    """The first run. Every process that has one of a module's tests makes it for itself."""
    done = job("--fast")
    assert done.returncode == 0, done.stderr[-3000:]
    return done
