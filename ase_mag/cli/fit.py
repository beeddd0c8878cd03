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
on from the parameters of a saved one.
"""

from ase_mag import fitting, models
from ase_mag.cli import job_arguments
from ase_mag.cli.job import InputError, read, wrong_input
from ase_mag.cli.job.keys import arguments as given
from ase_mag.core.extras import require

SUMMARY = "a potential from labelled frames"
_KINDS = {
    "collinear": models.MomentTensorPotential,
    "noncollinear": models.NoncollinearMomentTensorPotential,
}
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
    potential = _potential(job)
    train, test = _data(job)
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


def _potential(job):
    section = job["potential"]
    if (section.file is None) == (section.kind is None):
        raise InputError(
            f"{job.place('potential')}: one of file (a saved model) and kind (a new potential) "
            "says what is fitted"
        )
    if section.file is not None:
        path = job.file("potential", "file")
        new = [name for name in given(section) if name != "file"]
        if new:
            raise InputError(
                f"{job.place('potential')}: {', '.join(new)} are for new potentials (kind), not "
                "for one from a file"
            )
        with wrong_input(job.place("potential", "file")):
            return models.load(path)
    if section.species is None:
        raise InputError(f"{job.place('potential')}: species is missing: {_SPECIES}")
    options = given(section)
    options["species"] = tuple(section.species)
    seed = job.random_seed("a new potential has random parameters")
    with wrong_input(job.place("potential")):
        return _KINDS[options.pop("kind")](rng=seed, **options)


_SPECIES = 'the chemical symbols that the potential describes, as ["Fe", "Al"]'


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


def _read(job, key, names):
    names = names if isinstance(names, list) else [names]
    paths = [job.file("fit", key, name) for name in names]
    with wrong_input(job.place("fit", key)):
        return fitting.read(paths)
