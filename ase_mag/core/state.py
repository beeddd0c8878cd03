"""What moves: positions, momenta, moments and cell."""

from itertools import count

import numpy as np

from ase_mag.core.moments import get_moments, set_moments

_serials = count()


class State:
    """Positions, momenta, moments and cell of a system, with versions.

    Propagators change the arrays in place and then call :meth:`geometry_changed` or
    :meth:`moments_changed`; surfaces keep their last response by these versions.

    Attributes
    ----------
    numbers : (N,) int array; masses : (N,) float array, amu; pbc : (3,) bool array.
    positions : (N, 3) float array, angstrom.
    momenta : (N, 3) float array, amu angstrom / ASE time.
    moments : (N, 3) float array, mu_B.
    cell : (3, 3) float array, angstrom.
    geometry_version, moments_version : int.
    serial : int, different for every state, copies included.
    """

    def __init__(self, numbers, masses, positions, momenta, moments, cell, pbc):
        self.numbers = np.array(numbers, dtype=np.intc)
        self.masses = np.array(masses, dtype=float)
        self.positions = np.array(positions, dtype=float)
        self.momenta = np.array(momenta, dtype=float)
        self.moments = np.array(moments, dtype=float)
        self.cell = np.array(cell, dtype=float)
        self.pbc = np.array(pbc, dtype=bool)
        self.serial = next(_serials)
        self.geometry_version = 0
        self.moments_version = 0

    @classmethod
    def from_atoms(cls, atoms):
        """Copy the state of ``atoms``."""
        return cls(
            atoms.numbers,
            atoms.get_masses(),
            atoms.positions,
            atoms.get_momenta(),
            get_moments(atoms),
            atoms.cell.array,
            atoms.pbc,
        )

    def __deepcopy__(self, memo):
        return State(
            self.numbers,
            self.masses,
            self.positions,
            self.momenta,
            self.moments,
            self.cell,
            self.pbc,
        )

    @property
    def version(self):
        """(geometry_version, moments_version)."""
        return self.geometry_version, self.moments_version

    def kinetic_energy(self):
        """Return sum p^2/(2 m), eV."""
        return float((self.momenta**2 / (2 * self.masses[:, None])).sum())

    def geometry_changed(self):
        """Say that positions or cell have changed."""
        self.geometry_version += 1

    def moments_changed(self):
        """Say that moments have changed."""
        self.moments_version += 1

    def read(self, atoms):
        """Take over positions, cell, momenta and moments of ``atoms`` where they differ."""
        moments = get_moments(atoms)
        if not np.array_equal(moments, self.moments):
            self.moments[:] = moments
            self.moments_changed()
        if not (
            np.array_equal(atoms.positions, self.positions)
            and np.array_equal(atoms.cell.array, self.cell)
        ):
            self.positions[:] = atoms.positions
            self.cell[:] = atoms.cell.array
            self.geometry_changed()
        self.momenta[:] = atoms.get_momenta()

    def write(self, atoms):
        """Put positions, cell, momenta and moments into ``atoms``."""
        atoms.set_cell(self.cell, scale_atoms=False)
        atoms.set_positions(self.positions, apply_constraint=False)
        atoms.set_momenta(self.momenta, apply_constraint=False)
        set_moments(atoms, self.moments)
