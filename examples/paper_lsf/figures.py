"""The figures of the paper, remade."""

import numpy as np
from comparison import TABLE_2, TABLE_3

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
            for descriptor in (1, 2, 3, 4):
                panel = axes[4 * target + descriptor - 1]
                for curve in (c for c in curves if c["descriptor"] == descriptor):
                    shells = curve["shells"]
                    panel.errorbar(
                        curve["counts"],
                        1e3 * np.array(curve["errors"])[:, target],
                        1e3 * np.array(curve["standard errors"])[:, target],
                        color=COLORS[shells - 1],
                        marker="os^D"[shells - 1],
                        ms=3,
                        lw=1.2,
                        label=f"{shells} shell{'s' * (shells > 1)}",
                    )
                published = 1e3 * float(TABLE_2[descriptor][target][0])
                panel.axhline(published, color="k", lw=0.9, ls="--", label="paper, lowest")
                if target == 0:
                    panel.set_title(f"descriptor {descriptor}", fontsize=10)
                else:
                    panel.set_xlabel("landscapes learned")
                panel.set(xlim=(0, 700), ylim=(0, (25.0, 1.5)[target]))
            axes[4 * target].set_ylabel(f"MAE of ${name}$ (m{UNITS[name]})")
        axes[0].legend(fontsize=8, ncols=2, columnspacing=1.0)

    return plots.make(draw, columns=4, rows=2, width=2.5, height=2.4)


def _landscapes(panel, m, energies, mean):
    """Draw single landscapes and a mean over moment sizes."""
    panel.plot(m, energies.T, color=plots.GRAY, lw=0.6)
    panel.plot(m, mean, color=COLORS[0], lw=2.4)
    panel.axhline(0.0, color="k", lw=0.6)
    panel.set_xlim(0, 3)


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
            mean = table.a.mean() * m**2 + table.b.mean() * m**4
            _landscapes(panel, m, energies, mean)
            panel.plot([], [], color=plots.GRAY, label=f"{len(picked)} of {len(table)} landscapes")
            panel.plot([], [], color=COLORS[0], lw=2.4, label="mean of all")
            panel.set(xlabel=r"$m$ ($\mu_\mathrm{B}$)", ylabel=r"$a m^2 + b m^4$ (eV)")
            panel.set_title(title, fontsize=10)
            # As far as single wells can be seen.
            panel.set_ylim(min(1.2 * energies.min(), -0.05), 3 * max(-energies.min(), 0.2))
            panel.legend(fontsize=8, loc="upper left")
        whole = axes[1].inset_axes([0.68, 0.14, 0.3, 0.36])
        _landscapes(whole, m, energies, mean)
        whole.tick_params(labelsize=7)

    return plots.make(draw, columns=2, width=4.2)


def bars(results, quantities, ylabels):
    """Figs. 5 and 6: errors of every method with standard errors, and the paper's where given."""

    def draw(*axes):
        for panel, quantity, ylabel in zip(axes, quantities, ylabels, strict=True):
            names = sorted(name for name in results if quantity in results[name])
            values, errors = np.array([results[name][quantity] for name in names]).T
            scale = 1.0 if quantity == "minimum" else 1e3
            colors = [COLORS[0] if name.startswith("desc") else plots.GRAY for name in names]
            places = np.arange(len(names))
            panel.bar(places, scale * values, yerr=scale * errors, color=colors, capsize=2)
            if quantity != "minimum":
                published = [float(TABLE_2[k]["ab".index(quantity)][0]) for k in (1, 2, 3, 4)]
                at = [names.index(f"descriptor {k}") for k in (1, 2, 3, 4)]
                panel.plot(at, scale * np.array(published), "k_", ms=18, mew=1.6, label="paper")
                panel.legend(fontsize=9)
            panel.set_xticks(places, names, rotation=35, ha="right", fontsize=8)
            panel.set_ylabel(ylabel)

    return plots.make(draw, columns=len(quantities), width=4.6, height=3.6)


def kernel_widths(errors):
    """Table III: kernel widths with the lowest error, ours beside the paper's."""

    def draw(*axes):
        for panel, name in zip(axes, "ab", strict=True):
            rows = [(e["descriptor"], e["shells"], e[name]["width"]) for e in errors]
            places = np.array([5.0 * (d - 1) + n for d, n, _ in rows])
            index = "ab".index(name)
            published = [float(TABLE_3[d][n - 1].split("/")[index]) for d, n, _ in rows]
            panel.plot(places, published, "k_", ms=12, mew=1.8, label="paper")
            widths = [width for *_, width in rows]
            panel.plot(places, widths, "o", ms=5, mfc="none", color=COLORS[0], label="here")
            panel.set_xticks(places, [str(n) for _, n, _ in rows], fontsize=8)
            for d in sorted({d for d, *_ in rows}):
                panel.text(5.0 * (d - 1) + 2.5, 2500, f"descriptor {d}", ha="center", fontsize=8)
            panel.set(yscale="log", ylim=(5, 5000), xlabel="shells")
            panel.set_ylabel(f"kernel width for ${name}$")
        axes[0].legend(fontsize=9, loc="lower right")

    return plots.make(draw, columns=2, width=4.6, height=2.9)


def transfer(cases):
    """Fig. 7: predicted against computed coefficients, learned from one system or from both."""
    styles = {
        "Tc -> Tc": ("x", "$T_c$ → $T_c$", COLORS[3]),
        "Tc -> core": ("x", "$T_c$ → core", COLORS[0]),
        "both -> Tc": ("o", "both → $T_c$", COLORS[2]),
        "both -> core": ("o", "both → core", "k"),
    }

    def draw(*axes):
        for target, (panel, name) in enumerate(zip(axes, "ab", strict=True)):
            every = []
            for case, (marker, label, color) in styles.items():
                true = np.array(cases[case]["true"])[:, target]
                guess = np.array(cases[case]["predicted"])[:, target]
                every += [true, guess]
                panel.plot(
                    true,
                    guess,
                    marker,
                    ms=3.5,
                    color=color,
                    mfc="none",
                    mew=0.7,
                    zorder=3 if marker == "x" else 2,
                    label=f"{label} ({1e3 * cases[case]['error'][target]:.3g})",
                )
            every = np.concatenate(every)
            ends = (every.min(), every.max())
            panel.plot(ends, ends, color="k", lw=0.8)
            panel.set(xlabel=f"computed ${name}$ ({UNITS[name]})")
            panel.set(ylabel=f"predicted ${name}$ ({UNITS[name]})")
            title = f"learned → tested (MAE, m{UNITS[name]})"
            panel.legend(title=title, fontsize=8, title_fontsize=8, markerscale=1.4)

    return plots.make(draw, columns=2, width=4.2, height=4.2)


def time_series(panel, series, quantity, ylabel, published):
    """Draw instantaneous values (thin), cumulative averages (thick) and the paper's averages."""
    styles = zip(COLORS, ("-", "--", ":"), series.items(), strict=False)
    for color, dashes, (label, run) in styles:
        values = np.array(run[quantity])
        panel.plot(run["time"], values, color=color, lw=0.5, alpha=0.45)
        mean = cumulative_mean(values)
        panel.plot(run["time"], mean, color=color, lw=2.2, ls=dashes, label=LABELS[label])
        if label in published:
            panel.axhline(published[label], color=color, lw=0.9, ls="-.")
            panel.annotate(
                f"paper, {label}",
                (1.0, published[label]),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="top" if label == "FM" else "bottom",
                fontsize=8,
                color=color,
            )
    panel.set(xlabel="time (fs)", ylabel=ylabel, xlim=(0, None))
    panel.legend(fontsize=8, bbox_to_anchor=(0.0, 1.0), loc="lower left")


def differences(panel, replicas, pairs, ylabel):
    """Draw differences of every replica, and their means with two standard errors."""
    for place, (color, (label, values)) in enumerate(zip(COLORS, pairs.items(), strict=False)):
        values = np.array(values)
        mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
        spread = place + np.linspace(-0.2, -0.05, len(values))
        panel.plot(spread, values, "o", ms=3.5, mfc="none", color=color)
        panel.errorbar(place + 0.12, mean, 2 * error, fmt="s", ms=5, capsize=3, color=color)
        panel.annotate(
            label, (place, 1.02), xycoords=("data", "axes fraction"), ha="center", fontsize=8
        )
    panel.axhline(0.0, color="k", lw=0.6)
    panel.set(xlim=(-0.5, len(pairs) - 0.5), ylabel=ylabel)
    panel.set_xticks([])
    panel.set_xlabel(f"{len(replicas)} replicas, mean ± 2 standard errors", fontsize=9)


def displacements(curie):
    """Fig. 8: mean-square displacements at T_c, and their differences over replicas."""
    replicas = curie["replicas"]
    pairs = {
        "PM − FM,\nrelaxed sizes": [1e3 * (m["PM"][0] - m["FM"][0]) for m in replicas],
        "PM − FM,\n2.2 $\\mu_\\mathrm{B}$": [1e3 * (m["PM"][0] - m["FM 2.2"][0]) for m in replicas],
    }

    def draw(left, right):
        ylabel = r"mean-square displacement ($\mathrm{\AA}^2$)"
        time_series(left, curie["series"], "msd", ylabel, {"PM": 0.09, "FM": 0.04})
        left.set_ylim(0, 0.1)
        differences(right, replicas, pairs, r"difference ($10^{-3}\,\mathrm{\AA}^2$)")

    return plots.make(draw, columns=2, width=4.6, height=3.8)


def pressures(core):
    """Fig. 9: pressures at the core's conditions, and their differences over replicas."""
    replicas = core["replicas"]
    pairs = {
        "PM − NM,\nown positions": [m["PM"][0] - m["NM"][0] for m in replicas],
        "PM − NM,\npositions of PM": [m["same positions"][0] for m in replicas],
    }

    def draw(left, right):
        time_series(left, core["series"], "pressure", "pressure (GPa)", {"PM": 360, "NM": 320})
        differences(right, replicas, pairs, "difference (GPa)")
        right.axhline(40.0, color="k", lw=0.9, ls="-.")
        right.text(1.45, 40.3, "paper", ha="right", va="bottom", fontsize=8)
        right.set_ylim(0, 45)

    return plots.make(draw, columns=2, width=4.6, height=3.8)


def draw_all(results, curie, core, folder):
    """Write every figure as PNG."""
    moment = r"MAE of the minimum ($\mu_\mathrm{B}$)"
    errors = [f"MAE of ${n}$ (m{UNITS[n]})" for n in "ab"]
    drawn = {
        "fig1_learning_curves": learning_curves(results["curves"]),
        "fig4_landscapes": examples_of_landscapes(curie, core),
        "fig5_errors_of_a_and_b": bars(results["baselines"], ("a", "b"), errors),
        "fig6_errors_of_the_minimum": bars(results["baselines"], ("minimum",), (moment,)),
        "fig7_transfer": transfer(results["transfer"]["descriptor 3"]),
        "fig7_transfer_invariants": transfer(results["transfer"]["invariants"]),
        "fig8_displacements": displacements(results["curie"]),
        "fig9_pressures": pressures(results["core"]),
        "table3_widths": kernel_widths(results["errors"]),
        "moment_sizes": plots.moment_histogram(results["curie"]["series"]["PM"]["sizes"]),
    }
    for name, figure in drawn.items():
        plots.save(figure, folder / f"{name}.png")
    return sorted(drawn)
