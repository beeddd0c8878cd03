"""Curie temperatures from the crossing of Binder cumulants."""

import warnings
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ase_mag import units
from ase_mag.analysis.binder import BinderCurves
from ase_mag.analysis.curie_input import given_model, inspect, rising_sizes, window
from ase_mag.analysis.curie_result import CurieTemperature
from ase_mag.analysis.curie_runs import Runs, Supercell, fingerprint, load
from ase_mag.analysis.reweighting import MultiHistogram
from ase_mag.analysis.statistics import correlation_time
from ase_mag.dynamics.checkpoint import Termination
from ase_mag.dynamics.noise import seed_from


def curie_temperature(
    atoms,
    model=None,
    *,
    sizes=(6, 10),
    temperatures_K,
    sweeps=10_000,
    lengths=False,
    measure=2,
    over_relaxation=None,
    rng=None,
    checkpoint=None,
    progress=None,
):
    """Return the Curie temperature of a spin model: the crossing of Binder cumulants.

    U4 = 1 - <m^4> / (3 <m^2>^2) of the order parameter m = |sum_i s_i M_i| / N falls with
    temperature, the steeper the larger the system, and does not depend on the size at the critical
    temperature (Binder, Z. Phys. B 43, 119 (1981)). The order parameter is that of the moments in
    ``atoms``: all signs s_i = 1 for a ferromagnet, otherwise those of the collinear moments (then
    the result is a Neel temperature).

    Short runs at eight temperatures in the window, then at six between those where the order of
    the cumulants changes (until their distance is that of overlapping energy histograms), find the
    crossing roughly. Long runs there at three temperatures per size are combined by
    :class:`ase_mag.analysis.MultiHistogram`; errors are jackknife errors over 20 blocks of each
    run. A step is a heat-bath sweep and reflections (:class:`ase_mag.dynamics.Sampler`); every run
    starts from the ordered state.

    Parameters
    ----------
    atoms : ase.Atoms; the cell, with moments: their sizes, and the order that is looked for.
    model : ase_mag.core.Model with a bilinear form; None takes that of ``atoms.calc``.
    sizes : two or more int, repeats n of the cell: n x n x n along periodic directions in which it
        is coupled. With more than two, the result averages the crossings of each with the largest.
    temperatures_K : two floats, the window that holds the Curie temperature.
    sweeps : int, steps of the long runs of the largest size at each temperature; smaller sizes
        make more, by the root of the ratio of atoms. The error falls with its root.
    lengths : bool; False: the moments keep the sizes that they have in ``atoms``, so Landau terms
        do not matter; True: the sizes change too, with their Landau terms.
    measure : int, power of m in the phase-space measure (0, 1 or 2) with ``lengths``.
    over_relaxation : int or None, reflections per step; None: a quarter of N^(1/3), 1 to 8.
    rng : int, numpy Generator or None.
    checkpoint : str, Path or None; file (npz) that is written every 20 s. If it exists, the search
        goes on from it; the result is the same as without interruption.
    progress : bool or None; None shows a progress bar when the error stream is a terminal.

    Returns
    -------
    CurieTemperature
        ``value`` and ``error`` (K), ``binder``, a table (``print``) and ``plot()``.

    Raises
    ------
    ValueError
        If the crossing is outside of the window (the message says on which side); for a model
        without a bilinear form, with an external field, or with ``lengths`` and an energy that
        does not bound the sizes; for moments that are zero or not collinear; for couplings that
        form no network in two or three dimensions or several separate ones; for a checkpoint of
        something else.
    RuntimeError
        If the curves do not cross clearly after three attempts: more ``sweeps`` are needed.

    Warns
    -----
    UserWarning
        For moments coupled in two dimensions whose ordered states can turn without changing their
        energy (isotropic, or an easy plane): there is no order at any temperature (Mermin &
        Wagner, Phys. Rev. Lett. 17, 1133 (1966)); a crossing is a finite-size effect. For runs
        that are short compared with the correlation time, whose errors are too small.

    Notes
    -----
    The crossing of finite systems differs from the Curie temperature by a correction that falls
    like L^(-1/nu - omega), about L^-2.2: for nearest neighbors on a simple cubic lattice -0.4 %
    with the sizes 4 and 8, -0.2 % with 6 and 12, and -0.1 % with 8 and 16, where the statistical
    error of the default number of sweeps is 0.06 %. Compare the pairs of sizes in the table.
    """
    model = given_model(atoms, model)
    sizes = rising_sizes(sizes)
    low, high = window(temperatures_K)
    if sweeps < 200 or int(sweeps) != sweeps:
        raise ValueError(f"sweeps must be an integer of at least 200, got {sweeps!r}")
    form, directions = inspect(atoms, model, lengths)
    cells = {n: Supercell(atoms, model, np.where(directions, n, 1)) for n in sizes}
    moves = {}
    for n, cell in cells.items():
        reflections = over_relaxation
        if over_relaxation is None:
            reflections = int(np.clip(round(cell.n_atoms ** (1 / 3) / 4), 1, 8))
        moves[n] = {
            "lengths": bool(lengths),
            "measure": measure,
            "over_relaxation": reflections,
        }
    if rng is None and checkpoint is not None and Path(checkpoint).exists():
        rng = load(checkpoint)[0]["seed"]
    seed = seed_from(rng)
    settings = [list(sizes), low, high, int(sweeps), [moves[n] for n in sizes], seed]
    key = fingerprint(atoms, form, settings)
    disable = None if progress is None else not progress
    with tqdm(total=0, unit="step", disable=disable) as bar, Termination() as termination:
        runs = Runs(cells, seed, moves, checkpoint, key, bar, termination)
        try:
            return Search(runs, sizes, (low, high), int(sweeps), int(directions.sum())).result()
        finally:
            runs.write()


class Search:
    """Finds the crossing: scan of the window, zoom, long runs.

    Parameters
    ----------
    runs : Runs
    sizes : tuple of int, rising.
    window : (low, high), K.
    sweeps : int, steps of the long runs of the largest size.
    dimension : int, 2 or 3.
    """

    def __init__(self, runs, sizes, window, sweeps, dimension):
        self.runs, self.sizes, self.window, self.sweeps = runs, sizes, window, sweeps
        self.dimension = dimension
        self.short, self.long = [], {n: [] for n in sizes}

    def result(self):
        """Return the :class:`CurieTemperature`."""
        curves, crossings, best = self._produce(*self._locate())
        low, high = self.window
        if not low <= best.temperature_K <= high:
            raise _outside(low, high, best.temperature_K < low)
        self.runs.write()
        self._warn_if_short()
        return CurieTemperature(
            value=best.temperature_K,
            error=best.error,
            binder=best.binder,
            binder_error=best.binder_error,
            crossings=tuple(crossings),
            curves=curves,
            runs=tuple(self.short) + tuple(run for n in self.sizes for run in self.long[n]),
            n_atoms={n: self.runs.cells[n].n_atoms for n in self.sizes},
            seconds=self.runs.seconds,
        )

    def _warn_if_short(self):
        """Blocks of the jackknife must be long compared with the correlation time."""
        for n, runs in self.long.items():
            longest = max(runs, key=lambda run: run.steps)
            time, block = correlation_time(longest.squares), longest.steps / 20
            if block < 3 * time:
                enough = 100 * int(np.ceil(0.06 * self.sweeps * time / block))
                warnings.warn(
                    f"the runs of size {n} are short: the order parameter is correlated over "
                    f"{time:.0f} steps, but the error comes from blocks of {block:.0f} and is too "
                    f"small; use sweeps={enough} or more",
                    UserWarning,
                    stacklevel=4,
                )

    def _locate(self):
        """Return a temperature near the crossing and the width of energy histograms, K."""
        low, high = self.window
        temperatures, steps = np.linspace(low, high, 8), max(200, self.sweeps // 20)
        for attempt in range(12):
            scores, gaps, widths = self._scan(temperatures, steps, f"scan {attempt + 1}")
            # The last temperature below the crossing: all scores up to it plus, beyond it minus.
            cuts = np.concatenate([[0.0], np.cumsum(scores)])
            last = int(np.argmax(cuts - (cuts[-1] - cuts))) - 1
            distance = temperatures[1] - temperatures[0]
            if last < 0 or last == len(temperatures) - 1:
                if attempt == 0:
                    raise _outside(low, high, last < 0)
                edge = temperatures[max(last, 0)]
                start = max(edge - 2 * distance, edge / 2)
                temperatures = np.linspace(start, edge + 2 * distance, 6)
                continue
            start, end = temperatures[last], temperatures[last + 1]
            width = min(widths[last], widths[last + 1])
            if distance <= 3 * width:
                share = np.clip(gaps[last] / (gaps[last] - gaps[last + 1] + 1e-12), 0, 1)
                return start + share * distance, width
            start = max(start - distance / 4, start / 2)
            temperatures = np.linspace(start, end + distance / 4, 6)
            steps = max(200, min(2 * steps, self.sweeps // 4))
        raise _unclear()

    def _scan(self, temperatures, steps, stage):
        """Compare the smallest and the largest size at some temperatures.

        Returns
        -------
        scores : positive where the system is ordered: U4 rises with the size, or m^2 depends on it
            little; negative where U4 falls, or m^2 falls like 1/N. At most 3.
        gaps : U4 of the largest minus U4 of the smallest size.
        widths : temperature changes that move the mean energy of the largest size by its standard
            deviation, K.
        """
        scores, gaps, widths = [], [], []
        small, large = self.sizes[0], self.sizes[-1]
        for temperature in temperatures:
            pair = [
                self.runs.get(n, temperature, max(100, steps // 2), steps, stage)
                for n in (small, large)
            ]
            self.short += pair
            (first, first_error), (second, second_error) = (run.cumulant for run in pair)
            gaps.append(second - first)
            score = gaps[-1] / (np.hypot(first_error, second_error) + 1e-12)
            slope = np.log(pair[1].squares.mean() / pair[0].squares.mean()) / np.log(large / small)
            if slope < -0.7 * self.dimension:
                score = -3.0
            elif slope > -0.1:
                score = 3.0
            scores.append(np.clip(score, -3, 3))
            widths.append(units.kB * temperature**2 / pair[1].energies.std())
        return np.array(scores), np.array(gaps), np.array(widths)

    def _produce(self, middle, width):
        """Make long runs around ``middle``; return curves, crossings of pairs, and the best."""
        for share in (0.2, 1.0, 1.0, 1.0):
            temperatures = middle + 0.7 * width * np.array([-1, 0, 1])
            for n in self.sizes:
                self._run(n, temperatures, share)
            grid = np.linspace(temperatures[0] - 1.5 * width, temperatures[-1] + 1.5 * width, 161)
            curves = BinderCurves({n: self._histogram(n) for n in self.sizes}, grid)
            crossings, best = curves.crossings()
            if best is None:
                gap = curves.values[-1] - curves.values[0]
                middle += width * (1 if gap.mean() > 0 else -1)
                continue
            if share == 1.0 and abs(best.temperature_K - middle) < 1.2 * width:
                return curves, crossings, best
            middle = np.clip(best.temperature_K, temperatures[0] - width, temperatures[-1] + width)
        raise _unclear()

    def _run(self, size, temperatures, share):
        atoms = self.runs.cells[size].n_atoms, self.runs.cells[self.sizes[-1]].n_atoms
        steps = int(share * self.sweeps * min(8.0, np.sqrt(atoms[1] / atoms[0])))
        for temperature in temperatures:
            run = self.runs.get(size, temperature, max(100, steps // 10), steps, "crossing")
            self.long[size].append(run)

    def _histogram(self, size):
        runs = self.long[size]
        return MultiHistogram(
            [run.temperature_K for run in runs],
            [run.energies for run in runs],
            [np.stack([run.squares, run.squares**2], axis=1) for run in runs],
            bins=1000,
        )


def _outside(low, high, below):
    side, verb, where = ("below", "falls", "down") if below else ("above", "rises", "up")
    first, second = (0.6 * low, low) if below else (high, 1.6 * high)
    return ValueError(
        f"the Binder cumulants do not cross between {low:g} and {high:g} K: U4 {verb} with the "
        f"size in all of the window, so the Curie temperature lies {side} it. Move temperatures_K "
        f"{where}, for instance to ({first:.4g}, {second:.4g})"
        + (
            "; if no window works, the moments of atoms are not the order that this model forms"
            if below
            else ""
        )
    )


def _unclear():
    return RuntimeError(
        "the Binder cumulants of the sizes do not cross clearly: give more sweeps, or sizes that "
        "differ more"
    )
