"""Exchange, Dzyaloshinskii-Moriya and anisotropy files of UppASD as models."""

import warnings
from dataclasses import dataclass, field

import numpy as np
from ase.cell import Cell as Vectors

from ase_mag import units
from ase_mag.io.uppasd.symmetry import operations, shells
from ase_mag.io.uppasd.tables import index, number, rows
from ase_mag.models import BondExchange, CubicAnisotropy, UniaxialAnisotropy, dmi_tensors


@dataclass
class Cell:
    """The chemical unit cell.

    Attributes
    ----------
    vectors : (3, 3) float array, in units of alat. positions : (n, 3) float array, the same.
    types : (n,) int array, from 0. sizes : (n,) float array, mu_B. directions : (n, 3) float array.
    symbols : tuple of str, one for each type. alat : float, angstrom.
    """

    vectors: np.ndarray
    positions: np.ndarray
    types: np.ndarray
    symbols: tuple
    alat: float
    sizes: np.ndarray = field(default=None)
    directions: np.ndarray = field(default=None)

    def of_type(self, kind):
        """Return the moment size of the sites of a type, mu_B.

        Raises
        ------
        ValueError
            If they differ: exchange is listed by type, and unit vectors stand for one size.
        """
        sizes = self.sizes[self.types == kind]
        if np.ptp(sizes) > 1e-9:
            raise ValueError(
                f"the sites of type {kind + 1} have the moments {sizes.tolist()} mu_B: exchange "
                "constants of unit vectors stand for one size, give these sites other types"
            )
        return float(sizes[0])


def _bonds(path, what, columns, cell, keywords, images=True):
    """Return {type of i: (vectors, values)} of a file with bonds in its lines."""
    maptype = int(keywords.numbers("maptype", 1, [1])[0])
    if maptype not in (1, 2):
        raise ValueError(f"{keywords.path}: maptype is {maptype}, but ase_mag reads 1 and 2 only")
    direct = keywords.choice("posfiletype", ("C", "D"), "C") == "D"
    sym = int(keywords.numbers("sym", 1, [0])[0]) if images else 0
    matrices = operations(sym, keywords.path.parent)
    listed = {}
    for place, words in rows(path, 5 + columns, what):
        i, j = (index(path, place, word, most=len(cell.types)) for word in words[:2])
        vector = np.array([number(word) for word in words[2:5]])
        if maptype == 2:
            vector = vector @ cell.vectors + cell.positions[j] - cell.positions[i]
        elif direct:
            vector = vector @ cell.vectors
        value = np.array([number(word) for word in words[5 : 5 + columns]])
        vectors, values = listed.setdefault(int(cell.types[i]), ([], []))
        equal = [k for k, known in enumerate(vectors) if np.sum((known - vector) ** 2) < 1e-5]
        for k in equal:  # as in UppASD: the last one counts
            values[k] = value
        if not equal:
            vectors.append(vector)
            values.append(value)
    if not listed:
        raise ValueError(
            f"{path} lists no bonds: it is empty or was cut off. Without {what} leave its line out "
            f"of {keywords.path.name}"
        )
    return {kind: shells(*map(np.array, found), matrices) for kind, found in listed.items()}


def _neighbors(cell, kind, vectors):
    """Return (vector, type of the site there) of the bonds of the first site of a type.

    Vectors that lead to no site (images under operations that the crystal lacks) are left out.
    """
    start = cell.positions[np.flatnonzero(cell.types == kind)[0]]
    # Cells of chains and layers may have vectors of zero length: there is no image along them.
    lattice = Vectors(cell.vectors)
    scaled = vectors @ np.linalg.inv(lattice.complete().array)
    reach = 1 + int(np.ceil(np.abs(scaled).max(initial=0.0)))
    grids = [np.arange(-reach, reach + 1) if vector.any() else [0] for vector in lattice.array]
    shifts = np.stack(np.meshgrid(*grids, indexing="ij"), -1).reshape(-1, 3) @ lattice.array
    for place, vector in enumerate(vectors):
        for site, position in enumerate(cell.positions):
            gap = np.abs(start + vector - position - shifts).max(axis=1)
            if (gap < 1e-3).any():
                yield place, int(cell.types[site])
                break


def _model(path, keywords, cell, found, tensors_of):
    """Return the BondExchange of bonds by type; tensors_of(values) are in mRy, of unit vectors."""
    bonds, tensors, sites = [], [], []
    sizes = [cell.of_type(kind) for kind in range(len(cell.symbols))]
    for kind, (vectors, values) in found.items():
        matrices = tensors_of(values)
        for place, other in _neighbors(cell, kind, vectors):
            _check_back(path, found, kind, other, vectors[place])
            factor = units.exchange_factor("UppASD", "mRy", (sizes[kind], sizes[other]))
            bonds.append(cell.alat * vectors[place])
            tensors.append(factor * matrices[place])
            sites.append((kind, other))
    if not bonds:
        return None
    _warn_of_small_box(keywords, cell, np.array(bonds) / cell.alat, sites)
    return BondExchange(
        cell.symbols,
        bonds,
        tensors,
        sites,
        tolerance=0.05 * np.linalg.norm(bonds, axis=1).min(),
        complete=False,
    )


def _warn_of_small_box(keywords, cell, bonds, sites):
    """Warn if an atom is a neighbor twice, which UppASD counts once."""
    if keywords.word("map_multiple", "F").strip(".").upper().startswith("T"):
        return
    repeats = keywords.numbers("ncell", 3, [1, 1, 1])
    periodic = [word.upper() == "P" for word in keywords.values.get("bc", ["0"] * 3)[:3]]
    box = Vectors(repeats[:, None] * cell.vectors).complete().array
    for ends in set(sites):
        ours = bonds[[k for k, known in enumerate(sites) if known == ends]]
        turns = np.linalg.solve(box.T, (ours[:, None] - ours).reshape(-1, 3).T).T
        same = (np.abs(turns - np.rint(turns)) < 1e-6).all(axis=1) & (np.abs(turns) > 0.5).any(1)
        if (same & ~np.rint(turns[:, ~np.array(periodic)]).any(axis=1)).any():
            warnings.warn(
                f"{keywords.path}: in a box of {repeats.astype(int).tolist()} cells atoms are "
                "neighbors of one another several times. UppASD counts one of these bonds only, "
                "unless the line 'map_multiple T' is there; ase_mag counts all",
                UserWarning,
                stacklevel=5,
            )
            return


def _check_back(path, found, kind, other, vector):
    back = found.get(other, (np.zeros((0, 3)),))[0]
    if not (np.abs(back + vector) < 1e-3).all(axis=1).any():
        raise ValueError(
            f"{path}: a bond of type {kind + 1} leads to type {other + 1} along "
            f"{np.round(vector, 6).tolist()}, but the bond back is not listed. UppASD then lets "
            "the first atom feel the second one only, which no energy describes: list both "
            "directions, or make images with sym"
        )


def exchange(cell, keywords):
    """Return the exchange of ``exchange`` (H = -sum_{i!=j} J e_i.e_j, mRy), or None.

    With ``do_jtensor`` 1 and ``calc_jtensor`` F: nine numbers J_xx, J_xy, ..., J_zz and
    H = -sum_{i!=j} e_i.J.e_j; the images of ``sym`` have the same tensor, which is not turned.
    """
    if "exchange" not in keywords:
        return None
    path = keywords.path.parent / keywords.word("exchange")
    tensorial = int(keywords.numbers("do_jtensor", 1, [0])[0]) == 1
    if tensorial and keywords.word("calc_jtensor", "T").strip(".").upper()[:1] != "F":
        tensorial = False
        if any(len(words) >= 14 for _, words in rows(path, 6, "exchange")):
            warnings.warn(
                f"{path} lists tensors, but {keywords.path} has no line 'calc_jtensor F': UppASD "
                "then takes the first number of each as a scalar, and so does ase_mag",
                UserWarning,
                stacklevel=4,
            )
    found = _bonds(path, "exchange", 9 if tensorial else 1, cell, keywords)

    def tensors(values):
        if tensorial:
            return values.reshape(-1, 3, 3)
        return values.reshape(-1, 1, 1) * np.eye(3)

    if not any(np.any(values) for _, values in found.values()):
        return None
    return _model(path, keywords, cell, found, tensors)


def antisymmetric_exchange(cell, keywords):
    """Return the interaction of ``dm`` (H = -sum_{i!=j} D.(e_i x e_j), mRy), or None."""
    if "dm" not in keywords:
        return None
    path = keywords.path.parent / keywords.word("dm")
    found = _bonds(path, "the Dzyaloshinskii-Moriya interaction", 3, cell, keywords, False)
    return _model(path, keywords, cell, found, dmi_tensors)


def anisotropies(cell, keywords):
    """Return the models of ``anisotropy`` (mRy).

    With c = e.n, q = x^2 y^2 + y^2 z^2 + z^2 x^2, s = x^2 y^2 z^2 of the unit vector e and the
    moment size m in mu_B, as the effective fields of the program (6.1) say:

    type 1: H = (K1 + 2 K2/m^2) c^2 - K2 c^4; 2: H = -K1 q - K2 s; 7: that of type 1 and the ratio
    (last column) times m^2 (-K1 q - K2 s).
    """
    if "anisotropy" not in keywords:
        return []
    path = keywords.path.parent / keywords.word("anisotropy")
    if path.is_file() and not path.read_text(encoding="utf-8").strip():
        return []
    by_site = {}
    for place, words in rows(path, 7, "anisotropy"):
        site = index(path, place, words[0], most=len(cell.types))
        sort = int(number(words[1]))
        if sort not in (0, 1, 2, 7):
            raise ValueError(f"{path}, line {place}: anisotropy {sort} is none of 0, 1, 2, 7")
        values = [sort, *(number(word) for word in words[2:8])]
        if by_site.setdefault(site, values) != values:
            raise ValueError(f"{path}, line {place}: site {site + 1} has another anisotropy before")
    out = []
    for kind in range(len(cell.symbols)):
        sites = np.flatnonzero(cell.types == kind).tolist()
        values = by_site.get(sites[0])
        if any(by_site.get(site) != values for site in sites):
            raise ValueError(
                f"{path}: the sites {[site + 1 for site in sites]} of type {kind + 1} have "
                "different anisotropies, or some have none: give them other types in the posfile"
            )
        if values is None:
            continue
        sort, k1, k2, *rest = values
        symbol, size = cell.symbols[kind], cell.of_type(kind)
        k1, k2 = k1 * units.energy_unit("mRy"), k2 * units.energy_unit("mRy")
        if sort in (1, 7) and (k1 or k2):
            constant = -k1 - 2 * k2 / size**2
            out.append(UniaxialAnisotropy(symbol, constant, rest[:3], size, fourth=k2))
        ratio = 1.0
        if sort == 7:
            ratio = size**2 * rest[3] if len(rest) > 3 else 0.0
        if sort in (2, 7) and ratio * (k1 or k2):
            out.append(CubicAnisotropy(symbol, -ratio * k1, -ratio * k2, size))
    return out
