"""Radial symmetry functions of atoms and moments."""

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from ase_mag import _kernels
from ase_mag.core import Gradients, storable
from ase_mag.descriptors.density import is_whole

_ENVELOPES = ("cosine", "smooth")
_FAMILIES = ("G", "G^H", "G^A", "G^B")
#: Bytes of the two numbers per pair that are kept on a graph, at most (67 million pairs).
_TABLE = 1 << 30


@storable
class RadialSpinDescriptor:
    """Gaussians of the distance, of M_i.M_j and of the size of the moment.

    G_h = sum_j g_ij,h with g_ij,h = w_i w_j f_c(r_ij) exp(-eta_h (r_ij - R_h)^2),
    G^H_h = sum_j g_ij,h M_i.M_j, G^A_h = G_h M_i^2, G^B_h = G_h M_i^4

    over all neighbors j of site i (each pair counts once for i and once for j); the four families
    follow each other in this order. This is the descriptor of the spin-lattice potential of
    Chapman and Ma (2022), eqs 21-27, where nine Gaussians have their centers R_s from 2 angstrom to
    R_c in equal steps (x = 0 .. 8 in the formula that is printed with x = 0 .. 9).

    The weights tell species apart without more features, so different environments of an alloy may
    have equal features (two weights w for one of w^2). With masses as weights features of iron
    are multiplied by 3119: bring them to equal scale before a network sees them. Only pairs
    enter, no angles. Atoms of other species have no part: zero features, and no neighbors.

    Of Gaussians of one width at equal distances (64 at most) two numbers per pair, from which all
    of them follow, stay on the graph (16 bytes per pair, up to 1 GiB): later evaluations with
    other moments need no exponential functions.

    Parameters
    ----------
    species : str or sequence of str
    cutoff : float, angstrom, R_c.
    n_functions : int, n; None: as many as the arrays below have, or 9.
    centers : (n,) float array, R_s, angstrom; None: from 2 angstrom to the cutoff in equal steps.
    widths : float or (n,) float array, eta, 1/angstrom^2.
    cutoffs : (n,) float array, angstrom, if each function has its own, none above ``cutoff``.
    weights : dict from symbol to float, w; None: masses as ASE has them (Fe 55.845; the paper
        has 55.847).
    envelope : str, f_c. 'cosine': (1 + cos(pi r/R_c))/2 as published, with a step in the second
        derivative at R_c. 'smooth': (1 - y)^3 (1 + 3 y + 6 y^2), y = r/R_c, without.

    Attributes
    ----------
    n_features : int, 4 n.
    centers, cutoffs : (n,) float arrays, angstrom; widths : (n,) float array, 1/angstrom^2.
    weights : dict from symbol to float.

    Raises
    ------
    ValueError
        For parameters out of range, arrays of unequal length, an unknown or repeated species; in
        the three products for a graph whose cutoff is shorter than the descriptor's, for arrays
        of a wrong shape and for moments that are not finite.

    Examples
    --------
    >>> from ase_mag.descriptors import RadialSpinDescriptor
    >>> RadialSpinDescriptor("Fe").centers
    array([2.    , 2.4125, 2.825 , 3.2375, 3.65  , 4.0625, 4.475 , 4.8875,
           5.3   ])
    """

    def __init__(
        self,
        species,
        cutoff=5.3,
        n_functions=None,
        *,
        centers=None,
        widths=5.0,
        cutoffs=None,
        weights=None,
        envelope="cosine",
    ):
        self.species = (species,) if isinstance(species, str) else tuple(species)
        unknown = [s for s in self.species if s not in atomic_numbers]
        if unknown or not self.species or len(set(self.species)) < len(self.species):
            raise ValueError(
                f"species are {self.species}; give different chemical symbols, such as 'Fe' or "
                "('Fe', 'Co')"
            )
        if np.ndim(cutoff) > 0 or not (np.isfinite(cutoff) and cutoff > 0):
            raise ValueError(f"the cutoff must be a positive length, got {cutoff} angstrom")
        if envelope not in _ENVELOPES:
            raise ValueError(f"envelope must be 'cosine' or 'smooth', got {envelope!r}")
        self.cutoff, self.envelope = float(cutoff), envelope
        n = _length(n_functions, centers=centers, widths=widths, cutoffs=cutoffs)
        if centers is None:
            if self.cutoff <= 2.0:
                raise ValueError(
                    f"centers run from 2 angstrom to the cutoff, which is {cutoff} angstrom: give "
                    "centers=..."
                )
            centers = np.linspace(2.0, self.cutoff, n)
        self.centers = _array("centers", centers, n)
        self.widths = _array("widths", widths, n)
        self.cutoffs = _array("cutoffs", self.cutoff if cutoffs is None else cutoffs, n)
        if self.widths.min() < 0:
            raise ValueError(f"widths must not be negative, got {self.widths.min()} 1/angstrom^2")
        if self.cutoffs.min() <= 0 or self.cutoffs.max() > self.cutoff:
            raise ValueError(
                f"cutoffs run from {self.cutoffs.min()} to {self.cutoffs.max()} angstrom; they "
                f"must be positive and not above cutoff={self.cutoff}"
            )
        self.weights = _weights(self.species, weights)
        self._functions = self._tables()
        self._numbers = tuple(atomic_numbers[symbol] for symbol in self.species)

    @property
    def n_functions(self):
        return len(self.centers)

    @property
    def n_features(self):
        return 4 * self.n_functions

    def __repr__(self):
        return (
            f"RadialSpinDescriptor({self.species}, cutoff={self.cutoff:g}, "
            f"n_functions={self.n_functions}, envelope={self.envelope!r})"
        )

    def to_dict(self):
        """Constructor arguments, for :mod:`ase_mag.core.storage`."""
        return {
            "species": list(self.species),
            "cutoff": self.cutoff,
            "centers": self.centers,
            "widths": self.widths,
            "cutoffs": self.cutoffs,
            "weights": dict(self.weights),
            "envelope": self.envelope,
        }

    def labels(self):
        """Return the names of the features."""
        each = zip(self.centers, self.widths, self.cutoffs, strict=True)
        names = [f"R_s={center:g} eta={width:g} R_c={cutoff:g}" for center, width, cutoff in each]
        return [f"{family} {name}" for family in _FAMILIES for name in names]

    def forward(self, graph, moments):
        """Return the features (n_sites, n_features).

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        """
        pairs = self._pairs(graph, moments)
        if not graph.n_pairs:
            return np.zeros((graph.n_sites, self.n_features))
        out = graph.topology.memory.empty((graph.n_sites, self.n_features))
        table = self._kept(graph)
        if table is None:
            _kernels.radial_spin.forward(*pairs, out)
        else:
            moments, threads = pairs[5], graph.threads
            _kernels.radial_spin_table.forward(
                self._functions, graph.offsets, graph.neighbors, moments, *table, out, threads
            )
        return out

    def vjp(self, graph, moments, cotangents, *, lattice=True):
        """Return the gradients of sum(cotangents * D), an :class:`ase_mag.core.Gradients`.

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        cotangents : (n_sites, n_features) array.
        lattice : bool; False leaves out the derivatives with respect to distances.
        """
        pairs = self._pairs(graph, moments)
        cotangents = _shaped("cotangents", cotangents, (graph.n_sites, self.n_features))
        gradient = np.zeros((graph.n_atoms, 3))
        radial = graph.empty() if lattice else None
        if not graph.n_pairs:
            return Gradients(None, gradient, radial=radial)
        own, turn = np.empty(graph.n_sites), graph.empty()
        topology, table = graph.topology, self._kept(graph)
        if lattice or table is None:
            _kernels.radial_spin.pull(*pairs, cotangents, own, turn, radial)
        if table is not None:  # the same bits with and without ``lattice``
            places = (self._functions, graph.offsets, pairs[5])
            _kernels.radial_spin_table.pull(*places, *table, cotangents, own, turn, graph.threads)
        ending = (None, None, None)
        if topology.reverse is None:
            ending = (*topology.incoming, topology.centers)
        _kernels.radial_spin.turns(
            topology.offsets,
            topology.neighbors,
            topology.reverse,
            *ending,
            _shaped("moments", moments, (graph.n_atoms, 3)),
            own,
            turn,
            gradient,
            graph.threads,
        )
        return Gradients(None, gradient, radial=radial)

    def jvp(self, graph, moments, moment_tangents, pair_tangents):
        """Return the change of the features along tangents of the moments and pair vectors.

        Parameters
        ----------
        graph : ase_mag.core.PairGraph; moments : (n_atoms, 3) array, mu_B.
        moment_tangents : (n_atoms, 3) array; pair_tangents : (n_pairs, 3) array.
        """
        pairs = self._pairs(graph, moments)
        moment_tangents = _shaped("moment tangents", moment_tangents, (graph.n_atoms, 3))
        pair_tangents = _shaped("pair tangents", pair_tangents, (graph.n_pairs, 3))
        out = np.zeros((graph.n_sites, self.n_features))
        if graph.n_pairs:
            _kernels.radial_spin.push(*pairs, moment_tangents, graph.vectors, pair_tangents, out)
        return out

    def _kept(self, graph):
        """Return A and q of all pairs and G of all sites, kept on the graph, or None.

        g_h = decays_h A q^(h - m) for Gaussians of one width at equal distances: all that changes
        with the moments then needs no exponential function.
        """
        functions, n = self._functions, graph.n_pairs + 4
        spaced = functions[5] and self.n_functions <= _kernels.radial_spin_table.MOST
        if not spaced or 16 * n > _TABLE:
            return None

        def tabulate():
            memory = graph.topology.memory
            table = [memory.empty((n,)), memory.empty((n,))]
            table.append(memory.empty((graph.n_sites, self.n_functions)))
            places = (graph.offsets, graph.neighbors, graph.distances, self._atom_weights(graph))
            _kernels.radial_spin_table.tabulate(functions, *places, *table, graph.threads)
            return table

        return graph.cached(("powers", self), tabulate)

    def _atom_weights(self, graph):
        kinds = graph.topology.kinds(self._numbers)
        # The last one, at index -1, is the weight of atoms that have no part.
        return np.array([*self.weights.values(), 0.0])[kinds]

    def _pairs(self, graph, moments):
        if graph.cutoff < self.cutoff:
            raise ValueError(
                f"the graph lists pairs below {graph.cutoff} angstrom, but the descriptor reaches "
                f"to {self.cutoff}: build the graph with cutoff={self.cutoff} or more"
            )
        moments = _shaped("moments", moments, (graph.n_atoms, 3))
        if not np.isfinite(moments).all():
            bad = int(np.flatnonzero(~np.isfinite(moments).all(axis=1))[0])
            raise ValueError(f"the moment of atom {bad} is not finite: {moments[bad]} mu_B")
        size = _kernels.radial_spin.scratch_size(self.n_functions)
        return (
            self._functions,
            graph.offsets,
            graph.neighbors,
            graph.distances,
            self._atom_weights(graph),
            moments,
            self.cutoff,
            np.empty((graph.threads, size)),
        )

    def _tables(self):
        """Return what the kernels need to know of the functions.

        Gaussians of one width at equal distances d follow from each other,
        exp(-eta (x - j d)^2) = exp(-eta x^2) exp(2 eta d x)^j exp(-eta (j d)^2), which is exact to
        1e-13 as long as no exponent is above 300.
        """
        n, middle, eta = self.n_functions, self.n_functions // 2, self.widths[0]
        spacing = (self.centers[-1] - self.centers[0]) / max(n - 1, 1)
        steps = np.arange(n) - middle
        equal = np.ptp(self.widths) == 0 and np.ptp(self.cutoffs) == 0
        ideal = self.centers[middle] + spacing * steps
        equal &= np.abs(self.centers - ideal).max() <= 1e-15 * np.abs(self.centers).max()
        reach = np.abs([self.centers[middle], self.cutoff - self.centers[middle]]).max()
        far = np.abs(steps).max() * abs(spacing)
        spaced = equal and eta * max(reach**2 + 2 * far * reach, far**2) <= 300
        decays = np.exp(-eta * (spacing * steps) ** 2) if spaced else np.zeros(n)
        smooth = self.envelope == "smooth"
        arrays = (self.centers, self.widths, self.cutoffs, decays)
        return (*arrays, int(smooth), int(spaced), middle, spacing)


def _length(n_functions, **arrays):
    """Return the one length that the arrays and ``n_functions`` have."""
    lengths = {name: len(a) for name, a in arrays.items() if np.ndim(a) == 1}
    if n_functions is not None:
        if not is_whole(n_functions) or n_functions < 1:
            raise ValueError(f"n_functions must be a positive integer, got {n_functions!r}")
        lengths["n_functions"] = int(n_functions)
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"hyperparameters must have equal lengths, got {found}")
    return next(iter(lengths.values()), 9)


def _array(name, values, n):
    array = np.array(values, dtype=float)
    if array.ndim > 1 or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be finite numbers, one or as many as there are functions ({n}), got "
            f"{values!r}"
        )
    return np.ascontiguousarray(np.broadcast_to(array, n))


def _weights(species, weights):
    if weights is None:
        return {symbol: float(atomic_masses[atomic_numbers[symbol]]) for symbol in species}
    weights = {symbol: float(weight) for symbol, weight in dict(weights).items()}
    if set(weights) != set(species):
        raise ValueError(f"weights are given for {list(weights)}; the species are {list(species)}")
    for symbol, weight in weights.items():
        if not (np.isfinite(weight) and weight != 0):
            raise ValueError(
                f"the weight of {symbol} must be a finite number other than 0, got {weight}"
            )
    return {symbol: weights[symbol] for symbol in species}


def _shaped(name, values, shape):
    array = np.ascontiguousarray(values, dtype=float)
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, got {array.shape}")
    return array
