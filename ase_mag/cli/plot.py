"""Plot observables of a trajectory over time, one panel each, as a PNG.

    ase-mag plot run.traj magnetization pressure        writes run.png
    ase-mag plot run.traj moments msd --output fig.pdf  any format of matplotlib

Observables: magnetization (and the mean size of the moments), moments (their sizes in the second
half of the run), msd, pressure, temperature, spin_temperature. Thick lines are cumulative averages.
"""

from pathlib import Path

from ase import units

from ase_mag import analysis
from ase_mag.cli.job import wrong_input
from ase_mag.core.extras import require

SUMMARY = "figures of a trajectory"


def add_arguments(parser):
    """Add the arguments of ``ase-mag plot``."""
    parser.add_argument("trajectory", help="a .traj file of a dynamics, or another format of ASE")
    parser.add_argument("observables", nargs="+", metavar="OBSERVABLE", help="see above")
    parser.add_argument("--output", metavar="FILE", help="figure (default: the name with .png)")
    parser.add_argument(
        "--timestep-fs", type=float, metavar="FS", help="time between frames, if the file lacks it"
    )


def run(arguments):
    """Write the figure.

    Raises
    ------
    InputError
        For a file that is no trajectory, lacks what is plotted, or an unknown observable.
    ImportError
        Without matplotlib; it names the extra.
    """
    require("matplotlib", extra="plot")
    step = arguments.timestep_fs
    output = Path(arguments.output or Path(arguments.trajectory).with_suffix(".png"))
    with wrong_input(arguments.trajectory):
        found = analysis.read(arguments.trajectory, None if step is None else step * units.fs)
        found.plot(*arguments.observables).savefig(output)
    print(f"written: {output}")
