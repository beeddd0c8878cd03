"""What all commands over a job file share: their arguments, and the care for existing files."""

from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat

from ase_mag.cli.job import InputError


def add(parser, resume="the checkpoint"):
    """Add the job file and the options of its outputs; ``resume``: what a job goes on from."""
    parser.add_argument("job", metavar="JOB.toml", help="the job file")
    if resume:
        parser.add_argument("--resume", action="store_true", help=f"go on from {resume}, if any")
    parser.add_argument("--overwrite", action="store_true", help="start anew, replacing the files")
    parser.add_argument("--quiet", action="store_true", help="no progress bar and no summary")


def prepare(paths, arguments, checkpoint=None):
    """Make room for outputs: refuse to replace files unless that was asked for.

    Parameters
    ----------
    paths : list of Path, all outputs; their folders are made.
    arguments : the parsed arguments of :func:`add`.
    checkpoint : Path or None; with ``--resume``, if it exists, everything stays. Otherwise, with
        ``--resume`` or ``--overwrite``, the outputs are removed.

    Raises
    ------
    InputError
        If outputs exist, or both options are given.
    """
    resume = getattr(arguments, "resume", False)
    if resume and arguments.overwrite:
        raise InputError("--resume and --overwrite contradict each other: give one of them")
    if resume and checkpoint is not None and checkpoint.exists():
        return
    there = [str(path) for path in paths if path.exists()]
    if there and not (arguments.overwrite or resume):
        goes_on = "go on with --resume, or " if checkpoint is not None else ""
        raise InputError(f"{', '.join(there)} exist already: {goes_on}start anew with --overwrite")
    for path in paths:
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
