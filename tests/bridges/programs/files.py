"""A run with trajectory, log and checkpoint, which may be resumed, killed or made to fail.

Arguments: number of steps in all, 'fail' (an error at step 25 in the model of the last process),
'die' or 'end' (kill -9 or SIGTERM of the last process there) or '-', and 'anew', 'resume'
or 'unmoved' (a checkpoint before the first step, and no more).
"""

import os
import signal
import sys

import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

comm = MPI.COMM_WORLD
steps, accident, begin = int(sys.argv[1]), sys.argv[2], sys.argv[3]
atoms = bulk("Fe", a=2.86, cubic=True) * (4, 4, 4)
rng = np.random.default_rng(2)
atoms.set_masses(np.linspace(40.0, 60.0, len(atoms)))
masses = atoms.get_masses()[:, None]
atoms.set_momenta(np.sqrt(units.kB * 1800 * masses) * rng.normal(size=atoms.positions.shape))
ase_mag.set_moments(atoms, rng.normal(scale=0.4, size=(len(atoms), 3)) + [0.0, 0.0, 2.1])
simulation = LammpsSimulation(
    atoms,
    models.named("FeHL-1"),
    units.fs,
    temperature_K=900,
    friction=0.01 / units.fs,
    damping=0.1,
    pressure=1.0 * units.GPa,
    rng=5,
    trajectory="run.traj",
    dump="run.dump",
    logfile="run.log",
    loginterval=5,
    checkpoint="run.npz",
    checkpoint_interval=20,
    restart=begin == "resume",
)


def accident_at_25():
    if simulation.nsteps == 25 and comm.rank == comm.size - 1:
        if accident == "fail":
            raise ArithmeticError("the model has failed")
        if accident == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if accident == "end":
            os.kill(os.getpid(), signal.SIGTERM)


simulation.attach(accident_at_25, 1)
if begin == "unmoved":
    simulation.checkpoint.write()
else:
    simulation.run_to(steps)
simulation.close()
if comm.rank == 0:
    print('"done"')
