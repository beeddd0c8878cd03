"""Our numbers beside those of the paper."""

from itertools import pairwise

import numpy as np
from conditions import CASES, TRANSFERS
from cusp import EDGES, RESOLUTIONS, ROUNDINGS

NOTE = (
    "The reference is a Heisenberg Hamiltonian, as in Sec. III B of the paper, and not density "
    "functional theory. Numbers are means over repetitions with other configurations, with their "
    "standard errors."
)


def mean_and_error(values):
    """Return mean and standard error of repetitions (NaN for a single one)."""
    values = np.asarray(values, dtype=float)
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)


def show(values, digits=3):
    """Return 'mean ± standard error'."""
    mean, error = mean_and_error(values)
    return f"{mean:.{digits}f}" if np.isnan(error) else f"{mean:.{digits}f} ± {error:.{digits}f}"


def table(title, header, rows, note=""):
    """Return a Markdown table with a heading and a note."""
    lines = [f"## {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, "", note, ""] if note else [*lines, ""])


def fits_of(cases):
    """Yield (case, how, results of all seeds) of every fit that was made."""
    for name, seeds in cases.items():
        for how in CASES[name].fits:
            yield name, how, [seed[how] for seed in seeds]


def energies(cases):
    """Figs. 4 and 5: RMSE of energies."""
    rows = [
        [
            CASES[name].title,
            how,
            show([seed["spread"] for seed in cases[name]], 1),
            show(found, 4),
            "–" if how != "linear" or CASES[name].paper is None else CASES[name].paper,
        ]
        for name, how, found in fits_of(cases)
    ]
    header = ("case", "fit", "spread", "RMSE", "paper")
    return table("Figs. 4, 5: energies (meV/atom)", header, rows)


#: Columns of errors of fields.
FIELDS = (
    "RMSE (meV/μ_B)",
    "rms",
    "angle, median (°)",
    "99 % below (°)",
    "within 5° (%)",
    "ratio of sizes (1, 50, 99 %)",
)


def field_cells(found):
    """Return the columns of errors of fields."""
    low, middle, high = np.mean([one["ratio"] for one in found], axis=0)
    return [
        show([one["rmse"] for one in found]),
        show([one["spread"] for one in found], 1),
        show([one["angle"][1] for one in found], 2),
        show([one["angle"][2] for one in found], 2),
        show([100 * one["within 5 degrees"] for one in found], 2),
        f"{low:.3f}, {middle:.3f}, {high:.3f}",
    ]


def thermal_fields(cases):
    """Fig. 2 as in the paper: configurations of a temperature."""
    rows = [
        [
            CASES[name].title,
            temperature,
            how,
            show([seed[how]["energy"] for seed in seeds]),
            *field_cells([seed[how] for seed in seeds]),
        ]
        for name, temperatures in cases.items()
        for temperature, seeds in temperatures.items()
        for how in seeds[0]
    ]
    header = ("case", "T (K)", "fit", "energy (meV/atom)", *FIELDS)
    note = "25 training configurations, as in the paper. " + CRITERION
    return table("Fig. 2: effective fields at a temperature", header, rows, note)


#: What the paper found.
CRITERION = (
    "Angles and ratios (reference/prediction) of fields above a tenth of the root mean square. "
    "Paper: at most 5 degrees, ratios from 1.0 to 1.2."
)


def fields(cases):
    """Fig. 2: effective fields."""
    rows = [
        [
            CASES[name].title,
            how,
            *field_cells(found),
            "–"
            if found[0]["disordered"] is None
            else show([100 * one["disordered"] for one in found], 2),
        ]
        for name, how, found in fits_of(cases)
    ]
    header = ("case", "fit", *FIELDS, "within 5°, order < 0.97")
    return table("Fig. 2: effective fields, all angles", header, rows, CRITERION)


def thermal(found):
    """Figs. 2 and 3: thermal configurations of FeHL-1 with relaxed sizes."""
    rows = []
    for kelvin, hot in found.items():
        energies = [
            f"{np.sqrt(np.mean(np.subtract(hot[name]['true'], hot[name]['predicted']) ** 2)):.3f}"
            for name in ("16 atoms", "54 atoms", "16 atoms, 5.6 Å", "54 atoms, 5.6 Å")
        ]
        fields, predicted = (np.array(hot[key]) for key in ("fields", "predicted fields"))
        sine = np.linalg.norm(np.cross(fields, predicted), axis=1)
        angles = np.degrees(np.arctan2(sine, np.einsum("ic,ic->i", fields, predicted)))
        angles = ", ".join(f"{value:.2f}" for value in np.percentile(angles, (50, 99, 100)))
        norms = np.linalg.norm(fields, axis=1) / np.linalg.norm(predicted, axis=1)
        ratios = ", ".join(f"{value:.2f}" for value in np.percentile(norms, (1, 50, 99)))
        sizes = np.array(hot["sizes"])
        moments = f"{sizes.mean():.2f} ± {sizes.std():.2f}"
        rows.append([kelvin, moments, *energies, angles, ratios])
    header = (
        "T (K)",
        "moments (μ_B)",
        "16 atoms (meV/atom)",
        "54 atoms",
        "16 atoms, 5.6 Å",
        "54 atoms, 5.6 Å",
        "angle of fields (50, 99, 100 %) (°)",
        "ratio (1, 50, 99 %)",
    )
    note = (
        "FeHL-1 (SYNTHETIC) with sizes relaxed at fixed directions, potentials fitted to energies. "
        " Paper, density functional theory: below 1 (300 K) and 1.44 meV/spin "
        "(1000 K), fields within 5 degrees."
    )
    return table("Figs. 2 and 3: thermal configurations", header, rows, note)


def crystals(found):
    """Figs. 6 and 7: minima over the lattice constant."""
    rows, lowest = [], min(row[1] for rows in found.values() for row in rows)
    for order, values in found.items():
        a, energy, moment = np.array(values).T
        best = int(np.clip(energy.argmin(), 1, len(a) - 2))
        near = slice(best - 1, best + 2)
        curve = np.polyfit(a[near], energy[near], 2)
        minimum = -curve[1] / (2 * curve[0])
        size = np.polyval(np.polyfit(a[near], moment[near], 2), minimum)
        energy = 1e3 * (np.polyval(curve, minimum) - lowest)
        rows.append([order, f"{minimum:.3f}", f"{abs(energy):.0f}", f"{size:.2f}"])
    header = ("order", "a (Å)", "energy above the lowest (meV/atom)", "moment (μ_B)")
    return table("Figs. 6 and 7: bcc, FeHL-1", header, rows)


def portability(found):
    """Fig. 3: larger cells."""
    rows = []
    for name, seeds in found.items():
        small, large = np.transpose([one["errors"] for one in seeds])
        spreads = np.mean([one["spreads"] for one in seeds], axis=0)
        rows.append(
            [
                TRANSFERS[name].title,
                TRANSFERS[name].cutoff,
                TRANSFERS[name].decay or "–",
                "{} of {}".format(*seeds[0]["shells"]),
                f"{spreads[0]:.1f}, {spreads[1]:.1f}",
                show(small, 4),
                show(large, 4),
                *outlook(seeds),
            ]
        )
    header = (
        "trained on",
        "cutoff (Å)",
        "decay (Å)",
        "shells told apart",
        "spreads",
        "16 atoms",
        "54 atoms",
        "predicted",
        "undetermined",
    )
    note = "Paper (constrained DFT at 300 K): below 1 meV/atom in both cells."
    return table("Fig. 3: from 16 to 54 atoms (meV/atom)", header, rows, note)


def outlook(seeds):
    """Return what the posterior says of 54 atoms: deviation, and share of the prior in it."""
    if "predicted" not in seeds[0]:
        return ["–", "–"]
    return [
        show([one["predicted"] for one in seeds], 4),
        show([one["undetermined"] for one in seeds], 2),
    ]


def worst(found):
    """Figs. 2 and 3: the worst field of each configuration, and 54 atoms."""
    rows = []
    for name, temperatures in found.items():
        for kelvin, seeds in temperatures.items():
            for how in seeds[0]:
                some = [seed[how] for seed in seeds]
                angle, low, high = np.transpose([one["worst"] for one in some])
                small, large = np.transpose([one["energies"] for one in some])
                rows.append(
                    [
                        CASES[name].title if name in CASES else name,
                        kelvin,
                        how,
                        show(small, 4),
                        show(large, 4),
                        show(angle, 2),
                        show([100 * one["fields within"] for one in some], 2),
                        show([100 * one["within"] for one in some], 1),
                        f"{low.mean():.3f}, {high.mean():.3f}",
                        show([100 * one["relative"] for one in some], 2),
                    ]
                )
    header = (
        "reference",
        "T (K)",
        "fit",
        "16 atoms (meV/atom)",
        "54 atoms",
        "largest angle of a configuration, median (°)",
        "fields within 5° (%)",
        "configurations within 5° (%)",
        "ratios of a configuration, medians of smallest and largest",
        "error/rms (%)",
    )
    note = "Trained on 25. Paper: fields of one configuration, 5°, ratios from 1.0 to 1.2."
    return table("Figs. 2, 3: the worst field of each configuration", header, rows, note)


def cusps(found):
    """Where fields of eq 41 are beyond 5 degrees, and without the cusp."""
    rows = []
    for kelvin, seeds in found.items():
        counts = np.sum([seed["edges"] for seed in seeds], axis=0)
        rows.append(
            [
                kelvin,
                *(f"{100 * far / max(count, 1):.2f} ({far} of {count})" for count, far in counts),
                *(show([100 * s[f"{r:g}"]["beyond"] for s in seeds], 2) for r in ROUNDINGS),
                show([100 * s["0"]["power"] for s in seeds], 2),
                show([100 * s["0"]["relative"] for s in seeds], 2),
            ]
        )
    header = (
        "T (K)",
        *(f"{low:g} to {high:g}°" for low, high in pairwise(EDGES)),
        *(f"all, rounded {rounding:g}°" for rounding in ROUNDINGS),
        "their squares",
        "error/rms",
    )
    note = "By the angle to the nearest direction of a neighbor. None: all angles."
    return table("Eq 41: fields beyond 5° (%)", header, rows, note)


def curves(found):
    """Learning curves of the fields of eq 41."""
    counts = RESOLUTIONS[0][2]
    rows = []
    for kelvin, seeds in found.items():
        for name in seeds[0]:
            columns = np.transpose([seed[name] for seed in seeds])
            cells = [show(100 * column, 2) for column in columns]
            rows.append([kelvin, name, *cells, *["–"] * (len(counts) - len(cells))])
    header = ("T (K)", "l_max, labels", *map(str, counts))
    return table("Eq 41: fields within 5° (%) by training configurations", header, rows)


def exact(found):
    """Least squares in the exchange constants themselves."""
    rows = []
    for name, seeds in found.items():
        small, large = np.transpose([one["errors"] for one in seeds])
        cells = (f"{values.mean():.1e}" for values in (small, large))
        rows.append([TRANSFERS[name].title, seeds[0]["rank"] - 1, *cells])
    header = ("trained on", "rank of 9 shells", "16 atoms", "54 atoms")
    return table("Least squares in exchange constants (meV/atom)", header, rows)


def widths(found):
    """The spin width."""
    names = list(found)
    rows = [[width, *(show(found[name][width], 4) for name in names)] for width in found[names[0]]]
    header = ("spin width", *(CASES[name].title for name in names))
    return table("Spin widths: energies (meV/atom)", header, rows)


def coverage(found):
    """Predicted errors."""
    rows = [
        [
            show([100 * one["inside"] for one in found], 1),
            show([one["square"] for one in found], 2),
        ]
    ]
    header = ("within one standard deviation (%), expected 68.3", "mean square, expected 1")
    return table("Predicted errors of energies, moments of eq 41", header, rows)


def magnetization(runs):
    """M(T) of both kinds of dynamics."""
    rows = []
    for temperature, both in runs.items():
        means = {
            which: mean_and_error([run[0] for run in both[which]])
            for which in ("reference", "learned")
        }
        difference = means["learned"][0] - means["reference"][0]
        error = np.hypot(means["learned"][1], means["reference"][1])
        cells = (f"{mean:.4f} ± {error:.4f}" for mean, error in means.values())
        rows.append([temperature, *cells, f"{difference:+.4f} ± {error:.4f}"])
    header = ("T (K)", "reference", "learned field", "difference")
    return table("Spin dynamics: |M|/M₀ of 16 atoms", header, rows)


def summary(results, sizes):
    """Return all tables as one page."""
    parts = [
        "# GAP-SOSO on Heisenberg iron",
        "",
        f"{sizes.train} training and {sizes.test} test configurations. {NOTE}",
        "",
        energies(results["cases"]),
        thermal(results["relaxed"]),
        worst(results["worst"]),
        portability(results["portability"]),
        exact(results["exact"]),
        thermal_fields(results["warm"]),
        fields(results["fields"]),
        cusps(results["cusps"]),
        curves(results["curves"]),
        widths(results["widths"]),
        coverage(results["coverage"]),
        magnetization(results["magnetization"]),
        crystals(results["crystals"]),
    ]
    return "\n".join(parts)
