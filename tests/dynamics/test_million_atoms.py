"""One million moments fit in 2 GiB and start in under 10 s of processor time."""

import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="peak memory is measured on Unix only")

SCRIPT = """\
import resource
from time import process_time
import numpy as np
from ase import units
from ase.build import bulk
import ase_mag
from ase_mag.dynamics import SpinDynamics
from ase_mag.models import Heisenberg, cubic

atoms = bulk("Fe", a=2.8665, cubic=True) * (80, 80, 80)
atoms.positions += 0.02 * np.random.default_rng(1).normal(size=atoms.positions.shape)
ase_mag.set_moments(atoms, 2.2)
atoms.calc = ase_mag.MagneticCalculator(Heisenberg("Fe", cubic(0.02, cutoff=3.4)))
start = process_time()
dynamics = SpinDynamics(
    atoms, units.fs, temperature_K=300, damping=0.1, rng=1, progress=False
)
dynamics.run(1)
seconds = process_time() - start
pairs = len(dynamics.surface.form(dynamics.state).neighbors)
unit = 1 if __import__("sys").platform == "darwin" else 1024
print(len(atoms), pairs, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, seconds)
"""


@pytest.mark.slow
def test_memory_and_start(tree_environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=tree_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    atoms, pairs, peak, seconds = map(float, done.stdout.split())
    assert atoms == 1_024_000
    assert pairs / atoms == pytest.approx(14, rel=0.01)
    assert peak < 2 * 2**30, f"{peak / 2**30:.2f} GiB"
    assert seconds < 10, f"{seconds:.1f} s of processor time"
