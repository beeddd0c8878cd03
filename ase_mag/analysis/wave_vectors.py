"""Wave vectors that fit a supercell: paths through the Brillouin zone of its crystal."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ase.cell import Cell

#: Part of the atoms that must scatter in phase at the reciprocal vectors of a crystal.
_BRAGG = 0.3


#: Atoms in the cube, and twice the primitive vectors in its edges, of I, F and P lattices.
_CUBIC = (
    (2, np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])),
    (4, np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])),
    (1, 2 * np.eye(3)),
)


@dataclass(frozen=True)
class Path:
    """Wave vectors on a path.

    Attributes
    ----------
    vectors : (n, 3) float array, q in 1/angstrom, with 2 pi.
    distances : (n,) float array, length along the path, 1/angstrom.
    ticks : list of (distance, name) of the special points.
    """

    vectors: np.ndarray
    distances: np.ndarray
    ticks: list


def commensurate_path(atoms, path, cell=None):
    """Return all wave vectors on a path that are periodic in the cell of ``atoms``.

    Parameters
    ----------
    atoms : ase.Atoms, a supercell of a crystal, atoms near their places.
    path : str, special points as ASE names them, e.g. 'GHNGP'; ',' is a jump.
    cell : (3, 3) array, optional; the primitive cell of the crystal, angstrom, whose zone has the
        points. Default: the simple, body- or face-centered cubic cell that fits the atoms.

    Raises
    ------
    ValueError
        If no cubic cell fits, the cell given does not, a point has no such name, a part of the
        path is not between different points, or no wave vector on it is periodic in the supercell.
    """
    cell = cubic_cell(atoms) if cell is None else Cell.new(cell)
    counts = atoms.cell.array @ np.linalg.inv(cell.array)
    if np.abs(counts - np.rint(counts)).max() > 0.02:
        raise ValueError(
            f"the cell of the atoms is not made of whole cells {cell.array.tolist()}: its vectors "
            f"are {counts.round(3).tolist()} of them"
        )
    points = cell.bandpath("").special_points
    unknown = [name for name in _names(path) if name not in points]
    if unknown:
        raise ValueError(
            f"the zone of this cell has no point {', '.join(unknown)}; it has {', '.join(points)}"
        )
    for part in path.split(","):
        names = _names(part)
        if len(names) < 2 or any(first == second for first, second in pairwise(names)):
            raise ValueError(f"a path goes from one point to another, as 'GH', got {path!r}")
    # A strained supercell: what fits is q in whole numbers of its own reciprocal vectors.
    ideal = np.rint(counts)
    vectors, distances, ticks, length = [], [], [], 0.0
    for part in path.split(","):
        names = _names(part)
        for first, second in pairwise(names):
            start, end = (ideal @ points[name] for name in (first, second))
            size = np.linalg.norm((end - start) @ atoms.cell.reciprocal()) * 2 * np.pi
            ticks.append((length, first))
            for t in _fitting(start, end):
                vector = np.rint(start + t * (end - start)) @ atoms.cell.reciprocal() * 2 * np.pi
                if vectors and np.abs(vector - vectors[-1]).max() < 1e-9:
                    continue
                vectors.append(vector)
                distances.append(length + t * size)
            length += size
        ticks.append((length, names[-1]))
    if not vectors:
        raise ValueError(
            f"no wave vector on the path {path!r} is periodic in this supercell of "
            f"{len(atoms)} atoms: take another number of repeats, or a path through G"
        )
    merged = []
    for place, name in ticks:
        if merged and abs(merged[-1][0] - place) < 1e-9:
            if merged[-1][1] != name:
                merged[-1] = (place, f"{merged[-1][1]}|{name}")
        else:
            merged.append((place, name))
    return Path(np.array(vectors).reshape(-1, 3), np.array(distances), merged)


def wave_path(atoms, q_path=None, q_vectors=None, cell=None):
    """Return the :class:`Path` of a path, see :func:`commensurate_path`, or of given vectors."""
    if q_path is not None:
        return commensurate_path(atoms, q_path, cell)
    vectors = np.array(q_vectors, dtype=float).reshape(-1, 3)
    steps = np.linalg.norm(np.diff(vectors, axis=0), axis=1)
    return Path(vectors, np.concatenate([[0.0], np.cumsum(steps)]), [])


def wave_sums(vectors, positions, values, memory=16_000_000):
    """Return sum_i values_i exp(-i q.r_i) at wave vectors, (n_q, 3), by parts of the atoms.

    Parameters
    ----------
    vectors : (n_q, 3) array, 1/angstrom. positions, values : (N, 3) arrays.
    memory : bytes of the phases that are there at a time.
    """
    out = np.zeros((len(vectors), 3), dtype=complex)
    step = max(1, int(memory / (16 * len(vectors))))
    for start in range(0, len(positions), step):
        part = slice(start, start + step)
        out += np.exp(-1j * (vectors @ positions[part].T)) @ values[part]
    return out


def _names(path):
    """Split 'GXM1' into ['G', 'X', 'M1']."""
    out = []
    for letter in path.replace(",", ""):
        if letter.isdigit() and out:
            out[-1] += letter
        else:
            out.append(letter)
    return out


def _fitting(start, end):
    """Return t in [0, 1] with start + t (end - start) in whole numbers."""
    change = end - start
    axis = int(np.abs(change).argmax())
    low, high = sorted((start[axis], end[axis]))
    whole = np.arange(np.ceil(low - 1e-6), np.floor(high + 1e-6) + 1)
    t = np.sort((whole - start[axis]) / change[axis])
    places = start + t[:, None] * change
    return t[np.abs(places - np.rint(places)).max(axis=1) < 1e-6].clip(0.0, 1.0)


def cubic_cell(atoms):
    """Return the primitive cubic cell (P, I or F) of which a cubic supercell of atoms is made.

    Raises
    ------
    ValueError
        If there is none: other crystals need their cell.
    """
    lengths, angles = atoms.cell.lengths(), atoms.cell.angles()
    for per_cell, shape in _CUBIC:
        a = (atoms.get_volume() * per_cell / len(atoms)) ** (1 / 3)
        counts = lengths / a
        if np.abs(counts - np.rint(counts)).max() > 0.02 or np.abs(angles - 90).max() > 1.0:
            continue
        conventional = atoms.cell.array / np.rint(counts)[:, None]
        cell = 0.5 * shape @ conventional
        phases = np.exp(-2j * np.pi * atoms.positions @ np.linalg.inv(cell))
        if np.abs(phases.mean(axis=0)).min() > _BRAGG:
            return Cell.new(cell)
    raise ValueError(
        f"the {len(atoms)} atoms are no supercell of a simple, body- or face-centered cubic "
        "crystal: give the primitive cell (cell=...)"
    )
