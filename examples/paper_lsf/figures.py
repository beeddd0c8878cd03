"""The figures of the paper, remade."""

import numpy as np

from ase_mag.analysis import cumulative_mean, plots

COLORS = (*plots.COLORS, "0.4")
UNITS = {"a": r"eV/$\mu_\mathrm{B}^2$", "b": r"eV/$\mu_\mathrm{B}^4$"}
LABELS = {
    "PM": "paramagnetic, learned sizes (ASD-AIMD-MLLSF)",
    "FM": "ferromagnetic, relaxed sizes (collinear)",
    "FM 2.2": r"ferromagnetic, 2.2 $\mu_\mathrm{B}$",
    "NM": "nonmagnetic",
}


def learning_curves(curves):
    """Fig. 1: error against the number of landscapes learned, per descriptor and shells."""

    def draw(*axes):
        for target, name in enumerate("ab"):
            for curve in curves:
                color, shells = COLORS[curve["descriptor"] - 1], curve["shells"]
                axes[target].errorbar(
                    curve["counts"],
                    np.array(curve["errors"])[:, target],
                    np.array(curve["standard errors"])[:, target],
                    color=color,
                    alpha=1.0 - 0.2 * (shells - 1),
                    ls=("-", "--", "-.", ":")[shells - 1],
                    marker="o",
                    ms=2.5,
                    lw=1.2,
                    label=f"{curve['descriptor']}, {shells} shell{'s' * (shells > 1)}",
                )
            axes[target].set(xlabel="landscapes learned", ylabel=f"MAE of ${name}$ ({UNITS[name]})")
        axes[1].legend(title="descriptor", fontsize=7, bbox_to_anchor=(1.0, 1.0), loc="upper left")

    return plots.make(draw, columns=2, width=4.8, height=4.0)


def examples_of_landscapes(curie, core):
    """Fig. 4: landscapes of both systems, and their means."""

    def draw(*axes):
        m = np.linspace(0.0, 3.0, 200)
        for panel, table, title in (
            (axes[0], curie, r"$T_c$, 1043 K"),
            (axes[1], core, r"7 $\mathrm{\AA}^3$/atom, 6000 K"),
        ):
            picked = np.unique(np.linspace(0, len(table) - 1, 60).astype(int))
            energies = table.a[picked, None] * m**2 + table.b[picked, None] * m**4
            panel.plot(m, energies.T, color=plots.GRAY, lw=0.6)
            panel.plot(m, table.a.mean() * m**2 + table.b.mean() * m**4, color=COLORS[0], lw=2.4)
            panel.axhline(0.0, color="k", lw=0.6)
            panel.set(xlabel=r"$m$ ($\mu_\mathrm{B}$)", ylabel=r"$a m^2 + b m^4$ (eV)", xlim=(0, 3))
            panel.set_title(title, fontsize=10)
            # As far as single wells can be seen.
            panel.set_ylim(min(1.2 * energies.min(), -0.05), 3 * max(-energies.min(), 0.2))

    return plots.make(draw, columns=2, width=4.2)


def bars(results, quantities, ylabels):
    """Figs. 5 and 6: errors of every method with standard errors."""

    def draw(*axes):
        for panel, quantity, ylabel in zip(axes, quantities, ylabels, strict=True):
            names = [name for name in results if quantity in results[name]]
            values, errors = zip(*(results[name][quantity] for name in names), strict=True)
            panel.bar(range(len(names)), values, yerr=errors, color=COLORS[0], alpha=0.8)
            panel.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
            panel.set_ylabel(ylabel)

    return plots.make(draw, columns=len(quantities), width=4.6, height=3.8)


def transfer(cases):
    """Fig. 7: predicted against computed coefficients, learned from one system or from both."""
    styles = {
        "Tc -> Tc": ("x", COLORS[3]),
        "Tc -> core": ("x", COLORS[0]),
        "both -> Tc": ("o", COLORS[2]),
        "both -> core": ("o", "k"),
    }

    def draw(*axes):
        for target, (panel, name) in enumerate(zip(axes, "ab", strict=True)):
            every = []
            for case, (marker, color) in styles.items():
                true = np.array(cases[case]["true"])[:, target]
                guess = np.array(cases[case]["predicted"])[:, target]
                every += [true, guess]
                panel.plot(
                    true,
                    guess,
                    marker,
                    ms=3,
                    color=color,
                    mfc="none",
                    mew=0.6,
                    alpha=0.7,
                    label=f"{case} ({cases[case]['error'][target]:.2g})",
                )
            every = np.concatenate(every)
            ends = (every.min(), every.max())
            panel.plot(ends, ends, color="k", lw=0.8)
            panel.set(xlabel=f"computed ${name}$ ({UNITS[name]})")
            panel.set(ylabel=f"predicted ${name}$ ({UNITS[name]})")
            panel.legend(title="learned from -> tested on (MAE)", fontsize=7, title_fontsize=7)

    return plots.make(draw, columns=2, width=4.2, height=4.2)


def time_series(series, quantity, ylabel, zero=False):
    """Figs. 8 and 9: instantaneous values (thin) and cumulative averages (thick)."""

    def draw(axes):
        for color, (label, run) in zip(COLORS, series.items(), strict=False):
            values = np.array(run[quantity])
            axes.plot(run["time"], values, color=color, lw=0.6, alpha=0.5)
            axes.plot(
                run["time"], cumulative_mean(values), color=color, lw=2.4, label=LABELS[label]
            )
        axes.set(xlabel="time (fs)", ylabel=ylabel, xlim=(0, None))
        if zero:
            axes.set_ylim(0, None)
        axes.legend(fontsize=8, bbox_to_anchor=(0.0, 1.0), loc="lower left")

    return plots.make(draw, width=5.6, height=4.0)


def draw_all(results, curie, core, folder):
    """Write every figure as PNG."""
    moment = r"MAE of the minimum ($\mu_\mathrm{B}$)"
    drawn = {
        "fig1_learning_curves": learning_curves(results["curves"]),
        "fig4_landscapes": examples_of_landscapes(curie, core),
        "fig5_errors_of_a_and_b": bars(
            results["baselines"], ("a", "b"), [f"MAE of ${n}$ ({UNITS[n]})" for n in "ab"]
        ),
        "fig6_errors_of_the_minimum": bars(results["baselines"], ("minimum",), (moment,)),
        "fig7_transfer": transfer(results["transfer"]["descriptor 3"]),
        "fig7_transfer_invariants": transfer(results["transfer"]["invariants"]),
        "fig8_displacements": time_series(
            results["curie"]["series"], "msd", r"mean-square displacement ($\mathrm{\AA}^2$)", True
        ),
        "fig9_pressures": time_series(results["core"]["series"], "pressure", "pressure (GPa)"),
        "moment_sizes": plots.moment_histogram(results["curie"]["series"]["PM"]["sizes"]),
    }
    for name, figure in drawn.items():
        figure.savefig(folder / f"{name}.png")
    return sorted(drawn)
