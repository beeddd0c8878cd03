"""Atoms that are changed between two runs, on the last process only, and those that gather changes.

Prints what is said on every process, and the number of steps made in all.
"""

import json

from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

comm = MPI.COMM_WORLD
atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
ase_mag.set_moments(atoms, 2.2)
said = []
options = {"temperature_K": 300, "damping": 0.1, "friction": 0.01, "rng": 1}
files = {"checkpoint": "run.npz", "checkpoint_interval": 2}
model = models.named("FeHL-1")
with LammpsSimulation(atoms, model, units.fs, **options, **files) as simulation:
    simulation.run(3)
    simulation.gather()
    simulation.run(1)
    if comm.rank == comm.size - 1:
        atoms.positions += 0.3
        atoms.set_cell(1.05 * atoms.cell.array)
    try:
        simulation.run(1)
    except ValueError as error:
        said.append(str(error))
    simulation.gather()
    simulation.run(1)
    said.append(simulation.nsteps)
said = comm.gather(said)
if comm.rank == 0:
    print(json.dumps(said))
