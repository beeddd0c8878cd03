"""Streaming least squares against the full matrix."""

import numpy as np
import pytest

from ase_mag import fitting, models
from ase_mag.core import PairGraph, Trainable, get_moments
from ase_mag.fitting.gauss_newton import sketched
from ase_mag.fitting.linear import solve_linear
from ase_mag.fitting.loss import Loss
from ase_mag.fitting.trainable import TrainableParts

from .conftest import labelled, structures

WEIGHTS = {"energy": 1.0, "forces": 0.01, "stress": 0.001, "magforces": 0.1}


def full_matrix(parts, data, weights=WEIGHTS):
    """Return A and y of the whole data set, written out from the definition of the loss."""
    rows, right = [], []
    for frame in data:
        atoms = frame.atoms
        cutoff = parts.potential.cutoff
        graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, cutoff)
        moments = get_moments(atoms)
        design = parts.design(graph, moments)
        n = len(parts.linear)
        xx, yy, zz, yz, xz, xy = frame.labels["stress"]
        virial = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) * atoms.cell.volume
        for name, columns, label in (
            ("energy", design.energies.sum(axis=1), frame.labels["energy"]),
            ("forces", design.forces, frame.labels["forces"]),
            ("stress", design.virials.sum(axis=1), virial),
            ("magforces", design.magforces, frame.labels["magforces"]),
        ):
            root = np.sqrt(weights[name])
            rows.append(root * columns.reshape(n, -1).T)
            right.append(root * np.ravel(label))
    return np.vstack(rows), np.concatenate(right)


def test_equals_the_full_matrix(linear_model, linear_data):
    """Parameters, loss and orthogonality of the residual, against numpy's lstsq."""
    parts = TrainableParts(linear_model)
    a, y = full_matrix(parts, linear_data)
    expected = np.linalg.lstsq(a, y, rcond=None)[0]
    report = fitting.fit(linear_model, linear_data)
    np.testing.assert_allclose(parts.parameters, expected, rtol=1e-9)
    residual = y - a @ parts.parameters
    assert abs(report.loss / (residual @ residual / len(linear_data)) - 1) < 1e-10
    overlap = np.abs(a.T @ residual) / (np.linalg.norm(a, axis=0) * np.linalg.norm(residual))
    assert overlap.max() < 1e-10
    assert report.linear.orthogonality < 1e-10
    assert report.linear.rank == report.linear.n_linear == 7
    assert report.stopped == "linear least squares, solved" and report.iterations == 0


def test_own_data_give_the_parameters_back(linear_model):
    expected = TrainableParts(linear_model).parameters
    data = fitting.read(labelled(structures(), linear_model))
    parts = TrainableParts(linear_model)
    parts.parameters = np.zeros(7)
    report = fitting.fit(linear_model, data)
    np.testing.assert_allclose(parts.parameters, expected, rtol=1e-10)
    assert report.loss < 1e-22


def test_total_energies_do_not_cost_digits(linear_model):
    """Energies of 3385 eV per atom: the residual stays orthogonal."""
    shifted = linear_model + models.AtomicEnergies({"Fe": -3385.0})
    data = fitting.read(labelled(structures(), shifted, noise=0.01))
    report = fitting.fit(linear_model, data)
    assert report.linear.orthogonality < 1e-10
    assert abs(TrainableParts(linear_model).parameters[-1] + 3393.0) < 0.05


def test_terms_without_parameters_are_subtracted(linear_model):
    lattice = models.mendelev_2003()
    data = fitting.read(labelled(structures(), lattice + linear_model))
    expected = TrainableParts(linear_model).parameters
    potential = lattice + linear_model
    TrainableParts(potential).parameters = np.zeros(7)
    fitting.fit(potential, data)
    np.testing.assert_allclose(TrainableParts(potential).parameters, expected, rtol=1e-8)


def test_what_the_data_do_not_determine(linear_data):
    """Twice the same model: the smallest parameters, which are equal, and the same energies."""
    one = models.Landau("Fe", a=1.0, b=1.0) + models.AtomicEnergies({"Fe": 0.0})
    two = one + models.Landau("Fe", a=1.0, b=1.0)
    single = fitting.fit(one, linear_data)
    alone = one.terms[0].parameters
    with pytest.warns(UserWarning, match="the data determine 3 of 5 linear parameters"):
        double = fitting.fit(two, linear_data)
    assert double.linear.rank == 3 and double.linear.n_linear == 5
    found = TrainableParts(two).parameters
    np.testing.assert_allclose(found[:2], found[3:], rtol=1e-8)
    np.testing.assert_allclose(2 * found[:2], alone, rtol=1e-8)
    assert abs(double.loss / single.loss - 1) < 1e-10
    assert "rank 3 of 5" in str(double)


def test_no_data_for_a_parameter(linear_data):
    """A species that never occurs: its parameters become zero."""
    pot = models.Landau(("Fe", "Al"), a=1.0, b=1.0) + models.AtomicEnergies({"Fe": 0.0})
    with pytest.warns(UserWarning, match="3 of 5 linear .*do all species appear"):
        report = fitting.fit(pot, linear_data)
    assert report.linear.rank == 3
    values = TrainableParts(pot).parameters
    np.testing.assert_array_equal(values[2:4], [0.0, 0.0])
    assert values[:2].all()


def test_ridge(linear_model, linear_data):
    parts = TrainableParts(linear_model)
    a, y = full_matrix(parts, linear_data)
    ridge = 1e-3
    lengths = np.linalg.norm(a, axis=0)
    expected = np.linalg.solve(a.T @ a + ridge * np.diag(lengths**2), a.T @ y)
    fitting.fit(linear_model, linear_data, ridge=ridge)
    np.testing.assert_allclose(parts.parameters, expected, rtol=1e-8)
    with pytest.raises(ValueError, match="ridge must not be negative, got -1"):
        fitting.fit(linear_model, linear_data, ridge=-1)


def test_memory_is_not_that_of_the_matrix(linear_model, linear_data, monkeypatch):
    """The largest matrix that is decomposed does not grow with the number of frames."""
    from ase_mag.fitting import linear

    rows = []
    monkeypatch.setattr(
        linear.np.linalg, "qr", lambda a, mode, qr=np.linalg.qr: rows.append(len(a)) or qr(a, mode)
    )
    many = fitting.Dataset(linear_data.frames * 20)
    loss = Loss(TrainableParts(linear_model), many, WEIGHTS)
    solve_linear(loss, refine=False)
    matrix = 12 * 20 * (1 + 12 + 9 + 12)
    assert matrix == 8160 and max(rows) < 2600 and len(rows) >= 4


def test_prior(linear_model, linear_data):
    """Precisions of the parameters, against the normal equations; then the gradient is zero."""
    prior = np.array([0.0, 0.3, 0.0, 2.0, 0.1, 5.0, 0.0])
    model = WithPrior(linear_model, prior)
    parts = TrainableParts(model)
    a, y = full_matrix(parts, linear_data)
    expected = np.linalg.solve(a.T @ a + np.diag(prior), a.T @ y)
    report = fitting.fit(model, linear_data)
    np.testing.assert_allclose(parts.parameters, expected, rtol=1e-8)
    assert report.linear.orthogonality < 1e-10
    loss = Loss(parts, linear_data, WEIGHTS)
    value, gradient = loss.value_and_gradient()
    residual = y - a @ expected
    assert value == pytest.approx((residual @ residual + prior @ expected**2) / 12, rel=1e-10)
    assert value == pytest.approx(report.loss, rel=1e-12)
    assert value == pytest.approx(sum(loss.terms().values()) + loss.penalty(), rel=1e-12)
    slopes = 2 * (a.T @ a + np.diag(prior)) / 12
    assert np.abs(gradient / (np.abs(slopes) @ np.abs(expected))).max() < 1e-9
    np.testing.assert_allclose(np.diag(sketched(loss, 0)), np.diag(slopes), rtol=0.5)
    other = Loss(parts, linear_data, WEIGHTS, prior=False)
    assert other.value() == pytest.approx(residual @ residual / 12, rel=1e-10)


class WithPrior(Trainable):
    """A sum of trainable terms, with precisions of all parameters."""

    def __init__(self, model, prior):
        self.model, self.parts, self.prior_ = model, TrainableParts(model), prior
        self.species, self.cutoff = model.species, model.cutoff

    parameters = property(
        lambda self: self.parts.parameters,
        lambda self, values: setattr(self.parts, "parameters", values),
    )
    prior = property(lambda self: self.prior_)
    linear = property(lambda self: self.parts.linear)

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)

    def parameter_vjp(self, graph, moments, weights):
        return self.parts.parameter_vjp(graph, moments, weights)

    def design(self, graph, moments, *, lattice=True):
        return self.parts.design(graph, moments, lattice=lattice)
