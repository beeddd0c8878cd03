"""A run on this many processes beside one of the serial classes, from the same start.

Arguments: the name of a case, the number of steps and 'resumed' for a run that process 0 takes up
alone after a third of them. Prints the largest differences.
"""

import json
import sys
from functools import partial
from itertools import pairwise

import numpy as np
from ase import units
from ase.build import bulk
from ase.constraints import FixAtoms
from mpi4py import MPI

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.core import Model
from ase_mag.dynamics import Precession, SpinLatticeDynamics, longitudinal

comm, name, steps = MPI.COMM_WORLD, sys.argv[1], int(sys.argv[2])
N = 200
#: Numbers of single atoms, some of which are zero.
SPREAD = np.random.default_rng(3).permutation(np.linspace(0.0, 1.0, N).clip(0.2) - 0.2)


def turning(time):
    """A field that grows and turns, tesla."""
    phase = 0.2 * time / units.fs
    return 300 * np.sin(0.05 * phase) * np.array([np.cos(phase), np.sin(phase), 0.5])


BATHS = {"temperature_K": 900, "friction": 0.01 / units.fs}
CASES = {
    "constant energy": {"method": "implicit"},
    "baths": BATHS | {"damping": 0.1, "spin_temperature_K": 500},
    "sub-steps, field": BATHS
    | {"damping": 0.1, "spin_timestep": 0.2 * units.fs, "field": (10.0, 20.0, 30.0)},
    "pressure": BATHS | {"damping": 0.1, "pressure": 2.0 * units.GPa},
    "pressure, cell": BATHS | {"damping": 0.1, "pressure": 2.0 * units.GPa, "full_cell": True},
    "pressure, upright cell, dump": BATHS
    | {"damping": 0.1, "pressure": 2.0 * units.GPa, "full_cell": True},
    "longitudinal": BATHS | {"longitudinal": True, "spin_timestep": 0.2 * units.fs},
    "longitudinal, no form": BATHS | {"longitudinal": True},
    "field of time": {"method": "implicit", "field": turning},
    "field of time, no form": BATHS
    | {"damping": 0.1, "field": turning, "pressure": 2.0 * units.GPa, "account": True},
    "damping of atoms": BATHS | {"damping": 0.3 * SPREAD, "spin_timestep": 0.2 * units.fs},
    "rates of atoms": BATHS | {"longitudinal": True, "longitudinal_rate": 0.02 * SPREAD},
    "isotopes": BATHS | {"damping": 0.1, "pressure": 2.0 * units.GPa},
    "fixed atoms": BATHS | {"damping": 0.1},
    "fixed atoms, isotopes, field of time": BATHS
    | {"damping": 0.3 * SPREAD, "field": turning, "pressure": 1.0 * units.GPa, "account": True},
    "inertial": {"method": "implicit", "longitudinal": "inertial", "inertia": 0.05 + SPREAD},
    "inertial, baths": BATHS
    | {
        "longitudinal": "inertial",
        "longitudinal_friction": 0.05 / units.fs,
        "damping": 0.1,
        "spin_timestep": 0.3 * units.fs,
        "account": True,
        "pressure": 2.0 * units.GPa,
        "full_cell": True,
    },
    "own images": BATHS | {"damping": 0.1},
    "many turns": {"method": "implicit"},
}
REPEATS = {"own images": (1, 1, 4), "many turns": (1, 1, 4)}


class Formless(Model):
    """A model that keeps its bilinear form to itself."""

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)


def start():
    atoms = bulk("Fe", a=2.86, cubic=True) * REPEATS.get(name, (5, 4, 5))
    if name in ("pressure, cell", "sub-steps, field"):
        skewed = atoms.cell.array @ np.array([[1, 0.03, 0], [0.1, 1, 0.02], [0.05, 0.01, 1]])
        atoms.set_cell(skewed, scale_atoms=True)
    rng = np.random.default_rng(2)
    atoms.positions += rng.normal(scale=0.02, size=atoms.positions.shape)
    # 1800 K: neighbors are searched and atoms change process several times in 100 steps.
    if "isotopes" in name:
        atoms.set_masses(50.0 + 20 * SPREAD)
    masses = atoms.get_masses()[:, None]
    atoms.set_momenta(
        np.sqrt(units.kB * 1800 * masses) * rng.normal(size=atoms.positions.shape)
        + np.array([25.0 if name == "many turns" else 0.3, -0.2, 0.1]) * masses
    )
    ase_mag.set_moments(atoms, rng.normal(scale=0.4, size=(len(atoms), 3)) + [0.0, 0.0, 2.1])
    if "fixed" in name:
        atoms.set_constraint(FixAtoms(np.flatnonzero(SPREAD < 0.1)))
        atoms.set_momenta(atoms.get_momenta())
    return atoms


model, options = models.named("FeHL-1"), dict(CASES[name])
if name == "longitudinal":
    # Serial runs turn the moments of bilinear models one after the other, unless they are told to
    # turn them by the midpoint like those on processes.
    longitudinal.SequentialPrecession = partial(Precession, damping=0.0)
elif name in ("longitudinal, no form", "rates of atoms", "field of time, no form"):
    model = Formless(model)
serial_only = {"method": options.pop("method")} if "method" in options else {}
atoms = start()
owners = []
files = {"dump": "run.dump", "loginterval": 5} if "dump" in name else {}


def simulate(atoms, comm, *ends):
    """Run to some numbers of steps, and return what is to be compared."""
    more = options | files | {"oversubscribe": True}
    with LammpsSimulation(atoms, model, units.fs, rng=5, skin=0.2, comm=comm, **more) as simulation:
        simulation.attach(lambda: owners.append(set(simulation.engine.tags().tolist())), 10)
        for end in ends:
            simulation.run_to(end)
        if "checkpoint" in files:
            simulation.checkpoint.write()
        simulation.gather()
        return simulation.heat, simulation.observables(), simulation.rebuilds


if sys.argv[3:] == ["resumed"]:
    files = {"checkpoint": "run.npz", "restart": True}
    simulate(start(), comm, steps // 3)
    alone = comm.Split(comm.rank)
    if comm.rank == 0:
        heat, seen, rebuilds = simulate(atoms, alone, steps)
        owners.clear()
else:
    heat, seen, rebuilds = simulate(atoms, comm, steps // 3, steps)
moved = comm.allreduce(sum(len(a - b) for a, b in pairwise(owners)))
if comm.rank == 0:
    serial = start()
    serial.calc = ase_mag.MagneticCalculator(model)
    dynamics = SpinLatticeDynamics(serial, units.fs, rng=5, **options, **serial_only)
    dynamics.run(steps)
    pairs = {
        "positions": (atoms.positions, serial.positions),
        "momenta": (atoms.get_momenta(), serial.get_momenta()),
        "moments": (ase_mag.get_moments(atoms), ase_mag.get_moments(serial)),
        "cell": (atoms.cell.array, serial.cell.array),
        "potential": (seen.potential, dynamics.get_potential_energy()),
        "kinetic": (seen.kinetic, serial.get_kinetic_energy()),
        "heat": ([heat[k] for k in dynamics.heat], list(dynamics.heat.values())),
    }
    temperatures = [seen.temperature_K, serial.get_temperature()]
    pairs["temperature"] = np.divide(temperatures, temperatures[1])
    if dynamics.sizes is not None:
        found = seen.kinetic_of_sizes, dynamics.sizes.kinetic_energy()
        assert found[1] > 1e-3
        pairs["kinetic of sizes"] = found
    if type(model) is not Formless:
        stress = ase_mag.MagneticCalculator(model).get_stress(serial)
        pairs["stress"] = (seen.stress[[0, 1, 2], [0, 1, 2]], stress[:3])
        pairs["spin temperature"] = (seen.spin_temperature_K, dynamics.get_spin_temperature())
    errors = {
        part: float(np.abs(np.subtract(a, b)).max(initial=0.0)) for part, (a, b) in pairs.items()
    }
    if "dump" in files:
        dumped = ase_mag.io.read_lammps_spin(files["dump"], slice(None))
        assert [frame.info["step"] for frame in dumped] == list(range(0, steps + 1, 5))
    print(json.dumps({"errors": errors, "rebuilds": rebuilds, "moved": moved}))
