"""Figures of the job."""

import numpy as np
from comparison import mean_and_error
from conditions import CASES
from scipy.spatial.transform import Rotation

from ase_mag.analysis import plots


def errors(cases):
    """Errors of energies of every case and fit, beside the paper's."""

    def draw(axes):
        places = np.arange(len(cases))
        fits = dict.fromkeys(how for name in cases for how in CASES[name].fits)
        for k, (how, color) in enumerate(zip(fits, plots.COLORS, strict=False)):
            rows = [
                (place, *mean_and_error([seed[how] for seed in seeds]))
                for place, seeds in zip(places, cases.values(), strict=True)
                if how in seeds[0]
            ]
            x, mean, error = np.array(rows).T
            x = x + 0.15 * (k - 1)
            axes.errorbar(x, mean, error, fmt="o", ms=4, color=color, label=how)
        published = [(x, CASES[n].paper) for x, n in zip(places, cases, strict=True)]
        published = [(x, value) for x, value in published if value is not None]
        axes.plot(*np.transpose(published), "k_", ms=14, mew=1.5, label="paper")
        axes.set_yscale("log")
        axes.set_xticks(places, [CASES[name].title for name in cases], rotation=20, ha="right")
        axes.set_ylabel("RMSE of energies (meV/atom)")
        axes.legend(fontsize=8)

    return plots.make(draw, width=6.4, height=4.0)


def widths(found):
    """Errors of energies against the spin width."""

    def draw(axes):
        for name, color in zip(found, plots.COLORS, strict=False):
            rows = [(float(w), *mean_and_error(v)) for w, v in found[name].items()]
            x, mean, error = np.array(rows).T
            error = np.nan_to_num(error)
            axes.errorbar(x, mean, error, marker="o", ms=4, color=color, label=CASES[name].title)
        axes.set(xscale="log", yscale="log", xlabel=r"spin width $\sigma$")
        axes.set_ylabel("RMSE of energies (meV/atom)")
        axes.legend(fontsize=8)

    return plots.make(draw)


def magnetization(runs):
    """M(T) of the Hamiltonian and of the learned field, and their difference."""
    kelvin = np.array([float(t) for t in runs])
    found = {
        which: np.array([mean_and_error([run[0] for run in both[which]]) for both in runs.values()])
        for which in ("reference", "learned")
    }

    def draw(left, right):
        for which, marker, color, label in (
            ("reference", "s", "k", "Hamiltonian"),
            ("learned", "o", plots.COLORS[0], "learned field"),
        ):
            mean, error = found[which].T
            style = dict(ms=7, mfc="none", capsize=3, color=color, label=label)
            left.errorbar(kelvin, mean, 2 * error, fmt=marker, **style)
        left.set(ylabel=r"$|M|/M_0$ of 16 atoms", ylim=(0.7, 1))
        left.legend(fontsize=9)
        difference = found["learned"][:, 0] - found["reference"][:, 0]
        error = np.hypot(found["learned"][:, 1], found["reference"][:, 1])
        style = dict(ms=6, capsize=3, color=plots.COLORS[0])
        right.errorbar(kelvin, 1e3 * difference, 2e3 * error, fmt="o", **style)
        right.axhline(0.0, color="k", lw=0.6)
        right.set_ylabel("learned field − Hamiltonian\n" + r"($10^{-3}$, ± 2 standard errors)")
        for panel in (left, right):
            panel.set(xlabel="temperature (K)", xlim=(200, 1000))

    return plots.make(draw, columns=2, width=3.9, height=3.1)


def _parity(panel, x, y, unit, color=plots.COLORS[0], label=None):
    """Draw predicted against true values with their RMSE."""
    x, y = np.asarray(x), np.asarray(y)
    error = np.sqrt(np.mean((y - x) ** 2))
    label = f"{label}: " if label else ""
    ends = (min(x.min(), y.min()), max(x.max(), y.max()))
    panel.plot(ends, ends, color="k", lw=0.8)
    panel.plot(
        x, y, "o", ms=4, mfc="none", mew=0.8, color=color, label=f"{label}RMSE {error:.2g} {unit}"
    )
    panel.legend(fontsize=8, loc="upper left")


def energies(drawn, names):
    """Figs. 4 and 5: energies of two cases, and the distribution of their errors."""

    def draw(*axes):
        for panel, name in zip(axes, names, strict=True):
            true, predicted = (1e3 * np.array(drawn[name][key]) for key in ("true", "predicted"))
            _parity(panel, true, predicted, "meV/atom")
            panel.set_title(CASES[name].title, fontsize=10)
            panel.set(xlabel="Hamiltonian (meV/atom)", ylabel="predicted (meV/atom)")
            inset = panel.inset_axes([0.62, 0.16, 0.36, 0.36])
            error = predicted - true
            largest = np.percentile(np.abs(error), 99.5)
            digits = int(np.floor(np.log10(largest)))
            scale, unit = (1.0, "meV/atom") if digits > -3 else (1e3, "μeV/atom")
            limits = (-scale * largest, scale * largest)
            inset.hist(scale * error, 30, range=limits, color=plots.COLORS[1], alpha=0.8)
            inset.set_xlabel(f"error ({unit})", fontsize=7)
            inset.tick_params(labelsize=7)
            inset.set_yticks([])

    return plots.make(draw, columns=len(names), width=4.2, height=3.7)


def _arrows(panel, hot):
    """Draw the fields of the first test configuration: of the reference, and predicted."""
    places = np.array(hot["positions"])
    fields, predicted = (np.array(hot[key])[:16] for key in ("fields", "predicted fields"))
    view = Rotation.from_euler("zx", [12, -76], degrees=True)
    places, fields, predicted = (view.apply(x)[:, :2] for x in (places, fields, predicted))
    scale = np.linalg.norm(fields, axis=1).max() / 1.7
    style = dict(angles="xy", scale_units="xy", scale=scale, clip_on=False)
    wide = dict(width=0.028, headwidth=2.0, headlength=1.6, headaxislength=1.6)
    thin = dict(width=0.010, headwidth=4.0, headlength=4.5, headaxislength=4.0)
    panel.plot(*places.T, "o", ms=5, color="k", zorder=0)
    for vectors, color, label, shape in (
        (fields, "0.72", "reference", wide),
        (predicted, plots.COLORS[1], "predicted", thin),
    ):
        arrows = panel.quiver(*places.T, *vectors.T, color=color, label=label, **shape, **style)
        arrows.set_in_layout(False)
    tips = np.concatenate([places, places + fields / scale, places + predicted / scale])
    panel.update_datalim(tips)
    panel.set(aspect="equal")
    panel.autoscale_view()
    panel.set_axis_off()
    panel.legend(fontsize=8, loc="upper center", ncols=2, bbox_to_anchor=(0.5, 0.03))


def _angles(panel, hot):
    """Draw angles between fields against their sizes."""
    fields, predicted = (np.array(hot[key]) for key in ("fields", "predicted fields"))
    sine = np.linalg.norm(np.cross(fields, predicted), axis=1)
    angles = np.degrees(np.arctan2(sine, np.einsum("ic,ic->i", fields, predicted)))
    sizes = 1e3 * np.linalg.norm(fields, axis=1)
    panel.plot(sizes, angles, "o", ms=3, mfc="none", mew=0.7, color=plots.COLORS[0])
    panel.axhline(5.0, color="k", lw=0.9, ls="--")
    panel.annotate("paper, largest", (sizes.max(), 5.4), ha="right", fontsize=8)
    panel.set(xlabel=r"field of the reference (meV/$\mu_\mathrm{B}$)", ylabel="angle (degrees)")
    panel.set_ylim(0, max(6.5, 1.05 * np.percentile(angles, 99)))


def effective_fields(thermal):
    """Fig. 2: energies and effective fields of 16 atoms at the temperatures of the paper."""

    def draw(*axes):
        for row, (kelvin, hot) in enumerate(thermal.items()):
            left, middle, right = axes[3 * row : 3 * row + 3]
            found = hot["16 atoms"]
            _parity(left, found["true"], found["predicted"], "meV/atom")
            left.set(xlabel=r"$E - E_\mathrm{FM}$ (meV/atom)", ylabel="predicted (meV/atom)")
            left.set_title(f"{kelvin} K", fontsize=10)
            _arrows(middle, hot)
            _angles(right, hot)

    return plots.make(draw, columns=3, rows=len(thermal), width=3.5, height=3.5)


def larger_cells(thermal):
    """Fig. 3: energies of 54 atoms by potentials fitted to 16 atoms."""

    def draw(*axes):
        for panel, (kelvin, hot) in zip(axes, thermal.items(), strict=True):
            for color, cutoff, name in (
                (plots.COLORS[1], "7 Å", "54 atoms"),
                (plots.COLORS[0], "5.6 Å", "54 atoms, 5.6 Å"),
            ):
                found = hot[name]
                _parity(panel, found["true"], found["predicted"], "meV/atom", color, cutoff)
            panel.set_title(f"54 atoms, {kelvin} K", fontsize=10)
            panel.set(xlabel=r"$E - E_\mathrm{FM}$ (meV/atom)", ylabel="predicted (meV/atom)")

    return plots.make(draw, columns=len(thermal), width=3.9, height=3.5)


def crystals(orders):
    """Figs. 6 and 7: energy and moment of bcc against the lattice constant."""

    def draw(left, right):
        lowest = min(row[1] for rows in orders.values() for row in rows)
        styles = zip(plots.COLORS, ("o", "s", "^"), orders.items(), strict=False)
        for color, marker, (order, rows) in styles:
            a, energy, moment = np.array(rows).T
            left.plot(a, 1e3 * (energy - lowest), marker, ms=3.5, ls="-", color=color, label=order)
            if order != "NM":
                right.plot(a, moment, marker, ms=3.5, ls="-", color=color, label=order)
        left.set_ylabel("energy (meV/atom)")
        right.set_ylabel(r"moment ($\mu_\mathrm{B}$)")
        for panel in (left, right):
            panel.set_xlabel(r"lattice constant ($\mathrm{\AA}$)")
            panel.legend(fontsize=9)

    return plots.make(draw, columns=2, width=4.2, height=3.4)


def draw_all(results, folder):
    """Write every figure as PNG."""
    drawn = {
        "fig2_effective_fields": effective_fields(results["relaxed"]),
        "fig3_larger_cells": larger_cells(results["relaxed"]),
        "fig6_7_crystals": crystals(results["crystals"]),
        "errors": errors(results["cases"]),
        "widths": widths(results["widths"]),
        "magnetization": magnetization(results["magnetization"]),
    }
    for name, cases in (
        ("fig4_energies", ("fixed", "eq41")),
        ("fig5_displacements", ("d007", "d025")),
    ):
        known = [case for case in cases if case in results["energies"]]
        if known:
            drawn[name] = energies(results["energies"], known)
    for name, figure in drawn.items():
        plots.save(figure, folder / f"{name}.png")
    return sorted(drawn)
