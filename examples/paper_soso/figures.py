"""Figures of the job."""

import numpy as np
from comparison import mean_and_error
from conditions import CASES

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
        axes.set(xscale="log", yscale="log", xlabel="spin width", ylabel="RMSE (meV/atom)")
        axes.legend(fontsize=8)

    return plots.make(draw)


def magnetization(runs):
    """M(T) of the Hamiltonian and of the learned field."""

    def draw(axes):
        for which, marker, color in (("reference", "_", "k"), ("learned", "o", plots.COLORS[0])):
            rows = [
                (float(t), *mean_and_error([run[0] for run in both[which]]))
                for t, both in runs.items()
            ]
            x, mean, error = np.array(rows).T
            label = "Hamiltonian" if which == "reference" else "learned field"
            axes.errorbar(
                x, mean, 2 * error, fmt=marker, ms=7, mfc="none", color=color, label=label
            )
        axes.set(xlabel="temperature (K)", ylabel=r"$|M|/M_0$ of 16 atoms", ylim=(0, 1))
        axes.legend(fontsize=8)

    return plots.make(draw)


def draw_all(results, folder):
    """Write every figure as PNG."""
    drawn = {
        "errors": errors(results["cases"]),
        "widths": widths(results["widths"]),
        "magnetization": magnetization(results["magnetization"]),
    }
    for name, figure in drawn.items():
        figure.savefig(folder / f"{name}.png")
    return list(drawn)
