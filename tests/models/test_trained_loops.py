"""Dislocation loops with the trained iron: memory at 10^5 atoms."""

import json
import subprocess
import sys

import pytest

LARGE = """
import json, resource, sys
from time import process_time
import numpy as np
from ase import units
from ase.md.velocitydistribution import thermalize_momenta
import ase_mag
from ase_mag import build, models
from ase_mag.dynamics import SpinLatticeDynamics

atoms = build.prismatic_loop(build.bcc_crystal(2.8493, 40, moment=2.063), "<100>", n_atoms=265)
atoms.calc = ase_mag.MagneticCalculator(models.named("Fe-MSLP-FeHL1"))
thermalize_momenta(atoms, temperature_K=800, rng=np.random.default_rng(0))
dynamics = SpinLatticeDynamics(
    atoms, 1 * units.fs, temperature_K=800, friction=0.02 / units.fs, longitudinal=True,
    pressure=0.0, rng=1, progress=False,
)
start = process_time()
dynamics.run(1)
unit = 1 if sys.platform == "darwin" else 1024
found = {
    "atoms": len(atoms),
    "seconds": process_time() - start,
    "gib": unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**30,
    "finite": bool(np.isfinite(atoms.positions).all() and np.isfinite(atoms.get_momenta()).all()),
    "sizes": float(np.linalg.norm(ase_mag.get_moments(atoms), axis=1).mean()),
}
print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_loop_of_the_paper_fits_in_eight_gib(record_property):
    """128,265 atoms, one step at zero pressure with both baths; the time is only recorded."""
    pytest.importorskip("resource")
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for name in ("seconds", "gib"):
        record_property(name, found[name])
    assert found["atoms"] == 128_265 and found["finite"]
    assert found["sizes"] == pytest.approx(2.063, abs=0.05)
    assert 0.1 < found["gib"] < 8.0
