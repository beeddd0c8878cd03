"""The main job on bcc iron at its Curie temperature, in less than a minute.

Landscapes of the moments in displaced, disordered supercells of 54 atoms -> a learned predictor of
them -> coupled spin and lattice dynamics with learned moment sizes (ASD-AIMD), beside a
ferromagnetic run of the same length. Prints tables and writes trajectories, plots and report.html.

    ase-mag demo                                    writes the folder demo_output
    ase-mag demo --steps 200 --output short

The reference is FeHL-1, a SYNTHETIC model calibrated to resemble iron; it is not density functional
theory.
"""

from pathlib import Path
from time import perf_counter

from ase_mag.cli import demo_report
from ase_mag.cli.job import InputError
from ase_mag.cli.main_job import Settings, ferromagnet, learn, paramagnet
from ase_mag.core.extras import require

SUMMARY = "the main job: bcc iron at its Curie temperature"


def add_arguments(parser):
    """Add the arguments of ``ase-mag demo``."""
    default = Settings()
    parser.add_argument("--output", default="demo_output", metavar="FOLDER", help="where to write")
    parser.add_argument(
        "--steps", type=int, default=default.steps, help="lattice steps of 1 fs of each run"
    )
    parser.add_argument("--seed", type=int, default=default.seed, help="seed of all random numbers")
    parser.add_argument(
        "--snapshots", type=int, default=default.snapshots, help="frames that landscapes come from"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bars")


def run(arguments):
    """Run the job.

    Raises
    ------
    InputError
        For fewer than 20 steps, one snapshot, or a negative seed.
    ImportError
        Without matplotlib; it names the extra.
    """
    require("matplotlib", extra="plot")
    settings = Settings(steps=arguments.steps, seed=arguments.seed, snapshots=arguments.snapshots)
    _check(settings)
    folder = Path(arguments.output)
    folder.mkdir(parents=True, exist_ok=True)
    progress = not arguments.quiet
    start = perf_counter()

    print(f"ase-mag demo: {demo_report.title(settings)}")
    print(f"{demo_report.SYNTHETIC}\n")
    print(f"1/3  energy landscapes of {settings.snapshots} snapshots, and their predictor")
    learned = learn(settings, progress)
    learned.table.to_csv(folder / "landscapes.csv")
    learned.table.save(folder / "landscapes.npz")
    learned.predictor.save(folder / "predictor.npz")
    print(f"2/3  ASD-AIMD with learned moment sizes, {settings.steps} steps")
    tc = paramagnet(settings, learned.predictor, folder / "tc.traj", progress)
    print(f"3/3  ferromagnetic run, {settings.steps} steps")
    fm = ferromagnet(settings, folder / "fm.traj", progress)

    tables = demo_report.tables(settings, learned, tc, fm)
    for table in tables:
        print(f"\n{table}")
    demo_report.write(folder, settings, learned, tc, fm, tables, perf_counter() - start)
    print(f"\n{perf_counter() - start:.0f} s; open {folder / 'report.html'} in a browser")
    print(f"and look at the trajectory with: ase-mag gui {folder / 'tc.traj'}")


def _check(settings):
    if settings.steps < 20:
        raise InputError(f"--steps is {settings.steps}, but averages with errors need at least 20")
    if settings.snapshots < 2:
        raise InputError(
            f"--snapshots is {settings.snapshots}, but learning needs at least 2 (14 are usual)"
        )
    if settings.seed < 0:
        raise InputError(f"--seed is {settings.seed}, but must not be negative")
