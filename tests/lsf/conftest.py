"""Small cells and a calculator with known landscapes."""

import pytest
from ase.build import bulk

import ase_mag
from ase_mag import lsf

from .quartic_calculator import QuarticCalculator


@pytest.fixture
def iron():
    """Perfect bcc iron, 16 atoms, 2.2 mu_B along z."""
    atoms = bulk("Fe", a=2.877, cubic=True) * (2, 2, 2)
    ase_mag.set_moments(atoms, 2.2)
    return atoms


@pytest.fixture
def frames(iron):
    """Four displaced frames with random directions."""
    return lsf.snapshots(iron, 0.1, count=4, rng=1)


@pytest.fixture
def quartic():
    """A calculator with known landscapes."""
    return QuarticCalculator()


@pytest.fixture
def table(frames, quartic):
    """Landscapes of the four frames."""
    return lsf.landscapes(frames, quartic, progress=False)
