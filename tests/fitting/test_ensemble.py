"""Ensembles: means, spreads, and whether these are errors."""

import subprocess

import numpy as np
import pytest

import ase_mag
from ase_mag import fitting, models, testing
from ase_mag.core import PairGraph, get_moments
from ase_mag.core.storage import load
from ase_mag.fitting import Ensemble
from ase_mag.fitting.ensemble import resampled
from ase_mag.fitting.trainable import TrainableParts

from .conftest import labelled, structures
from .screened_model import ScreenedModel


@pytest.fixture
def members():
    rng = np.random.default_rng(1)
    values = ScreenedModel().parameters
    return [ScreenedModel(values * (1 + 0.1 * rng.normal(size=6))) for _ in range(4)]


def test_contract(members):
    testing.check_model(Ensemble(members))


def test_mean_and_spread_by_hand(members):
    ensemble, atoms = Ensemble(members), structures(1)[0]
    atoms.calc = ase_mag.MagneticCalculator(ensemble)
    energies, forces, magforces = [], [], []
    for member in members:
        single = atoms.copy()
        single.calc = ase_mag.MagneticCalculator(member)
        energies.append(single.get_potential_energy())
        forces.append(single.get_forces())
        magforces.append(single.calc.get_property("magforces", single))
    assert abs(atoms.get_potential_energy() - np.mean(energies)) < 1e-13
    np.testing.assert_allclose(atoms.get_forces(), np.mean(forces, axis=0), atol=1e-13)
    found = ensemble.uncertainty(atoms)
    assert found.energy == pytest.approx(np.std(energies, ddof=1), rel=1e-12)
    expected = np.sqrt(np.var(forces, axis=0, ddof=1).sum(axis=1))
    np.testing.assert_allclose(found.forces, expected, rtol=1e-12)
    expected = np.sqrt(np.var(magforces, axis=0, ddof=1).sum(axis=1))
    np.testing.assert_allclose(found.magforces, expected, rtol=1e-12)
    assert found.energies.shape == (4,) and (found.energies > 0).all()
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, ensemble.cutoff
    )
    assert ensemble.uncertainty(graph, get_moments(atoms)).energy == found.energy
    with pytest.raises(ValueError, match="a graph has no moments"):
        ensemble.uncertainty(graph)


def test_saved(members, tmp_path):
    Ensemble(members).save(tmp_path / "ensemble.npz")
    again, _ = load(tmp_path / "ensemble.npz")
    assert [m.parameters.tolist() for m in again.members] == [
        m.parameters.tolist() for m in members
    ]


def test_a_fresh_process_loads_it(tmp_path, strict_python, tree_environment):
    members = [models.Landau("Fe", a=a, b=0.02) for a in (-0.1, -0.2)]
    Ensemble(members).save(tmp_path / "ensemble.npz")
    code = "from ase_mag import models; print(len(models.load('ensemble.npz').members))"
    done = subprocess.run(
        [*strict_python, "-c", code],
        cwd=tmp_path,
        env=tree_environment,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr


def test_bootstrap_spread_is_the_error_of_least_squares():
    """Covariance of three parameters against (A^T A)^-1 A^T diag(r^2) A (A^T A)^-1, energies only.

    Resampled rows give this estimate of White (1980) for many rows, and for 60 rows something
    between it and its variant with r_k / (1 - h_k), the jackknife (MacKinnon and White, 1985). In
    the basis where either is the unit matrix, the mean of the three variances of 60 members is 1
    with the error sqrt(2/(3 * 59)) = 0.11.
    """
    model = models.Landau("Fe", a=-0.15, b=0.0192) + models.AtomicEnergies({"Fe": -8.0})
    atoms = [frame[:1] for frame in structures(60, repeat=(1, 1, 1))]
    data = fitting.read(labelled(atoms, model, noise=0.01)).without("forces")
    m2 = np.array([(get_moments(f) ** 2).sum() for f in atoms])
    a = np.column_stack([m2, m2**2, np.ones(60)])
    y = np.array([float(frame.labels["energy"]) for frame in data])
    residual = y - a @ np.linalg.lstsq(a, y, rcond=None)[0]
    inverse = np.linalg.inv(a.T @ a)
    leverage = np.einsum("ki,ij,kj->k", a, inverse, a)
    ensemble = fitting.ensemble(model, data, size=60, rng=1, weights={"energy": 1.0})
    values = np.array([TrainableParts(m).parameters for m in ensemble.members])
    values -= values.mean(axis=0)

    def ratio(residual):
        covariance = inverse @ (a.T * residual**2) @ a @ inverse
        return np.einsum("ki,ij,kj->", values, np.linalg.inv(covariance), values) / (3 * 59)

    assert ratio(residual) > 1 - 3 * 0.11
    assert ratio(residual / (1 - leverage)) < 1 + 3 * 0.11


def test_resampled_data(linear_data):
    data = resampled(linear_data.grouped(np.arange(12) // 2), np.random.default_rng(3))
    weights = {}
    for frame in data:
        weights.setdefault(frame.group, set()).add(frame.weight)
    assert all(len(found) == 1 for found in weights.values())  # whole groups
    assert sum(found.pop() for found in weights.values()) == 6  # as many groups as there are
    assert len(data) < 12


def test_members_differ_and_come_back(screened_data):
    options = {"size": 3, "rng": 5, "max_iterations": 2}
    for method in ("bootstrap", "start", "both"):
        start = ScreenedModel((0, 0, 0.1, 0, 0.5, 1.0))
        first = fitting.ensemble(start, screened_data[:5], method=method, **options)
        again = fitting.ensemble(start, screened_data[:5], method=method, **options)
        values = np.array([m.parameters for m in first.members])
        np.testing.assert_array_equal(values, [m.parameters for m in again.members])
        assert (values.std(axis=0) > 0).all() and len(first.reports) == 3
        assert start.parameters.tolist() == [0, 0, 0.1, 0, 0.5, 1.0]


def test_terms_choose_their_own_start(screened_data):
    class Choosing(ScreenedModel):
        def initial_parameters(self, rng):
            return np.append(np.zeros(4), rng.uniform(0.4, 1.1, size=2))

    ensemble = fitting.ensemble(
        Choosing(), screened_data, size=2, rng=1, method="start", max_iterations=0
    )
    values = [m.parameters[4:] for m in ensemble.members]
    expected = np.random.default_rng(1).uniform(0.4, 1.1, size=(2, 2))
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 1}, "size must be an integer of at least 2, got 1"),
        ({"rng": None}, "ensembles are random: give rng"),
        ({"method": "bagging"}, "method must be one of bootstrap, start, both, got 'bagging'"),
        ({"method": "start"}, "has linear parameters only, .*use method='bootstrap'"),
        ({"scatter": 0.0}, "scatter must be positive, got 0"),
        ({"checkpoint": "a.npz"}, "the members of an ensemble have no checkpoints"),
    ],
)
def test_bad_arguments(linear_model, linear_data, options, message):
    with pytest.raises(ValueError, match=message):
        fitting.ensemble(linear_model, linear_data, **({"rng": 1} | options))


def test_bad_members():
    with pytest.raises(ValueError, match="at least two members, got 1"):
        Ensemble([ScreenedModel()])
    with pytest.raises(ValueError, match="different species: Fe and Al"):
        Ensemble([ScreenedModel(), models.NonMagnetic("Al")])


def test_one_group_has_no_bootstrap(linear_data, linear_model):
    """The spread of equal samples would be zero, which looks like certainty."""
    one = linear_data.grouped(["run"] * len(linear_data))
    for method in ("bootstrap", "both"):
        with pytest.raises(ValueError, match="all 12 frames are of one group, 'run'"):
            fitting.ensemble(linear_model, one, 3, rng=0, method=method)
    with pytest.raises(ValueError, match="the training data are empty"):
        fitting.ensemble(linear_model, linear_data[:0], 3, rng=0)
    two = linear_data.grouped([k % 2 for k in range(12)])
    ensemble = fitting.ensemble(linear_model, two, 6, rng=0)
    assert ensemble.uncertainty(linear_data[0].atoms).energy > 0


def test_axis_of_the_members():
    """A member of moments along one axis makes the mean collinear, wherever it stands."""
    along = models.MomentTensorPotential("Fe", 2, 2, 4.0, axis=[1, 0, 0])
    vectors = models.NoncollinearMomentTensorPotential("Fe", 2, 2, 4.0)
    for members in ([along, vectors], [vectors, along]):
        assert Ensemble(members).moment_axis.tolist() == [1, 0, 0]
    assert Ensemble([vectors, vectors]).moment_axis is None
    with pytest.raises(ValueError, match="collinear models of different axes"):
        Ensemble([along, models.MomentTensorPotential("Fe", 2, 2, 4.0)])
