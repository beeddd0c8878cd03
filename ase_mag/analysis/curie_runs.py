"""The Monte Carlo runs behind a Curie temperature: supercells, series, checkpoint."""

import hashlib
import json
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ase_mag.analysis.binder import binder
from ase_mag.core import ModelSurface, State, get_moments
from ase_mag.dynamics import Noise, Sampler

FORMAT = 1
#: Updates of moments between two looks at the clock.
_CHUNK = 5_000_000


class Supercell:
    """A repeated cell with its surface and order parameter.

    The order parameter is m = 1/N sum_i s_i M_i, with s_i = 1, -1 (or 0) the sign of the collinear
    moments in ``atoms``: the order whose loss is looked for.

    Parameters
    ----------
    atoms : ase.Atoms, the cell with its moments.
    model : ase_mag.core.Model
    repeats : three int
    """

    def __init__(self, atoms, model, repeats):
        repeated = atoms.repeat(repeats)
        self.n_atoms = len(repeated)
        self.state = State.from_atoms(repeated)
        self.start = self.state.moments.copy()
        self.signs = collinear_signs(self.start)
        self.surface = ModelSurface(model, repeated.numbers, repeated.pbc, skin=0.0)


@dataclass
class Run:
    """One size at one temperature: series of the energy and of m^2.

    Attributes
    ----------
    number : int, the stream of its random numbers.
    size : int; temperature_K : float; burn, steps : int, steps before and of the series.
    done : int, steps so far, ``burn`` included.
    energies, squares : (steps,) float arrays, eV and mu_B^2; valid up to ``done - burn``.
    moments, widths : state of the simulation, None before the first step.
    """

    number: int
    size: int
    temperature_K: float
    burn: int
    steps: int
    done: int = 0
    energies: np.ndarray = None
    squares: np.ndarray = None
    moments: np.ndarray = None
    widths: np.ndarray = None
    sampler: Sampler = field(default=None, repr=False)

    def advance(self, cell, seed, moves):
        """Make some steps (the same ones in every repetition); returns how many."""
        state = cell.state
        if self.moments is None:
            self.moments = cell.start.copy()
            self.energies, self.squares = np.zeros((2, self.steps))
        if self.sampler is None:
            noise = Noise(seed, self.number)
            noise.step = self.done
            self.sampler = Sampler(
                cell.surface, self.temperature_K, noise, tuning=self.burn // 2, **moves
            )
            self.sampler.widths = self.widths
        state.moments[:] = self.moments
        state.moments_changed()
        taken = self.done - self.burn
        end = self.burn if taken < 0 else self.burn + self.steps
        n = min(250, max(1, _CHUNK // cell.n_atoms), end - self.done)
        if taken < 0:
            self.sampler.run(state, 0.0, n)
        else:
            energies, totals = self.sampler.sample(state, n, cell.signs)
            self.energies[taken : taken + n] = energies
            self.squares[taken : taken + n] = (totals**2).sum(axis=1) / cell.n_atoms**2
        self.moments, self.widths = state.moments.copy(), self.sampler.widths.copy()
        self.done += n
        return n

    @property
    def finished(self):
        return self.done == self.burn + self.steps

    def finish(self):
        """Forget what only an unfinished run needs."""
        self.moments = self.widths = self.sampler = None

    @property
    def cumulant(self):
        """U4 of the series, and its standard error from 20 blocks (jackknife)."""
        square = self.squares
        block = np.arange(self.steps) * 20 // self.steps
        length = np.bincount(block)
        m2, m4 = np.bincount(block, square), np.bincount(block, square**2)
        rest = self.steps - length
        parts = binder((m2.sum() - m2) / rest, (m4.sum() - m4) / rest)
        error = np.sqrt(19 / 20 * ((parts - parts.mean()) ** 2).sum())
        return float(binder(square.mean(), (square**2).mean())), float(error)


class Runs:
    """All runs of one search, made when they are asked for and kept in a checkpoint.

    Parameters
    ----------
    cells : dict size -> Supercell
    seed : int
    moves : dict size -> dict of options of :class:`ase_mag.dynamics.Sampler`.
    path : Path or None, the checkpoint (npz).
    fingerprint : str, of everything that the runs depend on.
    bar : tqdm progress bar.
    termination : ase_mag.dynamics.checkpoint.Termination, entered: after SIGTERM the checkpoint is
        written and SystemExit raised.
    interval : float, seconds between two writings of the checkpoint.
    """

    def __init__(self, cells, seed, moves, path, fingerprint, bar, termination, interval=20.0):
        self.cells, self.seed, self.moves = cells, seed, moves
        self.path = None if path is None else Path(path)
        self.fingerprint, self.bar, self.termination = fingerprint, bar, termination
        self.interval = interval
        self.runs = []
        self.seconds = 0.0
        self._next = 0
        self._clock = self._written = time.monotonic()
        if self.path is not None and self.path.exists():
            self._read()

    def get(self, size, temperature_K, burn, steps, stage):
        """Return the finished run of a size at a temperature; made now unless known.

        The temperature is rounded to six digits, so that rounding errors of the search do not
        change the runs.
        """
        temperature_K = float(f"{temperature_K:.6g}")
        if self._next == len(self.runs):
            number = len(self.runs) + 1
            self.runs.append(Run(number, size, temperature_K, burn, steps))
        run = self.runs[self._next]
        self._next += 1
        self.bar.set_description(f"{stage}: size {size}, {temperature_K:.6g} K", refresh=False)
        self.bar.total += burn + steps
        self.bar.update(run.done)
        while not run.finished:
            self.bar.update(run.advance(self.cells[size], self.seed, self.moves[size]))
            if self.termination.requested:
                self.write()
                raise SystemExit(128 + signal.SIGTERM)
            if time.monotonic() - self._written > self.interval:
                self.write()
        run.finish()
        return run

    def write(self):
        """Write the checkpoint; it is replaced atomically."""
        now = time.monotonic()
        self.seconds += now - self._clock
        self._clock = self._written = now
        if self.path is None:
            return
        arrays, rows = {}, []
        for run in self.runs:
            rows.append([run.number, run.size, run.temperature_K, run.burn, run.steps, run.done])
            if run.done:
                taken = max(0, run.done - run.burn)
                arrays[f"{run.number}/energies"] = run.energies[:taken]
                arrays[f"{run.number}/squares"] = run.squares[:taken]
                if not run.finished:
                    arrays[f"{run.number}/moments"] = run.moments
                    arrays[f"{run.number}/widths"] = run.widths
        header = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "seconds": self.seconds,
            "runs": rows,
        }
        text = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
        temporary = self.path.with_name(self.path.name + ".part")
        with temporary.open("wb") as file:
            np.savez(file, header=text, **arrays)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def _read(self):
        header, arrays = load(self.path)
        if header["fingerprint"] != self.fingerprint:
            raise ValueError(
                f"{self.path} is the checkpoint of another Curie temperature (structure, model, "
                "sizes, temperatures, steps or seed differ): delete it to start anew, or give "
                "another file"
            )
        self.seconds = header["seconds"]
        for number, size, temperature, burn, steps, done in header["runs"]:
            run = Run(number, size, temperature, burn, steps, done)
            if done:
                run.energies, run.squares = np.zeros((2, steps))
                taken = max(0, done - burn)
                run.energies[:taken] = arrays[f"{number}/energies"]
                run.squares[:taken] = arrays[f"{number}/squares"]
                run.moments = arrays.get(f"{number}/moments")
                run.widths = arrays.get(f"{number}/widths")
            self.runs.append(run)


def load(path):
    """Return header (dict) and arrays of a checkpoint.

    Raises
    ------
    ValueError
        If the file is damaged or of a newer format.
    """
    try:
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        header = json.loads(arrays.pop("header").tobytes())
        version = header["format"]
    except Exception as error:
        raise ValueError(
            f"{path} is not a checkpoint of a Curie temperature, or it is damaged ({error}): "
            "delete it to start anew"
        ) from error
    if version > FORMAT:
        raise ValueError(
            f"{path} has format {version}, but this version of ase_mag reads up to {FORMAT}: "
            "install a newer one"
        )
    return header, arrays


def collinear_signs(moments):
    """Return the signs 1, -1 or 0 of collinear moments along the axis of the first one.

    Raises
    ------
    ValueError
        If all moments are zero, or they are not collinear.
    """
    sizes = np.linalg.norm(moments, axis=1)
    if not sizes.any():
        raise ValueError(
            "all moments of atoms are zero: set the order whose Curie temperature is looked for "
            "with ase_mag.set_moments (a scalar for ferromagnets, signs for other collinear ones)"
        )
    axis = moments[np.argmax(sizes > 0)]
    along = moments @ axis / np.linalg.norm(axis)
    if not np.allclose(np.abs(along), sizes, rtol=1e-6, atol=1e-8 * sizes.max()):
        raise ValueError(
            "the moments of atoms are not collinear: set the collinear order whose Curie "
            "temperature is looked for with ase_mag.set_moments"
        )
    return np.sign(np.where(sizes > 0, along, 0.0))


def fingerprint(atoms, form, settings):
    """Return a hexadecimal digest of a cell, a bilinear form on it and the settings."""
    total = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    parts = (atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, get_moments(atoms))
    for part in (*parts, *form.arrays):
        array = np.ascontiguousarray([] if part is None else part)
        total.update(f"{array.dtype}{array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()
