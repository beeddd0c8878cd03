"""Runs that cannot go on, and what is said about it on every process.

Argument: 'lost' (an atom that flies far, and a checkpoint with NaN), 'overlap' (two atoms at one
place) or 'nan' (forces that are no numbers); the last two end all processes.
"""

import json
import sys

import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.core import Model

comm, what = MPI.COMM_WORLD, sys.argv[1]
ATOM = 90


class Failing(Model):
    """A model whose forces on atom ATOM are NaN once it has moved by 0.02 angstrom."""

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        found = self.model.gradients(graph, moments, lattice=lattice)
        here = np.flatnonzero(graph.topology.labels[: graph.n_sites] == ATOM)
        if lattice and np.any(np.abs(graph.positions[here] - start[ATOM]) > 0.02):
            found.radial[graph.offsets[here[0]]] = np.nan
        return found


def iron():
    atoms = bulk("Fe", a=2.86, cubic=True) * (4, 4, 4)
    atoms.positions += 0.7
    ase_mag.set_moments(atoms, 2.2)
    return atoms


def run(atoms, steps, model, **options):
    """Return the number of steps of a run, and its error in words or None."""
    simulation = None
    try:
        simulation = LammpsSimulation(
            atoms, model, units.fs, temperature_K=0.0, damping=0.1, rng=1, **options
        )
        simulation.run(steps)
    except (RuntimeError, ValueError) as error:
        if what != "lost":
            raise
        kind = "RuntimeError" if isinstance(error, RuntimeError) else "ValueError"
        return simulation and simulation.nsteps, f"{kind}: {error}"
    finally:
        if simulation is not None:
            simulation.close()
    return simulation.nsteps, None


atoms, model = iron(), models.named("FeHL-1")
start = atoms.positions.copy()
momenta = np.zeros((len(atoms), 3))
if what == "overlap":
    atoms.positions[ATOM] = atoms.positions[ATOM + 1]
    run(atoms, 1, model)
elif what == "nan":
    momenta[ATOM] = [0.01 / units.fs * 55.845, 0.0, 0.0]
    atoms.set_momenta(momenta)
    run(atoms, 10, Failing(model))
else:
    said = [run(atoms, 12, model, checkpoint="run.npz", checkpoint_interval=6)]
    with np.load("run.npz") as file:
        arrays = dict(file)
    comm.barrier()
    arrays["momenta"][3, 1] = np.nan
    if comm.rank == 0:
        np.savez("run.npz", **arrays)
    comm.barrier()
    said.append(run(iron(), 20, model, checkpoint="run.npz", restart=True))
    atoms = iron()
    momenta[ATOM] = [1.6 * 11.44 / units.fs * 55.845, 0.0, 0.0]
    atoms.set_momenta(momenta)
    said.append(run(atoms, 400, model))
    said = comm.gather(said)
    if comm.rank == 0:
        print(json.dumps(said))
