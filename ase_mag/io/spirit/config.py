"""Config files of Spirit: keywords and tables."""

from pathlib import Path

from ase_mag.io.text_file import TextFile


class Config(TextFile):
    """A config file: a line is a keyword with values, a # begins a comment, | and + are blanks.

    Where a keyword appears twice the first one counts, as in Spirit.
    """

    def __init__(self, path):
        super().__init__(path, errors="replace")
        self.words = []
        for place, line in enumerate(self.lines, start=1):
            words = line.replace("|", "").replace("+", "").partition("#")[0].split()
            if words:
                self.words.append((place, words))

    def find(self, key):
        """Return the place of a keyword among the lines with words, or None."""
        for k, (place, words) in enumerate(self.words):
            if words[0].lower() == key:
                self.place = place
                return k
        return None

    def __contains__(self, key):
        return self.find(key) is not None

    def values(self, key, count, default=None):
        """Return the first ``count`` numbers after a keyword, a float array, or the default."""
        k = self.find(key)
        return default if k is None else self.numbers(self.words[k][1][1:], count, key)

    def value(self, key, default):
        """Return the number after a keyword, or the default."""
        found = self.values(key, 1)
        return default if found is None else float(found[0])

    def word(self, key, default):
        """Return the word after a keyword in lower case, or the default."""
        k = self.find(key)
        if k is None:
            return default
        if len(self.words[k][1]) < 2:
            raise self.error(f"{key} has no value")
        return self.words[k][1][1].lower()

    def rows(self, start, count, columns, what):
        """Return the numbers of lines from place ``start``, a list of (line, (columns,) array)."""
        out = []
        for k in range(start, start + count):
            if k >= len(self.words):
                raise ValueError(
                    f"{self.path} ends after line {len(self.lines)}, where {what} "
                    f"{k - start + 1} of {count} should follow: the file is cut off"
                )
            self.place, words = self.words[k]
            out.append((self.place, self.numbers(words, columns, what)))
        return out

    def table(self, count_key, file_key, what):
        """Return (file, columns, rows) of a table with a line of column names, or None.

        It follows ``count_key`` in this file, or is in the file that ``file_key`` names (with
        ``count_key``, or from the first line to the last).
        """
        file = self
        if count_key not in self:
            k = self.find(file_key)
            if k is None:
                return None
            if len(self.words[k][1]) < 2:
                raise self.error(f"{file_key} names no file")
            path = Path(self.words[k][1][1])
            near = self.path.parent / path
            if not (near.is_file() or path.is_file()):
                raise self.error(f"{path} does not exist, which {file_key} names")
            file = Config(near if near.is_file() else path)
        k = file.find(count_key)
        if k is None:
            start, count = 1, len(file.words) - 1
        else:
            words = file.words[k][1]
            start, count = k + 2, file.whole(words[1] if len(words) > 1 else "", count_key)
        if count < 1:
            return None
        if start > len(file.words):
            raise ValueError(f"{file.path} ends where the columns of {what} should follow")
        file.place, names = file.words[start - 1]
        names = [name.lower() for name in names]
        if "i" not in names:
            raise file.error(f"expected the names of the columns of {what}, got {names}")
        return file, names, file.rows(start, count, len(names), what)
