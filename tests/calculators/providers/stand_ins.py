"""The interfaces of other packages, as they were recorded, over models of ours."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from ase_mag import models
from ase_mag.core import PairGraph
from ase_mag.core.model import Sum

#: Exchange, sizes and a repulsion, so that atoms and moments have minima.
MODEL = Sum([models.named("FeHL-1"), models.DzyaloshinskiiMoriya("Fe", models.cubic(0.02, 3.5))])


def response(atoms, moments, model=MODEL):
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    return model.evaluate(graph, moments)


class DeepPot:
    """``deepmd.infer.DeepPot`` of version 3.2 with spins.

    Arrays have a first axis of frames; the virial is -dE/d(strain); ``force_mag`` is -dE/dM, with
    the mask of atoms that have spins behind it.
    """

    has_spin = True

    def __init__(self, symbols=("Al", "Fe")):
        self.symbols = list(symbols)
        self.evaluations = 0

    def get_type_map(self):
        return self.symbols

    def eval(self, coords, cells, atom_types, atomic=False, spin=None):
        from ase import Atoms

        assert not atomic and spin is not None and coords.shape == spin.shape
        self.evaluations += 1
        n = len(atom_types)
        symbols = [self.symbols[k] for k in atom_types]
        atoms = Atoms(symbols, coords.reshape(n, 3))
        if cells is not None:
            atoms.set_cell(cells.reshape(3, 3))
            atoms.pbc = True
        found = response(atoms, spin.reshape(n, 3))
        return (
            np.array([[found.energy]]),
            found.forces[None],
            -found.virial.T.reshape(1, 9),
            found.magforces[None],
            np.ones((1, n, 1), dtype=bool),
        )


class Tensor:
    """As much of a torch tensor as is needed."""

    def __init__(self, values):
        self.values = values

    def detach(self):
        return self

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype)


class MaceModel:
    """A magnetic model of MACE: a module that gives magforces = -dE/dM among other things."""

    def __init__(self, factor=1.0):
        self.factor, self.hooks = factor, []

    def register_forward_hook(self, hook):
        self.hooks.append(hook)

    def __call__(self, atoms, key):
        found = response(atoms, atoms.arrays[key])
        output = {
            "energy": self.factor * found.energy,
            "forces": self.factor * found.forces,
            "stress": self.factor * found.virial / abs(np.linalg.det(atoms.cell.array)),
            "magforces": Tensor(self.factor * found.magforces),
        }
        for hook in self.hooks:
            hook(self, (atoms,), output)
        return output


class MagneticMACECalculator(Calculator):
    """MACE's calculator: moments from an array of the atoms, no magnetic forces in results."""

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012

    def __init__(self, models, magmom_key="REF_magmom", energy_units_to_eV=1.0, results=()):
        super().__init__()
        self.models, self.magmom_key = models, magmom_key
        self.energy_units_to_eV = energy_units_to_eV
        self.more = dict(results)

    def calculate(self, atoms=None, properties=(), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        found = [model(atoms, self.magmom_key) for model in self.models]
        for name in ("energy", "forces", "stress"):
            mean = np.mean([output[name] for output in found], axis=0)
            self.results[name] = mean * self.energy_units_to_eV
        self.results["stress"] = full_3x3_to_voigt_6_stress(self.results["stress"])
        self.results["free_energy"] = self.results["energy"]
        self.results |= self.more
