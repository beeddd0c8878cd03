"""Results as CSV, Markdown and a plot."""

import csv
import platform
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.published import PUBLISHED

_COLUMNS = (
    "case",
    "program",
    "n_atoms",
    "threads",
    "n_steps",
    "min_ns_per_atom_step",
    "median_ns_per_atom_step",
    "settings",
)


def processor():
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor() or platform.machine()


def write_csv(path, timings):
    """Write one row per timing."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for t in timings:
            row = (t.case, t.program, t.n_atoms, t.threads, t.n_steps)
            writer.writerow((*row, f"{t.best:.1f}", f"{t.typical:.1f}", t.settings))


def markdown(results, rooflines, clock="wall"):
    """Return the report.

    Parameters
    ----------
    results : list of (Case, threads, list of Timing).
    rooflines : dict from the number of threads to Roofline.
    clock : str, what was measured.
    """
    lines = [f"{date.today().isoformat()}, {processor()}, double precision", ""]
    lines += [
        "| threads | FMA peak, GFlop/s | y + a x, GB/s (size of both arrays) |",
        "|---|---|---|",
    ]
    for threads, roof in sorted(rooflines.items()):
        rates = ", ".join(f"{v:.1f} ({_bytes(n)})" for n, v in sorted(roof.bandwidths.items()))
        lines.append(f"| {threads} | {roof.peak:.1f} | {rates} |")
    lines += [
        "",
        f"ns per atom and step ({clock} clock): minimum (median). The ratio is that of the minimum",
        "to the one of the first program in the same run. Rows in italics were published for",
        "another machine, with one thread.",
        "",
        "| case | atoms | threads | program | ns | ratio |",
        "|---|---|---|---|---|---|",
    ]
    said = set()
    for case, threads, timings in results:
        head = f"{case.name} | {case.n_atoms:,} | {threads}"
        for t in timings:
            ratio = t.best / timings[0].best
            times = f"{_number(t.best)} ({_number(t.typical)})"
            lines.append(f"| {head} | {t.program} | {times} | {ratio:.2f} |")
            head = " | | "
        if threads > 1 or case.published in said:
            continue
        said.add(case.published)
        for program, low, high in PUBLISHED.get(case.published, ()):
            value = f"{low:g}" if low == high else f"{low:g}-{high:g}"
            lines.append(f"| | | | *{program}, another machine* | *{value}* | |")
    settings = dict.fromkeys(
        f"* {t.program}, {case.name}: {t.settings}" for case, _, ts in results for t in ts
    )
    return "\n".join([*lines, "", "Settings:", "", *settings]) + "\n"


def _number(x):
    return f"{x:,.0f}" if x >= 99.95 else f"{x:.3g}"


def _bytes(n):
    return f"{n // 2**20} MiB" if n >= 2**20 else f"{n // 2**10} KiB"


def plot(path, results, rooflines):
    """Draw the times of all programs and the roofline with the kernels of ase_mag."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    single = [(case, ts) for case, threads, ts in results if threads == min(rooflines)]
    bars = 0.45 * len(single)
    figure = Figure(figsize=(13, bars + 8), layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subplots(2, 1, height_ratios=(bars + 1.5, 5))
    _bars(top, single)
    _roofline(bottom, single, rooflines[min(rooflines)])
    figure.savefig(path, dpi=80)


def _bars(axes, single):
    names = list(dict.fromkeys(t.program for _, ts in single for t in ts))
    height = 0.8 / max(1, len(names))
    for place, name in enumerate(names):
        rows = [
            (row, t.best) for row, (_, ts) in enumerate(single) for t in ts if t.program == name
        ]
        y = [row + height * place for row, _ in rows]
        axes.barh(y, [value for _, value in rows], height=height, label=name)
    axes.set_yticks(
        [row + 0.4 - height / 2 for row in range(len(single))],
        [f"{case.name}, {case.n_atoms:,} atoms" for case, _ in single],
        fontsize=8,
    )
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("ns per atom and step (one thread)")
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _roofline(axes, single, roof):
    intensity = np.logspace(-2, 2, 200)
    axes.loglog(intensity, roof.limit(intensity), color="black", label="memory and peak")
    for size, rate in sorted(roof.bandwidths.items())[:-1]:
        reach = np.minimum(roof.peak, rate * intensity)
        axes.loglog(intensity, reach, ":", label=f"{_bytes(size)}: {rate:.0f} GB/s")
    for number, (case, ts) in enumerate(single):
        if case.flops and ts:
            axes.plot(
                case.flops / case.bytes,
                case.flops / ts[0].best,
                "os^vD"[number % 5],
                markersize=5,
                label=f"{case.name}, {case.n_atoms:,} atoms",
            )
    axes.set_xlabel("Flop per byte from memory")
    axes.set_ylabel("GFlop/s (one thread)")
    axes.legend(fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5))
