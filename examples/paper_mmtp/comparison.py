"""Our numbers beside those of the paper."""

from conditions import LARGEST_USED, key, names
from expansion import averages
from predictions import alloy_errors, moment_errors
from training import mean_and_band

#: Table 2: energy (meV/atom), forces (meV/angstrom), stress (GPa), magnetic forces (meV/mu_B).
TABLE_2 = {
    "N2 w0": ("4.70 ± 0.01", "70.48 ± 0.05", "0.484 ± 0.001", "239.4 ± 3.5"),
    "N2 w0.1": ("3.85 ± 0.19", "83.07 ± 0.91", "0.617 ± 0.006", "30.2 ± 0.7"),
    "N3 w0": ("1.98 ± 0.14", "59.67 ± 0.86", "0.407 ± 0.012", "173.0 ± 25.8"),
    "N3 w0.1": ("2.25 ± 0.07", "66.89 ± 0.36", "0.479 ± 0.004", "17.3 ± 0.3"),
    "N4 w0": ("1.51 ± 0.06", "54.74 ± 1.12", "0.363 ± 0.004", "210.1 ± 44.8"),
    "N4 w0.1": ("1.61 ± 0.16", "63.01 ± 2.61", "0.450 ± 0.035", "15.4 ± 0.5"),
    "N5 w0": ("1.51 ± 0.09", "54.58 ± 1.13", "0.374 ± 0.013", "289.9 ± 119.4"),
    "N5 w0.1": ("1.73 ± 0.06", "64.40 ± 3.95", "0.469 ± 0.029", "15.2 ± 0.4"),
}
#: Table 3: error of equilibrium moments (mu_B), equilibration reliability (%).
TABLE_3 = {
    "N2 w0": ("0.158 ± 0.001", "96.7 ± 0.2"),
    "N2 w0.1": ("0.157 ± 0.003", "100.0 ± 0.0"),
    "N3 w0": ("0.175 ± 0.148", "98.6 ± 2.3"),
    "N3 w0.1": ("0.111 ± 0.049", "100.0 ± 0.0"),
    "N4 w0": ("0.209 ± 0.156", "98.4 ± 2.3"),
    "N4 w0.1": ("0.059 ± 0.077", "100.0 ± 0.0"),
}
#: Table 4: formation energy (meV/atom), lattice parameter (angstrom), moment (mu_B), success (%).
TABLE_4 = {
    "N2 w0": ("3.20 ± 0.03", "0.0089 ± 0.0001", "0.176 ± 0.001", "95.2 ± 0.0"),
    "N2 w0.1": ("2.9 ± 0.4", "0.0093 ± 0.0003", "0.177 ± 0.001", "100.0 ± 0.0"),
    "N3 w0": ("1.8 ± 0.8", "0.0081 ± 0.0019", "0.133 ± 0.071", "97.1 ± 4.7"),
    "N3 w0.1": ("1.5 ± 0.1", "0.0061 ± 0.0002", "0.079 ± 0.027", "100.0 ± 0.0"),
    "N4 w0": ("2.0 ± 0.5", "0.0063 ± 0.0011", "0.110 ± 0.051", "90.5 ± 8.5"),
    "N4 w0.1": ("1.1 ± 0.3", "0.0049 ± 0.0006", "0.032 ± 0.003", "100.0 ± 0.0"),
}
SYNTHETIC = (
    "The reference is FeAlHL-1, a SYNTHETIC alloy made for tests of fits. It is not density "
    "functional theory: the numbers test the method, not the material. Bands are two standard "
    "deviations of the members of an ensemble."
)


def table(title, header, rows, note=""):
    """Return a Markdown table with a heading and a note."""
    lines = [f"## {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, "", note, ""] if note else [*lines, ""])


def show(values, digits):
    """Return 'mean ± 2 sigma' of the members of an ensemble."""
    if len(values) < 2:
        return "–"
    mean, band = mean_and_band(values)
    return f"{mean:.{digits}f} ± {band:.{digits}f}"


def beside(cells, published):
    """Return every cell, and in parentheses that of the paper if there is one."""
    if published is None:
        return cells
    return [f"{cell} ({other})" for cell, other in zip(cells, published, strict=True)]


def summary(results, sizes):
    """Return the whole comparison as a Markdown page."""
    parts = ["# The mMTP paper, remade on FeAlHL-1", "", SYNTHETIC, ""]
    parts.append(f"{sizes.frames} frames; in parentheses the values of the paper (2632 frames).\n")
    parts += [weights(results["scan"]), training(results["errors"], sizes)]
    parts.append(testing(results["tested"], sizes))
    parts.append(must_hold(results, sizes))
    parts += [equilibrium(results["moments"], sizes), alloys(results["alloys"], sizes)]
    parts.append(expansion(results["expansion"], results["alloys"], sizes))
    return "\n".join(parts)


def weights(scan):
    labels = ("energy", "forces", "stress", "magforces")
    rows = [
        (f"{weight:g}", *(f"{scan[weight][x][0]:.3g} ± {scan[weight][x][1]:.2g}" for x in labels))
        for weight in scan
    ]
    header = ("weight (μ_B²)", "energy (meV/atom)", "forces (meV/Å)", "stress (GPa)")
    title = "Fig. 2: validation errors against the weight of magnetic forces"
    return table(title, (*header, "magnetic forces (meV/μ_B)"), rows, "With standard errors.")


HEADER = (
    "",
    "parameters",
    "energy (meV/atom)",
    "forces (meV/Å)",
    "stress (GPa)",
    "magnetic forces (meV/μ_B)",
)


def error_cells(found):
    digits = {"energy": 2, "forces": 2, "stress": 3, "magforces": 1}
    return [show(found[label], n) for label, n in digits.items()]


def training(errors, sizes):
    rows = [
        (
            name,
            errors[name]["parameters"],
            *beside(error_cells(errors[name]), TABLE_2.get(name)),
        )
        for name in names(sizes, 5)
    ]
    return table("Tables 1 and 2: errors on the training frames", HEADER, rows)


def testing(errors, sizes):
    rows = [
        (name, errors[name]["parameters"], *error_cells(errors[name])) for name in names(sizes, 5)
    ]
    return table("Errors on as many other frames", HEADER, rows)


def ratios(errors, sizes):
    """Return {basis: (magnetic forces of weight 0 / 0.1, energy of weight 0.1 / 0)} of means."""
    out = {}
    for n in sizes.bases:
        free, fitted = (errors[key(n, weight)] for weight in sizes.weights)
        out[n] = (
            mean_and_band(free["magforces"])[0] / mean_and_band(fitted["magforces"])[0],
            mean_and_band(fitted["energy"])[0] / mean_and_band(free["energy"])[0],
        )
    return out


def must_hold(results, sizes):
    fitted, other = (ratios(results[which], sizes) for which in ("errors", "tested"))
    rows = [(n, *(f"{value:.2f}" for value in (*fitted[n], *other[n]))) for n in sizes.bases]
    header = ("basis", "magnetic-force error, weight 0 / 0.1", "energy error, weight 0.1 / 0")
    again = ("the first, other frames", "the second, other frames")
    return table("What magnetic forces change", (*header, *again), rows)


def equilibrium(found, sizes):
    rows = []
    for name in names(sizes, LARGEST_USED):
        rmse, reliability = moment_errors(found, name)
        rows.append((name, *beside([show(rmse, 3), show(reliability, 1)], TABLE_3.get(name))))
    note = f"{len(found['reference'])} frames at equilibrium."
    header = ("", "moments of iron (μ_B)", "equilibration reliability (%)")
    return table("Table 3: equilibrium moments", header, rows, note)


def alloys(found, sizes):
    rows = []
    for name in names(sizes, LARGEST_USED):
        errors = alloy_errors(found, name)
        digits = {"energy": 2, "lattice parameter": 4, "moment": 3, "reliability": 1}
        cells = [show(errors[quantity], n) for quantity, n in digits.items()]
        rows.append((name, *beside(cells, TABLE_4.get(name))))
    header = ("", "formation energy (meV/atom)", "lattice parameter (Å)", "moment/Fe (μ_B)")
    note = f"{len(found['reference'])} arrangements; errors of those that relaxed."
    return table("Table 4: relaxed alloys", (*header, "relaxation reliability (%)"), rows, note)


def expansion(runs, alloys, sizes):
    rows = []
    for count, values in averages(runs, sizes).items():
        cold = min(
            (row for row in alloys["reference"] if row["aluminum"] == count),
            key=lambda row: row["energy"],
        )
        cells = ["{:.4f} ± {:.4f}".format(*values[x]) for x in ("reference", "potential")]
        cells.append("{:.5f} ± {:.5f}".format(*values["difference"]))
        moments = [
            "{:.3f} ± {:.3f}".format(*values[f"{x} moment"]) for x in ("reference", "potential")
        ]
        rows.append((f"{count}/16", f"{cold['lattice parameter']:.4f}", *cells, *moments))
    header = ("aluminum", "reference, 0 K", "reference", "potential", "difference")
    note = "Lattice parameters (Å) and moments per iron atom (μ_B), with standard errors of blocks."
    moments = ("moment, reference", "moment, potential")
    return table("Fig. 7: expansion at 300 K", (*header, *moments), rows, note)
