"""What a heating run gives, and an estimate of the Curie temperature from it."""

from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from ase_mag.analysis.statistics import block_error


@dataclass(frozen=True)
class Heated:
    """The run at one temperature.

    Attributes
    ----------
    temperature_K : float.
    series : dict of arrays: 'energy' (eV/atom, kinetic included), 'volume' (angstrom^3/atom),
        'magnetization' (mu_B, |sum_i M_i|/N), 'size' (mu_B, sum_i |M_i|/N).
    skip : int, values at the start of the series that are no part of the means.
    blocks : int, of the standard errors (fewer if there are fewer values).
    atoms : ase.Atoms, the last state, with momenta and moments.
    """

    temperature_K: float
    series: dict = field(repr=False)
    skip: int
    blocks: int
    atoms: Atoms = field(repr=False)

    def mean(self, name):
        """Return mean and standard error (block averages) of a series."""
        return self._mean(self.series[name])

    def lattice_constant(self, atoms_per_cell=2):
        """Return a = (n V/N)^(1/3) of a cubic crystal with n atoms per cell, and its error."""
        return self._mean((atoms_per_cell * self.series["volume"]) ** (1 / 3))

    def _mean(self, values):
        values = values[self.skip :]
        return float(values.mean()), block_error(values, min(self.blocks, len(values)))


@dataclass(frozen=True)
class Heating:
    """Runs at several temperatures; ``heating[300]`` is one of them, ``print`` shows the table.

    The standard errors are too small where a run is shorter than the relaxation of the
    magnetization, near the Curie temperature.

    Attributes
    ----------
    rows : tuple of Heated.
    """

    rows: tuple

    def __getitem__(self, temperature_K):
        for row in self.rows:
            if row.temperature_K == temperature_K:
                return row
        known = ", ".join(f"{row.temperature_K:g}" for row in self.rows)
        raise KeyError(f"no run at {temperature_K!r} K; there are {known}")

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    def __str__(self):
        header = (
            "T (K)",
            "V (A^3/atom)",
            "magnetization (mu_B)",
            "mean size (mu_B)",
            "E (eV/atom)",
        )
        lines = ["".join(f"{name:>24}" for name in header)]
        for row in self.rows:
            cells = [f"{row.temperature_K:g}"]
            cells += [
                "{:.5f} +- {:.5f}".format(*row.mean(name))
                for name in ("volume", "magnetization", "size", "energy")
            ]
            lines.append("".join(f"{cell:>24}" for cell in cells))
        return "\n".join(lines)

    def curie_estimate(self):
        """Return :func:`curie_estimate` of the mean magnetizations."""
        rows = self.rows
        return curie_estimate(
            [row.temperature_K for row in rows], [row.mean("magnetization")[0] for row in rows]
        )


@dataclass(frozen=True)
class CurieEstimate:
    """The interval of two temperatures in which the magnetization falls most steeply.

    It is a bracket from one box, not a standard error: boxes of finite size keep a magnetization of
    order N^(-1/2) above the Curie temperature, and heating is faster than the relaxation near it.

    Attributes
    ----------
    low, high : float, K.
    """

    low: float
    high: float

    @property
    def middle(self):
        """(low + high) / 2, K."""
        return 0.5 * (self.low + self.high)

    def __str__(self):
        return f"magnetization falls most steeply between {self.low:g} and {self.high:g} K"


def curie_estimate(temperatures_K, magnetizations):
    """Return where the magnetization falls most steeply, a :class:`CurieEstimate`.

    The interval with the least (m_{k+1} - m_k) / (T_{k+1} - T_k). For models with a bilinear form
    :func:`ase_mag.analysis.curie_temperature` has errors of 0.1 %.

    Parameters
    ----------
    temperatures_K : (n,) floats, different, in any order; magnetizations : (n,) floats, mu_B.

    Raises
    ------
    ValueError
        For fewer than two temperatures, other shapes, equal temperatures, values that are not
        finite, or a magnetization that falls nowhere.
    """
    temperatures = np.asarray(temperatures_K, dtype=float)
    values = np.asarray(magnetizations, dtype=float)
    if temperatures.ndim != 1 or len(temperatures) < 2 or values.shape != temperatures.shape:
        raise ValueError(
            "temperatures_K and magnetizations must be two or more numbers each, got the shapes "
            f"{temperatures.shape} and {values.shape}"
        )
    order = np.argsort(temperatures)
    temperatures, values = temperatures[order], values[order]
    widths = np.diff(temperatures)
    if not (np.isfinite(temperatures).all() and np.isfinite(values).all() and (widths > 0).all()):
        raise ValueError(
            "temperatures_K must be different and all numbers finite, got "
            f"{temperatures_K!r} and {magnetizations!r}"
        )
    slopes = np.diff(values) / widths
    k = int(slopes.argmin())
    if slopes[k] >= 0:
        raise ValueError(
            f"the magnetization falls nowhere between {temperatures[0]:g} and "
            f"{temperatures[-1]:g} K: heat further"
        )
    return CurieEstimate(float(temperatures[k]), float(temperatures[k + 1]))
