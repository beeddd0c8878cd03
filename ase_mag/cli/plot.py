"""Plot observables of a trajectory, one panel each, or write a page about it.

    ase-mag plot run.traj magnetization pressure            writes run.png
    ase-mag plot run.traj moments msd --output fig.pdf      any format of matplotlib
    ase-mag plot run.traj magnons --path GHNGP --model FeHL-1
    ase-mag plot run.traj --summary                         averages with errors, as text
    ase-mag plot run.traj --report run.html                 all of it on a page

Observables over time: magnetization (and the mean size of the moments), msd, temperature,
spin_temperature and pressure (with cumulative averages and their errors), binder and susceptibility
(of longer and longer parts). Distributions: moments (sizes), stress (pressures of the atoms), rdf,
correlation (of moments over distance). Spectra: vibrations, phonons, structure_factor and magnons
(beside linear spin-wave theory), the last three with --path.
"""

from pathlib import Path

from ase import units

from ase_mag import analysis, models
from ase_mag.analysis.panels import PANELS
from ase_mag.analysis.run_report import run_report
from ase_mag.cli.job import InputError, wrong_input
from ase_mag.core.extras import require

SUMMARY = "figures, averages and a report of a trajectory"


def add_arguments(parser):
    """Add the arguments of ``ase-mag plot``."""
    parser.add_argument("trajectory", help="a .traj file of a dynamics, or another format of ASE")
    parser.add_argument("observables", nargs="*", metavar="OBSERVABLE", help=", ".join(PANELS))
    parser.add_argument("--output", metavar="FILE", help="figure (default: the name with .png)")
    parser.add_argument("--summary", action="store_true", help="print averages with errors")
    parser.add_argument("--report", metavar="FILE", help="write an HTML page with all of it")
    parser.add_argument(
        "--skip",
        default="0.5",
        metavar="N",
        help="what averages leave out at the beginning: frames, or a fraction below 1",
    )
    parser.add_argument("--path", metavar="POINTS", help="wave vectors, as GHNGP, for bands")
    parser.add_argument("--model", metavar="NAME", help="parameter set or saved model, for magnons")
    parser.add_argument("--segment", type=int, metavar="N", help="frames of a segment of spectra")
    parser.add_argument(
        "--cutoff-angstrom", type=float, default=8.0, metavar="A", help="of rdf and correlation"
    )
    parser.add_argument(
        "--temperature-K",
        type=float,
        metavar="K",
        help="for susceptibilities, if the file lacks it",
    )
    parser.add_argument(
        "--timestep-fs", type=float, metavar="FS", help="time between frames, if the file lacks it"
    )


def run(arguments):
    """Write the figure, the page, or print the table.

    Raises
    ------
    InputError
        For a file that is no trajectory, lacks what is plotted, or an unknown observable.
    ImportError
        Without matplotlib; it names the extra.
    """
    if not (arguments.observables or arguments.summary or arguments.report):
        raise InputError(f"name what to plot ({', '.join(PANELS)}), or give --summary or --report")
    step = arguments.timestep_fs
    with wrong_input(arguments.trajectory):
        found = analysis.read(arguments.trajectory, None if step is None else step * units.fs)
        options = {
            "skip": _skip(arguments.skip),
            "q_path": arguments.path,
            "model": None if arguments.model is None else _model(arguments.model),
            "segment": arguments.segment,
            "cutoff": arguments.cutoff_angstrom,
            "temperature_K": arguments.temperature_K,
        }
        if arguments.summary:
            print(found.summary(options["skip"], arguments.temperature_K))
        if arguments.observables:
            require("matplotlib", extra="plot")
            output = Path(arguments.output or Path(arguments.trajectory).with_suffix(".png"))
            found.plot(*arguments.observables, **options).savefig(output)
            print(f"written: {output}")
        if arguments.report:
            require("matplotlib", extra="plot")
            run_report(found, **options).write(arguments.report)
            print(f"written: {arguments.report}")


def _skip(text):
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise InputError(
            f"--skip is {text!r}; allowed is a number of frames, or a fraction of them below 1"
        ) from None


def _model(name):
    return models.load(name) if Path(name).is_file() else models.named(name)
