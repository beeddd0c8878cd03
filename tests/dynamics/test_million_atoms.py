"""One million moments fit in 2 GiB and start in under 10 s of processor time."""

import subprocess
import sys

import pytest

pytest.importorskip("resource", reason="peak memory is measured on Unix only")

SCRIPT = """\
import resource
import sys
from time import process_time
import numpy as np
from ase import units
from ase.build import bulk
import ase_mag
from ase_mag import models
from ase_mag.dynamics import SpinDynamics

atoms = bulk("Fe", a=2.8665, cubic=True) * (80, 80, 80)
atoms.positions += {noise} * np.random.default_rng(1).normal(size=atoms.positions.shape)
ase_mag.set_moments(atoms, 2.2)
atoms.calc = ase_mag.MagneticCalculator({model})
start = process_time()
dynamics = SpinDynamics(
    atoms, units.fs, temperature_K=300, damping=0.1, rng=1, progress=False, {observers}
)
dynamics.run(1)
seconds = process_time() - start
assert (dynamics.surface.lattice_form(dynamics.state) is None) == ({noise} > 0)
unit = 1 if sys.platform == "darwin" else 1024
print(len(atoms), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit, seconds)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise, model, observers",
    [
        (0.02, "models.Heisenberg('Fe', models.cubic(0.02, cutoff=3.4))", ""),
        (0.0, "models.named('Fe-UppASD')", "logfile='spins.log', trajectory='spins.traj'"),
        (0.0, "models.Heisenberg('Fe', models.cubic(0.02, cutoff=6.33))", "logfile='spins.log'"),
    ],
    ids=["displaced atoms, 14 neighbors", "crystal, 50 neighbors", "crystal, 88 neighbors"],
)
def test_memory_and_start(noise, model, observers, tree_environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(noise=noise, model=model, observers=observers)],
        env=tree_environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    atoms, peak, seconds = map(float, done.stdout.split())
    assert atoms == 1_024_000
    assert peak < 2 * 2**30, f"{peak / 2**30:.2f} GiB"
    assert seconds < 10, f"{seconds:.1f} s of processor time"
