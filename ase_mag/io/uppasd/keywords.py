"""inpsd.dat: keywords with their values."""

from pathlib import Path

import numpy as np

from ase_mag.io.text_file import read_lines
from ase_mag.io.uppasd.tables import number

_COMMENT = ("#", "%", "*", "=", "!")
#: Keywords whose value is a count of lines that follow.
_COUNTED = ("ip_mcanneal", "ip_nphase", "ntraj", "lntraj")


class Keywords:
    """The content of inpsd.dat.

    A keyword is the first word of a line, in any case; the rest of the line are its values and
    perhaps a comment. Lines that begin with one of # % * = ! are comments. Where a keyword appears
    twice the last one counts.

    Parameters
    ----------
    path : path of the file.

    Attributes
    ----------
    path : Path
    values : dict from lower-case keyword to list of str, the words of its line.
    blocks : dict from keyword to list of lists of str, the lines that belong to it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the cell has not three rows of three numbers, or a block ends too early.
    """

    def __init__(self, path):
        self.path = Path(path)
        lines = [(place, line.split()) for place, line in enumerate(read_lines(self.path), start=1)]
        lines = [(k, words) for k, words in lines if words and not words[0].startswith(_COMMENT)]
        self.values, self.blocks, self._places = {}, {}, {}
        lines.reverse()
        while lines:
            place, (word, *rest) = lines.pop()
            key = word.lower()
            self.values[key], self._places[key] = rest, place
            count = 0
            if key == "cell":
                count = 2
            elif key in _COUNTED and rest and rest[0].isdigit():
                count = int(rest[0])
            if len(lines) < count:
                raise ValueError(
                    f"{self.path}, line {place}: {word} needs {count} more lines, but the file "
                    f"ends after {len(lines)}"
                )
            self.blocks[key] = [lines.pop()[1] for _ in range(count)]

    def __contains__(self, key):
        return key in self.values

    def word(self, key, default=None):
        """Return the first word of a keyword, or the default."""
        found = self.values.get(key)
        return found[0] if found else default

    def numbers(self, key, count, default=None):
        """Return the first ``count`` numbers of a keyword, a float array, or the default.

        Raises
        ------
        ValueError
            If they are no numbers.
        """
        if key not in self.values:
            return None if default is None else np.array(default, dtype=float)
        try:
            return np.array([number(word) for word in self.values[key][:count]]).reshape(count)
        except ValueError:
            raise ValueError(
                f"{self.path}, line {self._places[key]}: {key} needs {count} "
                f"number{'s' * (count > 1)}, got {' '.join(self.values[key][:count]) or 'none'}"
            ) from None

    def number_or_none(self, key):
        """Return a number, or None if the file has none there (names that a script replaces)."""
        try:
            found = self.numbers(key, 1)
        except ValueError:
            return None
        return None if found is None else float(found[0])

    def choice(self, key, allowed, default):
        """Return one of the allowed words (upper case)."""
        word = self.word(key, default).upper()
        if word not in allowed:
            raise ValueError(
                f"{self.path}, line {self._places[key]}: {key} is {word!r}, but ase_mag knows "
                f"{', '.join(allowed)} only"
            )
        return word

    @property
    def cell(self):
        """The three lattice vectors, (3, 3) float array, in units of alat."""
        if "cell" not in self.values:
            raise ValueError(f"{self.path} has no cell: give three lattice vectors")
        lines = [self.values["cell"], *self.blocks["cell"]]
        try:
            return np.array([[number(word) for word in line[:3]] for line in lines]).reshape(3, 3)
        except ValueError:
            raise ValueError(
                f"{self.path}, line {self._places['cell']}: cell needs three rows of three "
                f"numbers, got {[' '.join(line[:3]) for line in lines]}"
            ) from None
