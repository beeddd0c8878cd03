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


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """A folder with frames of moment vectors: without moments, near the crystal, and others."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("vectors")
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    for name, size, shift in (
        ("nonmagnetic", 0.0, 0.1),
        ("bulk", 2.2, 0.02),
        ("others", 2.5, 0.15),
    ):
        frames = []
        for _ in range(10):
            atoms = bulk("Fe", a=2.86 * rng.uniform(0.96, 1.03), cubic=True)
            atoms.positions += rng.normal(scale=shift, size=(2, 3))
            moments = rng.normal(size=(2, 3))
            moments *= size * rng.uniform(0.5, 1) / np.linalg.norm(moments, axis=1)[:, None]
            set_moments(atoms, moments)
            frames.append(atoms)
        reference.campaign(frames, calculator, folder / f"{name}.extxyz", progress=False)
    return folder


def kind_job(kind, keys, fit):
    return (
        f'version = 1\nseed = 2\n[potential]\nkind = "{kind}"\nspecies = ["Fe"]\n{keys}\n'
        f'[fit]\ndata = "others.extxyz"\n{fit}\n'
    )


@pytest.mark.parametrize(
    ("kind", "keys", "make"),
    [
        (
            "noncollinear",
            "level = 6\ncutoff_angstrom = 4.0\nonsite = 2",
            lambda: models.NoncollinearMomentTensorPotential(
                ("Fe",), level=6, cutoff=4.0, onsite=2, rng=2
            ),
        ),
        (
            "spin-lattice",
            "cutoff_angstrom = 4.0\nhidden = [4]",
            lambda: models.SpinLatticePotential(("Fe",), cutoff=4.0, hidden=[4], seed=2),
        ),
        (
            "spin-orientation",
            'n_radial = 4\nl_max = 2\nwidth_angstrom = 0.6\nterms = ["exchange"]\n'
            "regularization = 1e-5\ncutoff_angstrom = 4.0",
            lambda: models.SpinOrientationPotential(("Fe",), 4.0, 4, 2, 0.6, regularization=1e-5),
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:.*along the moments", "ignore:the data determine")
def test_every_kind_is_the_fit_of_the_library(kind, keys, make, write_job, vectors, tmp_path):
    shutil.copy(vectors / "others.extxyz", tmp_path)
    assert main(["fit", write_job(kind_job(kind, keys, "max_iterations = 3")), "--quiet"]) == 0
    potential = make()
    fitting.fit(
        potential, fitting.read(tmp_path / "others.extxyz"), max_iterations=3, progress=False
    )
    saved = models.load(tmp_path / "job.model.npz")
    assert type(saved) is type(potential)
    np.testing.assert_allclose(saved.parameters, potential.parameters, rtol=1e-9)


@pytest.mark.filterwarnings("ignore:the data determine")
def test_four_stages_are_those_of_the_library(shell, write_job, vectors, tmp_path, capsys):
    shutil.copytree(vectors, tmp_path, dirs_exist_ok=True)
    counts = {"nonmagnetic": 3, "bulk": 3, "network": 3, "together": 2}
    table = ", ".join(f"{name} = {n}" for name, n in counts.items())
    text = kind_job("spin-lattice", "cutoff_angstrom = 4.0\nhidden = [4]", "") + (
        '[stages]\nnonmagnetic = "nonmagnetic.extxyz"\nbulk = "bulk.extxyz"\n'
        f"iterations = {{ {table} }}\n"
    )
    job = write_job(text)
    done = shell("fit", "job.toml")
    assert "RMSE, train" in done.stdout and "together" in done.stdout
    potential = models.SpinLatticePotential(("Fe",), cutoff=4.0, hidden=(4,), seed=2)
    sets = {name: fitting.read(tmp_path / f"{name}.extxyz") for name in ("nonmagnetic", "bulk")}
    found = fitting.fit_stages(
        potential, train=fitting.read(tmp_path / "others.extxyz"), iterations=counts,
        progress=False, **sets,
    )  # fmt: skip
    saved = models.load(tmp_path / "job.model.npz")
    np.testing.assert_allclose(saved.parameters, potential.parameters, rtol=1e-9)
    report = json.loads((tmp_path / "job.report.json").read_text())
    assert [stage["stage"] for stage in report] == list(counts)
    rmse = report[-1]["train"]["magforces"]["rmse"]
    assert rmse == pytest.approx(found["together"].train["magforces"].rmse, rel=1e-9)
    assert main(["fit", job]) == 2
    assert "exist already: go on with --resume" in capsys.readouterr().err
    assert main(["fit", job, "--resume", "--quiet"]) == 0
    again = models.load(tmp_path / "job.model.npz")
    np.testing.assert_array_equal(again.parameters, saved.parameters)
    for old, new, message in (
        ("together = 2", "togehter = 2", "line 11, [stages]: iterations names 'togehter'"),
        ("= 2 }", "= 2.5 }", "of integers"),
        ("[stages]", "patience = 3\n[stages]", "patience has no meaning in a fit in stages"),
        ('kind = "spin-lattice"', 'kind = "noncollinear"', "hidden does not belong to kind nonc"),
    ):
        assert main(["fit", write_job(text, [(old, new)]), "--overwrite", "--quiet"]) == 2
        assert message in capsys.readouterr().err
