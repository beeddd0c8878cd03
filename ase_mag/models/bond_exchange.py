"""Exchange tensors listed bond by bond for a crystal."""

import numpy as np
from scipy.spatial import cKDTree

from ase_mag.core.bilinear import BilinearForm
from ase_mag.core.model import Model
from ase_mag.core.storage import storable
from ase_mag.models.heisenberg import exchange_gradients, moment_sizes, pair_of
from ase_mag.models.nonmagnetic import as_species
from ase_mag.models.tensor_exchange import tensor_gradients
from ase_mag.units import exchange_factor

#: Two bonds of a table whose vectors are closer than this (angstrom) are the same bond.
_SAME_BOND = 0.01


@storable
class BondExchange(Model):
    """E = -1/2 sum_ij M_i.T_ij.M_j with 3x3 tensors listed bond by bond for a crystal.

    A pair of atoms takes the tensor of the ideal bond vector nearest to its own, if that is closer
    than ``tolerance``; other pairs are not coupled. The tensors do not depend on the positions, so
    there are no forces: use it at (or vibrating around) the lattice of the table, without
    rotations and large strains, and not for diffusing atoms.

    Parameters
    ----------
    species : str or tuple of str
    bonds : (k, 3) float array, vectors from i to j, angstrom.
    tensors : (k, 3, 3) float array, T_ij in eV/mu_B^2, or in ``unit`` and ``convention``. The
        reverse bond (j, i, -vector) has the transposed tensor; it is added where it is not listed.
        An isotropic J is J * identity, a Dzyaloshinskii-Moriya vector ``dmi_tensors(D)``.
    sites : (k, 2) int array, optional; i and j of each bond, positions in ``basis`` (without
        ``basis``: in ``species``, so that bonds are told apart by species only). Default: zeros.
    basis : tuple of str, optional; the species of the reference cell's sites. Atom n of a
        structure is site n % len(basis), the order that ``atoms.repeat`` makes.
    tolerance : float, angstrom; default 0.4 times the shortest bond.
    complete : bool; True: every site must have each of its bonds (raises for surfaces, vacancies
        and structures that are not the crystal of the table); False: missing bonds are left out.
    unit, convention, moment : see :class:`Heisenberg`.

    Raises
    ------
    ValueError
        For wrong shapes, NaN, zero bonds, a table that contradicts itself. At evaluation: if two
        neighbors claim one bond, a bond is missing (``complete``), or the structure does not fit
        the basis.
    """

    def __init__(
        self,
        species,
        bonds,
        tensors,
        sites=None,
        basis=None,
        tolerance=None,
        complete=True,
        unit="eV",
        convention="inside",
        moment=None,
    ):
        self.species = as_species(species)
        self.basis = None if basis is None else tuple(basis)
        self.complete = bool(complete)
        bonds = np.array(bonds, dtype=float)
        tensors = np.array(tensors, dtype=float)
        n = len(bonds)
        sites = np.zeros((n, 2), dtype=int) if sites is None else np.array(sites, dtype=int)
        if not n or bonds.shape != (n, 3) or tensors.shape != (n, 3, 3) or sites.shape != (n, 2):
            raise ValueError(
                "bonds, tensors and sites must have shapes (k, 3), (k, 3, 3) and (k, 2), got "
                f"{bonds.shape}, {tensors.shape} and {sites.shape}"
            )
        if not (np.isfinite(bonds).all() and np.isfinite(tensors).all()):
            raise ValueError("bonds or tensors contain NaN or infinity; give finite numbers")
        symbols = self.species if self.basis is None else self.basis
        if not set(symbols) <= set(self.species):
            raise ValueError(f"the basis {symbols} holds species that are not in {self.species}")
        if sites.min() < 0 or sites.max() >= len(symbols):
            raise ValueError(
                f"sites must be positions in {symbols}, from 0 to {len(symbols) - 1}, got "
                f"{sites.min()} to {sites.max()}"
            )
        if (unit, convention) != ("eV", "inside") or moment is not None:
            sizes = moment_sizes(self.species, moment)
            for row, (i, j) in enumerate(sites):
                pair = pair_of(sizes, symbols[i], symbols[j])
                tensors[row] *= exchange_factor(convention, unit, pair)
        self.bonds, self.tensors, self.sites = _both_orders(bonds, tensors, sites)
        lengths = np.linalg.norm(self.bonds, axis=1)
        if lengths.min() < 2 * _SAME_BOND:
            raise ValueError(
                f"a bond of length {lengths.min():g} angstrom couples a site to itself"
            )
        self.tolerance = 0.4 * lengths.min() if tolerance is None else float(tolerance)
        if not 0 < self.tolerance < lengths.min():
            raise ValueError(
                f"the tolerance must lie between 0 and the shortest bond, {lengths.min():g} "
                f"angstrom, got {tolerance}"
            )
        self.cutoff = float(lengths.max() + self.tolerance)

    def pair_tensors(self, graph):
        """Return T_ij of every pair, (n_pairs, 3, 3), eV/mu_B^2; zeros without a bond."""
        return graph.cached((self, "tensors"), lambda: self._of_pairs(graph, self.tensors))

    def _of_pairs(self, graph, values):
        """Return the value of every pair's bond from those of all bonds; zero without a bond."""
        return np.concatenate([values, np.zeros((1, *values.shape[1:]))])[self._match(graph)]

    def _match(self, graph):
        """Return the bond of every pair, (n_pairs,) int32; -1: none."""
        labels = self._labels(graph)
        first, second = labels[graph.centers], labels[graph.neighbors]
        found = np.full(graph.n_pairs, -1, dtype=np.intc)
        for i, j in np.unique(self.sites, axis=0):
            rows = np.flatnonzero((self.sites == (i, j)).all(axis=1))
            pairs = np.flatnonzero((first == i) & (second == j))
            _, nearest = cKDTree(self.bonds[rows]).query(
                graph.vectors[pairs], distance_upper_bound=self.tolerance
            )
            matched = nearest < len(rows)
            pairs, rows_of = pairs[matched], rows[nearest[matched]]
            self._check(graph, np.flatnonzero(labels[: graph.n_sites] == i), rows, pairs, rows_of)
            found[pairs] = rows_of
        return found

    def _labels(self, graph):
        """Return the site of every atom in the table, (n_atoms,) int; -1: none."""
        if self.basis is None:
            return self.kinds(graph)
        n = len(self.basis)
        labels = np.arange(graph.n_atoms) % n
        expected = np.array([self.species.index(symbol) for symbol in self.basis])[labels]
        if not graph.topology.in_order:
            raise ValueError(
                f"the basis {self.basis} counts atoms in the order of a structure, which runs on "
                "several processes do not keep: leave out the basis"
            )
        if graph.n_sites != graph.n_atoms or (expected != self.kinds(graph)).any():
            raise ValueError(
                f"the structure of {graph.n_atoms} atoms is not a repetition of the basis "
                f"{self.basis}: order its atoms as atoms.repeat does, or leave out the basis"
            )
        return labels

    def _check(self, graph, centers, rows, pairs, rows_of):
        """Raise if a bond of one of the sites ``centers`` is claimed twice or missing."""
        position = np.searchsorted(rows, rows_of)
        counts = np.zeros((graph.n_sites, len(rows)), dtype=np.uint8)
        np.add.at(counts, (graph.centers[pairs], position), 1)
        counts = counts[centers]
        if (counts > 1).any():
            site, row = np.argwhere(counts > 1)[0]
            raise ValueError(
                f"two neighbors of atom {graph.label(centers[site])} lie within {self.tolerance:g} "
                f"angstrom of the bond {self.bonds[rows[row]].round(3).tolist()}: the structure "
                "is not the crystal of the table, or the tolerance is too wide"
            )
        if self.complete and (counts == 0).any():
            site, row = np.argwhere(counts == 0)[0]
            raise ValueError(
                f"atom {graph.label(centers[site])} has no neighbor within {self.tolerance:g} "
                f"angstrom of the bond {self.bonds[rows[row]].round(3).tolist()}: the structure "
                "is rotated, strained or not the crystal of the table; for surfaces, vacancies and "
                "alloys give complete=False"
            )

    def _isotropic(self, graph):
        """Return J_ij of every pair if all tensors are J times the unit matrix, else None."""
        if not np.array_equal(self.tensors, self.tensors[:, :1, :1] * np.eye(3)):
            return None
        return graph.cached((self, "J"), lambda: self._of_pairs(graph, self.tensors[:, 0, 0]))

    def gradients(self, graph, moments, *, lattice=True):
        exchange = self._isotropic(graph)
        if exchange is None:
            return tensor_gradients(graph, self.pair_tensors(graph), moments)
        return exchange_gradients(graph, exchange, None, moments, moments, False)

    def bilinear(self, graph):
        exchange = self._isotropic(graph)
        if exchange is None:
            return BilinearForm.on(graph, tensors=self.pair_tensors(graph))
        return BilinearForm.on(graph, exchange=exchange)

    def to_dict(self):
        return {
            "species": list(self.species),
            "bonds": self.bonds,
            "tensors": self.tensors,
            "sites": self.sites,
            "basis": self.basis,
            "tolerance": self.tolerance,
            "complete": self.complete,
        }


def _both_orders(bonds, tensors, sites):
    """Return the table with every bond once and its reverse once, T_ji = T_ij^T exactly."""
    vectors = np.vstack([bonds, -bonds])
    tensors = np.concatenate([tensors, tensors.transpose(0, 2, 1)])
    sites = np.vstack([sites, sites[:, ::-1]])
    # Bonds of different sites are moved far apart, so that one tree finds equal ones.
    far = 1e3 * (1.0 + np.abs(vectors).max())
    tree = cKDTree(np.hstack([vectors, far * sites]))
    scale = np.abs(tensors).max()
    kept, done = [], np.zeros(len(vectors), dtype=bool)
    for row, equal in enumerate(tree.query_ball_point(tree.data, _SAME_BOND)):
        if np.abs(tensors[equal] - tensors[row]).max() > 1e-6 * scale:
            raise ValueError(
                f"the table contradicts itself: the bond {vectors[row].round(4).tolist()} between "
                f"sites {sites[row].tolist()} has different tensors (the reverse of a bond has "
                "the transposed tensor, so D_ji = -D_ij)"
            )
        if not done[row]:
            kept.append((row, [part.min() for part in _listed(np.array(equal), len(bonds))]))
            done[equal] = True
    rows = [row for row, _ in kept]
    mean = np.array([tensors[first].mean(axis=0) for _, first in kept])
    return vectors[rows], mean, sites[rows]


def _listed(rows, n):
    """Split rows of the doubled table into those that were listed and those that were added."""
    return [part for part in (rows[rows < n], rows[rows >= n]) if len(part)]
