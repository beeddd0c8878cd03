"""Text files read line by line, with errors that name file and line."""

import warnings
from pathlib import Path

import numpy as np


def read_lines(path, errors="strict"):
    """Return the lines of a text file in UTF-8, without ends.

    Warns
    -----
    UserWarning
        If the last line has no end: a number in it may have been cut off.
    """
    text = Path(path).read_text(encoding="utf-8", errors=errors)
    warn_if_cut(path, text)
    return text.splitlines()


def warn_if_cut(path, text):
    """Warn if ``text``, the last of a file, does not end as a line does."""
    if text.strip() and not text.endswith("\n"):
        warnings.warn(
            f"the last line of {path} has no end: if the file was cut off there, its last number "
            "is too short; if it is whole, add a line break",
            UserWarning,
            stacklevel=4,
        )


class TextFile:
    """The lines of a file and a place in them.

    Parameters
    ----------
    path : path of a file in UTF-8.
    errors : str, what is done with bytes that are no text, see ``open``.

    Attributes
    ----------
    path : Path
    lines : list of str, without ends.
    place : int, the line that was read last, from 1; 0 at the start.
    """

    def __init__(self, path, errors="strict"):
        self.path = Path(path)
        self.lines = read_lines(self.path, errors)
        self.place = 0

    def next(self, what):
        """Return the next line, stripped.

        Raises
        ------
        ValueError
            At the end of the file, which says ``what`` is missing.
        """
        if self.place >= len(self.lines):
            raise self._end(what)
        self.place += 1
        return self.lines[self.place - 1].strip()

    def _end(self, what):
        return ValueError(
            f"{self.path} ends after line {self.place}, where {what} should follow: the file is "
            "cut off"
        )

    def next_filled(self, what):
        """Return the next line that is not empty, stripped."""
        while not (line := self.next(what)):
            pass
        return line

    def ended(self):
        """Return whether only empty lines follow."""
        return not any(line.strip() for line in self.lines[self.place :])

    def error(self, message):
        """Return a ValueError about the line that was read last."""
        return ValueError(f"{self.path}, line {self.place}: {message}")

    def numbers(self, words, count, what):
        """Return the first ``count`` words as finite numbers, a float array.

        Raises
        ------
        ValueError
            If there are fewer, or other things than finite numbers.
        """
        try:
            values = np.array([float(word) for word in words[:count]])
        except ValueError:
            values = np.array([np.nan])
        if len(values) != count or not np.isfinite(values).all():
            raise self.error(
                f"{what} needs {count} number{'s' * (count > 1)}, got {' '.join(words)!r}"
            )
        return values

    def whole(self, word, what, least=0, most=None):
        """Return a whole number between limits, an int."""
        try:
            value = int(word)
        except ValueError:
            value = None
        if value is None or value < least or (most is not None and value > most):
            allowed = f"from {least}" + ("" if most is None else f" to {most}")
            raise self.error(f"{what} must be a whole number {allowed}, got {word!r}")
        return value

    def table(self, count, columns, what):
        """Return the next ``count`` lines, which have the same columns, as a float array.

        Parameters
        ----------
        count : int, lines. columns : tuple of int, the numbers of columns that are allowed.
        what : str, one line of the table, for messages.

        Raises
        ------
        ValueError
            If lines are missing, or one has other columns or no numbers.
        """
        found = [self.next(what).split() for _ in range(count)]
        first = self.place - count
        for k, words in enumerate(found):
            if len(words) not in columns or len(words) != len(found[0]):
                self.place = first + k + 1
                raise self.error(
                    f"{what} needs {' or '.join(map(str, columns))} columns (all lines the same), "
                    f"got {len(words)}: {' '.join(words)!r}"
                )
        try:
            values = np.array([[float(word) for word in words] for words in found])
            values = values.reshape(count, -1)
        except ValueError:
            values = np.full((count, 1), np.nan)
        if not np.isfinite(values).all():
            for k, words in enumerate(found):
                self.place = first + k + 1
                self.numbers(words, len(words), what)
        return values


class TextStream(TextFile):
    """As :class:`TextFile`, for long files: one line at a time is in memory, there are no tables.

    Use it in a ``with`` statement, which closes the file.
    """

    def __init__(self, path):
        self.path, self.place = Path(path), 0
        self._file = self.path.open(encoding="utf-8")
        self._ahead = []

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def next(self, what):
        line = self._ahead.pop(0) if self._ahead else self._file.readline()
        if not line:
            raise self._end(what)
        warn_if_cut(self.path, line)
        self.place += 1
        return line.strip()

    def ended(self):
        if any(line.strip() for line in self._ahead):
            return False
        while line := self._file.readline():
            self._ahead.append(line)
            if line.strip():
                return False
        return True
