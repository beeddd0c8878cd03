"""Neighbor pairs: the geometry that every model sees."""

from functools import cached_property

import numpy as np

from ase_mag import _kernels
from ase_mag.core.memory import Memory
from ase_mag.core.pair_search import PairSearch, escaped
from ase_mag.core.threads import threads_for

#: How far beyond their radius pairs are listed, so that later searches may pick from the list.
_ROOM = 1.0


class Topology:
    """Which atoms are neighbors of which, without coordinates.

    Both orders (i, j) and (j, i) of a pair are listed, with every periodic image of j, images of
    i itself included, so cells smaller than the cutoff are right. Pairs are sorted by i (those of
    a :class:`NeighborList` then by j).

    Attributes
    ----------
    numbers : (n_atoms,) int array, atomic numbers.
    offsets : (n_sites + 1,) int32 array, pairs of site i are ``offsets[i]:offsets[i + 1]``.
    centers, neighbors : (n_pairs,) int32 arrays, i and j.
    translations : (n_translations, 3) int32 array, cell translations that occur.
    translation : (n_pairs,) int32 array, the row of ``translations`` of every pair.
    shifts : (n_pairs, 3) int32 array, the cell translation of j (made when asked for).
    n_sites : number of atoms that carry energy; atoms beyond are ghosts (copies of others).
    in_order : bool; False: the atoms are not those of a structure in its order.
    labels : (n_atoms,) int array or None, what errors call the atoms; None: 0, 1, 2, ...
    memory : Memory, for arrays over the pairs.
    """

    def __init__(self, numbers, offsets, neighbors, translations, translation):
        self.numbers = np.ascontiguousarray(numbers, dtype=np.intc)
        self.offsets = np.ascontiguousarray(offsets, dtype=np.intc)
        self.neighbors = np.ascontiguousarray(neighbors, dtype=np.intc)
        self.translations = np.ascontiguousarray(translations, dtype=np.intc).reshape(-1, 3)
        self.translation = np.ascontiguousarray(translation, dtype=np.intc)
        self.n_atoms = len(self.numbers)
        self.n_sites = len(self.offsets) - 1
        self.n_pairs = len(self.neighbors)
        self.threads = threads_for(self.n_pairs)
        self.in_order = True
        self.labels = None
        self.cache = {}
        self.memory = Memory()

    @classmethod
    def from_shifts(cls, numbers, offsets, neighbors, shifts):
        """Make the topology of pairs whose cell translations are given one by one, (n_pairs, 3)."""
        shifts = np.asarray(shifts, dtype=np.int64).reshape(-1, 3)
        translations, translation = np.unique(shifts, axis=0, return_inverse=True)
        return cls(numbers, offsets, neighbors, translations, translation.ravel())

    @property
    def shifts(self):
        return self.translations[self.translation]

    @cached_property
    def centers(self):
        """The site i of every pair, (n_pairs,) int32."""
        return np.repeat(np.arange(self.n_sites, dtype=np.intc), np.diff(self.offsets))

    @cached_property
    def incoming(self):
        """Pairs grouped by j: (offsets, pairs), int32 arrays; see ``graph.incoming_pairs``."""
        offsets = np.zeros(self.n_atoms + 1, dtype=np.intc)
        pairs = np.empty(self.n_pairs, dtype=np.intc)
        _kernels.graph.incoming_pairs(self.neighbors, offsets, pairs)
        return offsets, pairs

    @cached_property
    def distinct(self):
        """Whether every site has every atom once at most among its neighbors, and not itself."""
        return _kernels.graph.distinct(self.offsets, self.neighbors)

    @cached_property
    def reverse(self):
        """The pair (j, i) of every pair (i, j), (n_pairs,) int32; None if one is not listed."""
        if self.n_atoms > self.n_sites:
            return None
        if not _kernels.graph.ascending(self.offsets, self.neighbors):
            return self.owned_reverse
        reverse = np.empty(self.n_pairs, dtype=np.intc)
        complete = _kernels.graph.reverse_pairs(
            self.offsets,
            self.neighbors,
            self.translation,
            self._opposite,
            self.offsets[:-1].copy(),
            reverse,
        )
        return reverse if complete else None

    @property
    def _opposite(self):
        """The row of the opposite of every translation, or -1."""
        rows = {tuple(row): index for index, row in enumerate(self.translations.tolist())}
        opposite = (-self.translations).tolist()
        return np.array([rows.get(tuple(row), -1) for row in opposite], dtype=np.intc)

    @cached_property
    def owned_reverse(self):
        """The pair (j, i) of every pair of sites, -1 of those with ghosts, (n_pairs,) int32.

        None if one that is not with a ghost is not listed.
        """
        reverse = np.empty(self.n_pairs, dtype=np.intc)
        places = np.empty(self.n_sites, dtype=np.intc)
        # Not kept, as they are not needed again.
        incoming, centers = type(self).incoming.func(self), type(self).centers.func(self)
        complete = _kernels.graph.owned_reverse_pairs(
            self.offsets,
            self.neighbors,
            self.translation,
            self._opposite,
            *incoming,
            centers,
            places,
            reverse,
        )
        return reverse if complete else None

    @cached_property
    def ghost_pairs(self):
        """The pairs that end on ghosts, ascending, and their sites: two int32 arrays."""
        pairs = np.flatnonzero(self.neighbors >= self.n_sites).astype(np.intc)
        return pairs, (np.searchsorted(self.offsets, pairs, side="right") - 1).astype(np.intc)

    def empty(self, *columns):
        """Return an uninitialized (n_pairs, *columns) float array, from :class:`Memory`."""
        return self.memory.empty((self.n_pairs, *columns))

    def kinds(self, numbers):
        """Return the position of each atom's number in ``numbers``, (n_atoms,) intc; -1 if absent.

        Parameters
        ----------
        numbers : tuple of int, the atomic numbers that a model describes.
        """
        key = ("kinds", numbers)
        if key not in self.cache:
            kinds = np.full(self.n_atoms, -1, dtype=np.intc)
            for index, number in enumerate(numbers):
                kinds[self.numbers == number] = index
            self.cache[key] = kinds
        return self.cache[key]


class PairGraph:
    """All neighbor pairs of one geometry: the input of :meth:`ase_mag.core.Model.evaluate`.

    A graph is immutable; new positions make a new graph (which may share its topology). Models
    keep geometry-only values such as J(r) in ``cache``, which dies with the graph.

    Attributes
    ----------
    topology : Topology
    positions : (n_atoms, 3) float array, angstrom.
    translations : (n_translations, 3) float array, those of the topology in angstrom.
    vectors : (n_pairs, 3) float array, r_ij = x_j + shift.cell - x_i, angstrom (made when asked
        for).
    distances : (n_pairs,) float array, |r_ij|, angstrom (made when asked for). ValueError if two
        atoms are at the same place.
    volume : float or None, cell volume in angstrom^3; None unless periodic in three directions.
    numbers, offsets, neighbors, centers, n_atoms, n_sites, n_pairs, threads : of the topology.
    cutoff : float, angstrom; every pair with |r_ij| < cutoff is listed; some longer ones may be.
    frozen : bool, the positions are going to stay: what only forces need is not kept in advance.
    one_sided : bool; True: magnetic forces of the sites are taken from the bilinear form, so that
        models may leave out what sites and ghosts give to each other.
    cache : dict for values that models derive from the geometry.
    """

    def __init__(self, topology, positions, cell, volume, cutoff):
        self.topology = topology
        self.positions = np.array(positions, dtype=float)
        self.translations = topology.translations @ np.asarray(cell, dtype=float)
        self.volume = volume
        self.cutoff = cutoff
        self.frozen = self.one_sided = self.fields_only = False
        self.cache = {}

    @cached_property
    def rows(self):
        """Translations and positions padded to four columns, for kernels: two (n, 4) arrays."""
        return tuple(np.pad(a, ((0, 0), (0, 1))) for a in (self.translations, self.positions))

    @cached_property
    def distances(self):
        """Return |r_ij| of all pairs, (n_pairs,), angstrom; ValueError for coincident atoms."""
        out = self.distances_of(0, self.n_sites, self.empty())
        if out.min(initial=np.inf) == 0.0:
            pair = int(out.argmin())
            raise ValueError(
                f"atoms {self.label(self.centers[pair])} and {self.label(self.neighbors[pair])} "
                "are at the same place: move or remove one of them "
                "(ase.geometry.get_duplicate_atoms finds all)"
            )
        return out

    def distances_of(self, first, last, out):
        """Return |r_ij| of the pairs of the sites from ``first`` to before ``last``, in ``out``."""
        topology = self.topology
        offsets = topology.offsets[first : last + 1] - topology.offsets[first]
        pairs = slice(topology.offsets[first], topology.offsets[last])
        _kernels.graph.pair_distances(
            offsets,
            topology.neighbors[pairs],
            topology.translation[pairs],
            *self.rows,
            self.rows[1][first:last],
            out,
            topology.threads,
        )
        out.flags.writeable = False
        return out

    @cached_property
    def vectors(self):
        """Return r_ij of all pairs, (n_pairs, 3), angstrom."""
        topology, out = self.topology, self.empty(3)
        _kernels.graph.pair_vectors(
            topology.offsets,
            topology.neighbors,
            topology.translation,
            self.translations,
            self.positions,
            out,
            topology.threads,
        )
        out.flags.writeable = False
        return out

    @classmethod
    def build(cls, positions, cell, pbc, numbers, cutoff):
        """Make the graph of a structure.

        Parameters
        ----------
        positions : (N, 3) float array, angstrom.
        cell : (3, 3) float array, rows are cell vectors, angstrom.
        pbc : three bool.
        numbers : (N,) int array, atomic numbers.
        cutoff : float, angstrom; 0 lists no pairs.

        Raises
        ------
        ValueError
            If positions or cell are not finite, the cutoff is negative or not finite, or the cell
            is degenerate along a periodic direction.
        """
        return NeighborList(numbers, pbc, cutoff).graph(positions, cell)

    @classmethod
    def from_topology(cls, topology, positions, cell, volume, cutoff):
        """Make the graph of new coordinates on a known topology (cell: rows are cell vectors)."""
        return cls(topology, positions, cell, volume, cutoff)

    numbers = property(lambda self: self.topology.numbers)
    offsets = property(lambda self: self.topology.offsets)
    neighbors = property(lambda self: self.topology.neighbors)
    centers = property(lambda self: self.topology.centers)
    n_atoms = property(lambda self: self.topology.n_atoms)
    n_sites = property(lambda self: self.topology.n_sites)
    n_pairs = property(lambda self: self.topology.n_pairs)
    threads = property(lambda self: self.topology.threads)

    def label(self, atom):
        """Return the number by which errors name an atom."""
        labels = self.topology.labels
        return int(atom if labels is None else labels[atom])

    def cached(self, key, compute):
        """Return ``cache[key]``, calling ``compute()`` the first time."""
        if key not in self.cache:
            self.cache[key] = compute()
        return self.cache[key]

    def empty(self, *columns):
        """Return an uninitialized (n_pairs, *columns) float array; see :meth:`Topology.empty`."""
        return self.topology.empty(*columns)

    def gather_incoming(self, values, out):
        """Add ``values[p]`` of every pair p = (i, j) to ``out[j]``; values (n_pairs, k)."""
        _kernels.assemble.gather_incoming(*self.topology.incoming, values, out, self.threads)

    def sum_pairs(self, values):
        """Return the sum of ``values`` (n_pairs,) over the pairs of each site, (n_sites,)."""
        out = np.empty(self.n_sites)
        _kernels.assemble.sum_pairs(self.offsets, values, out, self.threads)
        return out


def check_finite(positions, cell):
    """Raise ValueError for NaN or infinity in positions or cell."""
    for name, array in (("positions", positions), ("cell", cell)):
        if not np.isfinite(array).all():
            raise ValueError(
                f"{name} contain NaN or infinity (first bad row: "
                f"{int(np.argwhere(~np.isfinite(array))[0, 0])})"
            )


class NeighborList:
    """Makes :class:`PairGraph` objects of a moving structure and reuses the pair list.

    Pairs are searched out to ``cutoff + skin`` (:class:`PairSearch`) and searched again once an
    atom has moved by more than skin/2 since the last search (less when the cell has been strained).

    Parameters
    ----------
    numbers : (N,) int array, atomic numbers.
    pbc : three bool.
    cutoff : float, angstrom; 0 lists no pairs.
    skin : float, angstrom; 0 for positions that stay (``frozen`` of :class:`PairGraph`).

    Attributes
    ----------
    n_searches : int, how often pairs were searched (for tests and timings).
    """

    def __init__(self, numbers, pbc, cutoff, skin=0.0):
        if not (np.isfinite(cutoff) and cutoff >= 0):
            raise ValueError(f"the cutoff must be finite and not negative, got {cutoff} angstrom")
        if not (np.isfinite(skin) and skin >= 0):
            raise ValueError(f"the skin must be finite and not negative, got {skin} angstrom")
        self.numbers = np.array(numbers, dtype=np.intc)
        self.pbc = np.array(np.broadcast_to(pbc, 3), dtype=bool)
        self.cutoff = float(cutoff)
        self.skin = float(skin)
        self.n_searches = 0
        self._pair_search = PairSearch(
            self.pbc, self.cutoff + self.skin, _ROOM if skin > 0 else 0.0
        )
        self._topology = None
        self._positions = self._cell = None

    def graph(self, positions, cell):
        """Return the graph of these coordinates; see :meth:`PairGraph.build`."""
        positions = np.ascontiguousarray(positions, dtype=float)
        cell = np.ascontiguousarray(cell, dtype=float)
        n = len(self.numbers)
        if positions.shape != (n, 3):
            raise ValueError(f"positions must have shape ({n}, 3), got {positions.shape}")
        check_finite(positions, cell)
        if self._stale(positions, cell):
            self._search(positions, cell)
        volume = float(abs(np.linalg.det(cell))) if self.pbc.all() else None
        graph = PairGraph.from_topology(self._topology, positions, cell, volume, self.cutoff)
        graph.frozen = self.skin == 0
        return graph

    def get_state(self):
        """Return where pairs were searched last, for :meth:`set_state` (a dict of arrays)."""
        if self._topology is None:
            return {}
        state = {"positions": self._positions.copy(), "cell": self._cell.copy()}
        return state | self._pair_search.get_state()

    def set_state(self, state):
        """Search pairs where another list did, so that all later graphs are equal to its own."""
        if state:
            self._pair_search.set_state(state)
            self._search(
                np.array(state["positions"], dtype=float), np.array(state["cell"], dtype=float)
            )

    def _stale(self, positions, cell):
        """Return whether a pair inside the cutoff may be missing from the list."""
        if self._topology is None:
            return True
        return self.cutoff > 0 and escaped(
            positions, cell, self._positions, self._cell, self.cutoff, self.cutoff + self.skin
        )

    def _search(self, positions, cell):
        n = len(self.numbers)
        if self.cutoff == 0 or n == 0:
            self._topology = Topology.from_shifts(self.numbers, np.zeros(n + 1), [], [])
        else:
            self._topology = Topology(self.numbers, *self._pair_search.pairs(positions, cell))
        self._positions, self._cell = positions.copy(), cell.copy()
        self.n_searches += 1
