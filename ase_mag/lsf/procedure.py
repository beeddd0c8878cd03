"""How the landscapes of one frame are computed."""

from dataclasses import asdict, dataclass

import numpy as np
from ase.calculators.calculator import CalculationFailed

from ase_mag.core import get_moments, set_moments
from ase_mag.lsf.fit import check_sizes, fit_landscapes, within
from ase_mag.lsf.thermodynamics import bounded, mean_moment

BACKGROUNDS = ("relaxed", "nonmagnetic")


@dataclass(frozen=True)
class Procedure:
    """One of the procedures of :func:`ase_mag.lsf.landscapes`, with its parameters."""

    sizes: tuple
    background: str
    order: int
    fit_window: tuple | None
    largest_error: float
    temperature_K: float | None
    measure: int

    def __post_init__(self):
        check_sizes(self.sizes, self.order, self.fit_window)
        if self.background not in BACKGROUNDS:
            raise ValueError(
                f"background is {self.background!r}; use 'relaxed' (the other moments relaxed at "
                "fixed directions) or 'nonmagnetic' (they are zero)"
            )
        if self.temperature_K is not None:
            if self.background != "nonmagnetic":
                raise ValueError(
                    f"temperature_K is {self.temperature_K}, but relaxed moments are those of 0 K: "
                    "use background='nonmagnetic', whose second scan has thermal moments around"
                )
            mean_moment(0.0, 1.0, self.temperature_K, self.measure)  # checks both
        if not self.largest_error > 0:
            raise ValueError(
                f"largest_error must be a positive energy, got {self.largest_error} eV (use "
                "float('inf') to refuse no fit)"
            )

    def settings(self):
        """Return a JSON-able dict that tells procedures with different energies apart."""
        return asdict(self) | {"sizes": list(self.sizes), "fit_window": _as_list(self.fit_window)}

    def __call__(self, frame, calc):
        """Return (columns of a table, failures) of one frame.

        Failures are (atom or None, reason): calculations that failed, energies that are not
        finite, and fits that are too bad. Every other exception is raised.
        """
        moments = get_moments(frame)
        directions = moments / np.linalg.norm(moments, axis=1)[:, None]
        atoms = frame.copy()
        atoms.calc = calc
        n = len(atoms)
        relaxed = np.full(n, np.nan)
        background = np.zeros(n)
        try:
            if self.background == "relaxed":
                relaxed = np.linalg.norm(calc.relax_sizes(atoms), axis=1)
                background = relaxed
            elif self.temperature_K is not None:
                background = self._thermal(atoms, directions)
        except (CalculationFailed, _Failure) as error:
            return self._columns([], relaxed, background, []), [(None, str(error))]
        scans, rows, failures = [], [], []
        for i in range(n):
            try:
                scans.append(self._fit(self._scan(atoms, directions, background, i)))
                rows.append(i)
            except (CalculationFailed, _Failure) as error:
                failures.append((i, str(error)))
        return self._columns(scans, relaxed, background, rows), failures

    def _thermal(self, atoms, directions):
        """Return mean sizes at the temperature, from landscapes in a nonmagnetic background."""
        sizes = np.empty(len(atoms))
        for i in range(len(atoms)):
            fit = self._fit(self._scan(atoms, directions, np.zeros(len(atoms)), i))
            a, b, c = fit["a"], fit["b"], fit["c"]
            if not bounded(a, b, c):
                raise _Failure(
                    f"the first landscape of atom {i}, in a nonmagnetic background, is unbounded "
                    f"(a = {a:g} eV/mu_B^2, b = {b:g} eV/mu_B^4), so that it has no mean moment: "
                    "scan wider"
                )
            sizes[i] = mean_moment(a, b, self.temperature_K, self.measure, c)
        return sizes

    def _scan(self, atoms, directions, background, i):
        """Return the energies of the sizes of moment i, all others those of the background."""
        set_moments(atoms, background[:, None] * directions)
        current = atoms.arrays["initial_magmoms"]
        energies = np.empty(len(self.sizes))
        for k, size in enumerate(self.sizes):
            current[i] = size * directions[i]
            energies[k] = atoms.get_potential_energy()
        return energies

    def _fit(self, energies):
        if not np.isfinite(energies).all():
            k = int(np.argmin(np.isfinite(energies)))
            raise _Failure(f"the energy at {self.sizes[k]:g} mu_B is {energies[k]}")
        values = fit_landscapes(self.sizes, energies[None], self.order, self.fit_window)
        values = [float(value[0]) for value in values]
        *powers, constant, error = values
        if error > self.largest_error:
            raise _Failure(
                f"the fit of order {self.order} misses the energies by {error:.3g} eV (root mean "
                f"square), more than largest_error = {self.largest_error:g} eV"
            )
        a, b, c = (*powers, 0.0)[:3]
        return {"a": a, "b": b, "c": c, "constant": constant, "error": error, "energies": energies}

    def _columns(self, scans, relaxed, background, rows):
        rows = np.array(rows, dtype=int)
        names = ("a", "b", "c", "constant", "error")
        used = np.array(self.sizes)[within(self.sizes, self.fit_window)]
        columns = {name: np.array([scan[name] for scan in scans], dtype=float) for name in names}
        energies = np.array([scan["energies"] for scan in scans], dtype=float)
        return columns | {
            "atom": rows,
            "relaxed": relaxed[rows],
            "background": background[rows],
            "low": np.full(len(rows), used.min()),
            "high": np.full(len(rows), used.max()),
            "sizes": np.tile(np.array(self.sizes, dtype=float), (len(rows), 1)),
            "energies": energies.reshape(len(rows), len(self.sizes)),
        }


class _Failure(Exception):
    """A landscape that is recorded as failed."""


def _as_list(window):
    return None if window is None else [float(value) for value in window]
