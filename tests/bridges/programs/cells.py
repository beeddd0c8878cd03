"""Energy, forces, magnetic forces, virial and positions in odd cells beside serial ones.

Prints the largest error of each structure, in units of the largest value.
"""

import json

import numpy as np
from ase import Atoms
from ase.build import bulk
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.testing.structures import Structure

comm, model = MPI.COMM_WORLD, models.named("FeHL-1")
SKEW = np.array([[1.0, 0.2, 0.1], [0.3, 1.0, 0.2], [0.1, -0.3, 1.0]])


def structures():
    iron = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
    rng = np.random.default_rng(3)
    yield "primitive", bulk("Fe", a=2.86)
    yield "flat", bulk("Fe", a=2.86, cubic=True) * (5, 5, 1)
    rows = bulk("Fe", a=2.86, cubic=True) * (2, 2, 2)
    rows.cell[1] += 5 * rows.cell[0]
    rows.cell[2] += 3 * rows.cell[0] - 4 * rows.cell[1]
    yield "far from reduced", rows
    left = iron.copy()
    left.set_cell(iron.cell.array * [[1], [1], [-1]])
    yield "left-handed", left
    far = iron.copy()
    far.positions += rng.integers(-700, 700, size=far.positions.shape) @ far.cell.array
    yield "more turns than image flags count", far
    for pbc in np.ndindex(2, 2, 2):
        free = iron.copy()
        free.set_cell(iron.cell.array @ SKEW, scale_atoms=True)
        free.pbc = pbc
        yield f"skewed, pbc {pbc}", free
    gone = iron.copy()
    gone.pbc, gone.positions[5, 2] = False, 500.0
    gone.cell[:] = 0.0
    yield "no cell, one atom is far off", gone
    layer = bulk("Fe", "fcc", a=3.6, cubic=True) * (3, 3, 1)
    layer = layer[layer.positions[:, 2] == 0]
    layer.pbc = (True, True, False)
    yield "layer", layer
    # Atoms on the faces of the box, and less than the spacing of numbers beyond them.
    yield "undisplaced, primitive", bulk("Fe", a=2.86) * (4, 4, 4)
    yield "undisplaced, skewed", skewed_on_its_faces()
    beyond = iron.copy()
    beyond.positions[beyond.positions == 0] = -1e-16
    yield "undisplaced, beyond a face", beyond
    far = iron.copy()
    far.positions += rng.integers(-700, 700, size=far.positions.shape) @ far.cell.array
    yield "undisplaced, many turns", far
    yield "pair", Atoms("Fe2", positions=[[0, 0, 0], [0, 0, 2.3]])
    yield "atom", Atoms("Fe")


def skewed_on_its_faces():
    skewed = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
    skewed.set_cell(skewed.cell.array @ SKEW.T, scale_atoms=True)
    return skewed


def distributed(atoms):
    result = {}
    with LammpsSimulation(atoms, model, 1.0, rng=0, skin=0.3, oversubscribe=True) as simulation:
        engine, surface = simulation.engine, simulation.surface

        def seen():
            response = surface.response(simulation.state)
            result["energy"] = surface.total([response.energy])
            result["virial"] = surface.total(response.virial)
            columns = engine.unwrapped(), response.forces, response.magforces
            parts = comm.gather((engine.tags() - 1, *columns))
            if parts is not None:
                order, *columns = (np.concatenate(p) for p in zip(*parts, strict=True))
                names = ("positions", "forces", "magforces")
                for name, column in zip(names, columns, strict=True):
                    result[name] = column[np.argsort(order)]

        simulation.attach(seen)
        simulation.run(0)
        assert np.array_equal(engine.cell, atoms.cell.array)
    return result


errors = {}
for name, atoms in structures():
    rng = np.random.default_rng(4)
    if name != "layer" and not name.startswith("undisplaced"):
        atoms.positions += rng.normal(scale=0.05, size=atoms.positions.shape)
    ase_mag.set_moments(atoms, rng.normal(scale=1.5, size=(len(atoms), 3)))
    result = distributed(atoms)
    if comm.rank == 0:
        serial = Structure.of(atoms).response(model)
        expected = {
            "energy": np.atleast_1d(serial.energy),
            "virial": serial.virial,
            "positions": atoms.positions,
            "forces": serial.forces,
            "magforces": serial.magforces,
        }
        least = 1e-3 * np.abs(serial.energies).sum()
        errors[name] = max(
            float(np.abs(result[part] - value).max() / max(np.abs(value).max(), least, 1e-30))
            for part, value in expected.items()
        )
if comm.rank == 0:
    print(json.dumps(errors))
