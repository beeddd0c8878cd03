"""Config files of Spirit as atoms and models."""

import warnings
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from ase_mag import units
from ase_mag.core import PairGraph, set_moments
from ase_mag.core.model import Sum
from ase_mag.io.bond_list import DirectedBonds, easy_axes
from ase_mag.io.spirit.config import Config
from ase_mag.io.uppasd.reader import SYMBOLS
from ase_mag.models import NonMagnetic, Zeeman, dmi_tensors, shell_radii

_MEV = units.energy_unit("meV")
_HALF_ROOT_3 = 0.5 * np.sqrt(3.0)
_LATTICES = {
    "sc": np.eye(3),
    "fcc": [[0.5, 0, 0.5], [0.5, 0.5, 0], [0, 0.5, 0.5]],
    "bcc": [[0.5, 0.5, -0.5], [-0.5, 0.5, -0.5], [0.5, -0.5, -0.5]],
    "hex2d": [[_HALF_ROOT_3, -0.5, 0], [_HALF_ROOT_3, 0.5, 0], [0, 0, 1]],
    "hex2d60": [[_HALF_ROOT_3, -0.5, 0], [_HALF_ROOT_3, 0.5, 0], [0, 0, 1]],
    "hex2d120": [[0.5, -_HALF_ROOT_3, 0], [0.5, _HALF_ROOT_3, 0], [0, 0, 1]],
}
#: Distances of shells that differ by more are different (angstrom).
_SHELL = 1e-3
#: Keywords of terms and samples that are not read.
_NOT_READ = (
    "n_interaction_quadruplets",
    "interaction_quadruplets_file",
    "cubic_anisotropy_magnitude",
    "atom_types",
    "n_pinned",
    "n_defects",
)


def read_spirit(path, species=None):
    """Read a config file of Spirit: the sample and its Hamiltonian.

    H = -sum_<ij> [J_ij n_i.n_j + D_ij.(n_i x n_j)] - sum_i K_i (k_i.n_i)^2 - sum_i mu_i B.n_i in
    meV, with unit vectors n and each pair once (Spirit's documentation, "Input"; Müller 2019). It
    becomes models of moments in eV and mu_B that have this energy for moments of the sizes mu_s.

    Parameters
    ----------
    path : path of the config file.
    species : str or sequence of str, optional; chemical symbols of the sites of the basis (Spirit
        has none). Default: Fe, Co, Ni, ... for sites with different mu_s and anisotropy.

    Returns
    -------
    atoms : ase.Atoms, in the order of ``cell.repeat(n_basis_cells)``, with moments along z (config
        files hold no spins; see :func:`read_ovf`).
    model : Model

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        For what cannot be understood, naming file and line, other Hamiltonians and lattices.

    Warns
    -----
    UserWarning
        For terms that are not read: quadruplets, cubic anisotropy, dipoles, defects.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} does not exist")
    config = Config(path)
    ignored = [key for key in _NOT_READ if key in config]
    ignored += [key for key in ("dd_radius", "ddi_radius") if config.value(key, 0.0)]
    ignored += [key for key in ("ddi_method",) if config.word(key, "none") != "none"]
    if ignored:
        warnings.warn(
            f"{path}: {', '.join(ignored)} are not read, energies lack them",
            UserWarning,
            stacklevel=2,
        )
    cell, sizes = _cell(config)
    repeat = config.values("n_basis_cells", 3)
    if repeat is None or (repeat < 1).any():
        raise ValueError(f"{path} needs n_basis_cells, three positive numbers of cells")
    repeat = repeat.astype(int)
    easy = _anisotropies(config, cell)
    _name(cell, sizes, easy, species, path)
    species = tuple(dict.fromkeys(cell.symbols))
    periodic = config.values("boundary_conditions", 3, np.zeros(3)) != 0
    terms = [_exchange(config, cell, repeat).model(cell, sizes)]
    easy_mev = [[(_MEV * constant, axis) for constant, axis in site] for site in easy]
    terms += easy_axes(path, cell.symbols, sizes, easy_mev)
    field = config.value("external_field_magnitude", 0.0)
    if field:
        normal = config.values("external_field_normal", 3, np.array([0.0, 0.0, 1.0]))
        normal = normal if normal.any() else np.array([0.0, 0.0, 1.0])
        terms.append(Zeeman(species, field * normal / np.linalg.norm(normal)))
    atoms = cell.repeat(repeat)
    atoms.pbc = periodic
    set_moments(atoms, np.tile(sizes, repeat.prod()))
    return atoms, Sum([*[t for t in terms if t is not None], NonMagnetic(species)])


def _cell(config):
    """Return the cell of the basis, ase.Atoms of X, and the sizes of its moments, mu_B."""
    scale = config.value("lattice_constant", 1.0)
    if "bravais_lattice" in config:
        name = config.word("bravais_lattice", "sc")
        if name not in _LATTICES:
            raise config.error(f"bravais_lattice is {name!r}, known are {', '.join(_LATTICES)}")
        vectors = np.array(_LATTICES[name], dtype=float)
    else:
        vectors = np.eye(3)
        for key in ("bravais_vectors", "bravais_matrix"):
            k = config.find(key)
            if k is not None:
                vectors = np.array([v for _, v in config.rows(k + 1, 3, 3, key)])
                vectors = vectors.T if key == "bravais_matrix" else vectors
                break
    if "basis_file" in config:
        raise config.error("basis_file is not read: put the basis into the config file")
    scaled, k = np.zeros((1, 3)), config.find("basis")
    if k is not None:
        ((_, count),) = config.rows(k + 1, 1, 1, "the number of sites of the basis")
        rows = config.rows(k + 2, int(count[0]), 3, "a site of the basis")
        scaled = np.array([v for _, v in rows]).reshape(-1, 3)
    if not len(scaled):
        raise config.error("the basis has no sites")
    k = config.find("mu_s")
    words = ["1"] if k is None else config.words[k][1][1:]
    sizes = config.numbers(words[: len(scaled)], min(len(words), len(scaled)) or 1, "mu_s")
    sizes = np.concatenate([sizes, np.full(len(scaled) - len(sizes), sizes[0])])
    cell = Atoms(f"X{len(scaled)}", cell=scale * vectors, pbc=True)
    cell.positions = scaled @ cell.cell.array
    return cell, sizes


def _anisotropies(config, cell):
    """Return the list of (K, axis), meV, of every site."""
    out = [[] for _ in cell]
    table = config.table("n_anisotropy", "anisotropy_file", "an anisotropy")
    if table is None:
        constant = config.value("anisotropy_magnitude", 0.0)
        axis = config.values("anisotropy_normal", 3, np.array([0.0, 0.0, 1.0]))
        return [[(constant, axis / np.linalg.norm(axis))] if constant else [] for _ in cell]
    file, names, rows = table
    axes = next((a for a in (("kx", "ky", "kz"), ("ka", "kb", "kc")) if set(a) <= set(names)), None)
    if axes is None or "k4" in names:
        raise file.error(f"an anisotropy needs the columns i Kx Ky Kz (K), got {' '.join(names)}")
    for file.place, row in rows:
        values = dict(zip(names, row, strict=True))
        site = file.whole(f"{values['i']:g}", "the site", 0, len(cell) - 1)
        axis = np.array([values[name] for name in axes])
        if axes[0] == "ka":  # as Spirit does: components are products with the cell vectors
            axis = cell.cell.array @ axis
        length = np.linalg.norm(axis)
        constant = values.get("k", length)
        if constant and not length:
            axis, length = np.array([0.0, 0.0, 1.0]), 1.0
        if constant:
            out[site].append((constant, axis / length))
    return out


def _matrix(easy):
    return sum((k * np.outer(axis, axis) for k, axis in easy), np.zeros((3, 3)))


def _name(cell, sizes, easy, species, path):
    """Give the sites their chemical symbols."""
    if species is None:
        kinds = [(size, tuple(_matrix(e).ravel())) for size, e in zip(sizes, easy, strict=True)]
        different = list(dict.fromkeys(kinds))
        if len(different) > len(SYMBOLS):
            raise ValueError(f"{path} has {len(different)} kinds of sites: give species")
        cell.symbols = [SYMBOLS[different.index(kind)] for kind in kinds]
        return
    species = [species] * len(cell) if isinstance(species, str) else list(species)
    if len(species) != len(cell) or not set(species) <= set(atomic_numbers):
        raise ValueError(
            f"{path} has {len(cell)} sites in its basis: species must be as many chemical symbols, "
            f"got {species}"
        )
    cell.symbols = species


def _exchange(config, cell, repeat):
    kind = config.word("hamiltonian", "heisenberg_neighbours")
    if kind == "heisenberg_pairs":
        return _pairs(config, cell)
    if kind == "heisenberg_neighbours":
        return _shells(config, cell, repeat)
    raise config.error(
        f"hamiltonian is {kind!r}, read are heisenberg_pairs and heisenberg_neighbours"
    )


def _pairs(config, cell):
    """Return the bonds of a table of pairs; one that is listed twice counts twice."""
    bonds = DirectedBonds(config.path)
    if "n_interaction_pairs" not in config and "interaction_pairs_file" not in config:
        raise ValueError(
            f"{config.path} has neither n_interaction_pairs nor interaction_pairs_file, which "
            "hamiltonian heisenberg_pairs needs (n_interaction_pairs 0: none): is it cut off?"
        )
    table = config.table("n_interaction_pairs", "interaction_pairs_file", "a pair")
    if table is None:
        return bonds
    file, names, rows = table
    missing = {"i", "j", "da", "db", "dc"} - set(names)
    if missing or {"dija", "dijb", "dijc"} & set(names):
        raise file.error(
            "a pair needs the columns i j da db dc, and Jij, Dijx Dijy Dijz (Dij), got "
            f"{' '.join(names)}"
        )
    for file.place, row in rows:
        values = dict(zip(names, row, strict=True))
        i, j = (file.whole(f"{values[k]:g}", "the site", 0, len(cell) - 1) for k in "ij")
        shift = tuple(int(values[k]) for k in ("da", "db", "dc"))
        vector = np.array([values.get(k, 0.0) for k in ("dijx", "dijy", "dijz")])
        length = np.linalg.norm(vector)
        if "dij" in values and length:
            vector = values["dij"] * vector / length
        tensor = _MEV * (values.get("jij", 0.0) * np.eye(3) + dmi_tensors(vector[None])[0])
        for a, b, s, t in ((i, j, shift, tensor), (j, i, tuple(-n for n in shift), tensor.T)):
            known = bonds.tensors.pop((a, b, s), np.zeros((3, 3)))
            bonds.add(a, b, s, known + t, file.place)
    return bonds


def _shells(config, cell, repeat):
    """Return the bonds of shells of neighbors; directions with one cell are not periodic."""
    bonds = DirectedBonds(config.path)
    counts = {}
    for key in ("n_shells_exchange", "n_shells_dmi"):
        k = config.find(key)
        words = ["0"] if k is None else config.words[k][1][1:2]
        counts[key] = config.whole(words[0] if words else "", key)
    exchange = config.values("jij", counts["n_shells_exchange"], np.zeros(0))
    dmi = config.values("dij", counts["n_shells_dmi"], np.zeros(0))
    for key, found in (("jij", exchange), ("dij", dmi)):
        if len(found) != counts["n_shells_exchange" if key == "jij" else "n_shells_dmi"]:
            raise ValueError(f"{config.path} has no line {key} with a number for each shell")
    count = max(len(exchange), len(dmi))
    if not count:
        return bonds
    chirality = int(config.value("dm_chirality", 0))
    sample = cell.copy()
    sample.pbc = repeat > 1
    radii = shell_radii(sample, count, tolerance=_SHELL)
    graph = PairGraph.build(
        sample.positions, sample.cell.array, sample.pbc, sample.numbers, radii[-1] + _SHELL
    )
    for k in range(graph.n_pairs):
        shell = int(np.abs(radii - graph.distances[k]).argmin())
        tensor = exchange[shell] * np.eye(3) if shell < len(exchange) else np.zeros((3, 3))
        if shell < len(dmi):
            normal = _normal(config, graph.vectors[k] / graph.distances[k], chirality)
            tensor = tensor + dmi_tensors(dmi[shell] * normal[None])[0]
        bonds.add(
            graph.centers[k], graph.neighbors[k], graph.topology.shifts[k], _MEV * tensor, None
        )
    return bonds


def _normal(config, direction, chirality):
    """Return D for dij = 1: along the bond (1, -1), or its product with z (2, -2)."""
    if abs(chirality) not in (1, 2):
        config.find("dm_chirality")
        raise config.error(f"dm_chirality is {chirality}, known are 1, -1, 2, -2")
    normal = direction if abs(chirality) == 1 else np.cross(direction, [0.0, 0.0, 1.0])
    return np.sign(chirality) * normal
