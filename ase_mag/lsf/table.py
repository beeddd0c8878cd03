"""Computed energy landscapes, one row per scanned moment."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms

from ase_mag.core import get_moments, set_moments, storable, storage
from ase_mag.lsf.fit import fit_landscapes, within
from ase_mag.lsf.ideal import IDEAL, IDEAL_CELL
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
    "c": "eV/mu_B^6",
    "background": "mu_B",
    "low": "mu_B",
    "high": "mu_B",
}
#: What one scan gives for every landscape.
SCANNED = (*(name for name in _COLUMNS if name != "frame"), "sizes", "energies")


@dataclass(frozen=True)
class Landscape:
    """One landscape: E(m) = constant + a m^2 + b m^4 + c m^6, fitted to energies of a scan.

    Attributes
    ----------
    a, b, constant, c : float, eV/mu_B^2, eV/mu_B^4, eV, eV/mu_B^6; c is 0 for fits of order 4.
    error : float, root mean square of the fit residuals, eV.
    relaxed : float, size of the moment when all sizes are relaxed at fixed directions (m_0), mu_B;
        NaN if they were not.
    background : float, size of this moment in the scans of the other ones, mu_B.
    low, high : float, smallest and largest size that entered the fit, mu_B.
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
    c: float
    background: float
    low: float
    high: float

    @property
    def minimum(self):
        """Moment at the minimum, for c = 0 sqrt(-a/2b) or 0, mu_B; NaN if unbounded."""
        return float(minimum_moment(self.a, self.b, self.c))

    def energy(self, m):
        """Return constant + a m^2 + b m^4 + c m^6, eV."""
        square = np.square(m)
        return self.constant + square * (self.a + square * (self.b + self.c * square))


@storable
class LandscapeTable:
    """Landscapes E(m) = constant + a m^2 + b m^4 + c m^6 of the moments of several frames.

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
    c, background, low, high : (n,) arrays, see :class:`Landscape`; default: 0, ``relaxed``, and the
        ends of ``sizes``.
    failures : list of dict with 'frame', 'atom' and 'reason'
        Landscapes that were refused; atom None: the whole frame.

    Attributes
    ----------
    minimum : (n,) array, moment at the minimum, mu_B; NaN for unbounded landscapes.
    bounded : (n,) bool array, c > 0, or c = 0 and b > 0 (or b = 0 and a > 0): only these have
        thermodynamics.
    """

    def __init__(
        self,
        frames,
        frame,
        atom,
        a,
        b,
        constant,
        error,
        relaxed,
        sizes,
        energies,
        c=None,
        background=None,
        low=None,
        high=None,
        failures=(),
    ):
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
        self.c = np.zeros(n) if c is None else np.asarray(c, dtype=float)
        self.background = self.relaxed if background is None else np.asarray(background, float)
        self.low = _ends(self.sizes, np.nanmin) if low is None else np.asarray(low, dtype=float)
        self.high = _ends(self.sizes, np.nanmax) if high is None else np.asarray(high, dtype=float)
        self.failures = [dict(failure) for failure in failures]
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

    minimum = property(lambda self: minimum_moment(self.a, self.b, self.c))
    bounded = property(lambda self: bounded(self.a, self.b, self.c))

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
        moved = [f | {"frame": f["frame"] + len(self.frames)} for f in other.failures]
        return LandscapeTable(
            self.frames + other.frames,
            **columns,
            failures=self.failures + moved,
            sizes=_stack(self.sizes, other.sizes),
            energies=_stack(self.energies, other.energies),
        )

    def __repr__(self):
        return f"<LandscapeTable: {len(self)} landscapes of {len(self.frames)} frames>"

    def __str__(self):
        sixth = " + c m^6" if self.c.any() else ""
        head = f"{len(self)} landscapes E(m) = a m^2 + b m^4{sixth} of {len(self.frames)} frames"
        lines = [head]
        good = self.bounded
        for label, values, unit in (
            ("a", self.a, "eV/mu_B^2"),
            ("b", self.b, "eV/mu_B^4"),
            ("moment at minimum", self.minimum, "mu_B"),
            ("relaxed moment", self.relaxed, "mu_B"),
            ("rms fit error", 1e3 * self.error, "meV"),
        ):
            values = values[good & np.isfinite(values)]
            if len(values):
                lines.append(
                    f"  {label:18s} {values.mean():10.5f} +- {values.std():8.5f} "
                    f"({values.min():9.5f} to {values.max():9.5f}) {unit}"
                )
        if not good.all():
            lines.append(f"  {np.sum(~good)} unbounded landscapes are left out of these numbers")
        if self.failures:
            lines.append(f"  {len(self.failures)} landscapes or frames were refused (.failures)")
        return "\n".join(lines)

    def refit(self, order=4, fit_window=None, largest_error=np.inf):
        """Return a table with other polynomials through the same energies.

        Parameters
        ----------
        order, fit_window, largest_error : as in :func:`ase_mag.lsf.landscapes`; rows with larger
            errors go to ``failures``.
        """
        rows, failures = [], list(self.failures)
        columns = {name: getattr(self, name).copy() for name in _COLUMNS}
        for k in range(len(self)):
            known = np.isfinite(self.sizes[k])
            sizes = self.sizes[k, known]
            fit = fit_landscapes(sizes, self.energies[k : k + 1, known], order, fit_window)
            *powers, constant, error = (float(value[0]) for value in fit)
            used = sizes[within(sizes, fit_window)]
            values = (*(*powers, 0.0)[:3], constant, error, used.min(), used.max())
            names = ("a", "b", "c", "constant", "error", "low", "high")
            for name, value in zip(names, values, strict=True):
                columns[name][k] = value
            if error <= largest_error:
                rows.append(k)
                continue
            reason = f"the fit of order {order} misses the energies by {error:.3g} eV"
            place = {"frame": int(self.frame[k]), "atom": int(self.atom[k])}
            failures.append(place | {"reason": reason})
        every = LandscapeTable(self.frames, **columns, sizes=self.sizes, energies=self.energies)
        every = every[np.array(rows, dtype=int)]
        every.failures = failures
        return every

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
        return values | {"frames": _pack(self.frames), "failures": self.failures}

    @classmethod
    def from_dict(cls, values):
        """Make a table of what :meth:`to_dict` returned."""
        return cls(_unpack(values.pop("frames")), **values)


def _ends(sizes, function):
    return function(sizes, axis=1) if sizes.ndim == 2 and sizes.size else np.zeros(sizes.shape[:1])


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
        "has_ideal_cell": np.array([IDEAL_CELL in f.info for f in frames], dtype=bool),
        "ideal_cells": np.array(
            [np.reshape(f.info.get(IDEAL_CELL, f.cell.array), (3, 3)) for f in frames]
        ).reshape(-1, 3, 3),
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
            # Older files hold no cell of the sites.
            if "has_ideal_cell" in packed and packed["has_ideal_cell"][k]:
                frame.info[IDEAL_CELL] = packed["ideal_cells"][k]
        frames.append(frame)
    return frames
