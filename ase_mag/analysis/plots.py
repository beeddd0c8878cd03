"""Figures of landscapes, predictions and runs (matplotlib, imported when a figure is made).

Every function returns a ``matplotlib.figure.Figure`` that belongs to no window and no global
state: ``figure.savefig(path)`` writes it. matplotlib comes with ``pip install "ase-mag[plot]"``.
"""

from io import BytesIO

import numpy as np

from ase_mag.analysis.statistics import cumulative_mean
from ase_mag.core.extras import require

#: Colors that stay apart in gray and for color-blind readers (Okabe and Ito).
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GRAY = "0.65"
STYLE = {
    "font.size": 10,
    "axes.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "mathtext.fontset": "dejavusans",
}


def make(draw, columns=1, width=5.2, height=3.5, rows=1):
    """Return a figure of ``rows`` times ``columns`` axes that ``draw(*axes)`` has filled.

    A single row is broken after three axes. ``width`` and ``height`` are those of one of the axes,
    inches; ``axes`` come row by row.
    """
    matplotlib = require("matplotlib", extra="plot")
    figure_module = require("matplotlib.figure", extra="plot")
    with matplotlib.rc_context(STYLE):
        count, across = rows * columns, min(columns, 3) if rows == 1 else columns
        down = -(-count // across)
        figure = figure_module.Figure(
            figsize=(width * across, height * down), dpi=180, layout="constrained"
        )
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for unused in axes[count:]:
            unused.remove()
        draw(*axes[:count])
        return figure


def path_axis(axes, path):
    """Mark the special points of a path (``distances``, ``ticks``) on the horizontal axis."""
    for place, _ in path.ticks:
        axes.axvline(place, color=GRAY, lw=0.6)
    if path.ticks:
        names = [r"$\Gamma$" if name == "G" else name for _, name in path.ticks]
        axes.set_xticks([place for place, _ in path.ticks], names)
    else:
        axes.set_xlabel(r"wave vector ($\mathrm{\AA}^{-1}$)")
    ends = (path.distances[0], path.distances[-1])
    axes.set_xlim(*(ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[0] + 0.5)))


def intensity(axes, path, values, top, peaks):
    """Draw intensities (n_q, n_e) over a path with ``energies`` (eV), each q scaled to 1.

    ``top``: end of the axis of energies, eV; 0: that of the energies. ``peaks``: dict of label ->
    energies (n_q,) that are marked, eV; nan: none.
    """
    scaled = values / np.maximum(values.max(axis=1, keepdims=True), 1e-300)
    shown = slice(None) if not top > 0 else path.energies <= 1.02 * top
    edges = _cells(path.distances)
    mesh = axes.pcolormesh(
        edges,
        1e3 * _cells(path.energies[shown]),
        scaled[:, shown].T,
        cmap="Blues",
        rasterized=True,
    )
    axes.figure.colorbar(mesh, ax=axes, label="intensity (maximum at each $q$: 1)", shrink=0.9)
    for (label, places), marker in zip(peaks.items(), "o^", strict=False):
        axes.plot(
            path.distances, 1e3 * np.asarray(places), marker, ms=4, mfc="none", color=COLORS[0],
            mew=0.8, label=label,
        )  # fmt: skip
    axes.legend(loc="upper left", bbox_to_anchor=(0.0, 1.12), ncols=3, fontsize=8)
    path_axis(axes, path)
    axes.set(ylabel="energy (meV)", ylim=(0, 1e3 * path.energies[shown][-1]))


def _cells(centers):
    """Return the edges of cells around centers."""
    centers = np.asarray(centers, dtype=float)
    if len(centers) == 1:
        return np.array([centers[0] - 0.5, centers[0] + 0.5])
    middle = 0.5 * (centers[1:] + centers[:-1])
    ends = (2 * centers[0] - middle[0], 2 * centers[-1] - middle[-1])
    return np.concatenate([[ends[0]], middle, [ends[1]]])


def save(figure, path, dpi=120):
    """Write a figure as a small PNG for a page: a palette of at most 256 colors.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or Path
    dpi : float, pixels per inch.
    """
    image_module = require("PIL.Image", extra="plot")
    with BytesIO() as drawn:
        figure.savefig(drawn, dpi=dpi, format="png")
        image = image_module.open(drawn).convert("RGB")
    method, dither = image_module.Quantize.MAXCOVERAGE, image_module.Dither.NONE
    image.quantize(256, method=method, dither=dither).save(path, "png", optimize=True)


def landscapes(a, b, largest=3.0, curves=60):
    """Plot energy landscapes E(m) = a m^2 + b m^4 and their mean.

    Parameters
    ----------
    a, b : (n,) float arrays, eV/mu_B^2 and eV/mu_B^4, one landscape each.
    largest : float, end of the axis of moment sizes, mu_B.
    curves : int, how many landscapes are drawn, evenly picked from all; the mean is of all.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    m = np.linspace(0.0, largest, 200)
    picked = np.unique(np.linspace(0, len(a) - 1, min(curves, len(a))).astype(int))

    def draw(axes):
        energies = a[picked, None] * m**2 + b[picked, None] * m**4
        axes.plot(m, energies.T, color=GRAY, lw=0.6, alpha=0.7)
        axes.plot([], [], color=GRAY, lw=1.0, label=f"{len(picked)} of {len(a)} moments")
        axes.plot(m, a.mean() * m**2 + b.mean() * m**4, color=COLORS[0], lw=2.4, label="mean")
        axes.axhline(0.0, color="k", lw=0.6)
        axes.set(
            xlabel=r"$m$ ($\mu_\mathrm{B}$)", ylabel=r"$a m^2 + b m^4$ (eV)", xlim=(0, largest)
        )
        axes.legend()

    return make(draw)


def parity(a, predicted_a, b, predicted_b):
    """Plot predicted against reference coefficients of the landscapes, with their errors.

    Parameters
    ----------
    a, predicted_a : (n,) float arrays, eV/mu_B^2.
    b, predicted_b : (n,) float arrays, eV/mu_B^4.
    """

    def draw(left, right):
        panels = (
            (left, a, predicted_a, "a", r"eV/$\mu_\mathrm{B}^2$"),
            (right, b, predicted_b, "b", r"eV/$\mu_\mathrm{B}^4$"),
        )
        for index, (axes, true, guess, name, unit) in enumerate(panels):
            true, guess = np.asarray(true, dtype=float), np.asarray(guess, dtype=float)
            low, high = min(true.min(), guess.min()), max(true.max(), guess.max())
            margin = 0.04 * (high - low)
            ends = (low - margin, high + margin)
            axes.plot(ends, ends, color="k", lw=0.8)
            axes.plot(true, guess, "o", ms=3, mew=0, alpha=0.5, color=COLORS[index])
            error = np.abs(guess - true).mean()
            axes.set(
                xlabel=f"reference ${name}$ ({unit})",
                ylabel=f"predicted ${name}$ ({unit})",
                xlim=ends,
                ylim=ends,
                aspect="equal",
            )
            axes.set_title(f"MAE {error:.2g} {unit}", fontsize=10)
            axes.locator_params(nbins=5)

    return make(draw, columns=2, width=3.9, height=3.9)


def moments(time_fs, magnetization, sizes):
    """Plot the magnetization |sum M| / N and the mean size sum |M| / N over time.

    Parameters
    ----------
    time_fs : (n_frames,) float array, fs.
    magnetization : (n_frames, 3) float array, mu_B per atom.
    sizes : (n_frames, N) float array, mu_B; the band shows their standard deviation.
    """
    mean, spread = np.mean(sizes, axis=1), np.std(sizes, axis=1)

    def draw(axes):
        axes.fill_between(time_fs, mean - spread, mean + spread, color=COLORS[0], alpha=0.2, lw=0)
        axes.plot(time_fs, mean, color=COLORS[0], label=r"mean size $\langle |M_i| \rangle$")
        axes.plot(
            time_fs,
            np.linalg.norm(magnetization, axis=1),
            color=COLORS[1],
            label=r"magnetization $|\langle M_i \rangle|$",
        )
        axes.set(xlabel="time (fs)", ylabel=r"moment per atom ($\mu_\mathrm{B}$)")
        axes.set(xlim=(time_fs[0], time_fs[-1]), ylim=(0, None))
        axes.legend()

    return make(draw)


def series(time_fs, values, ylabel, zero=False):
    """Plot one quantity of several runs over time, with thick cumulative averages.

    Parameters
    ----------
    time_fs : (n_frames,) float array, fs.
    values : dict of label -> (n_frames,) float array.
    ylabel : str, the quantity with its unit.
    zero : bool, whether the axis starts at zero.
    """

    def draw(axes):
        for color, (label, y) in zip(COLORS, values.items(), strict=False):
            axes.plot(time_fs, y, color=color, lw=0.8, alpha=0.6)
            axes.plot(time_fs, cumulative_mean(y), color=color, lw=2.4, label=label)
        axes.set(xlabel="time (fs)", ylabel=ylabel, xlim=(time_fs[0], time_fs[-1]))
        if zero:
            axes.set_ylim(0, None)
        above = dict(loc="lower left", bbox_to_anchor=(0.0, 1.0), alignment="left")
        axes.legend(title="thin: instantaneous, thick: cumulative average", **above)

    return make(draw)


def timings(seconds, steps=None):
    """Plot how long the parts of a run took.

    Parameters
    ----------
    seconds : dict part -> float, ``dynamics.timings``.
    steps : int or None; with it the axis is ms per step.
    """
    names = sorted(seconds, key=seconds.get)
    values = np.array([seconds[name] for name in names])
    total = values.sum()
    values = values if steps is None else 1e3 * values / steps

    def draw(axes):
        axes.barh(names, values, color=COLORS[0], alpha=0.8)
        for row, (name, value) in enumerate(zip(names, values, strict=True)):
            axes.text(value, row, f" {seconds[name] / total:.0%}", va="center", fontsize=9)
        axes.set(xlabel="time (s)" if steps is None else "time per step (ms)")
        axes.margins(x=0.15)

    return make(draw, width=4.6, height=2.6)


def mean_square_displacement(time_fs, values):
    """Plot mean-square displacements (angstrom^2) of several runs, see :func:`series`."""
    return series(time_fs, values, r"mean-square displacement ($\mathrm{\AA}^2$)", zero=True)


def pressure(time_fs, values):
    """Plot pressures (GPa) of several runs, see :func:`series`."""
    return series(time_fs, values, "pressure (GPa)")


def moment_histogram(sizes, bins=40):
    """Plot the distribution of moment sizes of all atoms and frames.

    Parameters
    ----------
    sizes : float array of any shape, mu_B.
    bins : int
    """
    sizes = np.ravel(sizes)
    return make(lambda axes: _histogram(axes, sizes, bins))


def _histogram(axes, sizes, bins):
    axes.hist(sizes, bins=bins, density=True, color=COLORS[0], alpha=0.75)
    axes.axvline(
        sizes.mean(), color="k", lw=1.2, label=rf"mean {sizes.mean():.3f} $\mu_\mathrm{{B}}$"
    )
    axes.set(
        xlabel=r"moment size $|M_i|$ ($\mu_\mathrm{B}$)",
        ylabel=r"probability density ($1/\mu_\mathrm{B}$)",
    )
    axes.legend()
