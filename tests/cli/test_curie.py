"""ase-mag curie: the search of the library, resumed, and its refusals."""

import pytest

from ase_mag import analysis, models
from ase_mag.cli import main
from ase_mag.cli.job import read
from ase_mag.cli.job.system import make_atoms

JOB = """\
version = 1
seed = 1

[structure]
bulk = "Fe"
a_angstrom = 2.8665
moments = 2.23

[model]
name = "Fe-UppASD"

[curie]
sizes = [2, 4]
temperatures_K = [700, 1100]
sweeps = 300
figure = "u4.png"
"""


@pytest.mark.filterwarnings("ignore:the runs of size")
def test_the_table_is_that_of_the_library_and_a_resumed_search_is_the_same(
    shell, write_job, tmp_path, capsys
):
    pytest.importorskip("matplotlib")
    job = write_job(JOB)
    text = shell("curie", "job.toml").stdout
    assert text.startswith("Curie temperature ")
    table = (tmp_path / "job.curie.txt").read_text()
    assert table in text
    assert (tmp_path / "u4.png").stat().st_size > 10_000
    # A checkpoint of other settings, another model or another seed would be refused.
    found = analysis.curie_temperature(
        make_atoms(read(job)),
        models.named("Fe-UppASD"),
        sizes=(2, 4),
        temperatures_K=(700, 1100),
        sweeps=300,
        rng=1,
        checkpoint=tmp_path / "job.curie.npz",
        progress=False,
    )
    first = table.splitlines()[0]
    assert first == str(found).splitlines()[0]
    assert main(["curie", job]) == 2
    assert "exist already: go on with --resume" in capsys.readouterr().err
    assert main(["curie", job, "--resume", "--quiet"]) == 0
    assert (tmp_path / "job.curie.txt").read_text().splitlines()[0] == first


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (("[2, 4]", "[3]"), "line 12, [curie]: sizes must be at least two different integers"),
        (("[2, 4]", "[3, 1]"), "line 13, [curie]: sizes is [3, 1]; allowed is a list of integers"),
        (("[700, 1100]", "[700]"), "temperatures_K is [700]; allowed is two numbers above 0, in K"),
        (("seed = 1\n", ""), "has no seed, but Monte Carlo is random"),
        (("moments = 2.23\n", "moments = 0\n"), "line 12, [curie]: "),
        (('"Fe-UppASD"', '"Fe-Mendelev2003"'), "line 12, [curie]: "),
        (("[curie]", "[output]"), "sizes is unknown; known are trajectory"),
    ],
)
def test_wrong_input(replacement, message, write_job, capsys, tmp_path):
    assert main(["curie", write_job(JOB, [replacement]), "--quiet"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "job.curie.txt").exists()


def test_the_example_of_the_help_is_a_job(example_of, write_job):
    job = read(write_job(example_of("curie")))
    assert job["curie"].sizes == [6, 10]
    assert make_atoms(job).get_initial_magnetic_moments().shape == (2, 3)
