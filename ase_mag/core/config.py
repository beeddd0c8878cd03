"""The section ``[ase_mag]`` of ASE's configuration file."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ase.config import cfg

SECTION = "ase_mag"


@dataclass(frozen=True)
class Key:
    """One key of the section.

    Attributes
    ----------
    meaning : str, one line.
    example : str, a value that is allowed.
    read : callable, turns the text into the value or raises ValueError with what is needed.
    """

    meaning: str
    example: str
    read: Callable


def _command(text):
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"a command is needed ({error})") from None
    if not words:
        raise ValueError("a command is needed")
    return text


def _threads(text):
    if not text.isdigit() or int(text) < 1:
        raise ValueError("a positive whole number is needed")
    return int(text)


def _folder(text):
    path = Path(text).expanduser()
    if not path.is_dir():
        raise ValueError("a folder that exists is needed")
    return path


def _device(text):
    name, _, number = text.partition(":")
    if name not in ("cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise ValueError("cpu, cuda, cuda:0, ... or mps is needed")
    return text


#: All keys of the section.
KEYS = {
    "uppasd": Key("command that runs UppASD", "/opt/uppasd/bin/uppasd", _command),
    "threads": Key("threads of the kernels, without OMP_NUM_THREADS", "4", _threads),
    "models": Key("folder of saved models that have no path", "~/models", _folder),
    "device": Key("device of learned potentials of other packages", "cpu", _device),
}


def configured(key):
    """Return the value of a key, or None where it is not in the file.

    The file is read once in a process, when ASE is imported: ``~/.config/ase/config.ini``, or the
    paths in the environment variable ``ASE_CONFIG_PATH``.

    Raises
    ------
    ValueError
        If the section holds an unknown key or a value that is not allowed, of any key.
    """
    return _section()[key]


@cache
def _section():
    return read_section(cfg)


def read_section(config):
    """Return all keys of the section of an ``ase.config.Config`` as dict (None: not there).

    Raises
    ------
    ValueError
        As :func:`configured`.
    """
    parser, files = config.parser, ", ".join(str(path) for path in config.paths)
    values = dict.fromkeys(KEYS)
    if SECTION not in parser:
        return values
    for name in parser[SECTION]:
        if name in parser.defaults():
            continue
        if name not in KEYS:
            raise ValueError(
                f"the section [{SECTION}] of ASE's configuration ({files}) has the unknown key "
                f"{name!r}: allowed are {', '.join(KEYS)}"
            )
        text = parser[SECTION][name].strip()
        try:
            values[name] = KEYS[name].read(text)
        except ValueError as error:
            raise ValueError(
                f"the section [{SECTION}] of ASE's configuration ({files}) has {name} = {text!r}, "
                f"but {error}"
            ) from None
    return values
