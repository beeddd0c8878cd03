"""The figures of the paper, remade."""

import numpy as np
from conditions import LARGEST_USED, key
from expansion import averages, ground_states
from training import mean_and_band

from ase_mag.analysis import plots

LABELS = {
    "energy": "energy (meV/atom)",
    "forces": r"forces (meV/$\mathrm{\AA}$)",
    "stress": "stress (GPa)",
    "magforces": r"magnetic forces (meV/$\mu_\mathrm{B}$)",
}
MARKERS = ("o", "s", "^", "D")


def weight_scan(scan):
    """Fig. 2: validation errors against the weight of magnetic forces."""

    def draw(*axes):
        for panel, label in zip(axes, LABELS, strict=True):
            mean, error = np.array([scan[weight][label] for weight in scan]).T
            panel.errorbar(list(scan), mean, error, marker="o", ms=4, color=plots.COLORS[0])
            panel.set_xscale("log")
            panel.set(
                xlabel=r"weight of magnetic forces ($\mu_\mathrm{B}^2$)", ylabel=LABELS[label]
            )
            panel.set_ylim(0, None)

    return plots.make(draw, columns=4, width=3.1, height=2.8)


def errors(table, sizes):
    """Fig. 3: training errors against the size of the magnetic basis."""

    def draw(*axes):
        for panel, label in zip(axes, LABELS, strict=True):
            for color, weight in zip(plots.COLORS, sizes.weights, strict=False):
                rows = [mean_and_band(table[key(n, weight)][label]) for n in sizes.bases]
                mean, band = np.array(rows).T
                name = f"weight {weight:g}"
                panel.errorbar(sizes.bases, mean, band, marker="o", ms=4, color=color, label=name)
            panel.set(xlabel="magnetic basis size", ylabel=LABELS[label])
            panel.set_xticks(sizes.bases)
            panel.set_ylim(0, None)
        axes[0].legend(fontsize=8)

    return plots.make(draw, columns=4, width=3.1, height=2.8)


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
                    panel.plot(x, y, marker, ms=2.5, color=color, mfc="none", mew=0.5, label=label)
            ends = (min(map(min, found["reference"])), max(map(max, found["reference"])))
            panel.plot(ends, ends, color="k", lw=0.8)
            panel.set_title(f"weight {weight:g}", fontsize=10)
            panel.set(
                xlabel=r"reference ($\mu_\mathrm{B}$)", ylabel=r"potential ($\mu_\mathrm{B}$)"
            )
            panel.legend(fontsize=8)

    return plots.make(draw, columns=2, width=4.0, height=3.6)


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
    """Fig. 5: formation energies of all arrangements."""

    def draw(panel):
        _bands(panel, alloys, sizes, "energy", range(len(alloys["reference"])))
        panel.set_ylabel("formation energy (meV/atom)")

    return plots.make(draw, width=5.6, height=3.8)


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


def draw_all(results, sizes, folder):
    """Write every figure as PNG."""
    drawn = {
        "fig2_weights": weight_scan(results["scan"]),
        "fig3_errors": errors(results["errors"], sizes),
        "fig4_equilibrium_moments": equilibrium_moments(results["moments"], sizes),
        "fig5_formation_energies": formation_energies(results["alloys"], sizes),
        "fig6_moments_and_lattice": moments_and_lattice(results["alloys"], sizes),
        "fig7_expansion": expansion(results["expansion"], results["alloys"], sizes),
    }
    for name, figure in drawn.items():
        figure.savefig(folder / f"{name}.png")
    return list(drawn)
