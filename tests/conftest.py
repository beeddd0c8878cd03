"""What all tests share."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def strict_python():
    """A command that runs Python with warnings as errors.

    Except one: NumPy 2.5 deprecates what ASE 3.29 does itself (see pyproject.toml too).
    """
    return [sys.executable, "-W", "error", "-W", "ignore:Setting the shape on a NumPy array"]


@pytest.fixture(scope="session")
def tree_environment():
    """Environment variables with which a fresh process imports the package of this source tree."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def record_property(record_property):
    """pytest's, for numpy's numbers too, which test processes cannot send to each other."""
    return lambda name, value: record_property(name, np.asarray(value).tolist())
