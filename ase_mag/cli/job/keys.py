"""Keys of a job file: their type, unit, range and meaning, checked one by one."""

import dataclasses
from difflib import get_close_matches
from math import isfinite

from ase_mag.cli.job.errors import InputError

#: The default of keys that must be given.
REQUIRED = dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type of value: what it is called, and a function that says whether a value has it."""

    name: str
    holds: object

    def __or__(self, other):
        return Kind(f"{self.name} or {other.name}", lambda v: self.holds(v) or other.holds(v))


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _list_of(kind, size=None):
    def holds(value):
        right = isinstance(value, list) and all(kind.holds(item) for item in value)
        return right and (len(value) == size if size else len(value) > 0)

    return holds


NUMBER = Kind("a number", _is_number)
INTEGER = Kind("an integer", lambda v: isinstance(v, int) and not isinstance(v, bool))
FLAG = Kind("true or false", lambda v: isinstance(v, bool))
TEXT = Kind("a text", lambda v: isinstance(v, str) and v != "")
PATH = Kind("a file name", TEXT.holds)
NUMBERS = Kind("a list of numbers", _list_of(NUMBER))
INTEGERS = Kind("a list of integers", _list_of(INTEGER))
TEXTS = Kind("a list of texts", _list_of(TEXT))
PATHS = Kind("a list of file names", _list_of(PATH))
VECTOR = Kind("three numbers", _list_of(NUMBER, 3))
VECTORS = Kind("a list of three numbers for each atom", _list_of(VECTOR))
WINDOW = Kind("two numbers", _list_of(NUMBER, 2))
WEIGHTS = Kind(
    "a table { energy = 1.0, forces = 0.01, stress = 0.001, magforces = 0.1 } of numbers",
    lambda v: isinstance(v, dict) and len(v) > 0 and all(_is_number(w) for w in v.values()),
)
REPEATS = Kind("three integers", _list_of(INTEGER, 3))
SETTINGS = Kind(
    "a table { name = value, ... }", lambda v: isinstance(v, dict) and all(k != "" for k in v)
)
ITERATIONS = Kind(
    "a table { nonmagnetic = 150, bulk = 100, network = 200, together = 200 } of integers",
    lambda v: isinstance(v, dict) and len(v) > 0 and all(INTEGER.holds(n) for n in v.values()),
)


@dataclasses.dataclass(frozen=True)
class Rule:
    """What a key may be.

    Attributes
    ----------
    kind : Kind
    doc : str, one line. unit : str.
    allowed : tuple of values, or empty. above, least, most : float or None, bounds of numbers
        (``above`` itself is not allowed).
    argument : str, what the library calls it; '' is the name of the key. factor : float, from the
        unit of the key to that of the argument.
    """

    kind: Kind
    doc: str
    unit: str = ""
    allowed: tuple = ()
    above: float | None = None
    least: float | None = None
    most: float | None = None
    argument: str = ""
    factor: float | None = None

    def expected(self):
        """Return in words what is allowed."""
        words = [self.kind.name]
        if self.allowed:
            words = [", ".join(_toml(value) for value in self.allowed)]
        for text, bound in (("above", self.above), ("at least", self.least), ("most", self.most)):
            if bound is not None:
                words.append(f"{'at most' if text == 'most' else text} {bound:g}")
        return " ".join(words) + (f", in {self.unit}" if self.unit else "")

    def accepts(self, value):
        """Return whether a value is allowed."""
        if not self.kind.holds(value):
            return False
        if self.allowed and not any(value == a and type(value) is type(a) for a in self.allowed):
            return False
        return all(self._in_range(number) for number in _numbers(value))

    def _in_range(self, number):
        return (
            (self.above is None or number > self.above)
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
        )


def key(kind, doc, *, default=REQUIRED, **rule):
    """Return the dataclass field of a key; ``default=None`` leaves the choice to the library."""
    return dataclasses.field(
        default=default, kw_only=True, metadata={"rule": Rule(kind, doc, **rule)}
    )


def rules(section):
    """Return {name: (Rule, default)} of the keys of a section class."""
    return {f.name: (f.metadata["rule"], f.default) for f in dataclasses.fields(section)}


def check(section, values, place):
    """Return the section with these values.

    Parameters
    ----------
    section : dataclass whose fields are made by :func:`key`.
    values : dict
    place : function from a key (None: the section itself) to the beginning of a message.

    Raises
    ------
    InputError
        For unknown keys (naming the nearest one), values that are not allowed, and missing keys.
    """
    known = rules(section)
    for name, value in values.items():
        if name not in known:
            raise InputError(f"{place(name)}: {name} is unknown; {suggestion(name, known)}")
        rule = known[name][0]
        if not rule.accepts(value):
            raise InputError(
                f"{place(name)}: {name} is {_toml(value)}; allowed is {rule.expected()}"
            )
    for name, (rule, default) in known.items():
        if default is REQUIRED and name not in values:
            raise InputError(f"{place(None)}: {name} is missing: {rule.doc} ({rule.expected()})")
    return section(**values)


def suggestion(name, known):
    """Return a half sentence with the known name that is nearest to ``name``, or with all."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    near = near or [k for k in known if k.startswith(name) or name.startswith(k)][:1]
    stem = name.split("_")[0]
    near = near or [k for k in known if k.split("_")[0] == stem][:1]  # in another unit
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def arguments(section, only=None):
    """Return the given keys of a section as arguments of the library, in its units.

    Keys that are None are left out; ``only``: names of keys, default all.
    """
    found = {}
    for name, (rule, _) in rules(type(section)).items():
        value = getattr(section, name)
        if value is not None and (only is None or name in only):
            found[rule.argument or name] = value if rule.factor is None else value * rule.factor
    return found


def table(section):
    """Return the keys of a section as rows of text: name, value with unit, default, meaning."""
    rows = []
    for name, (rule, default) in rules(section).items():
        shown = "required" if default is REQUIRED else "" if default is None else _toml(default)
        rows.append((name, rule.expected(), shown, rule.doc))
    return rows


def _numbers(value):
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item)]
    return [value] if _is_number(value) else []


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
