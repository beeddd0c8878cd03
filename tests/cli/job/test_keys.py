"""Checks of single keys."""

from dataclasses import dataclass

import pytest

from ase_mag.cli.job import InputError
from ase_mag.cli.job.keys import (
    FLAG,
    INTEGER,
    NUMBER,
    NUMBERS,
    REPEATS,
    TEXT,
    VECTOR,
    VECTORS,
    WINDOW,
    arguments,
    check,
    key,
    table,
)


@dataclass(frozen=True)
class Section:
    """A section."""

    steps: int = key(INTEGER, "how many", least=1)
    time_fs: float = key(
        NUMBER, "how long", unit="fs", above=0, default=None, argument="time", factor=2.0
    )
    share: float = key(NUMBER, "which part", least=0, most=1, default=0.5)
    method: str = key(TEXT, "how", allowed=("fast", "good"), default=None)
    size: object = key(FLAG | TEXT, "which", allowed=(True, False, "both"), default=True)


def checked(**values):
    return check(Section, values, lambda name: f"{name}!")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (NUMBER, [1, 2.5, -1e-9], [True, "1", float("nan"), float("inf"), [1]]),
        (INTEGER, [0, -3], [1.0, False, "2"]),
        (FLAG, [True, False], [0, 1, "true"]),
        (NUMBERS, [[1], [1, 2.5]], [[], 1, ["a"], [[1]]]),
        (VECTOR, [[0, 0, 1.0]], [[0, 0], [0, 0, 0, 1]]),
        (VECTORS, [[[0, 0, 1.0]]], [[0, 0, 1], [[0, 0]]]),
        (WINDOW, [[1, 2]], [[1], [1, 2, 3]]),
        (INTEGER | REPEATS, [2, [1, 2, 3]], [[1, 2], 2.0, "2"]),
    ],
)
def test_kinds(kind, good, bad):
    assert all(kind.holds(value) for value in good)
    assert not any(kind.holds(value) for value in bad)


def test_values_and_defaults():
    section = checked(steps=3, time_fs=1.5)
    assert (section.steps, section.time_fs, section.share, section.size) == (3, 1.5, 0.5, True)


def test_arguments_have_the_names_and_units_of_the_library():
    assert arguments(checked(steps=3, time_fs=1.5)) == {
        "steps": 3,
        "time": 3.0,
        "share": 0.5,
        "size": True,
    }
    assert arguments(checked(steps=3, time_fs=1.5), ("time_fs", "method")) == {"time": 3.0}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps!: steps is 0; allowed is an integer at least 1"),
        ({"steps": True}, "steps!: steps is true; allowed is an integer at least 1"),
        ({"time_fs": 0}, "time_fs!: time_fs is 0; allowed is a number above 0, in fs"),
        ({"share": 2}, "share!: share is 2; allowed is a number at least 0 at most 1"),
        ({"method": "god"}, 'method!: method is "god"; allowed is "fast", "good"'),
        ({"size": 1}, 'size!: size is 1; allowed is true, false, "both"'),
        ({"stps": 1}, "stps!: stps is unknown; did you mean steps?"),
        ({"time": 1}, "time!: time is unknown; did you mean time_fs?"),
        ({"qqq": 1}, "qqq!: qqq is unknown; known are steps, time_fs, share, method, size"),
    ],
)
def test_wrong_values_say_what_is_allowed(values, message):
    with pytest.raises(InputError) as error:
        checked(**{"steps": 1} | values)
    assert str(error.value) == message


def test_a_missing_key_is_named_with_its_meaning():
    with pytest.raises(InputError, match=r"None!: steps is missing: how many \(an integer at"):
        checked()


def test_the_table_of_keys():
    assert table(Section)[:2] == [
        ("steps", "an integer at least 1", "required", "how many"),
        ("time_fs", "a number above 0, in fs", "", "how long"),
    ]
