"""Our numbers beside those of the paper."""

import numpy as np
from fluctuations import spreads

#: Table 1: a0 (angstrom), |M| (mu_B), dE (eV/atom) of the paper's potential.
TABLE_1 = {
    "bcc FM": (2.817, 2.16, 0.0),
    "bcc SL-AFM": (2.824, 1.54, 0.36),
    "bcc NM": (2.753, 0.0, 0.42),
    "fcc DL-AFM": (3.470, 2.08, 0.08),
    "fcc SL-AFM": (3.494, 0.96, 0.16),
    "fcc FM": (3.47, 1.03, 0.15),
    "fcc NM": (3.428, 0.0, 0.18),
}
#: Table 2: moments by site, mu_B.
TABLE_2 = {
    "<110>": {"core": -0.28, "compressive": 1.70, "tensile": 2.31},
    "vacancy": {"1NN": 2.23, "2NN": 2.08, "3NN": 2.10, "bulk-like": 2.11},
}
SITES = ("core", "compressive", "tensile", "1NN", "2NN", "3NN", "bulk-like")
SYNTHETIC = {
    "FeHL-1": "FeHL-1 is SYNTHETIC, made for tests. It is not density functional theory, and its "
    "fcc phases and defect cores mean nothing: the numbers show the method, not iron.",
    "Fe-MSLP-FeHL1": "Fe-MSLP-FeHL1 was trained on a SYNTHETIC reference (FeHL-1 and a four-spin "
    "term), without magnetic fcc. The numbers show the method, not iron.",
}


def table(title, header, rows, note=""):
    """Return a Markdown table with a heading and a note."""
    lines = [f"## {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([*lines, "", note, ""] if note else [*lines, ""])


def phases(found):
    rows = []
    for row in found:
        paper = TABLE_1.get(row["phase"])
        if row["exists"]:
            cells = [f"{row['a']:.4f}", f"{row['moment']:.3f}", f"{row['difference']:.4f}"]
        else:
            cells = [row["message"], "–", "–"]
        if paper:
            cells = [f"{cell} ({value})" for cell, value in zip(cells, paper, strict=True)]
        rows.append((row["phase"], *cells))
    header = ("", "a₀ (Å)", "moment (μ_B)", "ΔE (eV/atom)")
    return table("Table 1: magnetic phases", header, rows, "ΔE is that to the ground state.")


def defects(found):
    rows = []
    for row in found["rows"]:
        published = TABLE_2.get(row["kind"], {})
        cells = []
        for site in SITES:
            cell = f"{row['moments'][site]:.3f}" if site in row["moments"] else ""
            cells.append(f"{cell} ({published[site]})" if site in published else cell)
        end = "" if row["converged"] else " (not converged)"
        rows.append((row["kind"], row["n_atoms"], f"{row['energy']:.3f}{end}", *cells))
    far = ", ".join(f"{kind} {value:.3f}" for kind, value in found["extrapolated"].items())
    note = f"At constant volume; energies extrapolated to infinite cells: {far} eV."
    header = ("", "atoms", "E_f (eV)", *SITES)
    return table("Table 2: point defects, moments by site (μ_B)", header, rows, note)


def heating(found, tc, sizes):
    rows = [
        (
            temperature,
            *("{:.4f} ± {:.4f}".format(*row[name][:2]) for name in ("a", "moment", "size")),
        )
        for temperature, row in found.items()
    ]
    header = ("T (K)", "a (Å)", "magnetization (μ_B)", "mean size (μ_B)")
    note = (
        f"{2 * sizes.repeats**3} atoms, zero pressure, {sizes.steps} fs at each temperature; "
        "standard errors of blocks. The magnetization falls most steeply at "
        f"{tc.middle:.0f} ± {tc.high - tc.middle:.0f} K (paper: about 900 K). That is half the "
        "distance of two temperatures, not a standard error, in a heating run of one small box."
    )
    return table("Fig. 1: heating", header, rows, note)


def fluctuations(rows):
    cells = [(t, f"{n:,}", f"{energy:.3f}", f"{a:.3f}") for t, n, energy, a in rows]
    header = ("T (K)", "atoms", "energy (meV/atom)", "lattice parameter (mÅ)")
    note = "Standard deviations over the second half of each run; expected to fall as root N."
    return table("Fig. 1 a, b: fluctuations", header, cells, note)


def quench(series, sizes):
    ends = [np.mean(series["moment"][part]) for part in (slice(None, 5), slice(-20, None))]
    return (
        f"## Quench\n\nFrom {sizes.quench_from} K to {sizes.quench_to} K in "
        f"{sizes.quench_steps} fs the magnetization goes from {ends[0]:.2f} to {ends[1]:.2f} μ_B.\n"
    )


def loops(found):
    rows, maps = [], []
    for loop in found.values():
        energies = loop["energies"]
        falls = "yes" if (np.diff(energies) < 1e-6).all() else "no"
        size = f"{loop['inserted']} in {loop['atoms']}"
        rows.append(
            (
                loop["burgers"],
                size,
                f"{energies[0]:.3f}",
                f"{energies[-1]:.3f}",
                falls,
                f"{loop['fmax']:.3f}",
                f"{loop['closure']:.2f}",
            )
        )
        for temperature, sites in loop["maps"].items():
            inserted = slice(len(sites.atoms) - loop["inserted"], None)
            maps.append(
                (
                    loop["burgers"],
                    temperature,
                    sites.n_frames,
                    f"{sites.sizes.mean():.3f}",
                    f"{sites.sizes[inserted].mean():.3f}",
                    f"{sites.trace[inserted].mean():.1f}",
                    f"{np.corrcoef(sites.trace, sites.sizes)[0, 1]:.2f}",
                    f"{sites.atoms.info.get('closure', loop['closure']):.2f}",
                )
            )
    header = ("b", "atoms", "E_f/n at the start (eV)", "relaxed (eV)", "falls in every step")
    first = table(
        "Loops", (*header, "largest force (eV/Å)", "circuit (b)"), rows, "n inserted atoms."
    )
    header = ("b", "T (K)", "frames", "mean size (μ_B)", "of inserted atoms")
    header = (*header, "Tr σ of inserted atoms (GPa)", "correlation of Tr σ and size")
    note = (
        "Virial only, V/N per atom; positive: tension. The circuit is that of the last positions."
    )
    second = table("Figs. 3 and 4: maps", (*header, "circuit (b)"), maps, note)
    return f"{first}\n{second}"


def summary(results, sizes, name):
    """Return the whole comparison as a Markdown page."""
    parts = [f"# The MSLP paper, remade with {name}", ""]
    parts += [SYNTHETIC[name], ""] if name in SYNTHETIC else []
    parts += ["In parentheses the values of the paper's potential.", ""]
    parts += [phases(results["phases"]), defects(results["defects"])]
    parts += [heating(results["averages"], results["tc"], sizes)]
    parts += [fluctuations(spreads(results["fluctuations"]))]
    parts += [quench(results["quench"], sizes), loops(results["loops"])]
    return "\n".join(parts)
