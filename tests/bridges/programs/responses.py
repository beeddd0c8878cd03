"""Energy, forces, magnetic forces and virial of every model of the contracts beside serial ones.

Arguments: 'periodic', 'slab' or 'triclinic', and the sites of a block if there are to be several.
Prints the largest error of each model, in units of
the largest value.
"""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
from mpi4py import MPI

from ase_mag import testing
from ase_mag.bridges import LammpsSimulation, blocks
from ase_mag.core import Gradients, Model
from ase_mag.testing.structures import Structure

comm, kind = MPI.COMM_WORLD, sys.argv[1]
if len(sys.argv) > 2:
    blocks.ALONE, blocks.SIZE = 0, int(sys.argv[2])
path = Path(__file__).parents[2] / "test_contracts.py"
spec = spec_from_file_location("contracts", path)
contracts = module_from_spec(spec)
spec.loader.exec_module(contracts)


class AtomByAtom(Model):
    """A model as a user writes it: arrays of atoms and ghosts, and a loop over the own atoms.

    E_i = sum_j w(r) (M_i.M_j)^2/2 with w = A (1 - r/c)^3, which is no bilinear form.
    """

    species, cutoff, strength = ("Fe",), 4.0, 1e-3

    def gradients(self, graph, moments, *, lattice=True):
        energies, radial = np.zeros(graph.n_sites), np.zeros(graph.n_pairs)
        slopes = np.zeros((graph.n_atoms, 3))
        for i in range(graph.n_sites):
            for pair in range(graph.offsets[i], graph.offsets[i + 1]):
                j, reach = graph.neighbors[pair], 1.0 - graph.distances[pair] / self.cutoff
                if reach <= 0:
                    continue
                weight, product = self.strength * reach**3, moments[i] @ moments[j]
                energies[i] += 0.5 * weight * product**2
                slopes[i] += weight * product * moments[j]
                slopes[j] += weight * product * moments[i]
                radial[pair] = -1.5 * self.strength * reach**2 * product**2 / self.cutoff
        return Gradients(energies, slopes, radial=radial if lattice else None)


def structure(model):
    atoms = testing.example(model.species, rng=7, displacement=0.1, axis=model.moment_axis)
    if kind == "slab":
        atoms.pbc = (True, False, True)
    if kind == "triclinic":
        turned = atoms.cell.array @ np.array([[1.0, 0.1, 0.05], [0.1, 1.05, 0.1], [0.0, 0.1, 1.1]])
        atoms.set_cell(turned, scale_atoms=True)
    return atoms


def distributed(model, atoms):
    """Return energy, magforces by both ways, forces and virial of one LAMMPS callback."""
    result = {}
    with LammpsSimulation(atoms, model, 1.0, rng=0, skin=0.3, oversubscribe=True) as simulation:
        engine, surface = simulation.engine, simulation.surface

        def seen():
            state, order = simulation.state, engine.tags() - 1
            response = surface.response(state)
            fields = surface.response_of_moments(state).magforces
            result["energy"] = np.atleast_1d(surface.total(response.energy))
            result["virial"] = surface.total(response.virial)
            columns = (response.forces, response.magforces, fields)
            parts = comm.gather((order, *columns))
            if parts is not None:
                order, *columns = (np.concatenate(p) for p in zip(*parts, strict=True))
                for name, column in zip(("forces", "magforces", "fields"), columns, strict=True):
                    result[name] = column[np.argsort(order)]

        simulation.attach(seen)
        simulation.run(0)
    return result


errors = {}
cases = {name: model for name, (model, _) in contracts.CASES.items()}
for name, model in (cases | {"atom by atom": AtomByAtom()}).items():
    atoms = structure(model)
    result = distributed(model, atoms)
    if comm.rank == 0:
        serial = Structure.of(atoms).response(model)
        expected = {
            "energy": np.atleast_1d(serial.energies.sum()),
            "virial": serial.virial,
            "forces": serial.forces,
            "magforces": serial.magforces,
            "fields": serial.magforces,
        }
        scale = np.abs(serial.energies).sum()
        errors[name] = {
            part: float(
                np.abs(result[part] - value).max() / max(np.abs(value).max(), 1e-3 * scale, 1e-30)
            )
            for part, value in expected.items()
        }
if comm.rank == 0:
    print(json.dumps(errors))
