"""The order of rows and sums in which the fields of a perfect crystal are made."""

from dataclasses import dataclass

import numpy as np

from ase_mag import _kernels

#: Relative difference below which couplings are one number, up to rounding of distances.
_ROUNDING = 1e-11
#: Costs in units of a pair with an index: a sum of rows, a product, and all the rest of a moment.
_SUM, _PRODUCT, _REST = 0.3, 0.45, 20.0
#: Lanes of the kernels; rows are padded to a multiple of it.
_LANES = 8


@dataclass(frozen=True)
class Stencil:
    """Exchange of a crystal along one direction of rows; see ``cython_kernels/crystal.pxd``.

    Attributes
    ----------
    arrays : tuple, the first arguments of ``make_crystal``.
    atoms : (rows, padded) uint32 array, the atom at each place of each row; the places beyond the
        length of the row repeat it from its start.
    n_sites : int, basis atoms.
    cost : float, estimate of the time of a field evaluation and the rest of half a step, per atom,
        in units of a pair with an index.
    """

    arrays: tuple
    atoms: np.ndarray
    n_sites: int
    cost: float

    @classmethod
    def best(cls, lattice, centers, neighbors, shifts, exchange):
        """Return the cheapest stencil for these pairs of the unit cell, or None for pairs.

        Parameters
        ----------
        lattice : Lattice
        centers, neighbors : (n_pairs,) int arrays, basis atoms.
        shifts : (n_pairs, 3) int array, the cell of the neighbor.
        exchange : (n_pairs,) float array, eV/mu_B^2.
        """
        repeats = np.array(lattice.repeats)
        images = np.column_stack([centers, neighbors, shifts % repeats])
        same = (centers == neighbors) & (shifts % repeats == 0).all(axis=1)
        if same.any() or len(np.unique(images, axis=0)) < len(images):
            return None
        values, kinds = _distinct(exchange)
        plans = [
            _Plan(repeats, axis, lattice.numbers.size, centers, neighbors, shifts, kinds)
            for axis in range(3)
        ]
        plan = min((p for p in plans if p.possible), key=lambda p: p.cost, default=None)
        if plan is None or plan.cost >= len(centers) / lattice.numbers.size + _REST:
            return None
        atoms = np.transpose(lattice.atoms, (0, *(1 + axis for axis in plan.axes)))
        atoms = atoms.reshape(-1, plan.n)[:, np.arange(plan.padded) % plan.n]
        atoms = np.ascontiguousarray(atoms, dtype=np.uint32)
        return cls(plan.arrays(values), atoms, lattice.numbers.size, plan.cost)

    @property
    def shape(self):
        """Shape of moments as the kernels take them, (rows, 3, stride)."""
        return len(self.atoms), 3, int(self.arrays[0][6])

    def empty(self):
        """Return an array for moments without content, whose rows start with a cache line."""
        memory = np.empty(int(np.prod(self.shape)) + _LANES)
        start = -(memory.__array_interface__["data"][0] // 8) % _LANES
        return memory[start : start + memory.size - _LANES].reshape(self.shape)

    def pack(self, vectors, threads=1):
        """Return vectors (n_atoms, 3) as rows of columns."""
        rows = self.empty()
        vectors = np.ascontiguousarray(vectors, dtype=float)
        _kernels.stencil.pack(self.arrays[0], vectors, self.atoms, rows, threads)
        return rows

    def coefficients(self, *values):
        """Return numbers per atom, several (n_atoms,) arrays, as the kernels take them.

        (n_basis, 8) where all of them are the same, to rounding, in all cells; (rows, padded)
        otherwise, zero beyond the length of the rows.
        """
        n = int(self.arrays[0][3])
        placed = []
        for value in values:
            rows = value[self.atoms].reshape(self.n_sites, -1, self.atoms.shape[1])
            sizes = rows[:, :1, :1]
            if (np.abs(rows - sizes) > _ROUNDING * np.abs(sizes)).any():
                break
            placed.append(np.ascontiguousarray(np.repeat(sizes[:, 0], _LANES, axis=1)))
        else:
            return placed
        inside = np.arange(self.atoms.shape[1]) < n
        return [value[self.atoms] * inside for value in values]

    def unpack(self, rows, out, threads=1):
        """Write rows of columns to vectors (n_atoms, 3)."""
        _kernels.stencil.unpack(self.arrays[0], rows, self.atoms, out, threads)


def _distinct(exchange):
    """Return the different couplings, and for every coupling its place among them."""
    order = np.argsort(exchange)
    ordered = exchange[order]
    new = np.diff(ordered, prepend=-np.inf) > _ROUNDING * np.abs(exchange).max()
    kinds = np.empty(len(exchange), dtype=int)
    kinds[order] = np.cumsum(new) - 1
    return ordered[new], kinds


class _Plan:
    """Groups of rows with rows along one direction; see ``crystal.pxd`` for the words."""

    def __init__(self, repeats, axis, n_sites, centers, neighbors, shifts, kinds):
        # The innermost of the other two comes second, as in the order of the cells.
        self.axes = (*(other for other in range(3) if other != axis), axis)
        self.n1, self.n2, self.n = (int(repeats[a]) for a in self.axes)
        self.n_sites = n_sites
        shifts = shifts[:, self.axes]
        self.reach = np.abs(shifts).max(axis=0)
        self.halo = _up(max(1, self.reach[2]), 4)
        self.padded = _up(self.n, _LANES)
        self.groups = []
        for site in range(n_sites):
            rows = {}
            for p in np.flatnonzero(centers == site):
                key = (int(neighbors[p]), int(shifts[p, 0]), int(shifts[p, 1]))
                rows.setdefault(key, []).append((int(shifts[p, 2]), int(kinds[p])))
            groups = {}
            for key, taps in sorted(rows.items()):
                groups.setdefault(tuple(sorted(taps)), []).append(key)
            self.groups.append(list(groups.items()))
        self._measure()

    def _measure(self):
        sources, sums = _kernels.stencil.LARGEST
        summed = max(sum(len(rows) > 1 for _, rows in groups) for groups in self.groups)
        self.chunk = self.padded
        if summed:
            room = sums // (3 * summed) - 2 * self.halo
            pieces = -(-self.padded // max(_LANES, room // _LANES * _LANES))
            self.chunk = _up(-(-self.padded // pieces), _LANES)
        self.possible = self.halo <= 64 and (
            not summed or 3 * summed * (self.chunk + 2 * self.halo) <= sums
        )
        ahead = (self.chunk + 2 * self.halo) / self.chunk
        cost = 0.0
        for groups in self.groups:
            self.possible &= len(groups) <= sources
            for taps, rows in groups:
                self.possible &= len(rows) <= sources
                cost += _PRODUCT * len(taps) + (_SUM * ahead * len(rows) if len(rows) > 1 else 0)
        self.cost = (cost / self.n_sites + _REST) * self.padded / self.n

    def arrays(self, values):
        """Return the arrays that the kernels take."""
        groups, rows, taps, row, z, exchange = [0], [0], [0], [], [], []
        for site in self.groups:
            for kinds, places in site:
                row += places
                rows.append(len(row))
                z += [place for place, _ in kinds]
                exchange += [values[kind] for _, kind in kinds]
                taps.append(len(z))
            groups.append(len(rows) - 1)
        stride = self.padded + 2 * self.halo
        sizes = [self.n_sites, self.n1, self.n2, self.n]
        sizes += [self.padded, self.halo, stride, self.chunk]
        wraps = [
            np.arange(-reach, n + reach) % n
            for n, reach in ((self.n1, self.reach[0]), (self.n2, self.reach[1]))
        ]
        integers = [sizes, groups, rows, taps, np.reshape(row, (-1, 3)), z]
        return (
            *(np.array(each, dtype=np.intc) for each in integers),
            np.array(exchange, dtype=float),
            *(np.array(each, dtype=np.intc) for each in wraps),
        )


def _up(n, multiple):
    """Return ``n`` rounded up to a multiple."""
    return int(-(-n // multiple) * multiple)
