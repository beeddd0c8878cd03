"""The result of a search for a Curie temperature."""

from dataclasses import dataclass, field

import numpy as np

from ase_mag.analysis import plots
from ase_mag.analysis.binder import BinderCurves


@dataclass(frozen=True)
class CurieTemperature:
    """A Curie temperature with its standard error; ``print`` shows the table.

    Attributes
    ----------
    value, error : float, K; the crossing of the Binder cumulants and one standard error.
    binder, binder_error : float, the cumulant at the crossing.
    crossings : tuple of Crossing, of every pair of sizes.
    curves : BinderCurves, cumulants near the crossing (``sizes``, ``temperatures_K``, ``values``,
        ``errors``).
    runs : tuple of Run, all simulations with their series.
    n_atoms : dict size -> int.
    seconds : float, wall time, interrupted parts included.
    """

    value: float
    error: float
    binder: float
    binder_error: float
    crossings: tuple
    curves: BinderCurves = field(repr=False)
    runs: tuple = field(repr=False)
    n_atoms: dict = field(repr=False)
    seconds: float = field(repr=False)

    def __str__(self):
        digits = max(1, 1 - int(np.floor(np.log10(max(self.error, 1e-9)))))
        steps = {n: sum(r.done for r in self.runs if r.size == n) for n in self.n_atoms}
        lines = [
            f"Curie temperature {self.value:.{digits}f} +- {self.error:.{digits}f} K",
            f"Binder cumulant   {self.binder:.4f} +- {self.binder_error:.4f}",
            "",
            f"{'size':>9} {'atoms':>8} {'steps':>9}",
        ]
        lines += [f"{n:9d} {count:8d} {steps[n]:9d}" for n, count in self.n_atoms.items()]
        lines += ["", f"{'sizes':>9} {'crossing (K)':>24} {'Binder cumulant':>20}"]
        for crossing in self.crossings:
            pair = "{}, {}".format(*crossing.sizes)
            place = f"{crossing.temperature_K:.{digits}f} +- {crossing.error:.{digits}f}"
            level = f"{crossing.binder:.4f} +- {crossing.binder_error:.4f}"
            lines.append(f"{pair:>9} {place:>24} {level:>20}")
        lines += ["", f"wall time {self.seconds:.1f} s"]
        return "\n".join(lines)

    def plot(self):
        """Return a matplotlib figure: cumulants in the whole window, and at the crossing."""

        def draw(whole, near):
            for color, n in zip(plots.COLORS, self.n_atoms, strict=False):
                runs = sorted((r for r in self.runs if r.size == n), key=lambda r: r.temperature_K)
                cumulants = np.array([run.cumulant for run in runs])
                temperatures = [run.temperature_K for run in runs]
                whole.errorbar(
                    temperatures,
                    cumulants[:, 0],
                    cumulants[:, 1],
                    fmt="o-",
                    ms=3,
                    lw=0.8,
                    color=color,
                    label=f"size {n}",
                )
            curves = self.curves
            for color, n, values, errors in zip(
                plots.COLORS, curves.sizes, curves.values, curves.errors, strict=False
            ):
                near.fill_between(
                    curves.temperatures_K,
                    values - errors,
                    values + errors,
                    color=color,
                    alpha=0.25,
                    lw=0,
                )
                near.plot(curves.temperatures_K, values, color=color, label=f"size {n}")
            for axes in (whole, near):
                axes.axvspan(self.value - self.error, self.value + self.error, color=plots.GRAY)
                axes.set(xlabel="temperature (K)", ylabel=r"Binder cumulant $U_4$")
            whole.legend()
            near.set_title(f"{self.value:.1f} ± {self.error:.1f} K", fontsize=10)

        return plots.make(draw, columns=2, width=4.6)
