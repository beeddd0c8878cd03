"""Exchange that other codes list bond by bond, as models, and models as such lists."""

from dataclasses import dataclass

import numpy as np

from ase_mag.core import PairGraph, get_moments
from ase_mag.core.model import Sum
from ase_mag.models import BondExchange, CubicAnisotropy, UniaxialAnisotropy

#: Parts of tensors below this fraction of the largest are rounding.
_ZERO = 1e-12


class DirectedBonds:
    """Bonds (i, j, cell of j) with tensors T: H = -1/2 sum_bonds e_i.T.e_j over all listed bonds.

    Parameters
    ----------
    path : path of the file, for messages.

    Attributes
    ----------
    tensors : dict from (i, j, (a, b, c)) to (3, 3) float array, eV, of unit vectors.
    """

    def __init__(self, path):
        self.path, self.tensors = path, {}

    def add(self, i, j, shift, tensor, place):
        """Add a bond that a line of the file lists.

        Raises
        ------
        ValueError
            If it is listed already, or couples a site to itself.
        """
        key = (int(i), int(j), tuple(int(n) for n in shift))
        if key in self.tensors:
            raise ValueError(f"{self.path}, line {place}: this bond is listed a second time")
        if i == j and not any(key[2]):
            raise ValueError(f"{self.path}, line {place}: the bond couples a site to itself")
        self.tensors[key] = np.array(tensor, dtype=float)

    def model(self, atoms, sizes):
        """Return the BondExchange, or None without bonds.

        Parameters
        ----------
        atoms : ase.Atoms, the cell of the list. sizes : (n,) float array, mu_B.

        Raises
        ------
        ValueError
            If a bond lacks its reverse (files that are cut off), or joins atoms without moments.
        """
        if not any(tensor.any() for tensor in self.tensors.values()):
            return None
        bonds, tensors, sites = [], [], []
        for (i, j, shift), tensor in self.tensors.items():
            reverse = (j, i, tuple(-n for n in shift))
            if reverse not in self.tensors:
                raise ValueError(
                    f"{self.path} lists the bond from site {i + 1} to {j + 1} in cell {shift}, but "
                    "not the reverse: the file is not complete"
                )
            if not (sizes[i] > 0 and sizes[j] > 0):
                raise ValueError(
                    f"{self.path} couples sites {i + 1} and {j + 1}, but one has no moment"
                )
            bonds.append(atoms.positions[j] - atoms.positions[i] + shift @ atoms.cell.array)
            tensors.append(0.5 * (tensor + self.tensors[reverse].T) / (sizes[i] * sizes[j]))
            sites.append((i, j))
        # Periodic images of a site are at least this far apart.
        apart = 1.0 / np.linalg.norm(np.linalg.pinv(atoms.cell.array), axis=0).max()
        shortest = np.linalg.norm(bonds, axis=1).min()
        return BondExchange(
            tuple(dict.fromkeys(atoms.symbols)),
            bonds,
            tensors,
            sites,
            basis=tuple(atoms.symbols),
            tolerance=0.4 * min(apart, shortest),
            complete=False,
        )


def easy_axes(path, symbols, sizes, easy):
    """Return UniaxialAnisotropy models of sites with H = -K (e.n)^2.

    Parameters
    ----------
    path : path of the file, for messages.
    symbols : sequence of str, of the sites. sizes : (n,) float array, mu_B.
    easy : list of lists of (K, n), eV and a unit vector, one list for each site.

    Raises
    ------
    ValueError
        If sites of one element differ (in K n n / size^2).
    """
    out = []
    symbols = np.array(symbols)
    matrices = np.array(
        [
            sum((k * np.outer(axis, axis) for k, axis in terms), np.zeros((3, 3))) / size**2
            for terms, size in zip(easy, np.where(sizes > 0, sizes, 1.0), strict=True)
        ]
    )
    for symbol in dict.fromkeys(symbols):
        sites = np.flatnonzero(symbols == symbol)
        scale = np.abs(matrices[sites]).max()
        if np.abs(matrices[sites] - matrices[sites[0]]).max() > 1e-9 * scale:
            raise ValueError(
                f"{path}: sites of {symbol} have different anisotropies (K / size^2), but a model "
                "tells sites apart by their elements: give them different ones"
            )
        out += [
            UniaxialAnisotropy(str(symbol), constant, axis, sizes[sites[0]])
            for constant, axis in easy[sites[0]]
            if constant
        ]
    return out


@dataclass
class BilinearList:
    """A bilinear Hamiltonian of unit vectors on a cell, eV.

    H = -1/2 sum_bonds e_i.T.e_j - sum_i sizes_i e_i.B - sum_i K_i (e_i.n_i)^2.

    Attributes
    ----------
    i, j : (k,) int arrays. shifts : (k, 3) int array, cell of j.
    tensors : (k, 3, 3) float array, eV. isotropic : bool, whether all are J times the unit matrix.
    symmetric : bool, whether none has an antisymmetric part. sizes : (n,) float array, mu_B.
    field : (3,) float array, eV/mu_B. easy : (n, 3, 3) float array, K n n, eV.
    """

    i: np.ndarray
    j: np.ndarray
    shifts: np.ndarray
    tensors: np.ndarray
    isotropic: bool
    symmetric: bool
    sizes: np.ndarray
    field: np.ndarray
    easy: np.ndarray

    @classmethod
    def of(cls, cell, model, code):
        """Return the list of a model on a cell with moments.

        Raises
        ------
        ValueError
            If the model has no such form, or a site no moment.
        """
        model.check_species(cell.numbers)
        sizes = np.linalg.norm(get_moments(cell), axis=1)
        if not (sizes > 0).all():
            raise ValueError(
                f"atom {int(sizes.argmin())} has no moment, but the Hamiltonian of {code} is one "
                "of unit vectors that stand for a size: give it one, or leave the atom out"
            )
        graph = PairGraph.build(
            cell.positions, cell.cell.array, cell.pbc, cell.numbers, model.cutoff
        )
        terms = model.terms if type(model) is Sum else (model,)
        bad = [
            t
            for t in terms
            if isinstance(t, CubicAnisotropy) or (isinstance(t, UniaxialAnisotropy) and t.fourth)
        ]
        form = None if bad else model.bilinear(graph)
        if form is None:
            raise ValueError(
                f"{bad[0] if bad else model!r} cannot be written for {code}: its Hamiltonian "
                "there is bilinear, with uniaxial anisotropies of second order"
            )
        n = graph.n_pairs
        tensors = np.zeros((n, 3, 3)) if form.tensors is None else form.tensors.copy()
        if form.exchange is not None:
            tensors += form.exchange[:, None, None] * np.eye(3)
        tensors *= (sizes[graph.centers] * sizes[graph.neighbors])[:, None, None]
        scale = _ZERO * np.abs(tensors).max(initial=0.0)
        kept = np.flatnonzero(np.abs(tensors).max(axis=(1, 2), initial=0.0) > scale)
        tensors = tensors[kept]
        mean = np.trace(tensors, axis1=1, axis2=2) / 3
        odd = 0.5 * (tensors - tensors.transpose(0, 2, 1))
        rest = tensors - mean[:, None, None] * np.eye(3)
        easy = np.zeros((len(cell), 3, 3))
        if form.quadric is not None:
            easy = -form.quadric * (sizes**2)[:, None, None]
        field = np.zeros((1, 3)) if form.field is None else form.field
        if np.abs(field - field[0]).max(initial=0.0) > 1e-12 * np.abs(field).max(initial=0.0):
            raise ValueError(f"the external field differs between sites, but {code} has one vector")
        return cls(
            graph.centers[kept],
            graph.neighbors[kept],
            graph.topology.shifts[kept],
            tensors,
            bool(np.abs(rest).max(initial=0.0) <= scale),
            bool(np.abs(odd).max(initial=0.0) <= scale),
            sizes,
            field[0].copy(),
            easy,
        )

    def axes(self, code):
        """Return (K, n) of every site, eV and a unit vector (z without anisotropy).

        Raises
        ------
        ValueError
            If an anisotropy is not of the form -K (e.n)^2.
        """
        constants, axes = np.zeros(len(self.easy)), np.tile([0.0, 0.0, 1.0], (len(self.easy), 1))
        for site, matrix in enumerate(self.easy):
            if not matrix.any():
                continue
            values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
            k = np.abs(values).argmax()
            if np.abs(np.delete(values, k)).max() > 1e-10 * abs(values[k]):
                raise ValueError(
                    f"the anisotropy of atom {site} is not uniaxial, which is the form of {code}"
                )
            constants[site], axes[site] = values[k], vectors[:, k]
        return constants, axes
