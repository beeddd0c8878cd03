"""Panels of observables of a run, and what each of them is called."""

from dataclasses import dataclass

import numpy as np

from ase_mag.analysis import plots
from ase_mag.analysis.statistics import average, cumulative_error, cumulative_mean, skipped

COLORS = plots.COLORS
#: Frames that pairs of atoms are counted in, about.
_PAIR_FRAMES = 200


@dataclass(frozen=True)
class Options:
    """What some panels need to know; see :meth:`ase_mag.analysis.Run.plot`."""

    skip: float = 0.5
    q_path: str | None = None
    cell: object = None
    model: object = None
    crystal: object = None
    segment: int | None = None
    cutoff: float = 8.0
    temperature_K: float | None = None


def panels(run, names, **options):
    """Return a figure of observables, see :meth:`ase_mag.analysis.Run.plot`."""
    unknown = [name for name in names if name not in PANELS]
    if unknown or not names:
        raise ValueError(
            f"observables to plot are {', '.join(PANELS)}; got {', '.join(unknown) or 'none'}"
        )
    options = Options(**options)
    skipped(options.skip, 1)  # raises for what is no number of frames

    def draw(*axes):
        for panel, name in zip(axes, names, strict=True):
            PANELS[name](panel, run, options)

    return plots.make(draw, columns=len(names), width=4.4)


def _magnetization(axes, run, options):
    magnetization = np.linalg.norm(run.magnetization, axis=1)
    for color, values, label in (
        (COLORS[0], run.mean_moment_size, r"mean size $\langle |M_i| \rangle$"),
        (COLORS[1], magnetization, r"magnetization $|\langle M_i \rangle|$"),
    ):
        axes.plot(run.time_fs, values, color=color, label=label)
    axes.set(xlabel="time (fs)", ylabel=r"moment per atom ($\mu_\mathrm{B}$)", ylim=(0, None))
    axes.legend()


def _series(values_of, ylabel, unit):
    """Return a panel: values, their cumulative mean, its error, and the mean after the start."""

    def draw(axes, run, options):
        values, times = values_of(run), run.time_fs
        axes.plot(times, values, color=COLORS[0], lw=0.8, alpha=0.5)
        means = cumulative_mean(values)
        axes.plot(times, means, color=COLORS[0], lw=2.2, label="cumulative average")
        where, errors = cumulative_error(values)
        axes.errorbar(times[where], means[where], errors, fmt="none", color="k", lw=1, capsize=2)
        first = skipped(options.skip, len(values))
        if len(values) - first >= 20:
            found = average(values, first)
            sign = r"\pm" if found.reliable else r"\pm\geq"
            label = rf"${found.value:.5g} {sign} {found.error:.2g}$ {unit}"
            axes.plot(times[[first, -1]], [found.value] * 2, "--", color=COLORS[1], label=label)
        axes.set(xlabel="time (fs)", ylabel=ylabel)
        axes.legend()

    return draw


def _msd(axes, run, options):
    axes.plot(run.time_fs, run.msd(), color=COLORS[0])
    label = r"mean-square displacement ($\mathrm{\AA}^2$)"
    axes.set(xlabel="time (fs)", ylabel=label, ylim=(0, None))


def _moments(axes, run, options):
    run.moment_histogram(skip=options.skip).draw(axes)


def _pairs(run, options):
    stride = max(1, (len(run) - skipped(options.skip, len(run))) // _PAIR_FRAMES)
    return run.correlation(cutoff=options.cutoff, skip=options.skip, stride=stride)


def _correlation(axes, run, options):
    _ = run.magnetization  # raises without moments
    _pairs(run, options).draw_moments(axes)


def _density(axes, run, options):
    _pairs(run, options).draw_density(axes)


def _vibrations(axes, run, options):
    run.vibrational_density(skip=options.skip).draw(axes)


def _q_path(options, name):
    if options.q_path is None:
        raise ValueError(
            f"{name} needs a path through the zone: q_path='GHNGP' (on the command line --path)"
        )
    return options.q_path


def _phonons(axes, run, options):
    run.phonons(
        _q_path(options, "phonons"), cell=options.cell, skip=options.skip, segment=options.segment
    ).draw(axes)


def _structure_factor(axes, run, options):
    run.structure_factor(
        _q_path(options, "structure_factor"),
        cell=options.cell,
        skip=options.skip,
        segment=options.segment,
    ).draw(axes)


def _magnons(axes, run, options):
    if options.model is None:
        raise ValueError(
            "magnons are drawn beside spin-wave theory: give the model (on the command line "
            "--model), or plot structure_factor"
        )
    run.magnons(
        options.model,
        _q_path(options, "magnons"),
        crystal=options.crystal,
        skip=options.skip,
        segment=options.segment,
    ).draw(axes)


def _binder(axes, run, options):
    _running(axes, run, options, ("binder",), "Binder cumulant $U_4$")
    axes.axhline(2 / 3, color=plots.GRAY, lw=0.6)


def _susceptibility(axes, run, options):
    _running(
        axes,
        run,
        options,
        ("trace", "modulus"),
        r"susceptibility per atom ($\mu_\mathrm{B}^2/\mathrm{eV}$)",
    )


def _running(axes, run, options, names, ylabel, points=12):
    """Draw what fluctuations say after longer and longer parts of the run, with errors."""
    start = skipped(options.skip, len(run))
    ends = np.unique(np.linspace(start, len(run), points + 1)[1:].astype(int))
    ends = ends[ends - start >= 20]
    if not len(ends):
        raise ValueError(
            f"fluctuations need 20 frames or more after the first {start}, the run has {len(run)}"
        )
    temperature = options.temperature_K
    if names == ("binder",):
        temperature = 1.0  # on which a cumulant does not depend
    found = [run.fluctuations(temperature, skip=start, stop=end) for end in ends]
    times = run.time_fs[ends - 1]
    labels = {"trace": r"$\chi = \mathrm{Tr}\chi_{ab}/3$", "modulus": r"of $|m|$", "binder": None}
    for color, name in zip(COLORS, names, strict=False):
        if name == "trace":
            values = [np.trace(f.susceptibility) / 3 for f in found]
            errors = [f.trace_error for f in found]
        else:
            values = [getattr(f, name) for f in found]
            errors = [getattr(f, f"{name}_error") for f in found]
        axes.errorbar(
            times, values, errors, fmt="o-", ms=3, lw=1, color=color, label=labels[name], capsize=2
        )
    axes.set(xlabel="end of the average (fs)", ylabel=ylabel)
    if len(names) > 1:
        axes.legend()


def _stress(axes, run, options):
    """Distribution of the mean pressure of the atoms."""
    values = -run.site_maps(model=options.model, skip=options.skip).trace / 3
    axes.hist(values, bins=min(40, max(5, len(values) // 4)), color=COLORS[0], alpha=0.75)
    label = f"mean {values.mean():.4g} GPa"
    axes.axvline(values.mean(), color="k", lw=1.2, label=label)
    axes.set(xlabel="virial pressure of an atom, averaged over time (GPa)", ylabel="atoms")
    axes.legend()


#: Panels by the names of the observables.
PANELS = {
    "magnetization": _magnetization,
    "moments": _moments,
    "msd": _msd,
    "pressure": _series(lambda run: run.pressure(), "pressure (GPa)", "GPa"),
    "temperature": _series(lambda run: run.temperature_K, "temperature of the atoms (K)", "K"),
    "spin_temperature": _series(lambda run: run.spin_temperature, "spin temperature (K)", "K"),
    "binder": _binder,
    "susceptibility": _susceptibility,
    "correlation": _correlation,
    "rdf": _density,
    "vibrations": _vibrations,
    "phonons": _phonons,
    "structure_factor": _structure_factor,
    "magnons": _magnons,
    "stress": _stress,
}
