"""Lines of numbers, with errors that name file and line."""

from pathlib import Path

import numpy as np

from ase_mag.io.text_file import read_lines

_COMMENT = ("#", "%", "*", "=", "!")


def number(text):
    """Return a float from Fortran's notation (1.0d-16 too).

    Raises
    ------
    ValueError
        If the text is no number.
    """
    return float(text.lower().replace("d", "e"))


def rows(path, columns, what):
    """Return (line number, tokens) of all lines that are neither empty nor comments.

    Parameters
    ----------
    path : Path
    columns : int, how many tokens a line must have at least; the first so many must be numbers.
    what : str, what a line holds, for messages.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line is too short or holds something else than numbers, naming it.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist, which inpsd.dat names for {what}")
    out = []
    for place, line in enumerate(read_lines(path), start=1):
        tokens = line.split()
        if not tokens or tokens[0].startswith(_COMMENT):
            continue
        if len(tokens) < columns:
            raise ValueError(
                f"{path}, line {place}: {what} needs {columns} columns, got {len(tokens)}: "
                f"{line.strip()!r}"
            )
        try:
            values = [number(token) for token in tokens[:columns]]
        except ValueError:
            raise ValueError(
                f"{path}, line {place}: {what} needs {columns} numbers, got {line.strip()!r}"
            ) from None
        if not np.isfinite(values).all():
            raise ValueError(f"{path}, line {place}: not finite, {line.strip()!r}")
        out.append((place, tokens))
    return out


def index(path, place, token, least=1, most=None):
    """Return a whole number, 1 based, as an index from 0."""
    value = number(token)
    if value != int(value) or value < least or (most is not None and value > most):
        allowed = f"from {least}" + ("" if most is None else f" to {most}")
        raise ValueError(f"{path}, line {place}: expected a whole number {allowed}, got {token}")
    return int(value) - 1
