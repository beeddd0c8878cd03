"""Atoms and settings that differ between processes, and atoms after a checkpoint.

Prints the errors of every process.
"""

import json

import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation

comm = MPI.COMM_WORLD
own = comm.rank + 1
IRON = models.named("FeHL-1")


def iron():
    atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(atoms, 2.2)
    return atoms


def said(atoms, model=IRON, **options):
    options = {"temperature_K": 300, "damping": 0.1, "rng": 1} | options
    try:
        with LammpsSimulation(atoms, model, units.fs, **options) as simulation:
            simulation.run(1)
            return None
    except ValueError as error:
        return str(error)


cases = [said(iron())]
atoms = iron()
# By the last bit of one coordinate.
atoms.positions[5, 1] = np.nextafter(atoms.positions[5, 1], own)
cases.append(said(atoms))
atoms = iron()
atoms.set_cell(atoms.cell.array * own, scale_atoms=True)
cases.append(said(atoms))
cases.append(said(iron()[: 54 // own]))
atoms = iron()
atoms.rattle(0.01, rng=np.random.default_rng(own))
atoms.set_momenta(np.full((54, 3), float(own)))
ase_mag.set_moments(atoms, own)
atoms.set_masses(np.full(54, 50.0 + own))
cases.append(said(atoms))
cases.append(said(iron(), damping=0.1 * own, skin=0.3 * own, loginterval=own))
cases.append(said(iron(), field=lambda time: (0.0, 0.0, own * time)))
cases.append(said(iron(), trajectory="one.traj" if own == 1 else None))
cases.append(said(iron(), IRON if own == 1 else IRON + models.NonMagnetic("Al")))
atoms = iron()
atoms.set_momenta(np.random.default_rng(1).normal(scale=10, size=(54, 3)))
before = atoms.copy()
with LammpsSimulation(
    atoms, IRON, units.fs, rng=1, checkpoint="run.npz", checkpoint_interval=2
) as simulation:
    simulation.run(4)
kept = bool(atoms == before)
cases = comm.gather((cases, kept))
if comm.rank == 0:
    with np.load("run.npz") as file:
        moved = float(np.abs(file["positions"] - atoms.positions).max())
    print(json.dumps([*cases, moved]))
