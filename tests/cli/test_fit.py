"""ase-mag fit: the fit of the library, resumed, used by the next job, and refusals."""

import json
import shutil

import ase.io
import numpy as np
import pytest
from ase.build import bulk

from ase_mag import MagneticCalculator, fitting, models, reference, set_moments
from ase_mag.cli import main

JOB = """\
version = 1
seed = 4

[potential]
kind = "collinear"
species = ["Fe"]
level = 6
cutoff_angstrom = 4.0

[fit]
data = "frames.extxyz"
train_share = 0.75
weights = { energy = 1.0, forces = 0.01, magforces = 0.1 }
max_iterations = 12
"""


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A file of 16 labelled frames of two iron atoms."""
    rng = np.random.default_rng(0)
    frames = []
    for _ in range(16):
        atoms = bulk("Fe", a=2.86, cubic=True)
        atoms.set_cell(atoms.cell[:] * rng.normal(1, 0.01), scale_atoms=True)
        atoms.positions += rng.normal(scale=0.05, size=(2, 3))
        set_moments(atoms, rng.uniform(1.0, 2.6, size=2))
        frames.append(atoms)
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    path = tmp_path_factory.mktemp("labelled") / "frames.extxyz"
    reference.campaign(frames, calculator, path, progress=False)
    return path


@pytest.fixture
def frames(labelled, tmp_path):
    """The same file beside the job."""
    return shutil.copy(labelled, tmp_path)


def test_the_fit_is_that_of_the_library_and_of_a_resumed_one(shell, write_job, frames, tmp_path):
    write_job(JOB)
    text = shell("fit", "job.toml").stdout
    assert "12 training frames, 4 test frames; 12 iterations" in text
    train, test = fitting.read(frames).split(0.75, rng=4)
    potential = models.MomentTensorPotential(("Fe",), level=6, cutoff=4.0, rng=4)
    weights = {"energy": 1.0, "forces": 0.01, "magforces": 0.1}
    found = fitting.fit(potential, train, weights, test=test, max_iterations=12, progress=False)
    fitted = models.load(tmp_path / "job.model.npz")
    np.testing.assert_array_equal(fitted.parameters, potential.parameters)
    report = json.loads((tmp_path / "job.report.json").read_text())
    assert report["test"]["magforces"]["rmse"] == found.test["magforces"].rmse
    short = write_job(JOB, [("= 12", "= 5")], name="resumed.toml")
    assert main(["fit", short, "--quiet"]) == 0
    write_job(JOB, name="resumed.toml")
    assert main(["fit", short, "--resume", "--quiet"]) == 0
    resumed = models.load(tmp_path / "resumed.model.npz")
    np.testing.assert_array_equal(resumed.parameters, fitted.parameters)


def test_a_saved_potential_goes_on_and_is_a_model_of_other_jobs(write_job, frames, tmp_path):
    pytest.importorskip("matplotlib")
    text = JOB.replace("train_share = 0.75\n", "").replace("= 12", "= 2")
    job = write_job(text + 'figure = "parity.png"\n')
    assert main(["fit", job, "--quiet"]) == 0
    assert (tmp_path / "parity.png").stat().st_size > 5_000
    again = text[: text.index("kind")] + 'file = "job.model.npz"\n\n' + text[text.index("[fit]") :]
    job = write_job(again, name="again.toml")
    assert main(["fit", job, "--quiet"]) == 0
    first, second = (
        json.loads((tmp_path / f"{name}.report.json").read_text()) for name in ("job", "again")
    )
    assert second["n_train"] == 16
    assert second["history"][0][0] == pytest.approx(first["loss"], rel=1e-6)
    assert second["loss"] < first["loss"]
    relax = (
        'version = 1\n[structure]\nbulk = "Fe"\na_angstrom = 2.86\nmoments = 2\n'
        '[model]\nfile = "again.model.npz"\n[relax]\ncell = false\npositions = false\n'
    )
    assert main(["relax", write_job(relax, name="moments.toml"), "--quiet"]) in (0, 1)
    relaxed = ase.io.read(tmp_path / "moments.relaxed.traj")
    energy = relaxed.get_potential_energy()
    relaxed.calc = MagneticCalculator(models.load(tmp_path / "again.model.npz"))
    assert energy == pytest.approx(relaxed.get_potential_energy(), rel=1e-12)


def test_test_frames_that_are_training_frames_are_refused(write_job, frames, capsys):
    text = JOB.replace("train_share = 0.75", 'test = "frames.extxyz"')
    assert main(["fit", write_job(text), "--quiet"]) == 2
    assert "line 10, [fit]: 16 test frames are in the training data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("replacement", "message"),
    [
        (("energy = 1.0", "enrgy = 1.0"), "line 10, [fit]: "),
        (("energy = 1.0", "energy = 'a'"), "allowed is a table { energy = 1.0, forces = 0.01"),
        (("frames.extxyz", "none.extxyz"), "data is 'none.extxyz', but there is no such file"),
        (("0.75", "1.75"), "train_share is 1.75; allowed is a number above 0 at most 1"),
        (('kind = "collinear"\n', ""), "line 4, [potential]: one of file (a saved model) and kind"),
        (('species = ["Fe"]\n', ""), "species is missing: the chemical symbols that the potential"),
        (('["Fe"]', '["Al"]'), "line 10, [fit]: "),
        (("seed = 4\n", ""), "has no seed, but a new potential has random parameters"),
        (("[fit]\n", "[fit]\ntest = 'frames.extxyz'\n"), "train_share splits data, but test names"),
        (("level = 6", "level = 1"), "level is 1; allowed is an integer at least 2"),
    ],
)
def test_wrong_input(replacement, message, write_job, frames, capsys, tmp_path):
    assert main(["fit", write_job(JOB, [replacement]), "--quiet"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "job.model.npz").exists()


def test_the_example_of_the_help_is_complete(example_of, write_job, capsys):
    assert main(["fit", write_job(example_of("fit"))]) == 2
    assert "data is 'frames.extxyz', but there is no such file" in capsys.readouterr().err
