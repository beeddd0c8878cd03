"""Two runs at once, each on one half of the processes; rank 0 of all is in the first.

Argument: steps. Runs go on from checkpoints that are there.
"""

import sys

from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

comm, steps = MPI.COMM_WORLD, int(sys.argv[1])
group = 2 * comm.rank // comm.size
atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
ase_mag.set_moments(atoms, 2.2)
with LammpsSimulation(
    atoms,
    models.named("FeHL-1"),
    units.fs,
    temperature_K=300,
    damping=0.1,
    rng=1,
    comm=comm.Split(group),
    logfile=f"{group}.log",
    trajectory=f"{group}.traj",
    loginterval=5,
    checkpoint=f"{group}.npz",
    checkpoint_interval=20,
    restart=True,
) as simulation:
    simulation.run_to(steps)
comm.barrier()
if comm.rank == 0:
    print('"done"')
