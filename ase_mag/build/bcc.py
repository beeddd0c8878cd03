"""Perfect bcc crystals: boxes of them, and the lattice of a given one."""

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from ase.build import bulk
from ase.lattice.cubic import BodyCenteredCubic
from matscipy.neighbours import neighbour_list

from ase_mag.core import set_moments
from ase_mag.core.moments import as_moments

#: How far an atom of a perfect crystal may be from its site, in lattice constants.
TOLERANCE = 1e-3
#: Rows that turn cubic axes into other right-handed ones.
ROTATIONS = [
    np.diag(signs)[list(order)]
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
    if np.linalg.det(np.diag(signs)[list(order)]) > 0
]


def bcc_crystal(a, size, *, symbol="Fe", moment=2.2, orientation="100"):
    """Return a box of bcc crystal with parallel moments along z.

    Parameters
    ----------
    a : float, lattice constant, angstrom.
    size : int or three int, repeats along the three vectors of the box.
    symbol : str, the element.
    moment : float, mu_B.
    orientation : ``'100'``: box vectors a[100], a[010], a[001], two atoms per repeat;
        ``'111'``: a[1-10], a[11-2], a/2[111] along x, y, z, six atoms per repeat.

    Returns
    -------
    ase.Atoms

    Raises
    ------
    ValueError
        For another orientation, or sizes that are not positive whole numbers.
    """
    repeats = np.broadcast_to(size, 3)
    if repeats.dtype.kind not in "iu" or (repeats < 1).any():
        raise ValueError(f"size must be one or three positive whole numbers, got {size!r}")
    repeats = tuple(int(n) for n in repeats)
    if orientation == "100":
        atoms = bulk(symbol, "bcc", a=a, cubic=True) * repeats
    elif orientation == "111":
        box = [[1, -1, 0], [1, 1, -2], [1, 1, 1]]
        cell = BodyCenteredCubic(symbol, latticeconstant=a, directions=box, pbc=True)
        atoms = cell.repeat(repeats)
    else:
        raise ValueError(f"orientation must be '100' or '111', got {orientation!r}")
    set_moments(atoms, moment)
    return atoms


@dataclass(frozen=True)
class BccLattice:
    """The lattice of a perfect bcc crystal.

    Attributes
    ----------
    a : float, lattice constant, angstrom.
    axes : (3, 3) float array, unit vectors along [100], [010], [001] in rows: of the right-handed
        choices that with the largest trace, so those of a box along x, y, z are x, y, z.
    """

    a: float
    axes: np.ndarray

    @classmethod
    def of(cls, atoms):
        """Find the lattice of ``atoms``.

        Raises
        ------
        ValueError
            If the atoms are not a perfect bcc crystal that is periodic in three directions.
        """
        if not (len(atoms) and atoms.pbc.all() and atoms.cell.volume > 0):
            raise ValueError(
                f"a bcc crystal that is periodic in three directions is needed, got "
                f"{len(atoms)} atoms with pbc {atoms.pbc.tolist()}"
            )
        a = (2 * atoms.cell.volume / len(atoms)) ** (1 / 3)
        i, vectors = neighbour_list("iD", atoms, 1.2 * a)
        second = vectors[(i == 0) & (abs(np.linalg.norm(vectors, axis=1) - a) < 0.02 * a)] / a
        corners = [
            (u, v) for u, v in permutations(second, 2) if abs(u @ v) < 0.02
        ]  # the first two axes
        if len(second) != 6 or not corners or (np.bincount(i, minlength=len(atoms)) != 14).any():
            raise _not_bcc(atoms)
        first = np.array([*corners[0], np.cross(*corners[0])])
        axes = max((turn @ first for turn in ROTATIONS), key=lambda rows: np.trace(rows))
        half = 2 * vectors @ axes.T / a
        steps = np.rint(half)
        odd = (steps % 2 == 1).all(axis=1)
        known = np.where(odd, 3, 4) == (steps**2).sum(axis=1)
        if not (known.all() and abs(half - steps).max() < 2 * TOLERANCE):
            raise _not_bcc(atoms)
        return cls(float(a), axes)

    def direction(self, family, near):
        """Return the unit vector of a family of directions next to a vector.

        Parameters
        ----------
        family : three int, one member, such as (1, 1, 0).
        near : three numbers, Cartesian; of several members equally near to it the one with the
            largest sum of components is taken.

        Returns
        -------
        (3,) float array, Cartesian.

        Raises
        ------
        ValueError
            If ``near`` is not three numbers, or all of them are zero.
        """
        near = np.asarray(near, dtype=float)
        if near.shape != (3,) or not (np.isfinite(near).all() and near.any()):
            raise ValueError(
                f"a direction must be three numbers that are not all zero, got {near.tolist()}"
            )
        members = {
            tuple(sign * value for sign, value in zip(signs, order, strict=True))
            for order in permutations(family)
            for signs in product((1, -1), repeat=3)
        }
        vectors = np.array(sorted(members)) @ self.axes / np.linalg.norm(family)
        near = near / np.linalg.norm(near)
        return vectors[np.lexsort((vectors.sum(axis=1), (vectors @ near).round(6)))[-1]]


def _not_bcc(atoms):
    return ValueError(
        f"the {len(atoms)} atoms of {atoms.get_chemical_formula()} are not a perfect bcc crystal "
        "(14 neighbors at the right places for each): build defects into a box such as that of "
        "ase_mag.build.bcc_crystal, before atoms are displaced"
    )


def central_atom(atoms):
    """Return the index of the atom next to the center of the cell."""
    return int(
        np.linalg.norm(relative_positions(atoms, atoms.cell.sum(axis=0) / 2), axis=1).argmin()
    )


def relative_positions(atoms, center):
    """Return positions seen from ``center``, of the images in the cell around it, (N, 3)."""
    scaled = np.linalg.solve(atoms.cell.array.T, (atoms.positions - center).T).T
    # Rounding must not decide which image of an atom on the border is taken.
    return (scaled - np.rint(scaled - 1e-9)) @ atoms.cell.array


def single_moment(moment):
    """Return a number (along z) or three numbers, mu_B, as a vector, or raise ValueError."""
    return as_moments(moment if np.ndim(moment) == 0 else [moment], 1)[0]
