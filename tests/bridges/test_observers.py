"""Observers beside those of ASE's dynamics."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.md.verlet import VelocityVerlet

from ase_mag.bridges.observers import Observers


class Writer:
    def __init__(self):
        self.written = 0

    def write(self, **_):
        self.written += 1


def test_calls_are_those_of_ase():
    dynamics = VelocityVerlet(Atoms("Ar", calculator=LennardJones()), timestep=1.0)
    observers, calls = Observers(), ([], [])
    for interval in (1, 3, -4, -99):
        dynamics.attach(
            lambda *a, **b: calls[0].append((dynamics.nsteps, a, b)), interval, interval, name="x"
        )
        observers.attach(
            lambda *a, **b: calls[1].append((step, a, b)), interval, (interval,), {"name": "x"}
        )
    dynamics.run(8)
    for step in range(9):
        observers.call(step)
    assert calls[0] == calls[1]
    assert len(calls[0]) == 9 + 3 + 1


def test_objects_with_write_and_bad_input():
    observers, writer = Observers(), Writer()
    observers.attach(writer, 2, (), {})
    for step in range(5):
        observers.call(step)
    assert writer.written == 3
    with pytest.raises(TypeError, match=r"needs a function or an object with write, got array"):
        observers.attach(np.zeros(3), 1, (), {})
    for interval, message in ((0, "other than 0, got 0"), (1.5, "integer >= 0, got 1.5")):
        with pytest.raises(ValueError, match=message):
            observers.attach(print, interval, (), {})
