"""Named parameter sets: the numbers of their sources, and saved models."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models, testing, units
from ase_mag.core import Model, PairGraph, storage
from ase_mag.fitting.trainable import TrainableParts

NAMES = [
    "FeHL-1",
    "Fe-Mendelev2003",
    "Fe-DudarevDerlet2005",
    "Fe-UppASD",
    "Co-UppASD",
    "Fe-SPILADY-exchange",
    "Fe-SPILADY-Landau",
    "Fe-LAMMPS",
    "SOSO-eq43",
    "FeAlHL-1",
    "Fe-MSLP-FeHL1",
    "Fe-MSLP-ABINIT",
]


def test_names():
    assert models.named() == NAMES
    models.named().clear()
    assert models.named() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_set(name, tmp_path):
    model = models.named(name)
    assert isinstance(model, Model)
    assert models.named(name) is not model
    entry = models.describe(name)
    assert entry.species == model.species
    assert str(entry).startswith(f"{name}: ")
    assert entry.source in str(entry)
    testing.check_model(model)
    model.save(tmp_path / "model.npz")
    loaded = models.load(tmp_path / "model.npz")
    structure = testing.structures.Structure.of(testing.example(model.species))
    ours, theirs = structure.response(model), structure.response(loaded)
    assert (ours.energies == theirs.energies).all()
    assert (ours.magforces == theirs.magforces).all()
    assert (ours.forces == theirs.forces).all()


def test_synthetic_set_says_so():
    for name in ("FeHL-1", "FeAlHL-1"):
        assert "SYNTHETIC" in str(models.describe(name))
    assert "NOT BOUNDED" in str(models.describe("Fe-SPILADY-Landau"))


def shell_couplings(name, atoms):
    """Return distances and J (eV/mu_B^2) of the shells around atom 0."""
    model = models.named(name)
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    first = graph.offsets[1]
    r = graph.distances[:first].round(6)
    j = model.bilinear(graph).exchange[:first]
    shells = np.unique(r)
    return shells, np.array([j[r == x].mean() for x in shells]), j.sum()


def test_uppasd_iron():
    r, j, total = shell_couplings("Fe-UppASD", bulk("Fe", a=2.8665))
    factor = 2 * units.Ry * 1e-3 / 2.23**2
    values = np.array([1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658])
    np.testing.assert_allclose(r / 2.8665, np.sqrt([0.75, 1, 2, 2.75]), atol=1e-6)
    np.testing.assert_allclose(j, factor * values, rtol=1e-12)
    assert abs(total / factor - 12.409800659) < 1e-9


def test_uppasd_cobalt():
    r, j, total = shell_couplings("Co-UppASD", bulk("Co", "fcc", a=3.544))
    factor = 2 * units.Ry * 1e-3 / 1.56**2
    np.testing.assert_allclose(r / 3.544, np.sqrt([0.5, 1, 1.5, 2, 2.5]), atol=1e-6)
    values = [0.918607, 0.069227, 0.106665, -0.095576, 0.029369]
    np.testing.assert_allclose(j, factor * np.array(values), rtol=1e-12)
    mean_field = 2 / 3 * (total / factor) * units.Ry * 1e-3 / units.kB
    assert abs(mean_field - 1427) < 0.5


@pytest.mark.parametrize(
    ("name", "a", "factor", "first", "second", "digits"),
    [
        ("Fe-SPILADY-exchange", 2.8665, 1 / units.g_electron**2, 33.598, 11.377, 5e-4),
        ("Fe-LAMMPS", 2.8665, 2 / 2.2**2, 19.4768, 11.0860, 5e-5),
        ("SOSO-eq43", 2.83, 2 / 2.23**2, 18.749, 10.075, 5e-4),
    ],
)
def test_exchange_of_two_shells(name, a, factor, first, second, digits):
    r, j, _ = shell_couplings(name, bulk("Fe", a=a))
    np.testing.assert_allclose(r[:2] / a, np.sqrt([0.75, 1]), atol=1e-6)
    np.testing.assert_allclose(1e3 * j[:2] / factor, [first, second], rtol=0, atol=digits)


def test_trained_sets_are_not_fitted_in_place():
    model = models.named("Fe-MSLP-FeHL1")
    landau = models.Landau("Fe", a=-0.1, b=0.02)
    assert TrainableParts(model + landau).n_parameters == 2
    further = model.trainable()
    further.parameters = 1.01 * further.parameters
    assert (further.parameters != model.trainable().parameters).all()
    assert model.metadata["reference"].startswith("FeHL-1 + ")
    with pytest.raises(
        ValueError, match=r"no trained potential is called 'x'; there are \['Fe-MSLP"
    ):
        models.TrainedPotential("x")


def test_unknown_name():
    message = (
        r"no parameter set called 'Fe-HL1'; available are FeHL-1, .*, Fe-MSLP-\w+ \(models\.load"
    )
    for function in (models.named, models.describe):
        with pytest.raises(ValueError, match=message):
            function("Fe-HL1")


def test_load_refuses_what_is_not_a_model(tmp_path):
    with pytest.raises(FileNotFoundError):
        models.load(tmp_path / "missing.npz")
    path = tmp_path / "text.npz"
    path.write_text("not a model")
    with pytest.raises(ValueError, match=r"text\.npz is not a file that ase_mag saved"):
        models.load(path)
    storage.save(models.cubic(1.0, 3.0), path)
    with pytest.raises(
        ValueError, match="holds an object of type PiecewisePolynomial, not a model"
    ):
        models.load(path)
