"""What the demo prints, plots and writes."""

from dataclasses import dataclass
from textwrap import wrap

import numpy as np

from ase_mag import analysis
from ase_mag.analysis import plots
from ase_mag.analysis.report import Report
from ase_mag.cli import info

SYNTHETIC = (
    "The reference is FeHL-1, a SYNTHETIC model calibrated to resemble iron. It is not density "
    "functional theory: the numbers test the method, not the material."
)
SOFTENING = (
    "With density functional theory the lattice softens when its moments disorder, and the "
    "displacements of the two runs differ by a factor of two. FeHL-1 has no such softening: "
    "disordered moments change its self force constants by 2 % only, and make them larger."
)
PARAMAGNETIC = "paramagnetic (ASD-AIMD, learned sizes)"
FERROMAGNETIC = "ferromagnetic (moments fixed along z)"


@dataclass(frozen=True)
class Table:
    """A titled table of text, with a note, that prints itself in columns."""

    title: str
    header: tuple
    rows: tuple
    note: str = ""

    def __str__(self):
        lines = [self.header, *self.rows]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.header))]
        text = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        ]
        notes = wrap(self.note, 96)
        return "\n".join([self.title, "-" * max(map(len, text)), *text, *notes])


def title(settings):
    """Return one line that says what is simulated."""
    return (
        f"bcc iron, {2 * settings.repeats**3} atoms, a = {settings.lattice_constant} angstrom, "
        f"{settings.temperature_K:g} K"
    )


def tables(settings, learned, tc, fm):
    """Return all tables of the demo, a list of :class:`Table`."""
    return [
        _landscapes(learned),
        _errors(settings, learned),
        _dynamics(settings, tc, fm),
        _paper(learned, tc, fm),
        _times(learned, tc, fm),
    ]


def _landscapes(learned):
    table = learned.table
    rows = [
        (label, f"{values.mean():.{digits}f} +- {values.std():.{digits}f}", unit)
        for label, values, digits, unit in (
            ("a", table.a, 4, "eV/mu_B^2"),
            ("b", table.b, 5, "eV/mu_B^4"),
            ("moment at the minimum", table.minimum[table.bounded], 3, "mu_B"),
            ("rms error of the fit", 1e3 * table.error, 2, "meV"),
        )
    ]
    heading = f"Landscapes a m^2 + b m^4 of {len(table)} moments in {len(table.frames)} snapshots"
    return Table(heading, ("", "mean +- spread", "unit"), tuple(rows))


def _number(value, digits):
    """Return a number as text; '-' for what a method does not predict (NaN)."""
    return "-" if np.isnan(value) else f"{value:.{digits}f}"


def _errors(settings, learned):
    scores = learned.scores
    rows = tuple(
        (
            f"kernel ridge, {method}" if method.startswith("descriptor") else method,
            _number(scores[method, "a"], 5),
            _number(scores[method, "b"], 6),
            f"{scores[method, 'minimum']:.4f}",
        )
        for method in scores.methods
    )
    header = ("", "a (eV/mu_B^2)", "b (eV/mu_B^4)", "moment at minimum (mu_B)")
    return Table(f"Mean absolute errors, {settings.folds}-fold cross-validation", header, rows)


def _dynamics(settings, tc, fm):
    rows = [
        (name, *(show(simulated.run) for simulated in (tc, fm)), unit)
        for name, show, unit in (
            ("mean moment size", lambda run: f"{second_half(run.moment_sizes).mean():.3f}", "mu_B"),
            (
                "spread of the sizes",
                lambda run: f"{second_half(run.moment_sizes).std():.3f}",
                "mu_B",
            ),
            ("magnetization |sum M|/N", lambda run: _mean(_size(run.magnetization), 2), "mu_B"),
            ("mean-square displacement", lambda run: _mean(run.msd(), 4), "angstrom^2"),
            ("pressure", lambda run: _mean(run.pressure(), 2), "GPa"),
        )
    ]
    heading = (
        "Dynamics, averages of the second half of each run with block-averaged standard errors"
    )
    return Table(
        heading, ("", "paramagnetic", "ferromagnetic", "unit"), tuple(rows), _small(settings, tc)
    )


def _small(settings, tc):
    """Return why the magnetization of the paramagnetic run is not zero."""
    n = 2 * settings.repeats**3
    # The mean length of a sum of n independent random vectors of one size.
    random = second_half(tc.run.moment_sizes).mean() * np.sqrt(8 / (3 * np.pi * n))
    return (
        f"The magnetization of a cell this small does not vanish above its Curie temperature, "
        f"because correlations reach across it; {n} moments without any correlation would give "
        f"{random:.2f} mu_B."
    )


def _paper(learned, tc, fm):
    """Return our numbers beside those of Phys. Rev. B 105, 144417 (2022), Table II and Fig. 8."""
    scores, method = learned.scores, learned.scores.methods[-1]
    # The same frames of two runs with the same noise: the error of the difference is its own.
    difference = tc.run.msd() - fm.run.msd()
    rows = (
        ("MAE of a, descriptor 3", f"{scores[method, 'a']:.5f}", "0.0116", "eV/mu_B^2"),
        ("MAE of b, descriptor 3", f"{scores[method, 'b']:.6f}", "0.000973", "eV/mu_B^4"),
        ("displacement, paramagnetic", _mean(tc.run.msd(), 4), "0.09", "angstrom^2"),
        ("displacement, ferromagnetic", _mean(fm.run.msd(), 4), "0.04", "angstrom^2"),
        ("their difference", _mean(difference, 4), "0.05", "angstrom^2"),
    )
    return Table("Beside the paper", ("", "here, FeHL-1", "paper, DFT", "unit"), rows, SOFTENING)


def _times(learned, tc, fm):
    rows = [(name, f"{seconds:.2f} s", "", "") for name, seconds in learned.seconds.items()]
    for label, simulated in (("paramagnetic", tc), ("ferromagnetic", fm)):
        per_step = 1e3 * simulated.seconds / simulated.steps
        parts = dict(simulated.timings)
        outside = simulated.seconds - sum(parts.values())
        parts["files and the rest"] = parts.pop("other", 0.0) + outside
        shares = ", ".join(
            f"{name} {seconds / simulated.seconds:.0%}"
            for name, seconds in sorted(parts.items(), key=lambda item: -item[1])
        )
        rows.append(
            (f"{label} run", f"{simulated.seconds:.2f} s", f"{per_step:.2f} ms/step", shares)
        )
    return Table("Time", ("", "total", "per step", "where"), tuple(rows))


def second_half(series):
    """Return the second half of the frames of a series."""
    return series[len(series) // 2 :]


def _size(vectors):
    return np.linalg.norm(vectors, axis=-1)


def _mean(series, digits):
    half = second_half(series)
    return f"{half.mean():.{digits}f} +- {analysis.block_error(half, blocks=5):.{digits}f}"


def figures(settings, learned, tc, fm):
    """Return the figures, a dict of file name -> (matplotlib figure, caption)."""
    table, run = learned.table, tc.run
    both = {PARAMAGNETIC: tc.run, FERROMAGNETIC: fm.run}
    return {
        "landscapes": (
            plots.landscapes(table.a, table.b),
            "Fitted energy landscapes of single moments, the others fixed, and their mean.",
        ),
        "parity": (
            plots.parity(table.a, learned.predictions[:, 0], table.b, learned.predictions[:, 1]),
            f"Predicted against computed coefficients, each from a model that was trained without "
            f"it ({settings.folds} folds).",
        ),
        "moments": (
            plots.moments(run.time_fs, run.magnetization, run.moment_sizes),
            "Paramagnetic run: mean moment size (band: spread over the atoms) and magnetization.",
        ),
        "histogram": (
            plots.moment_histogram(second_half(run.moment_sizes)),
            "Paramagnetic run: moment sizes of all atoms in the second half of the run.",
        ),
        "msd": (
            plots.mean_square_displacement(
                run.time_fs, {label: r.msd() for label, r in both.items()}
            ),
            "Mean-square displacement from the ideal lattice sites.",
        ),
        "pressure": (
            plots.pressure(run.time_fs, {label: r.pressure() for label, r in both.items()}),
            "Pressure, kinetic part included.",
        ),
    }


def write(folder, settings, learned, tc, fm, tables, seconds):
    """Write the figures as PNG and ``report.html`` to ``folder``."""
    drawn = figures(settings, learned, tc, fm)
    for name, (figure, _) in drawn.items():
        figure.savefig(folder / f"{name}.png")
    report = Report("Iron at its Curie temperature: ASD-AIMD with learned moment sizes")
    report.text(f"System: {title(settings)}. The job took {seconds:.0f} s.")
    report.warning(SYNTHETIC)
    report.text(
        "Scheme: energy landscapes of single moments from a reference with constrained moments; "
        "kernel ridge regression of their coefficients on local descriptors; Langevin lattice "
        "dynamics and Landau-Lifshitz-Gilbert spin dynamics, in which the size of every moment is "
        "the thermal average of its predicted landscape at every step. After M. Arale Brännvall, "
        "D. Gambino, R. Armiento, B. Alling, Phys. Rev. B 105, 144417 (2022), "
        "doi:10.1103/PhysRevB.105.144417."
    )
    chapters = (
        ("Landscapes", tables[0], ("landscapes",)),
        ("Learning", tables[1], ("parity",)),
        ("Dynamics", tables[2], ("moments", "histogram", "msd", "pressure")),
        ("Beside the paper", tables[3], ()),
        ("Time", tables[4], ()),
    )
    for heading, table, names in chapters:
        report.heading(heading)
        if table.title != heading:
            report.text(f"{table.title}.")
        report.table(table.header, table.rows)
        if table.note:
            report.text(table.note)
        for name in names:
            report.figure(*drawn[name])
    report.heading("Settings")
    report.table(("setting", "value"), list(vars(settings).items()))
    report.heading("Versions")
    report.table(("", ""), list(info.describe().items()))
    report.write(folder / "report.html")
