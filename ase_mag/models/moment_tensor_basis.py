"""Contractions of moment tensors to scalars: which ones there are, and how they are computed."""

from functools import cache, cached_property, lru_cache
from itertools import combinations, combinations_with_replacement, permutations, product
from math import factorial, prod

import numpy as np

from ase_mag.core.storage import storable


@storable
class MomentTensorBasis:
    """Tables of moments M_{mu,nu} and of their products that lead to scalars.

    The moments of a site are first the components of the basic tensors,
    M_{mu,abc} = sum_j f_mu x^a y^b z^c of the unit vector (x, y, z) to j, then sums of products:
    moment[k] += coefficient moment[i] moment[j] for the rows (i, j, coefficient, k) of ``times``.
    These are the tables of ``.mtp`` files (``alpha_index_basic``, ``alpha_index_times``,
    ``alpha_moment_mapping``), whoever made them.

    Parameters
    ----------
    basic : (n_basic, 4) int array; mu, a, b, c.
    times : (n_times, 4) int array.
    scalars : (n_scalars,) int array, moments that are the basis functions B.

    Attributes
    ----------
    n_moments : int, number of basic moments and results of products.
    n_functions : int, number of radial functions, 1 + largest mu.

    Raises
    ------
    ValueError
        If a row uses a moment before all products that make it, or an index is out of range.
    """

    def __init__(self, basic, times, scalars):
        self.basic = np.array(basic, dtype=np.intc).reshape(-1, 4)
        self.times = np.array(times, dtype=np.intc).reshape(-1, 4)
        self.scalars = np.array(scalars, dtype=np.intc)
        self.n_moments = 1 + max(
            len(self.basic) - 1, *self.times[:, [0, 1, 3]].ravel().tolist(), *self.scalars.tolist()
        )
        if not len(self.basic) or not len(self.scalars) or self.scalars.ndim != 1:
            raise ValueError("a moment tensor basis needs basic moments and scalars")
        self._check()
        self.n_functions = 1 + int(self.basic[:, 0].max())

    def _check(self):
        n_basic = len(self.basic)
        negative = min(table.min(initial=0) for table in (self.basic, self.scalars))
        if negative < 0 or self.times[:, [0, 1, 3]].min(initial=0) < 0:
            raise ValueError("the tables of a moment tensor basis hold a negative index")
        used = np.zeros(self.n_moments, dtype=bool)
        for row, (i, j, _, k) in enumerate(self.times.tolist()):
            used[[i, j]] = True
            if used[k] or k < n_basic:
                raise ValueError(
                    f"row {row} of the products adds to moment {k}, which "
                    f"{'is a basic one' if k < n_basic else 'an earlier row (or itself) uses'}: "
                    "every moment must be complete before it is used"
                )
        made = set(range(n_basic)).union(self.times[:, 3].tolist())
        missing = set(range(self.n_moments)) - made
        if missing:
            raise ValueError(f"no product makes moment {min(missing)}, which the tables use")

    @classmethod
    def of_level(cls, level, max_factors=4):
        """Return the basis of all contractions up to a level.

        The level of M_{mu,nu} is 2 + 4 mu + nu and that of a contraction is the sum over its
        factors. A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016); with at most four factors
        there are 1, 2, 5, 9, 16 and 29 scalars at levels 2, 4, ... 12.

        Parameters
        ----------
        level : int, at least 2.
        max_factors : int or None, largest number of factors (None: no limit).

        Raises
        ------
        ValueError
            For a level below 2 or no factors.
        """
        if level < 2 or int(level) != level:
            raise ValueError(f"the level must be a whole number of at least 2, got {level}")
        if max_factors is not None and max_factors < 1:
            raise ValueError(f"max_factors must be at least 1 or None, got {max_factors}")
        return cls(*_tables(int(level), max_factors))

    @cached_property
    def kernel_tables(self):
        """(basics, users, starts, monomials, times, scalars) as the kernels take them."""
        exponents = self.basic[:, 1:]
        rank = int(exponents.sum(axis=1).max())
        monomials = [e for e in product(range(rank + 1), repeat=3) if sum(e) <= rank]
        monomials.sort(key=lambda e: (sum(e), [-n for n in e]))
        places = {e: index for index, e in enumerate(monomials)}
        rows = np.zeros((len(monomials), 8), dtype=np.intc)
        for index, e in enumerate(monomials):
            lower = [tuple(n - (axis == k) for k, n in enumerate(e)) for axis in range(3)]
            parents = [places.get(key, 0) for key in lower]
            axis = next((axis for axis in range(3) if e[axis]), 0)
            rows[index] = (parents[axis], axis, *e, *parents)
        used = np.array([places[tuple(e)] for e in exponents.tolist()], dtype=np.intc)
        users = np.argsort(used, kind="stable").astype(np.intc)
        starts = np.searchsorted(used[users], np.arange(len(monomials) + 1)).astype(np.intc)
        basics = np.column_stack([self.basic[:, 0], used]).astype(np.intc)
        return basics, users, starts, rows, self.times, self.scalars

    def to_dict(self):
        """Return the tables as a dict, for saving."""
        return {"basic": self.basic, "times": self.times, "scalars": self.scalars}

    def __repr__(self):
        return (
            f"{type(self).__name__}({len(self.scalars)} scalars of {len(self.basic)} basic moments "
            f"and {len(self.times)} products)"
        )


@lru_cache(maxsize=16)
def _tables(level, max_factors):
    """Return (basic, times, scalars) as tuples."""
    builder = _Builder()
    tops = [builder.moment(graph) for graph in contractions(level, max_factors)]
    return builder.tables(tops)


def contractions(level, max_factors=4):
    """Return all different contractions to scalars, by level.

    A contraction is a tuple of nodes; a node is (mu, free, links) with ``free`` the exponents
    (0, 0, 0) of its indices that stay free and ``links`` the numbers of indices that it shares
    with each of the nodes.
    """
    most = level // 2 if max_factors is None else min(max_factors, level // 2)
    kinds = [(2 + 4 * mu + nu, mu, nu) for mu in range(level // 4 + 1) for nu in range(level - 1)]
    kinds = sorted(kind for kind in kinds if kind[0] <= level)
    found = []
    for n in range(1, most + 1):
        for chosen in combinations_with_replacement(kinds, n):
            total = sum(kind[0] for kind in chosen)
            if total <= level and sum(kind[2] for kind in chosen) % 2 == 0:
                graphs = {
                    _canonical(
                        tuple(
                            (kind[1], (0, 0, 0), row)
                            for kind, row in zip(chosen, links, strict=True)
                        )
                    )
                    for links in _links([kind[2] for kind in chosen])
                }
                found.extend((total, graph) for graph in graphs)
    return [graph for _, graph in sorted(found)]


def _links(ranks):
    """Yield all symmetric matrices with zero diagonal and these row sums, as tuples of rows."""
    n = len(ranks)
    pairs = list(combinations(range(n), 2))

    def fill(index, left):
        if index == len(pairs):
            if not any(left):
                yield []
            return
        a, b = pairs[index]
        for count in range(min(left[a], left[b]) + 1):
            rest = list(left)
            rest[a] -= count
            rest[b] -= count
            for others in fill(index + 1, rest):
                yield [count, *others]

    for counts in fill(0, list(ranks)):
        matrix = np.zeros((n, n), dtype=int)
        for (a, b), count in zip(pairs, counts, strict=True):
            matrix[a, b] = matrix[b, a] = count
        yield tuple(map(tuple, matrix.tolist()))


@cache
def _canonical(graph):
    """Return the smallest of all orders of the nodes of a graph."""
    return min(_selected(graph, order) for order in permutations(range(len(graph))))


def _selected(graph, order):
    return tuple((graph[a][0], graph[a][1], tuple(graph[a][2][b] for b in order)) for a in order)


def _splits(total):
    """Yield (x, y, z) with x + y + z = total and the number of orders, total!/(x! y! z!)."""
    for x in range(total, -1, -1):
        for y in range(total - x, -1, -1):
            z = total - x - y
            yield (x, y, z), factorial(total) // (factorial(x) * factorial(y) * factorial(z))


class _Builder:
    """Numbers the moments that contractions need, each one once."""

    def __init__(self):
        self._basic = {}
        self._products = {}

    def moment(self, graph):
        """Return the key of a graph with free indices after making sure that it is computed."""
        graph = _canonical(graph)
        if len(graph) == 1:
            mu, free, _ = graph[0]
            self._basic[mu, free] = None
        elif graph not in self._products:
            terms = {}
            for left, right, count in self._terms(graph):
                key = tuple(sorted((self.moment(left), self.moment(right))))
                terms[key] = terms.get(key, 0) + count
            self._products[graph] = terms
        return graph

    def _terms(self, graph):
        """Return products of two parts: the division of the nodes that needs fewest terms."""
        nodes = range(len(graph))
        divisions = [
            chosen for n in range(1, len(graph) // 2 + 1) for chosen in combinations(nodes, n)
        ]

        def cost(chosen):
            links = [graph[a][2][b] for a in chosen for b in nodes if b not in chosen]
            return prod((n + 1) * (n + 2) // 2 for n in links), len(chosen)

        left = min(divisions, key=cost)
        right = tuple(b for b in nodes if b not in left)
        joints = [(a, b, graph[a][2][b]) for a in left for b in right if graph[a][2][b]]
        for choice in product(*(list(_splits(n)) for *_, n in joints)):
            free = {a: list(graph[a][1]) for a in nodes}
            for (a, b, _), (exponents, _) in zip(joints, choice, strict=True):
                for axis, count in enumerate(exponents):
                    free[a][axis] += count
                    free[b][axis] += count
            parts = (
                tuple(
                    (graph[a][0], tuple(free[a]), tuple(graph[a][2][b] for b in part)) for a in part
                )
                for part in (left, right)
            )
            yield *parts, prod(count for _, count in choice)

    def tables(self, tops):
        """Return (basic, times, scalars): basic moments sorted, products in order of making."""
        basic = sorted(self._basic, key=lambda key: (key[0], sum(key[1]), [-n for n in key[1]]))
        numbers = {((mu, free, (0,)),): index for index, (mu, free) in enumerate(basic)}
        for graph in self._products:
            numbers[graph] = len(numbers)
        times = [
            (numbers[a], numbers[b], count, numbers[graph])
            for graph, terms in self._products.items()
            for (a, b), count in terms.items()
        ]
        rows = tuple((mu, *free) for mu, free in basic)
        return rows, tuple(times), tuple(numbers[graph] for graph in tops)
