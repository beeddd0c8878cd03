"""The figures of the paper, remade."""

import numpy as np
from ase.visualize.plot import plot_atoms
from comparison import TABLE_2, TABLE_3, TABLE_4
from conditions import LARGEST_USED, key
from expansion import averages, ground_states
from predictions import alloy_errors, moment_errors
from training import mean_and_band

from ase_mag.analysis import plots

LABELS = {
    "energy": "energy (meV/atom)",
    "forces": r"forces (meV/$\mathrm{\AA}$)",
    "stress": "stress (GPa)",
    "magforces": r"magnetic forces (meV/$\mu_\mathrm{B}$)",
}
MARKERS = ("o", "s", "^", "D")


def arrangements(crystals):
    """Fig. 1: some of the arrangements of aluminum on bcc, seen nearly along [001]."""
    counts = [int(np.sum(atoms.numbers == 13)) for atoms in crystals]
    shown = [counts.index(count) for count in (2, 4, 8) if count in counts] or [0]

    def draw(*axes):
        for panel, index in zip(axes, shown, strict=True):
            atoms = crystals[index]
            colors = [{26: plots.COLORS[4], 13: plots.COLORS[0]}[z] for z in atoms.numbers]
            plot_atoms(atoms, panel, rotation="-78x,18y,4z", radii=0.45, colors=colors)
            iron = 16 - counts[index]
            panel.set_title(rf"Fe$_{{{iron}}}$Al$_{{{counts[index]}}}$")
            panel.set_axis_off()
        for color, name in ((plots.COLORS[4], "Fe"), (plots.COLORS[0], "Al")):
            axes[0].plot([], [], "o", color=color, mec="k", mew=0.6, ms=8, label=name)
        axes[0].legend(loc="upper left", bbox_to_anchor=(0.05, 0.04), fontsize=9, ncols=2)

    return plots.make(draw, columns=len(shown), width=2.7, height=2.9)


def weight_scan(scan):
    """Fig. 2: validation errors against the weight of magnetic forces, with standard errors."""

    def draw(*axes):
        for panel, label in zip(axes, LABELS, strict=True):
            mean, error = np.array([scan[weight][label] for weight in scan]).T
            panel.errorbar(list(scan), mean, error, marker="o", ms=5, capsize=2.5)
            panel.axvline(0.1, color=plots.GRAY, lw=0.9, ls="--", zorder=0)
            panel.set(xscale="log", ylabel=LABELS[label], ylim=(0, None))
        for panel in axes[2:]:
            panel.set_xlabel(r"weight of magnetic forces ($\mu_\mathrm{B}^2$)")
        axes[0].annotate("choice of\nthe paper", (0.1, 0), xytext=(0.13, 0.4), fontsize=8)

    return plots.make(draw, columns=2, rows=2, width=3.8, height=2.5)


def published(table, column):
    """Return {name: (mean, two standard deviations)} of one column of a table of the paper."""
    return {name: tuple(map(float, row[column].split(" ± "))) for name, row in table.items()}


def errors(table, sizes):
    """Fig. 3: training errors against the size of the magnetic basis, beside the paper's."""

    def draw(*axes):
        for column, (panel, label) in enumerate(zip(axes, LABELS, strict=True)):
            paper = published(TABLE_2, column)
            for k, (color, weight) in enumerate(zip(plots.COLORS, sizes.weights, strict=False)):
                keys = [key(n, weight) for n in sizes.bases]
                x = np.array(sizes.bases) + 0.08 * (k - 0.5)
                mean, band = np.array([mean_and_band(table[name][label]) for name in keys]).T
                style = dict(ms=5, capsize=2.5, color=color)
                panel.errorbar(x, mean, band, marker="o", **style, label=f"weight {weight:g}, here")
                mean, band = np.array([paper[name] for name in keys]).T
                style |= dict(marker="s", mfc="none", ls="--", lw=1.0)
                panel.errorbar(x, mean, band, **style, label=f"weight {weight:g}, paper")
            panel.set_ylabel(LABELS[label])
            panel.set_xticks(sizes.bases)
            panel.set_ylim(0, None)
        axes[0].set_ylim(0, 6.5)
        axes[3].set(yscale="log", ylim=(5, 1000))
        for panel in axes[2:]:
            panel.set_xlabel("magnetic basis size")
        axes[0].legend(fontsize=8, ncols=2)

    return plots.make(draw, columns=2, rows=2, width=3.9, height=2.6)


def equilibrium_moments(found, sizes):
    """Fig. 4: moments of iron, by the potentials against those of the reference."""
    bases = [n for n in sizes.bases if n <= LARGEST_USED]

    def draw(*axes):
        for panel, weight in zip(axes, sizes.weights, strict=True):
            for n, color, marker in zip(bases, plots.COLORS, MARKERS, strict=False):
                for k, member in enumerate(found[key(n, weight)]):
                    rows = zip(
                        found["reference"], member["moments"], member["success"], strict=True
                    )
                    pairs = [np.array([a, b]) for a, b, good in rows if good]
                    if not pairs:
                        continue
                    x, y = np.concatenate(pairs, axis=1)
                    label = f"basis {n}" if k == 0 else None
                    panel.plot(x, y, marker, ms=3, color=color, mfc="none", mew=0.5, label=label)
            ends = (min(map(min, found["reference"])), max(map(max, found["reference"])))
            panel.plot(ends, ends, color="k", lw=0.8)
            panel.set_title(rf"weight {weight:g} $\mu_\mathrm{{B}}^2$", fontsize=10)
            panel.set_xlabel(r"moment of iron, reference ($\mu_\mathrm{B}$)")
            panel.set_ylabel(r"moment of iron, potential ($\mu_\mathrm{B}$)")
            panel.legend(fontsize=9, markerscale=1.6)

    return plots.make(draw, columns=2, width=4.0, height=3.6)


def reliability(panels, sizes, measured, table):
    """Draw quantities of Table 3 or 4 by basis and weight, ours (bars) beside the paper's.

    Parameters
    ----------
    panels : dict of label -> (axes, column of the paper's table).
    measured : function of the name of an ensemble that returns {label: values of its members}.
    """
    bases = [n for n in sizes.bases if n <= LARGEST_USED]
    for k, (color, weight) in enumerate(zip(plots.COLORS, sizes.weights, strict=False)):
        for n in bases:
            found = measured(key(n, weight))
            place = n + 0.36 * (k - 0.5)
            for label, (panel, column) in panels.items():
                if len(found[label]) > 1:
                    mean, band = mean_and_band(found[label])
                    panel.bar(place, mean, 0.34, color=color, alpha=0.75)
                    panel.errorbar(place, mean, band, color="k", capsize=2.5, lw=1.0)
                mean, band = published(table, column)[key(n, weight)]
                panel.errorbar(
                    place, mean, band, fmt="s", ms=5, mfc="w", mec="k", ecolor="k", capsize=2.5
                )
    for label, (panel, _) in panels.items():
        panel.set(xlabel="magnetic basis size", ylabel=label)
        panel.set_xticks(bases)
        if "reliability" in label:
            panel.set_ylim(0, 112)
    first = next(iter(panels.values()))[0]
    for color, weight in zip(plots.COLORS, sizes.weights, strict=False):
        first.bar(bases[0], 0, color=color, alpha=0.75, label=f"weight {weight:g}")
    first.plot([], [], "s", ms=5, mfc="w", mec="k", label="paper")


def equilibration(found, sizes):
    """Table 3: errors of equilibrium moments, and how many frames find them."""
    labels = (r"RMSE of moments ($\mu_\mathrm{B}$)", "equilibration reliability (%)")

    def measured(name):
        return dict(zip(labels, moment_errors(found, name), strict=True))

    def draw(*axes):
        panels = {label: (axes[k], k) for k, label in enumerate(labels)}
        reliability(panels, sizes, measured, TABLE_3)
        axes[0].set_ylim(0, None)
        axes[0].legend(fontsize=8)

    return plots.make(draw, columns=2, width=3.8, height=3.0)


def relaxation(alloys, sizes):
    """Table 4: errors of relaxed alloys, and how many of them relax."""
    labels = {
        "RMSE of formation energy\n(meV/atom)": "energy",
        "RMSE of lattice parameter\n($\\mathrm{\\AA}$)": "lattice parameter",
        "RMSE of moment per Fe\n($\\mu_\\mathrm{B}$)": "moment",
        "relaxation reliability (%)": "reliability",
    }

    def measured(name):
        errors = alloy_errors(alloys, name)
        return {label: errors[quantity] for label, quantity in labels.items()}

    def draw(*axes):
        panels = {label: (axes[k], k) for k, label in enumerate(labels)}
        reliability(panels, sizes, measured, TABLE_4)
        axes[0].set(yscale="log", ylim=(0.5, 500))
        axes[1].set_ylim(0, None)
        axes[2].set_ylim(0, None)
        axes[0].legend(fontsize=8)

    return plots.make(draw, columns=2, rows=2, width=3.8, height=2.6)


def _bands(panel, alloys, sizes, quantity, chosen):
    """Draw a quantity of chosen arrangements against composition: reference, and ensembles."""
    rows = alloys["reference"]
    x = np.array([100.0 * rows[index]["aluminum"] / 16 for index in chosen])
    y = [rows[index][quantity] for index in chosen]
    panel.plot(x, y, "k_", ms=12, mew=1.5, label="reference")
    bases = [n for n in sizes.bases if n <= LARGEST_USED]
    for k, (n, color, marker) in enumerate(zip(bases, plots.COLORS, MARKERS, strict=False)):
        found = [
            [member[index][quantity] for member in alloys[key(n, 0.1)] if member[index]]
            for index in chosen
        ]
        kept = [(a, values) for a, values in zip(x, found, strict=True) if len(values) > 1]
        if not kept:
            continue
        mean, band = np.array([mean_and_band(values) for _, values in kept]).T
        places = np.array([a for a, _ in kept]) + 0.5 * (k - 1)
        panel.errorbar(
            places, mean, band, fmt=marker, ms=4, color=color, mfc="none", label=f"basis {n}"
        )
    panel.set_xlabel("aluminum (%)")
    panel.legend(fontsize=8)


def formation_energies(alloys, sizes):
    """Fig. 5: formation energies of all arrangements, and their errors."""
    rows = alloys["reference"]
    bases = [n for n in sizes.bases if n <= LARGEST_USED]

    def draw(left, right):
        _bands(left, alloys, sizes, "energy", range(len(rows)))
        left.set_ylabel("formation energy (meV/atom)")
        for k, (n, color, marker) in enumerate(zip(bases, plots.COLORS, MARKERS, strict=False)):
            x, y = [], []
            for member in alloys[key(n, 0.1)]:
                for index, row in enumerate(rows):
                    if member[index]:
                        x.append(100.0 * row["aluminum"] / 16 + 0.9 * (k - 1))
                        y.append(member[index]["energy"] - row["energy"])
            right.plot(x, y, marker, ms=4, mfc="none", mew=0.8, color=color, label=f"basis {n}")
        right.axhline(0.0, color="k", lw=0.6)
        right.set(xlabel="aluminum (%)", ylabel="potential − reference (meV/atom)")
        right.legend(fontsize=8)

    return plots.make(draw, columns=2, width=4.2, height=3.5)


def moments_and_lattice(alloys, sizes):
    """Fig. 6: moment per iron atom and lattice parameter of the ground states."""
    chosen = list(ground_states(alloys, ()).values())

    def draw(*axes):
        for panel, quantity, label in (
            (axes[0], "moment", r"moment per iron atom ($\mu_\mathrm{B}$)"),
            (axes[1], "lattice parameter", r"lattice parameter ($\mathrm{\AA}$)"),
        ):
            _bands(panel, alloys, sizes, quantity, chosen)
            panel.set_ylabel(label)

    return plots.make(draw, columns=2, width=4.2, height=3.5)


def expansion(runs, alloys, sizes):
    """Fig. 7: lattice parameters at rest and at 300 K."""
    found = averages(runs, sizes)
    chosen = ground_states(alloys, tuple(found))
    name = key(sizes.expansion_basis, 0.1)

    def draw(panel):
        x = np.array([100.0 * count / 16 for count in chosen])
        cold = [alloys["reference"][i]["lattice parameter"] for i in chosen.values()]
        panel.plot(x, cold, "k_", ms=12, mew=1.5, label="reference, 0 K")
        member = alloys[name][0]
        rows = [(a, member[i]) for a, i in zip(x, chosen.values(), strict=True) if member[i]]
        panel.plot(
            [a for a, _ in rows],
            [row["lattice parameter"] for _, row in rows],
            "o",
            mfc="none",
            color=plots.COLORS[0],
            label="potential, 0 K",
        )
        for which, marker, color in (("reference", "D", "k"), ("potential", "s", plots.COLORS[1])):
            mean, error = np.array([found[count][which] for count in chosen]).T
            panel.errorbar(
                x,
                mean,
                2 * error,
                fmt=marker,
                ms=5,
                mfc="none",
                color=color,
                label=f"{which}, 300 K",
            )
        panel.set(xlabel="aluminum (%)", ylabel=r"lattice parameter ($\mathrm{\AA}$)")
        panel.legend(fontsize=8)

    return plots.make(draw, width=5.2, height=3.6)


def draw_all(results, crystals, sizes, folder):
    """Write every figure as PNG."""
    drawn = {
        "fig1_arrangements": arrangements(crystals),
        "fig2_weights": weight_scan(results["scan"]),
        "fig3_errors": errors(results["errors"], sizes),
        "fig4_equilibrium_moments": equilibrium_moments(results["moments"], sizes),
        "table3_equilibration": equilibration(results["moments"], sizes),
        "table4_relaxation": relaxation(results["alloys"], sizes),
        "fig5_formation_energies": formation_energies(results["alloys"], sizes),
        "fig6_moments_and_lattice": moments_and_lattice(results["alloys"], sizes),
        "fig7_expansion": expansion(results["expansion"], results["alloys"], sizes),
    }
    for name, figure in drawn.items():
        plots.save(figure, folder / f"{name}.png")
    return list(drawn)
