"""Compute energy landscapes of single moments, and learn to predict them.

Frames of [structure] with displaced atoms and disordered moments are made, the size of one moment
after the other is scanned in the energy of [model], and a m^2 + b m^4 is fitted. With a section
[predictor] the landscapes are learned, which gives moment sizes to `ase-mag run` (kind asd-aimd).
An example, job.toml:

    version = 1
    seed = 1

    [structure]
    bulk = "Fe"
    a_angstrom = 2.877
    repeat = 3
    moments = 2.0

    [model]
    name = "FeHL-1"

    [landscapes]
    count = 14
    displacement_angstrom = 0.173

    [predictor]
    descriptor = 3

    ase-mag landscapes job.toml             writes job.landscapes.npz, .csv, job.predictor.npz
    ase-mag landscapes job.toml --resume    computes the frames that are missing

[reference] code = "abinit" or "vasp" in the place of [model] takes constrained density-functional
theory; [executor] kind = "processes" or "dask" computes several frames at a time.
"""

import sys

import ase.io

from ase_mag import lsf
from ase_mag.cli import job_arguments
from ase_mag.cli.job import read, wrong_input
from ase_mag.cli.job.keys import arguments as given
from ase_mag.cli.job.references import executor, make_reference
from ase_mag.cli.job.system import make_atoms

SUMMARY = "landscapes of moment sizes, and their predictor"
_SCAN = (
    "sizes",
    "window_muB",
    "background",
    "temperature_K",
    "measure",
    "order",
    "largest_error_eV",
)
_LEARNING = ("descriptor", "shells", "width", "regularization")


def add_arguments(parser):
    """Add the arguments of ``ase-mag landscapes``."""
    job_arguments.add(parser, resume="the frames that are done")


def run(arguments):
    """Compute landscapes, and learn them.

    Raises
    ------
    InputError
        For whatever is wrong with the job file.
    """
    job = read(arguments.job)
    job.require("landscapes")
    section, learning = job["landscapes"], job["predictor"]
    frames = _frames(job)
    calculator = make_reference(job)
    seed = None if learning is None else job.random_seed("folds of [predictor] are random")
    table = job.output(section.table, ".landscapes.npz")
    csv = job.output(section.csv, ".landscapes.csv")
    outputs = [table, csv]
    if learning is not None:
        outputs.append(job.output(learning.file, ".predictor.npz"))
    job_arguments.prepare(job, outputs, arguments, table)
    with executor(job) as pool, wrong_input(job.place("landscapes")):
        found = lsf.landscapes(
            frames,
            calculator,
            executor=pool,
            path=table,
            progress=sys.stderr.isatty() and not arguments.quiet,
            **given(section, _SCAN),
        )
    found.to_csv(csv)
    if not arguments.quiet:
        print(found)
    if learning is not None:
        with wrong_input(job.place("predictor")):
            predictor = lsf.LsfPredictor(**given(learning, _LEARNING)).fit(found)
            scores = lsf.cross_validate(predictor, found, folds=learning.folds, rng=seed)
        predictor.save(outputs[2])
        if not arguments.quiet:
            print(f"\n{scores}")
    if not arguments.quiet:
        print(*(f"written: {path}" for path in outputs), sep="\n")


def _frames(job):
    section = job["landscapes"]
    if section.frames is not None:
        made = ("count", "displacement_angstrom", "directions")
        job.refuse("landscapes", made, "is for frames that are made, but frames names a file")
        path = job.file("landscapes", "frames")
        with wrong_input(job.place("landscapes", "frames")):
            return ase.io.read(path, index=":")
    job.require("structure")
    seed = job.random_seed("frames with displacements are random")
    atoms = make_atoms(job)
    with wrong_input(job.place("landscapes")):
        return lsf.snapshots(
            atoms,
            displacement=section.displacement_angstrom,
            directions=section.directions,
            count=section.count,
            rng=seed,
        )
