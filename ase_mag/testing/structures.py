"""Structures on which contracts are checked."""

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms

from ase_mag.core import NeighborList, as_moments, get_moments


@dataclass(frozen=True)
class Structure:
    """Plain arrays of a structure with moments, and the responses of models on it.

    Attributes
    ----------
    numbers : (N,) int array; positions : (N, 3) float array, angstrom.
    cell : (3, 3) float array, angstrom; pbc : (3,) bool array.
    moments : (N, 3) float array, mu_B.
    """

    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    moments: np.ndarray

    @classmethod
    def of(cls, atoms):
        """Copy the arrays of ``atoms`` (or return a Structure as it is)."""
        if isinstance(atoms, cls):
            return atoms
        return cls(
            atoms.numbers.copy(),
            atoms.positions.copy(),
            atoms.cell.array.copy(),
            atoms.pbc.copy(),
            get_moments(atoms),
        )

    def __len__(self):
        return len(self.numbers)

    def changed(self, **arrays):
        """Return a copy with other arrays."""
        return replace(self, **arrays)

    def strained(self, strain):
        """Return a copy with positions and cell multiplied by 1 + strain from the right."""
        deformation = np.eye(3) + strain
        return self.changed(positions=self.positions @ deformation, cell=self.cell @ deformation)

    def rotated(self, rotation, *, lattice=True, moments=True):
        """Return a copy with vectors v replaced by rotation.v."""
        turned = self
        if lattice:
            turned = turned.changed(
                positions=self.positions @ rotation.T, cell=self.cell @ rotation.T
            )
        return turned.changed(moments=self.moments @ rotation.T) if moments else turned

    def repeated(self, repeats):
        """Return a supercell; atom i of image n is atom n N + i."""
        shifts = np.array(list(np.ndindex(*repeats))) @ self.cell
        n = len(shifts)
        return Structure(
            np.tile(self.numbers, n),
            (shifts[:, None] + self.positions).reshape(-1, 3),
            self.cell * np.array(repeats)[:, None],
            self.pbc,
            np.tile(self.moments, (n, 1)),
        )

    def graph(self, model, skin=0.0):
        """Return the pair graph for ``model``."""
        return NeighborList(self.numbers, self.pbc, model.cutoff, skin).graph(
            self.positions, self.cell
        )

    def response(self, model, *, lattice=True, skin=0.0):
        """Return the response of ``model`` on a fresh graph."""
        return model.evaluate(self.graph(model, skin), self.moments, lattice=lattice)


def example(species, rng=0, *, repeats=(2, 2, 2), displacement=0.1, a=2.87, axis=None):
    """Return a displaced, sheared bcc crystal with random moments as Atoms.

    Species alternate; moments have random directions and sizes of 0.5-2.5 mu_B, and one is zero.

    Parameters
    ----------
    species : sequence of str
    rng : int or numpy Generator.
    repeats : three int; displacement : float, angstrom per component; a : float, angstrom.
    axis : (3,) float array, optional; only the part of the moments along it is kept.
    """
    rng = np.random.default_rng(rng)
    n = 2 * int(np.prod(repeats))
    shear = np.array([[1.0, 0.03, 0.0], [0.0, 1.02, -0.02], [0.01, 0.0, 0.97]])
    base = Atoms("Fe2", cell=a * np.eye(3), scaled_positions=[[0, 0, 0], [0.5] * 3], pbc=True)
    atoms = base * repeats
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    atoms.symbols[:] = [species[i % len(species)] for i in range(n)]
    atoms.positions += rng.normal(scale=displacement, size=(n, 3))
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    moments = directions * rng.uniform(0.5, 2.5, size=(n, 1))
    moments[-1] = 0.0
    moments = along(moments, axis)
    atoms.set_initial_magnetic_moments(None)
    atoms.set_initial_magnetic_moments(as_moments(moments, n))
    return atoms


def along(moments, axis):
    """Return the part of moments (N, 3) along an axis (None: the moments)."""
    return moments if axis is None else (moments @ axis)[:, None] * axis


def random_rotation(rng):
    """Return a uniformly random proper rotation, (3, 3)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))
