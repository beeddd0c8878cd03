"""The figures of the paper, remade."""

import fluctuations
import numpy as np
import snapshots
from heating import EVERY
from loops import LOOPS

from ase_mag.analysis import plots


def heating(found, tc):
    """Fig. 1 c, d: lattice constant and magnetization, error bars are standard deviations."""
    temperatures = list(found)

    def draw(left, right):
        for panel, name, label, color in (
            (left, "a", "lattice constant", plots.COLORS[0]),
            (right, "moment", r"$|\sum_i M_i|/N$", plots.COLORS[0]),
            (right, "size", r"$\sum_i |M_i|/N$", plots.COLORS[1]),
        ):
            mean, _, spread = np.array([row[name] for row in found.values()]).T
            panel.errorbar(
                temperatures, mean, spread, marker="o", ms=3.5, lw=0.8, color=color, label=label
            )
        left.set(xlabel="temperature (K)", ylabel=r"lattice constant ($\mathrm{\AA}$)")
        right.set(xlabel="temperature (K)", ylabel=r"moment per atom ($\mu_\mathrm{B}$)")
        right.axvspan(tc.low, tc.high, color=plots.GRAY, alpha=0.5)
        right.set_ylim(0, None)
        right.legend()

    return plots.make(draw, columns=2, width=4.6)


def quench(series, sizes):
    """The magnetization after a quench through the Curie temperature."""
    times = EVERY * np.arange(1, len(series["moment"]) + 1)

    def draw(axes):
        axes.plot(times, series["moment"], color=plots.COLORS[0], label=r"$|\sum_i M_i|/N$")
        axes.plot(times, series["size"], color=plots.COLORS[1], label=r"$\sum_i |M_i|/N$")
        axes.set(xlabel="time (fs)", ylabel=r"moment per atom ($\mu_\mathrm{B}$)", ylim=(0, None))
        axes.set_title(f"{sizes.quench_from} K → {sizes.quench_to} K", fontsize=10)
        axes.legend()

    return plots.make(draw)


def point_defects(rows):
    """Fig. 2: moments by site of all defects."""
    rows = [row for row in rows if row["size"] == max(r["size"] for r in rows)]

    def draw(axes):
        sites = ["core", "compressive", "tensile", "1NN", "2NN", "3NN", "bulk-like"]
        for color, row in zip(plots.COLORS, rows, strict=False):
            x = [k for k, site in enumerate(sites) if site in row["moments"]]
            y = [row["moments"][sites[k]] for k in x]
            axes.plot(x, y, "o-", ms=4, lw=0.8, color=color, label=row["kind"])
        axes.set_xticks(range(len(sites)), sites, rotation=30)
        axes.set(ylabel=r"moment ($\mu_\mathrm{B}$)")
        axes.legend(fontsize=8)

    return plots.make(draw)


def draw_all(results, sizes, folder):
    """Write every figure as PNG; return their names."""
    drawn = {
        "fig1_fluctuations": fluctuations.draw(results["fluctuations"], results["ground"]),
        "fig1_heating": heating(results["averages"], results["tc"]),
        "quench": quench(results["quench"], sizes),
        "fig2_snapshots": snapshots.draw(results["snapshots"], results["ground"]["a"]),
        "fig2_point_defects": point_defects(results["defects"]["rows"]),
    }
    for name, _, _, plane in LOOPS:
        for temperature, maps in results["loops"][name]["maps"].items():
            figure = "fig4" if temperature > 500 else "fig3"
            drawn[f"{figure}_{name}_{temperature}K"] = maps.contours(plane, arrows=True)
    for name, figure in drawn.items():
        plots.save(figure, folder / f"{name}.png")
    return list(drawn)
