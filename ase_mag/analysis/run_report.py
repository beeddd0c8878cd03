"""A page about a run: where it comes from, its averages, and figures of all that it has."""

from ase_mag.analysis.panels import panels
from ase_mag.analysis.report import Report
from ase_mag.analysis.statistics import skipped

#: What the figures show, by the names of the panels, in the order of the page.
CAPTIONS = {
    "magnetization": "Size of the mean moment, and mean size of the moments, over time.",
    "moments": "Distribution of the moment sizes, without the beginning of the run.",
    "temperature": "Kinetic temperature: values, cumulative average with block-averaged errors, "
    "and the average without the beginning (dashed).",
    "spin_temperature": "Spin temperature: values, cumulative average with block-averaged errors, "
    "and the average without the beginning (dashed).",
    "pressure": "Pressure: values, cumulative average with block-averaged errors, and the average "
    "without the beginning (dashed).",
    "msd": "Mean-square displacement from the first frame, without the center of mass.",
    "susceptibility": "Susceptibility after longer and longer parts of the run, with errors.",
    "binder": "Binder cumulant after longer and longer parts of the run, with errors; gray: 2/3.",
    "correlation": "Correlation of moments over the distance.",
    "rdf": "Radial distribution function.",
    "vibrations": "Density of states of the vibrations, from the velocities.",
    "phonons": "Phonon bands from the velocities.",
    "structure_factor": "Spin structure factor across the moments.",
    "magnons": "Spin structure factor across the moments; line: linear spin-wave theory.",
    "stress": "Distribution of the virial pressures of the atoms, averaged over time.",
}


def run_report(run, *, skip=0.5, **options):
    """Return a :class:`Report` of a run: origin, averages, and a figure of all that it has.

    What the run does not have is said in a line with its reason.

    Parameters
    ----------
    run : Run
    skip : int or float, see Run. **options : of :meth:`Run.plot`; without ``q_path`` and ``model``
        there are no bands.

    Raises
    ------
    ValueError
        If the run has no frames, or options that no run can have.
    ImportError
        Without matplotlib; it names the extra.
    """
    skipped(skip, len(run))
    page = Report(run.path.name)
    page.heading("Averages")
    try:
        page.code(run.summary(skip, options.get("temperature_K")))
    except ValueError as error:
        page.text(f"No averages: {error}.")
    page.heading("Figures")
    missing = []
    for name in CAPTIONS:
        if _not_asked(name, options):
            continue
        try:
            figure = panels(run, [name], skip=skip, **options)
        except ValueError as error:
            missing.append((name, str(error)))
            continue
        page.figure(figure, CAPTIONS[name])
    if missing:
        page.heading("What this run does not have")
        page.table(("observable", "reason"), missing)
    _origin(page, run.description)
    return page


def _not_asked(name, options):
    needs = {
        "phonons": ("q_path",),
        "structure_factor": ("q_path",),
        "magnons": ("q_path", "model"),
    }
    return any(options.get(option) is None for option in needs.get(name, ()))


def _origin(page, description):
    origin = description.get("origin")
    page.heading("Origin")
    if origin is not None:
        page.table(("", ""), [*origin["versions"].items(), ("seed", origin["seed"])])
        page.code(origin["job"])
    settings = {k: v for k, v in description.items() if k != "origin" and v is not None}
    if settings:
        page.text("Settings of the dynamics, in units of ASE:")
        page.table(("setting", "value"), sorted(settings.items()))
    elif origin is None:
        page.text("The file does not say where it comes from.")
