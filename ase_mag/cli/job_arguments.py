"""What all commands over a job file share: their arguments, and the care for existing files."""

from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat

from ase_mag.cli.job import InputError, wrong_input


def add(parser, resume="the checkpoint"):
    """Add the job file and the options of its outputs; ``resume``: what a job goes on from."""
    parser.add_argument("job", metavar="JOB.toml", help="the job file")
    if resume:
        parser.add_argument("--resume", action="store_true", help=f"go on from {resume}, if any")
    parser.add_argument("--overwrite", action="store_true", help="start anew, replacing the files")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no summary")


def prepare(job, paths, arguments, checkpoint=None):
    """Make room for outputs: refuse to replace files unless that was asked for.

    Parameters
    ----------
    job : Job, whose own file and inputs stay.
    paths : list of Path, all outputs; their folders are made.
    arguments : the parsed arguments of :func:`add`.
    checkpoint : Path or None; with ``--resume``, if it exists, everything stays. Otherwise, with
        ``--resume`` or ``--overwrite``, the outputs are removed.

    Raises
    ------
    InputError
        If outputs exist, cannot be made, are the same file twice, or an input of the job; if both
        options are given.
    """
    resume = getattr(arguments, "resume", False)
    if resume and arguments.overwrite:
        raise InputError("--resume and --overwrite contradict each other: give one of them")
    taken = {path.resolve() for path in (job.path, *map(job.beside, job.inputs))}
    for path in paths:
        if path.resolve() in taken:
            raise InputError(
                f"{job.path.name}: {path} would be written, but it is an input of the job or named "
                "twice: give every output a name of its own"
            )
        taken.add(path.resolve())
        if path.is_dir():
            raise InputError(f"{job.path.name}: {path} would be written, but it is a folder")
    if resume and checkpoint is not None and checkpoint.exists():
        return
    there = [str(path) for path in paths if path.exists()]
    if there and not (arguments.overwrite or resume):
        goes_on = "go on with --resume, or " if checkpoint is not None else ""
        raise InputError(f"{', '.join(there)} exist already: {goes_on}start anew with --overwrite")
    for path in paths:
        with wrong_input(f"{job.path.name}: {path} cannot be written"):
            path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)


def check_format(path):
    """Return the ASE format of a file name; raise InputError unless ASE writes it."""
    try:
        found = get_ioformat(filetype(str(path), read=False))
    except UnknownFileTypeError as error:
        raise InputError(
            f"ASE knows no format for the name {path} ({error}): use one such as .traj, .extxyz or "
            ".db (ase info --formats lists them)"
        ) from error
    if not found.can_write:
        raise InputError(f"ASE reads the format {found.name} of {path}, but cannot write it")
    return found
