"""Trajectories that are larger than the memory that their analysis takes."""

import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.trajectory import TrajectoryWriter

from ase_mag import set_moments

#: Peak resident memory in MB after the imports and after every observable of a file.
SCRIPT = """
import resource, sys
from pathlib import Path
import numpy as np
from ase_mag import analysis


def peak():
    status = Path("/proc/self/status")
    if status.exists():  # the usage of resources would begin with that of the process before
        return float(status.read_text().split("VmHWM:")[1].split()[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


print(peak())
run = analysis.read(sys.argv[1])
run.summary()
run.moment_histogram(), run.moment_sizes.mean()
found = run.structure_factor("GHNGP")
assert found.dynamic is not None
run.phonons("GH"), run.vibrational_density(), run.site_maps()
run.correlation(cutoff=4.0, stride=int(sys.argv[2]))
print(peak())
"""


def write(path, size, repeat):
    """Write random frames of bcc iron with everything that a dynamics writes, ``size`` bytes."""
    home, rng = bulk("Fe", a=2.87, cubic=True) * repeat, np.random.default_rng(1)
    n = len(home)
    with TrajectoryWriter(path, "w") as file:
        file.set_description({"timestep": 0.2, "interval": 1, "temperature_K": 300})
        while not path.exists() or path.stat().st_size < size:
            atoms = home.copy()
            atoms.positions += rng.normal(scale=0.05, size=(n, 3))
            atoms.set_momenta(rng.normal(size=(n, 3)))
            set_moments(atoms, [0, 0, 2.0] + 0.2 * rng.normal(size=(n, 3)))
            atoms.info["spin_temperature_K"] = 300.0
            atoms.calc = SinglePointCalculator(
                atoms,
                energy=0.0,
                forces=np.zeros((n, 3)),
                stress=np.zeros(6),
                stresses=np.zeros((n, 6)),
            )
            file.write(atoms)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "repeat", "stride", "most"),
    [
        # Frames of 54 atoms: series and waves are long beside the frames.
        pytest.param(40e6, 3, 50, 110, id="short frames"),
        pytest.param(100e6, 6, 50, 110, id="100 MB"),
        # 54,000 atoms: nine large arrays in each of 39 frames.
        pytest.param(3e8, 30, 20, 300, id="large frames"),
        # All of it in 500 MB; measured: 297 MB, of which the imports are 140 MB.
        pytest.param(1e9, 6, 200, 300, id="1 GB"),
    ],
)
def test_memory_does_not_grow_with_the_file(size, repeat, stride, most, tmp_path, tree_environment):
    """Above the imports: 150 MB of velocities at most, 64 MB of waves, and what a part takes."""
    path = tmp_path / "long.traj"
    write(path, size, repeat)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), str(stride)],
        cwd=tmp_path,
        env=tree_environment,
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    before, after = (float(line) for line in done.stdout.split())
    assert after - before < most and after < 500
