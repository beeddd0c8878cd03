"""One radial function for each ordered pair of species, evaluated once per geometry."""

import hashlib
import json
from functools import cached_property
from itertools import pairwise

import numpy as np
from ase.data import atomic_numbers

from ase_mag.core.storage import encode, storable
from ase_mag.models.radial import PiecewisePolynomial, Radial

#: Distances that one thread evaluates at once.
_PIECE = 16384


@storable
class PairFunctions:
    """Functions f_ab(r_ij) of the species a of i and b of j, and their sums over the neighbors.

    Values are kept on the graph under a key made from the functions' numbers, so that all models
    with equal functions share one evaluation (also after saving and loading).

    Parameters
    ----------
    species : tuple of str
    functions : list of Radial, all different ones.
    index : (n, n) int array-like, ``index[a][b]`` is the place in ``functions`` of f_ab; -1: none.
    """

    def __init__(self, species, functions, index):
        self.species = tuple(species)
        self.functions = tuple(functions)
        self.numbers = tuple(atomic_numbers[symbol] for symbol in self.species)
        self.index = np.array(index, dtype=np.intp).reshape(len(self.species), len(self.species))
        self.cutoff = max((function.cutoff for function in self.functions), default=0.0)
        # One more row and column for atoms of species that are not described (kind -1).
        self._padded = np.pad(self.index, (0, 1), constant_values=-1)

    @classmethod
    def of(cls, species, functions, name, symmetric=False):
        """Make the table from what a user writes.

        Parameters
        ----------
        species : tuple of str
        functions : PairFunctions, or a Radial for all pairs, or a dict from (center, neighbor)
            symbols to Radial; a single symbol as key means this neighbor at every center
            (``symmetric``: the pair of the species with itself).
        name : str, for error messages.
        symmetric : bool; a key (a, b) also stands for (b, a).

        Raises
        ------
        ValueError
            For keys that are not pairs of the given species or contradict each other, or no keys.
        TypeError
            For values that are not Radial.
        """
        if isinstance(functions, cls):
            if functions.species != tuple(species):
                raise ValueError(
                    f"{name} describes {', '.join(functions.species)}, but the model is made for "
                    f"{', '.join(species)}: the species must agree, in the same order"
                )
            return functions
        n = len(species)
        if isinstance(functions, Radial):
            return cls(species, [functions], np.zeros((n, n), dtype=int))
        if not isinstance(functions, dict):
            raise TypeError(
                f"{name} must be a Radial or a dict from pairs of symbols to Radial, got "
                f"{type(functions).__name__}"
            )
        if not functions:
            raise ValueError(
                f"{name} is empty: give at least one function for a pair of {', '.join(species)}"
            )
        unique, index = [], np.full((n, n), -1)
        for key, function in functions.items():
            if not isinstance(function, Radial):
                raise TypeError(
                    f"{name} of {key!r} must be a Radial, got {type(function).__name__}"
                )
            if function not in unique:
                unique.append(function)
            for a, b in _places(key, tuple(species), name, symmetric):
                if index[a, b] not in (-1, unique.index(function)):
                    raise ValueError(
                        f"{name} of {species[a]}-{species[b]} is given twice: key {key!r} "
                        "contradicts an earlier one"
                    )
                index[a, b] = unique.index(function)
        return cls(species, unique, index)

    def __getitem__(self, pair):
        """Return f_ab, or None, for ``pair`` = (a, b), two positions in ``species``."""
        index = self.index[pair]
        return None if index < 0 else self.functions[index]

    @cached_property
    def key(self):
        """What equal tables have in common; the table itself if a function cannot be saved."""
        arrays = {}
        try:
            text = json.dumps(encode(self, arrays))
        except TypeError:
            return self
        digest = hashlib.sha256(text.encode())
        for array in arrays.values():
            digest.update(f"{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array))
        return digest.digest()

    def evaluate(self, graph):
        """Return f_ab(r_ij) and its derivative, two read-only (n_pairs,) float arrays.

        Pairs with atoms of species that are not described get zeros.
        """
        return graph.cached(("pair functions", self.key), lambda: self._evaluate(graph))

    def values(self, graph):
        """Return f_ab(r_ij), a read-only (n_pairs,) float array.

        On a frozen graph neither distances nor derivatives are kept.
        """
        key = ("pair functions", self.key)
        if key in graph.cache or not graph.frozen or self._pairs(graph)[0] is not None:
            return self.evaluate(graph)[0]
        return graph.cached(("values of pair functions", self.key), lambda: self._values(graph))

    def _values(self, graph):
        # Pieces of whole sites, the same for every number of threads.
        values, offsets, size = graph.empty(), graph.offsets, 4 * _PIECE
        ends = np.searchsorted(offsets, np.arange(size, graph.n_pairs + size, size), side="right")
        sites = np.unique(np.concatenate([[0], ends - 1, [graph.n_sites]]))
        longest = np.diff(offsets[sites]).max(initial=0)
        distances, slopes = np.empty(longest), np.empty(longest)
        for first, last in pairwise(sites):
            pairs = slice(offsets[first], offsets[last])
            n = pairs.stop - pairs.start
            r = graph.distances_of(first, last, distances[:n])
            self.functions[0].evaluate_into(r, values[pairs], slopes[:n], graph.threads)
        return frozen(values)

    def sums(self, graph):
        """Return sum_j f_ab(r_ij), a read-only (n_sites,) float array."""
        return self._sums(graph)[0]

    def slopes(self, graph):
        """Return the derivatives f_ab'(r_ij), a read-only (n_pairs,) float array."""
        return self._sums(graph)[1]

    def _sums(self, graph):
        def found():
            fast = self._summed(graph)
            if fast is not None:
                return fast
            values, slopes = self.evaluate(graph)
            return frozen(graph.sum_pairs(values)), slopes

        return graph.cached(("sums of pair functions", self.key), found)

    def fresh_sums(self, graph):
        """Return sums and slopes without keeping them on the graph: of functions in a fit."""
        fast = self._summed(graph)
        if fast is not None:
            return fast
        values, slopes = self._evaluate(graph)
        return frozen(graph.sum_pairs(values)), slopes

    def _summed(self, graph):
        """Return sums and slopes in one pass over the pairs, or None where that is not possible."""
        function = self.functions[0]
        if self._pairs(graph)[0] is None and type(function) is PiecewisePolynomial:
            shortest = graph.cached("shortest", lambda: graph.distances.min(initial=np.inf))
            if function.inner is None or shortest >= function.knots[0]:
                sums, slopes = np.empty(graph.n_sites), graph.empty()
                function.sum_into(graph.offsets, graph.distances, sums, slopes)
                return frozen(sums), frozen(slopes)
        return None

    def pairs(self, graph):
        """Return for each function the pairs it acts on, an index array or (all) a slice."""
        return [slice(None) if found is None else found for found in self._pairs(graph)]

    def _evaluate(self, graph):
        places = self._pairs(graph)
        values, slopes = graph.empty(), graph.empty()
        if places[0] is None:
            _evaluate_all(self.functions[0], graph, values, slopes)
        else:
            values[:], slopes[:] = 0.0, 0.0
            for function, pairs in zip(self.functions, places, strict=True):
                values[pairs], slopes[pairs] = function.evaluate(graph.distances[pairs])
        return frozen(values), frozen(slopes)

    def _pairs(self, graph):
        """Return for each function the pairs it acts on; one None: all of them."""
        cache = graph.topology.cache
        key = ("pairs of functions", self.species, self.index.tobytes())
        if key not in cache:
            kinds = graph.topology.kinds(self.numbers)
            if (self.index == 0).all() and (kinds >= 0).all():
                cache[key] = [None]
            else:
                which = self._padded[kinds[graph.centers], kinds[graph.neighbors]]
                cache[key] = [np.flatnonzero(which == f) for f in range(len(self.functions))]
        return cache[key]

    def to_dict(self):
        return {
            "species": list(self.species),
            "functions": list(self.functions),
            "index": self.index.tolist(),
        }


def _evaluate_all(function, graph, values, slopes):
    """Write values and slopes of all pairs, in pieces that stay in the cache of the processor."""
    r, size = graph.distances, _PIECE * graph.threads
    for start in range(0, len(r), size):
        piece = slice(start, start + size)
        function.evaluate_into(r[piece], values[piece], slopes[piece], graph.threads)


def _places(key, species, name, symmetric):
    """Return the (a, b) that a key of a user's dict stands for."""
    pair = (key,) if isinstance(key, str) else tuple(key)
    if not 1 <= len(pair) <= 2 or not all(symbol in species for symbol in pair):
        raise ValueError(
            f"{name} has the key {key!r}, which is not a pair of the species {', '.join(species)}"
        )
    if len(pair) == 1 and not symmetric:
        return [(a, species.index(key)) for a in range(len(species))]
    a, b = species.index(pair[0]), species.index(pair[-1])
    return [(a, b), (b, a)] if symmetric else [(a, b)]


def frozen(array):
    """Return the array, made read-only (it will be shared)."""
    array.flags.writeable = False
    return array
