"""A run that is resumed with other intervals of its frames; prints the steps of all three files."""

import json

import ase.io
import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

comm, found = MPI.COMM_WORLD, []
files = {"trajectory": "run.traj", "logfile": "run.log", "dump": "run.dump"}
files |= {"checkpoint": "run.npz", "checkpoint_interval": 10, "restart": True}
for steps, interval in ((29, 5), (27, 2), (31, 3), (50, 10)):
    atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(atoms, 2.2)
    options = {"temperature_K": 300, "damping": 0.1, "friction": 0.01, "rng": 1}
    # As after kill -9: without a checkpoint at the end.
    with LammpsSimulation(
        atoms, models.named("FeHL-1"), units.fs, loginterval=interval, **options, **files
    ) as simulation:
        simulation.run_to(steps)
    comm.barrier()
    if comm.rank == 0:
        times, *_ = np.loadtxt("run.log", skiprows=1).T
        dumped = ase_mag.io.read_lammps_spin("run.dump", slice(None))
        found.append(
            [
                np.rint(1000 * times).astype(int).tolist(),
                len(ase.io.Trajectory("run.traj")),
                [frame.info["step"] for frame in dumped],
            ]
        )
if comm.rank == 0:
    print(json.dumps(found))
