"""Errors of the last process: outside of the steps, or moments that do not converge.

The argument 'unconverged' makes the moments of that process disordered and long at step 25, so
that the implicit midpoint does not converge there; 'nan' makes one of them NaN, in a model without
bilinear form; 'script' is an error between two runs, 'none' no error.
"""

import sys

import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

comm, accident = MPI.COMM_WORLD, sys.argv[1]
model = models.named("FeHL-1")
atoms = bulk("Fe", a=2.86, cubic=True) * (4, 4, 4)
moments = np.random.default_rng(2).normal(scale=0.4, size=(len(atoms), 3)) + [0.0, 0.0, 2.1]
ase_mag.set_moments(atoms, moments)
if accident == "nan":
    model.bilinear = lambda graph: None
assert sys.excepthook is sys.__excepthook__
simulation = LammpsSimulation(
    atoms, model, units.fs, checkpoint="run.npz", checkpoint_interval=10, rng=1
)
if accident == "none":
    assert (sys.excepthook is sys.__excepthook__) == (comm.size == 1)


def disturb():
    if comm.rank == comm.size - 1:
        if accident == "nan":
            simulation.state.moments[0] = np.nan
        simulation.state.moments *= [60.0, 60.0, 0.0]
    simulation.state.moments_changed()  # on all: they evaluate together


if accident in ("unconverged", "nan"):
    simulation.attach(disturb, -25)
simulation.run_to(22)
if accident == "script" and comm.rank == 1:
    raise LookupError("an error in the script")
simulation.run_to(40)
simulation.close()
if comm.rank == 0:
    print('"done"')
