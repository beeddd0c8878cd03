"""The simulation box of LAMMPS."""

import numpy as np
from ase.calculators.lammps import Prism
from ase.geometry import complete_cell


class Box:
    """A cell with its first vector along x and its second in the plane of x and y.

    Attributes
    ----------
    vectors : (3, 3) float array, angstrom. origin : (3,) float array. periodic : (3,) bool array.
    """

    def __init__(self, vectors, origin, periodic):
        self.vectors, self.origin = np.array(vectors, dtype=float), np.array(origin, dtype=float)
        self.periodic = np.array(periodic, dtype=bool)

    @classmethod
    def of(cls, atoms):
        """Return the box of atoms, and the rotation into it (vectors v become v @ rotation).

        Directions that are not periodic and have no cell vector get one that spans the atoms.

        Raises
        ------
        ValueError
            For a left-handed cell: it would have to be mirrored, which changes the
            Dzyaloshinskii-Moriya interaction.
        """
        cell, origin = atoms.cell.array, atoms.get_celldisp().ravel()
        missing = ~atoms.cell.any(1)
        if (missing & atoms.pbc).any():
            raise ValueError("the atoms are periodic along a cell vector that is zero")
        cell = complete_cell(cell)
        if np.linalg.det(cell) < 0:
            raise ValueError(
                "the cell is left-handed, but LAMMPS has right-handed boxes only: exchange two "
                "cell vectors, e.g. atoms.set_cell(atoms.cell[[1, 0, 2]])"
            )
        lower = np.allclose(np.triu(cell, 1), 0.0, rtol=0, atol=1e-13 * np.abs(cell).max())
        if lower and (np.diag(cell) > 0).all():
            vectors, rotation = np.tril(cell), np.eye(3)
        else:
            prism = Prism(cell)
            vectors, rotation = np.tril(prism.lammps_tilt), prism.rot_mat
        box = cls(vectors, origin @ rotation, atoms.pbc)
        box._span(atoms.positions @ rotation, missing)
        return box, rotation

    def _span(self, positions, missing):
        if not missing.any() or not len(positions):
            return
        scaled = self.scaled(positions)
        low, high = scaled.min(axis=0) - 1.0, scaled.max(axis=0) + 1.0
        for k in np.flatnonzero(missing):
            self.origin += low[k] * self.vectors[k]
            self.vectors[k] *= high[k] - low[k]

    def scaled(self, positions):
        """Return positions in units of the cell vectors, from the origin of the box."""
        return (positions - self.origin) @ np.linalg.inv(self.vectors)

    @property
    def tilts(self):
        """xy, xz, yz."""
        return np.array([self.vectors[1, 0], self.vectors[2, 0], self.vectors[2, 1]])

    @property
    def limits(self):
        """(lo, hi) of x, y, z, a (3, 2) float array."""
        return np.column_stack([self.origin, self.origin + np.diag(self.vectors)])

    def bounds(self):
        """Return the (3, 2) float array of dump files: limits of what the tilted box fills."""
        xy, xz, yz = self.tilts
        limits = self.limits
        ends = np.array([0.0, xy, xz, xy + xz])
        limits[0] += (ends.min(), ends.max())
        limits[1] += (min(0.0, yz), max(0.0, yz))
        return limits

    @classmethod
    def from_limits(cls, limits, tilts, periodic, bounds=False):
        """Return the box of (lo, hi) and (xy, xz, yz); ``bounds``: lo and hi as in dump files."""
        limits = np.array(limits, dtype=float)
        xy, xz, yz = tilts
        if bounds:
            ends = np.array([0.0, xy, xz, xy + xz])
            limits[0] -= (ends.min(), ends.max())
            limits[1] -= (min(0.0, yz), max(0.0, yz))
        vectors = np.diag(limits[:, 1] - limits[:, 0])
        vectors[1, 0], vectors[2, 0], vectors[2, 1] = xy, xz, yz
        return cls(vectors, limits[:, 0], periodic)
