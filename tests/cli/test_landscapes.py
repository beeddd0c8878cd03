"""ase-mag landscapes: the table and predictor of the library, and refusals."""

import csv

import ase.io
import numpy as np
import pytest
from ase.build import bulk

from ase_mag import lsf, models, reference, set_moments
from ase_mag.cli import main

JOB = """\
version = 1
seed = 5

[structure]
bulk = "Fe"
a_angstrom = 2.877
repeat = 2
moments = 2.0

[model]
name = "FeHL-1"

[landscapes]
count = 2
displacement_angstrom = 0.15
sizes = 5

[predictor]
descriptor = "invariant"
regularization = 1e-5
folds = 4
"""


def test_the_table_and_the_predictor_are_those_of_the_library(shell, write_job, tmp_path):
    write_job(JOB)
    text = shell("landscapes", "job.toml").stdout
    assert "32 landscapes E(m) = a m^2 + b m^4 of 2 frames" in text
    assert "Mean absolute errors, 4-fold cross-validation" in text
    atoms = bulk("Fe", a=2.877, cubic=True) * (2, 2, 2)
    set_moments(atoms, 2.0)
    frames = lsf.snapshots(atoms, displacement=0.15, count=2, rng=5)
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    expected = lsf.landscapes(frames, calculator, sizes=5, progress=False)
    table = lsf.LandscapeTable.load(tmp_path / "job.landscapes.npz")
    for name in ("a", "b", "energies"):
        np.testing.assert_array_equal(getattr(table, name), getattr(expected, name))
    with (tmp_path / "job.landscapes.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) == 1 + 32
    predictor = lsf.LsfPredictor(descriptor="invariant", regularization=1e-5).fit(expected)
    saved = lsf.LsfPredictor.load(tmp_path / "job.predictor.npz")
    np.testing.assert_allclose(saved.predict(frames[0]), predictor.predict(frames[0]), rtol=1e-12)


def test_frames_of_a_file_and_resumed(write_job, tmp_path, capsys):
    atoms = bulk("Fe", cubic=True)
    set_moments(atoms, 2.0)
    ase.io.write(tmp_path / "f.extxyz", lsf.snapshots(atoms, displacement=0.1, count=3, rng=1))
    text = (
        'version = 1\n[model]\nname = "FeHL-1"\n[landscapes]\nframes = "f.extxyz"\n'
        "sizes = [0.5, 1.5, 2.0, 2.5]\norder = 6\nbackground = 'nonmagnetic'\n"
    )
    job = write_job(text)
    assert main(["landscapes", job]) == 0
    assert "6 landscapes" in capsys.readouterr().out
    assert main(["landscapes", job]) == 2
    assert "exist already: go on with --resume" in capsys.readouterr().err
    assert main(["landscapes", job, "--resume", "--quiet"]) == 0
    write_job(text, [("order = 6", "order = 4")])
    assert main(["landscapes", job, "--resume"]) == 2
    assert "belongs to a run with order = 6, not 4" in capsys.readouterr().err
    assert main(["landscapes", job, "--overwrite", "--quiet"]) == 0
    write_job(text + "count = 3\n")
    assert main(["landscapes", job, "--overwrite"]) == 2
    assert "count is for frames that are made, but frames" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (("sizes = 5", "sizes = 2"), "line 13, [landscapes]: "),
        (("sizes = 5", "window_muB = [0.5]"), "window_muB is [0.5]; allowed is two numbers at le"),
        (("moments = 2.0", "moments = 0"), "line 13, [landscapes]: "),
        (("seed = 5\n", ""), "has no seed, but "),
        (('"invariant"', "7"), 'descriptor is 7; allowed is 1, 2, 3, "invariant"'),
        (("[structure]", "[potential]"), "bulk is unknown"),
        (("folds = 4", "folds = 99"), "line 18, [predictor]: "),
    ],
)
def test_wrong_input(replacement, message, write_job, capsys):
    assert main(["landscapes", write_job(JOB, [replacement]), "--quiet"]) == 2
    assert message in capsys.readouterr().err


def test_the_example_of_the_help_runs(example_of, write_job, tmp_path):
    replacements = [("count = 14", "count = 1"), ("repeat = 3", "repeat = 2")]
    assert main(["landscapes", write_job(example_of("landscapes"), replacements), "--quiet"]) == 0
    assert (tmp_path / "job.predictor.npz").exists()


VASP = """\
version = 1
seed = 5

[structure]
bulk = "Fe"
a_angstrom = 2.877
moments = 2.0

[reference]
code = "vasp"
command = "true mpirun vasp_ncl"
directory = "runs"
settings = { xc = "PBE", kpts = [2, 2, 2], encut = 400.0, moment_tolerance = 0.02 }

[landscapes]
count = 1
directions = "ferro"
sizes = [1.6, 2.1, 2.6]
"""


def test_landscapes_of_vasp_are_those_of_the_physics_behind_it(vasp, write_job, tmp_path):
    assert main(["landscapes", write_job(VASP), "--quiet"]) == 0
    assert set(vasp) == {"true mpirun vasp_ncl"} and len(vasp) >= 6
    assert any((tmp_path / "runs").iterdir())
    found = lsf.LandscapeTable.load(tmp_path / "job.landscapes.npz")
    start, end = VASP.index("[reference]"), VASP.index("[landscapes]")
    model = VASP[:start] + '[model]\nname = "FeHL-1"\n\n' + VASP[end:]
    assert main(["landscapes", write_job(model, name="model.toml"), "--quiet"]) == 0
    expected = lsf.LandscapeTable.load(tmp_path / "model.landscapes.npz")
    np.testing.assert_allclose(found.energies, expected.energies, atol=1e-3)
    np.testing.assert_allclose(found.relaxed, expected.relaxed, atol=2e-3)


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (('code = "vasp"', 'code = "qe"'), 'code is "qe"; allowed is "abinit", "vasp", "model"'),
        (("encut = 400.0", "lnoncollinear = false"), "line 13, [reference]: "),
        (("encut = 400.0", "command = 'a'"), "command is a key of [reference], not of its setti"),
        (('code = "vasp"', 'code = "abinit"'), "command is for vasp; that of abinit is in section"),
        (('code = "vasp"', 'code = "model"'), "command belongs to abinit and vasp, not to the em"),
        (
            ("[reference]", '[model]\nname = "FeHL-1"\n[reference]'),
            "from vasp and from [model]: le",
        ),
        (("[landscapes]", '[executor]\nkind = "threads"\n[landscapes]'), '"processes", "dask"'),
        (
            ("[landscapes]", '[executor]\nkind = "processes"\nscheduler = "a"\n[landscapes]'),
            "line 17, [executor]: scheduler belongs to dask",
        ),
    ],
)
def test_wrong_references_and_executors(replacement, message, vasp, write_job, capsys):
    assert main(["landscapes", write_job(VASP, [replacement]), "--quiet"]) == 2
    assert message in capsys.readouterr().err


def test_executors_change_nothing(shell, write_job, tmp_path):
    """Two processes, from the shell; and a dask cluster that is there already."""
    text = JOB[: JOB.index("[predictor]")]
    write_job(text, name="one.toml")
    write_job(text + '[executor]\nkind = "processes"\nworkers = 2\n', name="two.toml")
    for name in ("one", "two"):
        shell("landscapes", f"{name}.toml", "--quiet")
    one, two = (lsf.LandscapeTable.load(tmp_path / f"{n}.landscapes.npz") for n in ("one", "two"))
    np.testing.assert_array_equal(one.energies, two.energies)
    np.testing.assert_array_equal(one.a, two.a)


@pytest.mark.slow
def test_a_running_dask_cluster(write_job, tmp_path):
    distributed = pytest.importorskip("distributed")
    text = JOB[: JOB.index("[predictor]")]
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        more = f'[executor]\nkind = "dask"\nscheduler = "{cluster.scheduler_address}"\n'
        assert main(["landscapes", write_job(text + more), "--quiet"]) == 0
    assert main(["landscapes", write_job(text, name="one.toml"), "--quiet"]) == 0
    one, two = (lsf.LandscapeTable.load(tmp_path / f"{n}.landscapes.npz") for n in ("one", "job"))
    np.testing.assert_array_equal(one.energies, two.energies)
