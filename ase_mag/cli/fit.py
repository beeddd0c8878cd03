"""Fit a potential to labelled frames.

An example, job.toml:

    version = 1
    seed = 1

    [potential]
    kind = "collinear"
    species = ["Fe", "Al"]
    level = 8
    cutoff_angstrom = 4.5

    [fit]
    data = "frames.extxyz"
    train_share = 0.85
    weights = { energy = 1.0, forces = 0.01, magforces = 0.1 }
    figure = "parity.png"

    ase-mag fit job.toml            writes job.model.npz and job.report.json, prints the errors
    ase-mag fit job.toml --resume   goes on after a stop, exactly as without it

[model] file = "job.model.npz" of another job uses the potential. [potential] file = "old.npz" goes
on from the parameters of a saved one. Kinds: collinear and noncollinear (moment tensors),
spin-lattice (MSLP; in four stages with a section [stages]), spin-orientation (GAP-SOSO).
"""

import json

from ase_mag import fitting
from ase_mag.cli import job_arguments
from ase_mag.cli.job import InputError, read, wrong_input
from ase_mag.cli.job.keys import arguments as given
from ase_mag.cli.job.potentials import make_potential
from ase_mag.core.extras import require

SUMMARY = "a potential from labelled frames"
_COURSE = ("weights", "scaling", "method", "max_iterations", "tolerance", "patience", "ridge")


def add_arguments(parser):
    """Add the arguments of ``ase-mag fit``."""
    job_arguments.add(parser)


def run(arguments):
    """Fit the potential.

    Raises
    ------
    InputError
        For whatever is wrong with the job file or the data.
    """
    job = read(arguments.job)
    job.require("potential", "fit")
    section = job["fit"]
    if section.figure is not None:
        require("matplotlib", extra="plot")
    potential = make_potential(job)
    train, test = _data(job)
    if job["stages"] is not None:
        _in_stages(job, potential, train, test, arguments)
        return
    checkpoint = job.output(section.checkpoint, ".fit.npz")
    model = job.output(section.model, ".model.npz")
    report = job.output(section.report, ".report.json")
    figure = [job.beside(section.figure)] if section.figure else []
    job_arguments.prepare(job, [checkpoint, model, report, *figure], arguments, checkpoint)
    with wrong_input(job.place("fit")):
        found = fitting.fit(
            potential,
            train,
            test=test,
            checkpoint=checkpoint,
            restart=arguments.resume,
            progress=not arguments.quiet,
            **given(section, _COURSE),
        )
        potential.save(model)
        found.save(report)
        if figure:
            found.parity_plot(figure[0])
    if not arguments.quiet:
        print(found)
        print(*(f"written: {path}" for path in (model, report, *figure)), sep="\n")


def _in_stages(job, potential, train, test, arguments):
    """Fit a spin-lattice potential in four stages."""
    section, stages = job["fit"], job["stages"]
    unused = ("method", "max_iterations", "patience", "checkpoint", "figure")
    job.refuse("fit", unused, "has no meaning in a fit in stages ([stages])")
    folder = job.output(stages.folder, ".stages")
    model = job.output(section.model, ".model.npz")
    report = job.output(section.report, ".report.json")
    job_arguments.prepare(job, [model, report], arguments, folder)
    if arguments.overwrite:
        for path in folder.glob("*.npz"):
            path.unlink()
    elif folder.exists() and not arguments.resume:
        raise InputError(
            f"{folder} exists already: go on with --resume, or start anew with --overwrite"
        )
    folder.mkdir(parents=True, exist_ok=True)
    options = given(section, ("weights", "ridge", "tolerance"))
    if "scaling" in job.given["fit"]:
        options["scaling"] = section.scaling
    with wrong_input(job.place("stages")):
        found = fitting.fit_stages(
            potential,
            nonmagnetic=_read(job, "nonmagnetic", stages.nonmagnetic, "stages"),
            bulk=_read(job, "bulk", stages.bulk, "stages"),
            train=train,
            test=test,
            iterations=stages.iterations,
            folder=folder,
            restart=arguments.resume,
            progress=not arguments.quiet,
            **options,
        )
        potential.save(model)
    report.write_text(json.dumps(_summaries(found), indent=1) + "\n", encoding="utf-8")
    if not arguments.quiet:
        print(found)
        print(*(f"written: {path}" for path in (model, report)), sep="\n")


def _summaries(found):
    """Return the errors after every stage, a JSON-able list."""
    return [
        {
            "stage": stage.name,
            "fit": stage.summary,
            **{
                part: {
                    name: {"unit": errors.unit, "rmse": errors.rmse, "mae": errors.mae}
                    for name, errors in getattr(stage, part).items()
                }
                for part in ("train", "test")
            },
        }
        for stage in found.stages
    ]


def _data(job):
    """Return the frames to fit to, and those to test with or None."""
    section = job["fit"]
    if section.test is not None and section.train_share is not None:
        raise InputError(
            f"{job.place('fit', 'train_share')}: train_share splits data, but test names other "
            "frames: leave out one of them"
        )
    train = _read(job, "data", section.data)
    if section.test is not None:
        return train, _read(job, "test", section.test)
    if section.train_share in (None, 1):
        return train, None
    seed = job.random_seed("frames are split at random")
    with wrong_input(job.place("fit", "train_share")):
        return train.split(section.train_share, rng=seed)


def _read(job, key, names, section="fit"):
    names = names if isinstance(names, list) else [names]
    paths = [job.file(section, key, name) for name in names]
    with wrong_input(job.place(section, key)):
        return fitting.read(paths)
