"""Peak memory per atom of a simulation in blocks, the user's atoms included.

Prints atoms, blocks and bytes per atom at the peak of the start and some steps, and of some more
runs, each of which takes the pairs over anew.
"""

import json
import resource
import sys
from pathlib import Path

from ase import units
from ase.build import bulk
from ase.md.velocitydistribution import thermalize_momenta
from numpy.random import default_rng

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation, blocks

blocks.ALONE = 0


def peak():
    """Return the largest resident memory so far, bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # the usage of resources would begin with that of the process before
        return 1024 * int(status.read_text().split("VmHWM:")[1].split()[0])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


exchange = models.bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4)
model = models.named("Fe-Mendelev2003") + models.Heisenberg(
    "Fe", exchange, convention="LAMMPS", moment=2.2
)
before = peak()
atoms = bulk("Fe", a=2.8665, cubic=True) * (40, 40, 40)
ase_mag.set_moments(atoms, 2.2)
thermalize_momenta(atoms, 600, rng=default_rng(1))
baths = {"temperature_K": 300, "friction": 0.01 / units.fs, "damping": 0.1}
with LammpsSimulation(atoms, model, units.fs, progress=False, rng=1, **baths) as simulation:
    simulation.run(2)
    first = peak() - before
    for _ in range(3):
        simulation.run(2)
    found = {
        "atoms": len(atoms),
        "blocks": len(simulation.surface.blocks.blocks),
        "bytes_per_atom": first / len(atoms),
        "later_bytes_per_atom": (peak() - before) / len(atoms),
    }
print(json.dumps(found))
