"""Frames of a trajectory file, read one by one, with errors that say what is wrong with it."""

import gc
import json
from pathlib import Path
from struct import error as StructError

import ase.io
from ase.io.formats import UnknownFileTypeError, filetype, get_ioformat
from ase.io.trajectory import Trajectory

#: Frames that ASE has read hold references to themselves and stay in memory until Python looks for
#: such objects, which it does by their number, not by their size: so many bytes are tolerated.
_UNUSED = 30_000_000
#: What readers of ASE raise for files that are damaged.
_DAMAGE = (
    OSError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    SyntaxError,
    AssertionError,
    RuntimeError,
    StructError,
)


def describe(path):
    """Return what the dynamics wrote about itself into a trajectory file, a dict.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        For a file that is no trajectory, or a .traj file that is damaged or has no frames.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no trajectory {path}: check the name and the folder")
    if path.suffix != ".traj":
        if not _readable(path):
            raise _unreadable(path)
        return {}
    try:
        with Trajectory(path) as file:
            count = len(file)
            description = file.description if count else None
    except _DAMAGE as error:
        raise _unreadable(path) from error
    if not count:
        raise _empty(path)
    return description or {}


def frames_of(path):
    """Yield the frames of a file.

    Raises
    ------
    ValueError
        Where a frame cannot be read, and at the end if there was none.
    """
    count, frames, unused = 0, ase.io.iread(path, index=":"), 0
    while True:
        try:
            atoms = next(frames)
        except StopIteration:
            break
        except (*_DAMAGE, json.JSONDecodeError) as error:
            raise _damaged(path, count, error) from error
        unused += _bytes(atoms)
        yield atoms
        count += 1
        del atoms
        if unused > _UNUSED:
            gc.collect()
            unused = 0
    if not count:
        raise _empty(path)


def _bytes(atoms):
    """Return how much memory the arrays of a frame take."""
    results = getattr(atoms.calc, "results", {}).values()
    return sum(getattr(values, "nbytes", 0) for values in (*atoms.arrays.values(), *results))


def _readable(path):
    try:
        return get_ioformat(filetype(str(path))).can_read
    except UnknownFileTypeError:
        return False


def _unreadable(path):
    return ValueError(
        f"{path} is no trajectory that ASE can read, or it is damaged: give the .traj file of a "
        "dynamics, or an .extxyz file"
    )


def _empty(path):
    return ValueError(f"{path} has no frames: the run that writes it has not begun, or was stopped")


def _damaged(path, count, error):
    remedy = "there is nothing before it"
    if count:
        whole = f"ase convert -n :{count} {Path(path).name} whole{Path(path).suffix}"
        remedy = f"the {count} before it can be kept with `{whole}`"
    return ValueError(
        f"frame {count} of {path} cannot be read ({type(error).__name__}: {error}): the file is "
        f"damaged or was cut off; {remedy}"
    )
