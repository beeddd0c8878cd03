"""A simulation in a script, on more or fewer processes than there are cores.

Argument: 'oversubscribe' or '-'. Prints the threads of the kernels on every process, or the error.
"""

import json
import sys

from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.core import get_threads

comm = MPI.COMM_WORLD
atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
ase_mag.set_moments(atoms, 2.2)
options = {"oversubscribe": True} if sys.argv[1] == "oversubscribe" else {}
before, error = get_threads(), None
try:
    with LammpsSimulation(atoms, models.named("FeHL-1"), units.fs, rng=1, **options) as simulation:
        simulation.run(1)
except (RuntimeError, ValueError) as refused:
    error = str(refused)
found = comm.gather([before, get_threads(), error])
if comm.rank == 0:
    print(json.dumps(found))
