"""Graphs over the frames, in windows that follow the viewer."""

import numpy as np
from ase.gui import ui

from ase_mag.core.extras import require
from ase_mag.gui import series

_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")


class GraphWindow:
    """A figure of matplotlib in a window: drawn again for new frames, marked at the present one.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    axes : its axes.
    """

    title = "Graph"

    def __init__(self, gui):
        backend = require("matplotlib.backends.backend_tkagg", extra="plot")
        figure_module = require("matplotlib.figure", extra="plot")
        self.gui = gui
        self.window = ui.Window(self.title, close=self.close)
        self.figure = figure_module.Figure(figsize=(5.2, 3.4), dpi=100, layout="constrained")
        self.axes = self.figure.subplots()
        self.canvas = backend.FigureCanvasTkAgg(self.figure, master=self.window.win)
        self.canvas.get_tk_widget().pack(fill="both", expand=True)
        self.controls()
        try:
            self.plot()
        except ValueError:
            self.window.close()
            raise
        self._drawn = len(gui.images)
        self.mark()
        self.canvas.draw()

    def controls(self):
        """Add widgets below the figure."""

    def redraw(self):
        """Draw everything anew; what the frames no longer have is said in the figure."""
        self.axes.clear()
        self._drawn = len(self.gui.images)
        try:
            self.plot()
        except ValueError as error:
            self.axes.text(0.5, 0.5, str(error), ha="center", wrap=True)
        else:
            self.mark()
        self.canvas.draw()

    def plot(self):
        """Draw what depends on all frames."""

    def mark(self):
        """Draw what depends on the present frame."""

    def frame_changed(self):
        """Follow the viewer to another frame."""
        if len(self.gui.images) != self._drawn:
            self.redraw()
        else:
            self.mark()
            self.canvas.draw_idle()

    def close(self):
        """Close the window."""
        self.gui.graph_windows.remove(self)
        self.window.close()


class _OverFrames(GraphWindow):
    """Curves over the frames with a line at the present one."""

    _line = None

    def x(self):
        """Return times (fs) or numbers of the frames."""
        times = self.gui.frame_times()
        self._xlabel = "frame" if times is None else "time (fs)"
        self._x = np.arange(len(self.gui.images)) if times is None else times
        return self._x

    def mark(self):
        position = self._x[self.gui.frame]
        if self._line is None or self._line.axes is None:
            self._line = self.axes.axvline(position, color="0.6", lw=1, zorder=0)
        self._line.set_xdata([position, position])

    def finish(self, ylabel):
        """Label the axes."""
        self.axes.set(xlabel=self._xlabel, ylabel=ylabel)
        self.axes.legend(frameon=False, fontsize=9)
        self._line = None


class MagnetizationGraph(_OverFrames):
    """|<M>|, <|M|> and the components of <M> over the frames."""

    title = "Magnetization"

    def plot(self):
        mean, mean_size = series.magnetization(self.gui.images)
        x = self.x()
        style = {"marker": "." if len(x) < 60 else ""}
        self.axes.plot(x, mean_size, color="k", label=r"$\langle |M| \rangle$", **style)
        size = np.linalg.norm(mean, axis=1)
        self.axes.plot(x, size, color=_COLORS[0], label=r"$|\langle M \rangle|$", **style)
        for column, name in enumerate("xyz"):
            label = rf"$\langle M_{name} \rangle$"
            self.axes.plot(x, mean[:, column], color=_COLORS[column + 1], lw=0.9, label=label)
        self.finish(r"moment per atom ($\mu_\mathrm{B}$)")


class TemperatureGraph(_OverFrames):
    """The transverse spin temperature over the frames."""

    title = "Spin temperature"

    def plot(self):
        x, values = self.x(), series.spin_temperatures(self.gui.images)
        if np.isnan(values).all():
            raise ValueError(
                "no frame has a spin temperature: trajectories of ase_mag dynamics have "
                "(SpinDynamics, SpinLatticeDynamics, AsdAimd); for other files start "
                "ase-mag gui --model NAME with a bilinear model"
            )
        count = np.cumsum(np.isfinite(values))
        means = np.cumsum(np.nan_to_num(values)) / np.maximum(count, 1)
        self.axes.plot(x, values, color=_COLORS[0], lw=0.8, alpha=0.6, label="frame")
        self.axes.plot(x, means, color=_COLORS[0], lw=2.2, label="mean so far")
        self.finish("spin temperature (K)")


class HistogramGraph(GraphWindow):
    """Distributions of |M|: before, now and all, or by temperature."""

    title = "Moment sizes"

    def controls(self):
        self.groups = ui.RadioButtons(
            ["first, present and all frames", "by temperature"],
            ["frames", "temperature"],
            lambda value: self.redraw(),
        )
        self.window.add(self.groups)
        _, known = series.temperatures(self.gui.images)
        self.groups["temperature"].active = known is not None and len(self.gui.images) > 1

    def plot(self):
        values, name = None, None
        if self.groups.value == "temperature":
            values, name = series.temperatures(self.gui.images)
        groups = series.size_groups(self.gui.images, self.gui.frame, values)
        edges, densities = series.densities(groups)
        for color, (label, density) in zip(_COLORS, densities.items(), strict=False):
            mean = groups[label].mean()
            text = rf"{label}: mean {mean:.3f} $\mu_\mathrm{{B}}$"
            self.axes.stairs(density, edges, color=color, label=text, lw=1.6)
        self.axes.set(
            xlabel=r"moment size $|M|$ ($\mu_\mathrm{B}$)",
            ylabel=r"probability density ($1/\mu_\mathrm{B}$)",
        )
        self.axes.legend(frameon=False, fontsize=9, title=name)

    def frame_changed(self):
        if self.groups.value == "frames" or len(self.gui.images) != self._drawn:
            self.redraw()


GRAPHS = {
    "magnetization": MagnetizationGraph,
    "histogram": HistogramGraph,
    "temperature": TemperatureGraph,
}
