"""Lines of sections and keys in a TOML text."""

import pytest

from ase_mag.cli.job import InputError
from ase_mag.cli.job.text import parse

TEXT = '''\
version = 1   # a = 2

[structure]   # [model]
file = "a = [b.xyz"
moments = [
    [0, 0, 1],  # index = 3
    [0, 0, 2],
]
note = """
[dynamics]
steps = 5
"""
index = 0

  [ model ]
"name" = 'FeHL-1'
file = ["x#.npz", 'y'] # ]
species = ["Fe"]
dynamics.steps = 3
'''


def test_lines_are_those_of_the_keys_and_not_of_what_is_in_values():
    values, lines = parse(TEXT, "job.toml")
    assert values["structure"]["note"] == "[dynamics]\nsteps = 5\n"
    assert values["model"]["dynamics"] == {"steps": 3}
    assert lines == {
        ("version",): 1,
        ("structure",): 3,
        ("structure", "file"): 4,
        ("structure", "moments"): 5,
        ("structure", "note"): 9,
        ("structure", "index"): 13,
        ("model",): 15,
        ("model", "name"): 16,
        ("model", "file"): 17,
        ("model", "species"): 18,
        ("model", "dynamics", "steps"): 19,
    }


def test_a_text_that_is_not_toml_is_refused_with_its_line():
    with pytest.raises(InputError, match=r"job.toml is not a TOML file: .*line 2.*texts have quo"):
        parse("version = 1\nbulk = bcc\n", "job.toml")
