"""Descriptors of a site in a vibrating crystal, ordered by its ideal lattice."""

import numpy as np

from ase_mag.core import PairGraph
from ase_mag.descriptors.voronoi import check_periodic, voronoi_volumes

#: Ideal angles closer than this are the same, rad.
_ANGLE = 1e-4


class SiteNeighbors:
    """Who the neighbors of every site are, from an ideal lattice.

    Neighbors are ordered by coordination shell, then by theta, then by phi of the ideal vector
    (theta in [0, pi] from z, phi in (-pi, pi] from x, phi = 0 along z), so that positions which
    differ by rounding give the same order.

    Attributes
    ----------
    neighbors : (N, k) int array, atom index of each neighbor.
    azimuths : (N, k) array, phi of the ideal vectors, rad.
    axial : (N, k) bool array, whether the ideal vector is along z, where phi is undefined.
    spacing : float, shortest ideal distance, angstrom.
    """

    def __init__(self, positions, cell, pbc, shells, tolerance=1e-3):
        """Find ``shells`` complete shells around every site of an ideal lattice.

        Parameters
        ----------
        positions : (N, 3) array, ideal sites, angstrom; cell : (3, 3) array, angstrom.
        pbc : bool or three bool, all periodic.
        shells : int
        tolerance : float, distances that differ by less than this fraction are one shell.

        Raises
        ------
        ValueError
            For a non-periodic cell, fewer than one shell, or sites with different numbers of
            neighbors.
        """
        check_periodic(pbc)
        if int(shells) != shells or shells < 1:
            raise ValueError(f"the number of shells must be a positive integer, got {shells!r}")
        positions = np.array(positions, dtype=float)
        cell = np.array(cell, dtype=float)
        graph, shell = _complete_shells(positions, cell, int(shells), tolerance)
        chosen = np.flatnonzero(shell < shells)
        counts = np.bincount(graph.centers[chosen], minlength=len(positions))
        if len(set(counts.tolist())) > 1:
            few, many = counts.argmin(), counts.argmax()
            raise ValueError(
                f"site {few} has {counts[few]} neighbors in {shells} shells and site {many} has "
                f"{counts[many]}: the descriptor needs equal numbers; is the reference really the "
                "ideal lattice, without displacements and in its own cell?"
            )
        vectors = graph.vectors[chosen]
        theta = np.arctan2(np.hypot(vectors[:, 0], vectors[:, 1]), vectors[:, 2])
        phi = np.arctan2(vectors[:, 1], vectors[:, 0])
        phi[phi < -np.pi + _ANGLE] += 2 * np.pi
        axial = np.minimum(theta, np.pi - theta) < _ANGLE
        phi[axial] = 0.0
        order = np.lexsort(
            (_ranks(phi, _ANGLE), _ranks(theta, _ANGLE), shell[chosen], graph.centers[chosen])
        )
        chosen, shape = chosen[order], (len(positions), -1)
        self.neighbors = graph.neighbors[chosen].astype(np.intp).reshape(shape)
        self.azimuths = phi[order].reshape(shape)
        self.axial = axial[order].reshape(shape)
        self.spacing = float(graph.distances[chosen].min())
        self._fractions = positions @ np.linalg.inv(cell)
        self._ideal = (
            self._fractions[self.neighbors]
            - self._fractions[:, None]
            + graph.topology.shifts[chosen].reshape(*self.neighbors.shape, 3)
        )

    def __len__(self):
        return len(self.neighbors)

    @property
    def n_neighbors(self):
        """Number of neighbors of each site."""
        return self.neighbors.shape[1]

    def vectors(self, positions, cell):
        """Return the vectors to the neighbors in displaced positions, (N, k, 3), angstrom.

        The cell may differ from the ideal one, and atoms may be wrapped into it or drift together.
        """
        moved = positions @ np.linalg.inv(cell)
        moved -= self._fractions
        pairs = moved.take(self.neighbors, axis=0)
        pairs -= moved[:, None]
        pairs -= np.rint(pairs)
        pairs += self._ideal
        return (pairs.reshape(-1, 3) @ cell).reshape(pairs.shape)

    def displacements(self, positions, cell):
        """Return how far atoms are from their ideal sites, (N,), angstrom, without common drift."""
        moved = positions @ np.linalg.inv(cell) - self._fractions
        moved -= moved[:1]
        moved -= np.rint(moved)
        moved -= moved.mean(axis=0)
        return np.linalg.norm(moved @ cell, axis=1)


class SiteDescriptor:
    """Descriptors of Table I of Brannvall et al., Phys. Rev. B 105, 144417 (2022).

    D_i = [V_i, (r, theta, phi) of every neighbor, spins], with the Voronoi volume V (angstrom^3),
    spherical coordinates of the displaced neighbors (angstrom, rad), and, with unit vectors e,

    * ``kind=1``: the components of e_0, e_1, ... (center first),
    * ``kind=2``: e_0.e_1, e_0.e_2, ...,
    * ``kind=3``: sum_j e_0.e_j,
    * ``kind=4``: e_0.e_1, e_0.e_2, ..., m_0, with the size m_0 of the center's moment when
      all sizes are relaxed at fixed directions (mu_B).

    phi is the branch within pi of its ideal value, so that nothing jumps where a neighbor crosses
    the -x axis. Along z the angle phi is undefined, and that of a neighbor whose ideal site lies
    there (second shell of bcc) would be noise: it is 0. A zero moment has no direction; e = 0 then.

    The ideal lattice may be any crystal whose sites have equal numbers of neighbors in the shells
    (sc, bcc, fcc, hcp, diamond, ...). Species are not among the features: it describes one.

    Parameters
    ----------
    kind : 1, 2, 3 or 4
    shells : int, number of coordination shells.
    legacy : bool
        The plain angles of the paper: phi = atan2(y, x) in (-pi, pi], which jumps by 2 pi at the
        -x axis, and is noise along z.

    Raises
    ------
    ValueError
        For another kind or fewer than one shell.
    """

    def __init__(self, kind=3, shells=1, legacy=False):
        if kind not in (1, 2, 3, 4):
            raise ValueError(
                f"descriptor {kind!r} is unknown; use 1 (moment directions), 2 (scalar products), "
                "3 (sum of scalar products) or 4 (scalar products and relaxed size)"
            )
        if int(shells) != shells or shells < 1:
            raise ValueError(f"the number of shells must be a positive integer, got {shells!r}")
        self.kind = kind
        self.shells = int(shells)
        self.legacy = bool(legacy)

    def __repr__(self):
        legacy = ", legacy=True" if self.legacy else ""
        return f"SiteDescriptor(kind={self.kind}, shells={self.shells}{legacy})"

    def sites(self, positions, cell, pbc=True):
        """Return the :class:`SiteNeighbors` of an ideal lattice."""
        return SiteNeighbors(positions, cell, pbc, self.shells)

    def labels(self, n_neighbors):
        """Return the names of the features of a site with so many neighbors."""
        which = range(1, n_neighbors + 1)
        names = ["V"] + [f"{c}_{j}" for j in which for c in ("r", "theta", "phi")]
        if self.kind == 1:
            return names + [f"e{c}_{j}" for j in (0, *which) for c in "xyz"]
        if self.kind in (2, 4):
            names += [f"e_0.e_{j}" for j in which]
            return [*names, "m_0"] if self.kind == 4 else names
        return [*names, "sum e_0.e_j"]

    def __call__(self, sites, positions, cell, moments, relaxed=None):
        """Return the features of every site.

        Parameters
        ----------
        sites : SiteNeighbors
        positions : (N, 3) array, angstrom; cell : (3, 3) array, angstrom.
        moments : (N, 3) array, mu_B; only directions count.
        relaxed : (N,) array, sizes m_0 for ``kind=4``, mu_B; the other kinds ignore it.

        Returns
        -------
        (N, n_features) array

        Raises
        ------
        ValueError
            For ``kind=4`` without finite relaxed sizes of all sites.
        """
        if self.kind == 4:
            _check_relaxed(relaxed, len(sites))
        n, k = sites.neighbors.shape
        vectors = sites.vectors(positions, cell)
        x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
        flat = x * x + y * y
        phi = np.arctan2(y, x)
        if not self.legacy:
            phi -= 2 * np.pi * np.rint((phi - sites.azimuths) / (2 * np.pi))
            phi[sites.axial] = 0.0
        squares = np.einsum("ij,ij->i", moments, moments)
        units = moments / np.sqrt(np.where(squares > 0, squares, 1.0))[:, None]
        around = units.take(sites.neighbors, axis=0)
        n_spin = {1: 3 * k + 3, 2: k, 3: 1, 4: k + 1}[self.kind]
        out = np.empty((n, 1 + 3 * k + n_spin))
        out[:, 0] = voronoi_volumes(positions, cell)
        spins = 3 * k + 1
        out[:, 1:spins:3] = np.sqrt(flat + z * z)
        out[:, 2:spins:3] = np.arctan2(np.sqrt(flat), z)
        out[:, 3:spins:3] = phi
        if self.kind == 1:
            out[:, spins : spins + 3] = units
            out[:, spins + 3 :] = around.reshape(n, -1)
        elif self.kind == 3:
            out[:, spins] = np.einsum("ic,ic->i", units, around.sum(axis=1))
        else:
            out[:, spins : spins + k] = np.einsum("ic,ijc->ij", units, around)
            if self.kind == 4:
                out[:, -1] = relaxed
        return out


def _check_relaxed(relaxed, n):
    if relaxed is None:
        raise ValueError(
            "descriptor 4 holds the moment sizes relaxed at fixed directions: give relaxed=..., "
            "e.g. the norms of reference.relax_sizes(atoms); the other descriptors need none"
        )
    relaxed = np.asarray(relaxed, dtype=float)
    if relaxed.shape != (n,) or not np.isfinite(relaxed).all():
        raise ValueError(
            f"the relaxed sizes must be ({n},) finite numbers, got shape {relaxed.shape} with "
            f"{np.sum(~np.isfinite(relaxed))} that are not finite: descriptor 4 needs landscapes "
            "of relaxed moments"
        )


def _complete_shells(positions, cell, shells, tolerance):
    """Return a graph and the shell index of its pairs, with ``shells`` complete shells."""
    volume = abs(np.linalg.det(cell))
    cutoff = 1.2 * (volume / len(positions)) ** (1 / 3) * (1 + 0.5 * shells)
    while True:
        graph = PairGraph.build(positions, cell, True, np.zeros(len(positions), int), cutoff)
        if graph.n_pairs:
            shell = _shells(graph, tolerance * graph.distances.min())
            # A further shell within the cutoff proves that the ones before it are complete.
            outermost = np.full(len(positions), -1)
            np.maximum.at(outermost, graph.centers, shell)
            if outermost.min() >= shells:
                return graph, shell
        cutoff *= 1.25


def _shells(graph, width):
    """Return the coordination shell (0, 1, ...) of every pair around its center."""
    ranks = _ranks(graph.distances, width)
    order = np.lexsort((ranks, graph.centers))
    centers, ranks = graph.centers[order], ranks[order]
    new_center = np.diff(centers, prepend=-1) != 0
    steps = np.cumsum((np.diff(ranks, prepend=0) != 0) & ~new_center)
    first = np.maximum.accumulate(np.where(new_center, np.arange(len(order)), 0))
    shell = np.empty(len(order), dtype=int)
    shell[order] = steps - steps[first]
    return shell


def _ranks(values, width):
    """Return integers that order the values; values in steps of less than ``width`` tie."""
    order = np.argsort(values, kind="stable")
    ranks = np.empty(len(values), dtype=int)
    ranks[order] = np.cumsum(np.diff(values[order], prepend=values[order[:1]]) > width)
    return ranks
