"""What a run on many processes says about itself."""

from dataclasses import dataclass

import numpy as np
from ase import units as ase_units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.parallel import DummyMPI
from ase.stress import full_3x3_to_voigt_6_stress

from ase_mag.core import set_moments
from ase_mag.dynamics.frame_file import FrameFile
from ase_mag.dynamics.logger import MagneticLogger
from ase_mag.dynamics.temperature import temperature_of, torque_and_curvature


@dataclass(frozen=True)
class Observables:
    """Totals over all atoms of one state, the same on every process.

    Attributes
    ----------
    n_atoms : int
    potential, kinetic : float, eV.
    magnetization : (3,) float array, the mean moment, mu_B per atom.
    size : float, the mean of |M|, mu_B.
    virial : (3, 3) float array, dE/d(strain), eV.
    momentum_flux : (3, 3) float array, sum p (x) p/m, eV.
    volume : float or None, angstrom^3.
    spin_temperature_K : float or None; None for models without a bilinear form.
    degrees_of_freedom : int, 3 for each atom that may move.
    kinetic_of_sizes : float, sum W (dm/dt)^2/2 of sizes with inertia, eV; else zero.
    """

    n_atoms: int
    potential: float
    kinetic: float
    magnetization: np.ndarray
    size: float
    virial: np.ndarray
    momentum_flux: np.ndarray
    volume: float | None
    spin_temperature_K: float | None
    degrees_of_freedom: int
    kinetic_of_sizes: float

    @property
    def temperature_K(self):
        """Temperature of the lattice, 2 E_kin/(f kB) with f degrees of freedom; NaN without any."""
        if not self.degrees_of_freedom:
            return np.nan
        return 2 * self.kinetic / (self.degrees_of_freedom * ase_units.kB)

    @property
    def stress(self):
        """Stress without the kinetic part, (3, 3), eV/angstrom^3, in ASE's sign; None: no cell."""
        if self.volume is None:
            return None
        return 0.5 * (self.virial + self.virial.T) / self.volume

    @classmethod
    def of(cls, surface, state, atoms, sizes=None):
        """Measure a state; every process calls it.

        Parameters
        ----------
        surface : DistributedSurface
        state : State of the atoms of this process.
        atoms : ase.Atoms, all of them, of which numbers and constraints are asked for.
        sizes : InertialSizes or None.
        """
        response = surface.response(state)
        flux = state.momenta.T @ (state.momenta / state.masses[:, None])
        spins, form = np.zeros(2), surface.pairwise
        if form is not None:
            spins[:] = torque_and_curvature(form, surface.with_ghosts(state.moments))
        parts = (
            [response.energy, state.kinetic_energy(), np.linalg.norm(state.moments, axis=1).sum()],
            state.moments.sum(axis=0),
            response.virial.ravel(),
            flux.ravel(),
            spins,
            [0.0 if sizes is None else sizes.kinetic_energy()],
        )
        total = surface.total(np.concatenate(parts))
        n_atoms = len(atoms)
        return cls(
            n_atoms,
            float(total[0]),
            float(total[1]),
            total[3:6] / n_atoms,
            float(total[2]) / n_atoms,
            total[6:15].reshape(3, 3),
            total[15:24].reshape(3, 3),
            surface.blocks.volume,
            None if form is None else float(temperature_of(*total[24:26])),
            atoms.get_number_of_degrees_of_freedom(),
            float(total[26]),
        )


class Log(MagneticLogger):
    """The log of a run on many processes: the same columns, written by process 0.

    Parameters
    ----------
    simulation : LammpsSimulation
    logfile : str ('-' for standard output) or file object.
    """

    def __init__(self, simulation, logfile):
        self.dynamics = simulation
        if simulation.comm.rank == 0:
            super().__init__(simulation, logfile, comm=DummyMPI())

    def __del__(self):
        if self.dynamics.comm.rank == 0:
            super().__del__()

    def __call__(self):
        self._now = self.dynamics.observables()
        if self.dynamics.comm.rank == 0:
            super().__call__()

    def values(self):
        now = self._now
        return (
            now.potential,
            now.kinetic,
            now.temperature_K,
            float(np.linalg.norm(now.magnetization)),
            now.size,
            now.spin_temperature_K,
        )


class Frames:
    """The trajectory of a run on many processes, written by process 0.

    Frames have positions, cell, momenta, moments, energy, stress, forces, magnetic forces, and the
    energy and stress of every atom, all of the model without a field from outside.

    Parameters
    ----------
    simulation : LammpsSimulation
    path : str or Path
    interval : int, steps between two frames.
    append : bool
    origin : dict or None, JSON-able; where the run comes from.
    """

    def __init__(self, simulation, path, interval, append=False, origin=None):
        self.simulation = simulation
        self.file = None
        if simulation.comm.rank == 0:
            self.file = FrameFile(path, append, comm=DummyMPI(), master=True)
            self.file.origin = origin
            self.file.set_description(simulation.todict() | {"interval": interval})

    def __call__(self):
        simulation = self.simulation
        now, columns = simulation.observables(), simulation.collect(forces=True)
        if self.file is None:
            return
        atoms = simulation.atoms.copy()
        put(atoms, simulation.engine.cell, columns)
        energy, moments = columns["energies"].sum(), columns["moments"]
        results = {"energy": energy, "free_energy": energy}
        results |= {"magmoms": moments, "magmom": float(moments[:, 2].sum())}
        for name in ("energies", "forces", "magforces", "stresses"):
            if name in columns:
                results[name] = columns[name]
        if now.stress is not None:
            results["stress"] = full_3x3_to_voigt_6_stress(now.stress)
        if now.spin_temperature_K is not None:
            atoms.info["spin_temperature_K"] = now.spin_temperature_K
        atoms.calc = SinglePointCalculator(atoms, **results)
        self.file.write(atoms)

    def close(self):
        """Close the file."""
        if self.file is not None:
            self.file.close()


def owned_columns(engine, surface, state, sizes, forces=False):
    """Return what :meth:`LammpsSimulation.collect` collects, of the atoms of this process.

    Between two drifts the state is ``state`` and ``sizes`` (InertialSizes or None); before the
    first run there is no ``state`` yet, and LAMMPS has it.
    """
    parts = {
        "positions": engine.unwrapped(),
        "momenta": engine.read("momenta") if state is None else state.momenta,
        "moments": engine.read("moments") if state is None else state.moments,
    }
    if sizes is not None:
        known = sizes.velocities if state is not None else engine.read("size_velocities")
        parts["size_velocities"] = known
    if forces:
        response = surface.model_response(state)
        parts |= {"forces": response.forces, "magforces": response.magforces}
        parts["energies"] = response.energies
        if surface.blocks.volume is not None:
            virials = full_3x3_to_voigt_6_stress(response.virials)
            parts["stresses"] = virials / surface.blocks.volume
    return parts


def gathered(comm, index, parts):
    """Return columns of all atoms in their order on process 0, None on the others.

    Parameters
    ----------
    comm : mpi4py communicator.
    index : (n_owned,) int array, places of the atoms of this process.
    parts : dict name -> array of the atoms of this process.
    """
    received = comm.gather((index, *parts.values()))
    if received is None:
        return None
    columns = (np.concatenate(column) for column in zip(*received, strict=True))
    order = np.argsort(next(columns))
    return {name: column[order] for name, column in zip(parts, columns, strict=True)}


def put(atoms, cell, columns):
    """Put a cell, (3, 3), and what :meth:`LammpsSimulation.collect` returns into ``atoms``."""
    atoms.set_cell(cell)
    atoms.set_positions(columns["positions"], apply_constraint=False)
    atoms.set_momenta(columns["momenta"], apply_constraint=False)
    set_moments(atoms, columns["moments"])
