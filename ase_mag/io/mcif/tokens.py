"""Data blocks of CIF files, with the lines of their values."""

import re
from dataclasses import dataclass, field

from ase_mag.io.text_file import TextFile

#: A quoted string ends at a quote before white space or the end of the line.
_TOKEN = re.compile(r"'(.*?)'(?=\s|$)|\"(.*?)\"(?=\s|$)|(\#.*)|(\S+)")


@dataclass
class Block:
    """A data block: names in lower case, with dots as in the dictionary replaced by underscores.

    Attributes
    ----------
    name : str. values : dict from name to (str, line). loops : list of dicts from name to list of
    (str, line).
    """

    name: str
    values: dict = field(default_factory=dict)
    loops: list = field(default_factory=list)

    def loop(self, *names):
        """Return the loop with the first of these names that is there (and that name), or None."""
        for name in names:
            for loop in self.loops:
                if name in loop:
                    return loop, name
            if name in self.values:
                return {key: [value] for key, value in self.values.items()}, name
        return None


def read_blocks(path):
    """Return the data blocks of a file.

    Raises
    ------
    ValueError
        For what is no CIF, naming file and line, and loops that are cut off.
    """
    file = TextFile(path, errors="replace")
    tokens = _tokens(file)
    blocks, k = [], 0
    while k < len(tokens):
        text, line, quoted = tokens[k]
        file.place = line
        word = "" if quoted else text.lower()
        if word.startswith("data_"):
            blocks.append(Block(text[5:]))
            k += 1
            continue
        if not blocks:
            raise file.error(f"expected data_<name> first, got {text!r}")
        if word == "loop_":
            k = _loop(file, tokens, k + 1, blocks[-1])
        elif word.startswith("_"):
            if k + 1 == len(tokens) or _is_key(tokens[k + 1]):
                raise file.error(f"{text} has no value")
            blocks[-1].values[_name(word)] = tokens[k + 1][:2]
            k += 2
        else:
            raise file.error(f"expected a name that begins with _, or loop_, got {text!r}")
    if not blocks:
        raise ValueError(f"{path} holds no data block")
    return blocks


def _name(word):
    return word.replace(".", "_")


def _is_key(token):
    text, _, quoted = token
    return not quoted and (
        text.startswith("_") or text.lower() == "loop_" or text.lower().startswith("data_")
    )


def _loop(file, tokens, k, block):
    names = []
    while k < len(tokens) and not tokens[k][2] and tokens[k][0].startswith("_"):
        names.append(_name(tokens[k][0].lower()))
        k += 1
    start = k
    while k < len(tokens) and not _is_key(tokens[k]):
        k += 1
    values = [token[:2] for token in tokens[start:k]]
    if not names or not values or len(values) % len(names):
        file.place = tokens[k - 1][1]
        raise file.error(
            f"the loop over {', '.join(names) or 'nothing'} has {len(values)} values, which are no "
            "whole rows: the file is cut off or a value is missing"
        )
    block.loops.append({name: values[n :: len(names)] for n, name in enumerate(names)})
    return k


def _tokens(file):
    """Return (text, line, whether quoted) of all words."""
    out, lines, k = [], file.lines, 0
    while k < len(lines):
        if lines[k].startswith(";"):
            start = k
            k += 1
            while k < len(lines) and not lines[k].startswith(";"):
                k += 1
            if k == len(lines):
                file.place = start + 1
                raise file.error("the text that begins here with ; has no end")
            out.append(("\n".join([lines[start][1:], *lines[start + 1 : k]]), start + 1, True))
        else:
            for match in _TOKEN.finditer(lines[k]):
                if match[3] is None:
                    quoted = match[4] is None
                    text = (
                        match[4] if not quoted else match[1] if match[1] is not None else match[2]
                    )
                    out.append((text, k + 1, quoted))
        k += 1
    return out
