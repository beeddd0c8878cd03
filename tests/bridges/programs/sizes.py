"""Moments with longitudinal baths: of a nonmagnetic species, of sizes that nothing bounds."""

import json

import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
atoms.numbers[::5] = 13
moments = np.random.default_rng(0).normal(scale=0.2, size=(len(atoms), 3)) + [0, 0, 2.1]
moments[::5] = 0.0
ase_mag.set_moments(atoms, moments)
model = models.named("FeHL-1") + models.NonMagnetic("Al")


def run(model):
    with LammpsSimulation(
        atoms, model, units.fs, temperature_K=600, longitudinal=True, rng=1
    ) as simulation:
        simulation.run(5)
        simulation.gather()


run(model)
found = ase_mag.get_moments(atoms)
aluminum, iron = np.abs(found[::5]).max(), np.abs(found - moments).max()
unbound = model + models.Landau("Fe", 0.0, 0.0, -10.0, allow_unbounded=True)
message = None
if MPI.COMM_WORLD.size == 1:
    try:
        run(unbound)
    except ValueError as error:
        message = str(error)
if MPI.COMM_WORLD.rank == 0:
    print(json.dumps({"aluminum": aluminum, "iron": iron, "message": message}))
