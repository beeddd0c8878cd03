"""What a fit has found, as a table, a figure and a JSON file."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ase_mag.core.durable import replacing
from ase_mag.core.extras import require
from ase_mag.fitting.labels import QUANTITIES

_HEAD = ("count", "RMSE", "MAE", "largest", "spread")
_COLORS = {"train": "#0072B2", "test": "#D55E00"}
_SCALED = {
    "configuration": "energy and virial (stress x volume, eV) of the configuration",
    "atom": "energy and virial (stress x volume, eV) squared per atom",
}


@dataclass(frozen=True)
class FitReport:
    """The result of :func:`ase_mag.fitting.fit`.

    Attributes
    ----------
    train, test : dict from label to :class:`ase_mag.fitting.metrics.Errors`; test may be empty.
    n_train, n_test : int, frames.
    weights : dict, scaling : str, of the loss (:class:`ase_mag.fitting.loss.Loss`).
    loss, test_loss : float, eV^2 per configuration, of the final parameters (NaN without test).
    history : (n, 2) float array, loss and test loss after every iteration, from the start.
    stopped : str, why the fit ended.
    iterations, evaluations : int, steps, and sums over all frames.
    n_parameters : int
    linear : LinearSolution or None, of the last solution of the linear part.
    seconds : float, wall time, of all parts of an interrupted fit.
    graph_bytes : int, memory of the neighbor pairs of all frames, bytes.
    references : dict from symbol to float, eV, energies of atoms that were subtracted.
    """

    train: dict
    test: dict
    n_train: int
    n_test: int
    weights: dict
    scaling: str
    loss: float
    test_loss: float
    history: np.ndarray
    stopped: str
    iterations: int
    evaluations: int
    n_parameters: int
    linear: object = None
    seconds: float = 0.0
    graph_bytes: int = 0
    references: dict = field(default_factory=dict)

    def __str__(self):
        weights = ", ".join(f"{name} {w:g}" for name, w in self.weights.items() if w > 0)
        lines = [
            f"{self.n_parameters} parameters, {self.n_train} training frames, {self.n_test} test "
            f"frames; {self.iterations} iterations in {self.seconds:.3g} s, stopped: "
            f"{self.stopped}",
            f"loss {self.loss:.6g} eV^2 per configuration with weights {weights}; "
            f"{_SCALED[self.scaling]}",
        ]
        if self.linear is not None:
            lines.append(
                f"linear part: rank {self.linear.rank} of {self.linear.n_linear}, condition number "
                f"{self.linear.condition:.2g}"
            )
        lines.append(f"{'':32s}" + "".join(f"{word:>11s}" for word in _HEAD))
        for part in ("train", "test"):
            for name, errors in getattr(self, part).items():
                title = f"{part:6s}{name} ({errors.unit})"
                values = (errors.rmse, errors.mae, errors.largest, errors.spread)
                note = "" if self.weights.get(name) else "  (not fitted)"
                numbers = "".join(f"{value:11.4g}" for value in values)
                lines.append(f"{title:32s}{errors.count:11d}{numbers}{note}")
        return "\n".join(lines)

    def to_dict(self):
        """Return everything but the single predictions as a JSON-able dict."""
        out = {
            name: getattr(self, name)
            for name in [
                "n_train",
                "n_test",
                "weights",
                "scaling",
                "loss",
                "test_loss",
                "stopped",
                "iterations",
                "evaluations",
                "n_parameters",
                "seconds",
                "graph_bytes",
                "references",
            ]
        }
        out["test_loss"] = None if np.isnan(self.test_loss) else self.test_loss
        out["history"] = [
            [None if np.isnan(v) else v for v in row] for row in self.history.tolist()
        ]
        out["linear"] = None
        if self.linear is not None:
            pairs = vars(self.linear).items()
            out["linear"] = {k: v if np.isfinite(v) else None for k, v in pairs}
        for part in ("train", "test"):
            out[part] = {
                name: {
                    k: getattr(e, k)
                    for k in ("unit", "count", "rmse", "mae", "largest", "spread", "worst")
                }
                for name, e in getattr(self, part).items()
            }
        return out

    def save(self, path):
        """Write :meth:`to_dict` as a JSON file."""
        with replacing(Path(path)) as temporary:
            temporary.write_text(json.dumps(self.to_dict(), indent=1), encoding="utf-8")

    def parity_plot(self, path=None):
        """Plot predictions against labels, one panel per label (matplotlib).

        Parameters
        ----------
        path : path of a PNG (or PDF, SVG) file, optional.

        Returns
        -------
        matplotlib.figure.Figure
        """
        figure_module = require("matplotlib.figure", extra="plot")
        names = [name for name in QUANTITIES if name in self.train or name in self.test]
        figure = figure_module.Figure(
            figsize=(3.6 * len(names), 3.6), dpi=160, layout="constrained"
        )
        for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
            self._panel(axes, name)
        if path is not None:
            figure.savefig(path)
        return figure

    def _panel(self, axes, name):
        shown = QUANTITIES[name].shown.replace("mu_B", r"$\mu_B$").replace("angstrom", "Å")
        center = 0.0
        if name == "energy":
            center = (self.train or self.test)[name].labels.mean()
        ends = []
        for part, color in _COLORS.items():
            errors = getattr(self, part).get(name)
            if errors is None:
                continue
            x, y = errors.labels - center, errors.predicted - center
            text = f"{part}: RMSE {errors.rmse:.3g}"
            axes.plot(x, y, ".", ms=3, color=color, alpha=0.6, label=text, rasterized=True)
            ends += [x.min(), x.max(), y.min(), y.max()]
        line = [min(ends), max(ends)]
        axes.plot(line, line, color="0.4", lw=0.8, zorder=0)
        axes.set(xlabel=f"label ({shown})", ylabel=f"potential ({shown})")
        axes.set_title(name + (" relative to the mean" if name == "energy" else ""), fontsize=10)
        axes.legend(fontsize=8, frameon=False, loc="upper left")
