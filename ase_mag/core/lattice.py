"""Perfect crystals: which atoms are translated copies of each other."""

from dataclasses import dataclass

import numpy as np

#: Largest distance of an atom from its lattice site, angstrom (rounding, not displacements).
TOLERANCE = 1e-9
#: Grid of folded coordinates on which equal ones meet, points per unit cell.
_GRID = 1 << 17
#: Atoms of a unit cell beyond which a structure counts as disordered.
_LARGEST_BASIS = 128


@dataclass(frozen=True)
class Lattice:
    """A structure as the repetition of a unit cell.

    The atom ``atoms[b, i, j, k]`` lies at ``basis[b] + (i, j, k) @ cell``, up to translations of
    the whole structure, within 1e-9 angstrom, and has the atomic number ``numbers[b]``.

    Attributes
    ----------
    cell : (3, 3) float array, rows are the vectors of the unit cell, angstrom.
    basis : (n_basis, 3) float array, angstrom.
    numbers : (n_basis,) int array.
    atoms : (n_basis, n_1, n_2, n_3) int32 array, every atom once.
    pbc : (3,) bool array.
    """

    cell: np.ndarray
    basis: np.ndarray
    numbers: np.ndarray
    atoms: np.ndarray
    pbc: np.ndarray

    @property
    def repeats(self):
        """Number of unit cells along each cell vector, a tuple of three."""
        return self.atoms.shape[1:]


def find_lattice(positions, cell, pbc, numbers):
    """Return the :class:`Lattice` of a structure, or None if it has none.

    Looks for the smallest unit cell whose vectors are fractions of the cell vectors, in whatever
    order the atoms are. Along directions without periodicity nothing is repeated. One atom
    displaced, missing or of another species leaves no lattice. Takes less than a second for a
    million atoms; displaced atoms are found out sooner than other species on perfect sites.

    Parameters
    ----------
    positions : (N, 3) float array, angstrom.
    cell : (3, 3) float array, rows are the cell vectors, angstrom.
    pbc : (3,) bool array.
    numbers : (N,) int array.
    """
    pbc = np.asarray(pbc, dtype=bool)
    if not len(positions) or not pbc.any():
        return None
    box = _completed(cell, pbc)
    if box is None:
        return None
    numbers = np.asarray(numbers)
    species, counts = np.unique(numbers, return_counts=True)
    rarest = np.flatnonzero(numbers == species[counts.argmin()])
    inverse = np.linalg.inv(box)
    candidates = _candidates((positions[rarest] - positions[rarest[0]]) @ inverse, box, pbc)
    if all(len(each) == 1 for each in candidates):
        return None
    fractions = (positions - positions[rarest[0]]) @ inverse
    best = tuple(each[0] for each in candidates)
    found, hopeless = _fold(fractions, box, pbc, numbers, best)
    if found is None and not hopeless:
        # A sublattice may be finer than the whole: try the directions one by one.
        best = tuple(
            _finest(fractions, box, pbc, numbers, axis, each)
            for axis, each in enumerate(candidates)
        )
        found, _ = _fold(fractions, box, pbc, numbers, best)
    if found is None or max(best) == 1:
        return None
    places, first = found
    n_basis, repeats = len(first), best
    atoms = np.empty(len(positions), dtype=np.intc)
    atoms[places] = np.arange(len(positions), dtype=np.intc)
    unit = box / np.array(repeats)[:, None]
    atoms = atoms.reshape(n_basis, *repeats)
    corner = atoms[:, 0, 0, 0]
    return Lattice(unit, np.array(positions[corner]), numbers[corner], atoms, pbc)


def _completed(cell, pbc):
    """Return the cell with orthogonal vectors along directions without periodicity, or None."""
    box = np.array(cell, dtype=float)
    periodic = box[pbc]
    sizes = np.linalg.svd(periodic, compute_uv=False)
    if sizes[-1] <= 1e-10 * sizes[0]:
        return None
    box[~pbc] = np.linalg.svd(periodic)[2][len(periodic) :]
    return box


def _candidates(offsets, box, pbc):
    """Return, per direction, the n for which 1/n of the cell vector leads to another atom.

    ``offsets`` are fractional coordinates relative to one atom; descending lists that end with 1.
    """
    lengths = np.linalg.norm(box, axis=1)
    result = []
    for axis in range(3):
        if not pbc[axis]:
            result.append([1])
            continue
        near = np.ones(len(offsets), dtype=bool)
        for other in range(3):
            if other != axis:
                x = offsets[near, other]
                x = x - np.rint(x) if pbc[other] else x
                near[near] = np.abs(x) * lengths[other] < TOLERANCE
        x = offsets[near, axis] % 1.0
        x = x[(x * lengths[axis] > TOLERANCE) & ((1 - x) * lengths[axis] > TOLERANCE)]
        n = np.rint(1.0 / x)
        n = n[np.abs(x - 1.0 / n) * lengths[axis] < TOLERANCE]
        result.append([*sorted({int(each) for each in n}, reverse=True), 1])
    return result


def _finest(fractions, box, pbc, numbers, axis, candidates):
    """Return the largest n for which 1/n of one cell vector maps the structure to itself."""
    for n in candidates[:-1]:
        repeats = [1, 1, 1]
        repeats[axis] = n
        if _fold(fractions, box, pbc, numbers, repeats, small=False)[0] is not None:
            return n
    return 1


def _fold(fractions, box, pbc, numbers, repeats, small=True):
    """Return the place of every atom in (basis, cells) and one atom per basis site, or None.

    ``small``: refuse more basis atoms than a crystal has. Also returns whether smaller repeats
    are hopeless, because of a defect: in a cell that is too small, a site is filled in one of k.
    """
    n_cells = int(np.prod(repeats))
    n_basis = len(fractions) // n_cells
    if small and n_basis > _LARGEST_BASIS:
        return None, False
    lengths = np.linalg.norm(box, axis=1)
    key = np.zeros(len(fractions), dtype=np.int64)
    cells = np.zeros(len(fractions), dtype=np.int64)
    rest = np.empty_like(fractions)
    for axis in range(3):
        # The shift keeps the atom at the origin, and its copies, away from the edge.
        x = fractions[:, axis] * repeats[axis]
        x += 0.123456789
        cell = np.floor(x)
        x -= cell
        rest[:, axis] = x
        if pbc[axis]:
            cells = cells * repeats[axis] + cell.astype(np.int64) % repeats[axis]
            fine = np.rint(x * _GRID).astype(np.int64)
        else:
            fine = np.rint(fractions[:, axis] * lengths[axis] * 4096).astype(np.int64) % _GRID
            rest[:, axis] = fractions[:, axis]
        key = key * _GRID + fine
    sites, first, inverse, counts = np.unique(
        key, return_index=True, return_inverse=True, return_counts=True
    )
    if len(sites) != n_basis or (counts != n_cells).any():
        return None, bool((n_cells % counts).any())
    if (numbers != numbers[first][inverse]).any():
        return None, False
    rest -= rest[first][inverse]
    scale = lengths / np.where(pbc, repeats, 1)
    if (np.abs(rest) * scale).max() > TOLERANCE:
        return None, True
    places = inverse * n_cells + cells
    filled = np.zeros(len(fractions), dtype=bool)
    filled[places] = True
    return ((places, first) if filled.all() else None), False
