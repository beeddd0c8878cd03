"""Moments with longitudinal baths: of a nonmagnetic species, of sizes that nothing bounds.

Also what is said of a spin step that is too long, beside the words of the serial class.
"""

import json
import warnings

import numpy as np
from ase import units
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.dynamics import SpinLatticeDynamics

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
atoms.positions[:] = 2.86 * np.round(atoms.positions / 1.43) / 2
ase_mag.set_moments(atoms, moments)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    options = {"temperature_K": 0.0, "damping": 0.1, "rng": 1}
    with LammpsSimulation(atoms, model, 30 * units.fs, **options) as simulation:
        simulation.run(1)
    ours = [str(w.message) for w in caught]
    if MPI.COMM_WORLD.rank == 0:
        atoms.calc = ase_mag.MagneticCalculator(model)
        SpinLatticeDynamics(atoms, 30 * units.fs, **options)
    words = MPI.COMM_WORLD.gather((ours, [str(w.message) for w in caught][len(ours) :]))
unbound = model + models.Landau("Fe", 0.0, 0.0, -10.0, allow_unbounded=True)
directions = models.SpinOrientationPotential("Fe", 4.0, 2, 1)
directions.parameters = [0.0, 0.0, -1e-3, 0.0, 0.0]
lattice = models.mendelev_2003() + models.NonMagnetic("Al")
message = loose = None
if MPI.COMM_WORLD.size == 1:
    try:
        run(unbound)
    except ValueError as error:
        message = str(error)
    try:
        run(lattice + directions)
    except ValueError as error:
        loose = str(error)
ase_mag.set_moments(atoms, moments)
run(lattice + directions + models.Landau("Fe", -0.3, 0.03))
held = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
if MPI.COMM_WORLD.rank == 0:
    print(
        json.dumps(
            {"aluminum": aluminum, "iron": iron, "message": message, "words": words}
            | {"loose": loose, "held": held.max()}
        )
    )
