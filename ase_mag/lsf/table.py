"""Computed energy landscapes, one row per scanned moment."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from ase_mag.core import get_moments, set_moments, storable, storage
from ase_mag.lsf.frames import IDEAL
from ase_mag.lsf.thermodynamics import bounded, minimum_moment

#: Arrays with one entry per landscape, and their units.
_COLUMNS = {
    "frame": "",
    "atom": "",
    "a": "eV/mu_B^2",
    "b": "eV/mu_B^4",
    "constant": "eV",
    "error": "eV",
    "relaxed": "mu_B",
}


@dataclass(frozen=True)
class Landscape:
    """One landscape: E(m) = constant + a m^2 + b m^4, fitted to energies of a scan.

    Attributes
    ----------
    a, b, constant : float, eV/mu_B^2, eV/mu_B^4, eV.
    error : float, root mean square of the fit residuals, eV.
    relaxed : float, size of the moment when all sizes are relaxed at fixed directions (m_0), mu_B.
    sizes, energies : arrays, the scan, mu_B and eV.
    frame, atom : int
    """

    a: float
    b: float
    constant: float
    error: float
    relaxed: float
    sizes: np.ndarray
    energies: np.ndarray
    frame: int
    atom: int

    @property
    def minimum(self):
        """Moment at the minimum, sqrt(-a/2b) or 0, mu_B; NaN if unbounded."""
        return float(minimum_moment(self.a, self.b))

    def energy(self, m):
        """Return constant + a m^2 + b m^4, eV."""
        square = np.square(m)
        return self.constant + square * (self.a + self.b * square)


@storable
class LandscapeTable:
    """Landscapes E(m) = constant + a m^2 + b m^4 of the moments of several frames.

    ``len(table)`` rows, one per scanned moment; ``table[3]`` is a :class:`Landscape`,
    ``table[10:20]`` and ``table[mask]`` are tables, ``table + other`` puts rows together.

    Parameters
    ----------
    frames : list of ase.Atoms
        Structures with moments (their directions count) and, for learning, the array
        ``'ideal_positions'``.
    frame, atom : (n,) int arrays, which atom of which frame a row belongs to.
    a, b, constant, error, relaxed : (n,) arrays, see :class:`Landscape`.
    sizes, energies : (n, k) arrays, mu_B and eV; NaN where a row has fewer points.

    Attributes
    ----------
    minimum : (n,) array, moment at the minimum, mu_B; NaN for unbounded landscapes.
    bounded : (n,) bool array, b > 0 (or b = 0 and a > 0): only these have thermodynamics.
    """

    def __init__(self, frames, frame, atom, a, b, constant, error, relaxed, sizes, energies):
        self.frames = list(frames)
        self.frame = np.asarray(frame, dtype=int)
        self.atom = np.asarray(atom, dtype=int)
        self.a = np.asarray(a, dtype=float)
        self.b = np.asarray(b, dtype=float)
        self.constant = np.asarray(constant, dtype=float)
        self.error = np.asarray(error, dtype=float)
        self.relaxed = np.asarray(relaxed, dtype=float)
        self.sizes = np.asarray(sizes, dtype=float)
        self.energies = np.asarray(energies, dtype=float)
        n = len(self.a)
        for name in _COLUMNS:
            if getattr(self, name).shape != (n,):
                raise ValueError(
                    f"column {name!r} has shape {getattr(self, name).shape}, but there are {n} rows"
                )
        if self.sizes.shape != self.energies.shape or self.sizes.shape[:1] != (n,):
            raise ValueError(
                f"sizes {self.sizes.shape} and energies {self.energies.shape} must both have one "
                f"row for each of the {n} landscapes"
            )

    minimum = property(lambda self: minimum_moment(self.a, self.b))
    bounded = property(lambda self: bounded(self.a, self.b))

    def __len__(self):
        return len(self.a)

    def __getitem__(self, index):
        if isinstance(index, int | np.integer):
            names = Landscape.__dataclass_fields__
            row = {name: getattr(self, name)[index] for name in names}
            return Landscape(**{k: v.item() if np.ndim(v) == 0 else v for k, v in row.items()})
        columns = {name: getattr(self, name)[index] for name in _COLUMNS}
        return LandscapeTable(
            self.frames, **columns, sizes=self.sizes[index], energies=self.energies[index]
        )

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __add__(self, other):
        if not isinstance(other, LandscapeTable):
            return NotImplemented
        columns = {
            name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in _COLUMNS
        }
        columns["frame"][len(self) :] += len(self.frames)
        return LandscapeTable(
            self.frames + other.frames,
            **columns,
            sizes=_stack(self.sizes, other.sizes),
            energies=_stack(self.energies, other.energies),
        )

    def __repr__(self):
        return f"<LandscapeTable: {len(self)} landscapes of {len(self.frames)} frames>"

    def __str__(self):
        lines = [f"{len(self)} landscapes E(m) = a m^2 + b m^4 of {len(self.frames)} frames"]
        good = self.bounded
        for label, values, unit in (
            ("a", self.a, "eV/mu_B^2"),
            ("b", self.b, "eV/mu_B^4"),
            ("moment at minimum", self.minimum, "mu_B"),
            ("relaxed moment", self.relaxed, "mu_B"),
            ("rms fit error", 1e3 * self.error, "meV"),
        ):
            values = values[good]
            if len(values):
                lines.append(
                    f"  {label:18s} {values.mean():10.5f} +- {values.std():8.5f} "
                    f"({values.min():9.5f} to {values.max():9.5f}) {unit}"
                )
        if not good.all():
            lines.append(f"  {np.sum(~good)} unbounded landscapes are left out of these numbers")
        return "\n".join(lines)

    def to_csv(self, path):
        """Write one line per landscape, with units in the header."""
        units = _COLUMNS | {"minimum": "mu_B", "bounded": ""}
        with Path(path).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([f"{name} ({unit})" if unit else name for name, unit in units.items()])
            columns = [getattr(self, name).tolist() for name in units]
            writer.writerows(zip(*columns, strict=True))

    def save(self, path, **metadata):
        """Write the table with its frames to one npz file."""
        storage.save(self, path, **metadata)

    @classmethod
    def load(cls, path):
        """Read a table from a file of :meth:`save` (or of ``landscapes(path=...)``).

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it holds something else.
        """
        return cls.load_with_metadata(path)[0]

    @classmethod
    def load_with_metadata(cls, path):
        """Return (table, metadata) of a file."""
        table, metadata = storage.load(path)
        if not isinstance(table, cls):
            raise ValueError(f"{path} holds a {type(table).__name__}, not a LandscapeTable")
        return table, metadata

    def to_dict(self):
        """Constructor arguments for :mod:`ase_mag.core.storage`, the frames as flat arrays."""
        values = {name: getattr(self, name) for name in (*_COLUMNS, "sizes", "energies")}
        return values | {"frames": _pack(self.frames)}

    @classmethod
    def from_dict(cls, values):
        return cls(_unpack(values.pop("frames")), **values)


def _stack(first, second):
    """Put the rows of two arrays together, filled up with NaN to the longer row."""
    width = max(first.shape[1], second.shape[1])
    return np.vstack(
        [
            np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=np.nan)
            for rows in (first, second)
        ]
    )


def _pack(frames):
    """Return frames as arrays: atoms of all frames one after the other."""
    none = np.zeros((0, 3))
    return {
        "counts": np.array([len(f) for f in frames], dtype=int),
        "numbers": np.concatenate([np.zeros(0, int), *(f.numbers for f in frames)]),
        "positions": np.concatenate([none, *(f.positions for f in frames)]),
        "moments": np.concatenate([none, *(get_moments(f) for f in frames)]),
        "cells": np.array([f.cell.array for f in frames]).reshape(-1, 3, 3),
        "pbc": np.array([f.pbc for f in frames], dtype=bool).reshape(-1, 3),
        "has_ideal": np.array([IDEAL in f.arrays for f in frames], dtype=bool),
        "ideal": np.concatenate([none, *(f.arrays.get(IDEAL, f.positions) for f in frames)]),
    }


def _unpack(packed):
    frames, start = [], 0
    for k, count in enumerate(packed["counts"]):
        rows = slice(start, start + count)
        start += count
        frame = Atoms(
            packed["numbers"][rows],
            packed["positions"][rows],
            cell=packed["cells"][k],
            pbc=packed["pbc"][k],
        )
        set_moments(frame, packed["moments"][rows])
        if packed["has_ideal"][k]:
            frame.set_array(IDEAL, packed["ideal"][rows])
        frames.append(frame)
    return frames
