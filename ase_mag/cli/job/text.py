"""The text of a job file: its values, and the line of each of them."""

import re
import sys

from ase_mag.cli.job.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_HEADER = re.compile(r"\s*\[+\s*([\w.\-\s\"']+?)\s*\]+\s*(#.*)?$")
_KEY = re.compile(r"\s*([\w.\-\s\"']+?)\s*=")


def parse(text, name):
    """Return (values, lines) of a TOML text.

    Parameters
    ----------
    text : str
    name : str, of the file, for messages.

    Returns
    -------
    values : dict of the top-level keys and of the sections, which are dicts.
    lines : dict from (section,) and (section, key), or (key,) at the top, to the line's number.

    Raises
    ------
    InputError
        If the text is not TOML; the message has line and column.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{name} is not a TOML file: {error}. Lines are `key = value` below `[section]`; texts "
            'have quotes ("bcc"), lists brackets ([6, 10])'
        ) from error
    return values, _lines(text)


def _lines(text):
    """Find the first line of every section and key; what is inside of values does not count."""
    lines, section, depth, quote = {}, (), 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        if depth == 0 and quote is None:
            header, key = _HEADER.match(line), _KEY.match(line)
            if header:
                section = _parts(header[1])
                lines.setdefault(section, number)
                continue
            if key:
                lines.setdefault(section + _parts(key[1]), number)
        depth, quote = _inside(line, depth, quote)
    return lines


def _parts(name):
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _inside(line, depth, quote):
    """Return how many brackets and which multi-line quotes are open at the end of a line."""
    place = 0
    while place < len(line):
        if quote is not None:
            end = line.find(quote, place)
            if end < 0:
                return depth, quote if len(quote) == 3 else None
            place, quote = end + len(quote), None
            continue
        mark = line[place]
        if mark == "#":
            break
        if mark in "\"'":
            quote = mark * 3 if line.startswith(mark * 3, place) else mark
            place += len(quote)
            continue
        depth += (mark in "[{") - (mark in "]}")
        place += 1
    return depth, quote if quote is not None and len(quote) == 3 else None
