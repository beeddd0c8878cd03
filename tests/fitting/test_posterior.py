"""The posterior of linear parameters: formulas, left-out frames, coverage."""

import numpy as np
import pytest

import ase_mag
from ase_mag import fitting, models
from ase_mag.core import PairGraph, get_moments
from ase_mag.descriptors import InvariantDescriptor
from ase_mag.fitting import LinearPosterior, PosteriorErrors
from ase_mag.fitting.linear import weighted_rows
from ase_mag.fitting.loss import Loss, check_weights
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.models import DescriptorModel
from ase_mag.regressors import LinearFunction, SparseGaussianProcess

from .conftest import labelled, structures
from .screened_model import ScreenedModel
from .test_linear import WEIGHTS, full_matrix


def descriptor_model(function=LinearFunction, **options):
    descriptor = InvariantDescriptor("Fe", cutoff=4.2, n_radial=4, powers=2)
    return DescriptorModel(descriptor, function(descriptor.n_features, **options))


def test_covariance_by_hand(linear_model, linear_data):
    """Deviations of energies, forces and fields from the full matrix."""
    fitting.fit(linear_model, linear_data)
    parts = TrainableParts(linear_model)
    a, _ = full_matrix(parts, linear_data)
    inverse = np.linalg.inv(a.T @ a)
    posterior = LinearPosterior(linear_model, linear_data, WEIGHTS)
    atoms = structures(1, rng=9)[0]
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, linear_model.cutoff
    )
    design = parts.design(graph, get_moments(atoms))
    found = posterior.uncertainty(atoms, noise=False)
    total = design.energies.sum(axis=1)
    expected = posterior.scales["energy"] * np.sqrt(total @ inverse @ total)
    assert found.energy == pytest.approx(expected, rel=1e-7)
    for name, rows in (("forces", design.forces), ("magforces", design.magforces)):
        variance = np.einsum("kic,kl,lic->i", rows, inverse, rows)
        expected = posterior.scales[name] * np.sqrt(variance)
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-7)
    whole, n = posterior.uncertainty(atoms), {name: posterior.noise(name) for name in WEIGHTS}
    assert whole.energy == pytest.approx(np.hypot(found.energy, n["energy"]))
    sites = np.sqrt(found.energies**2 + n["energy"] ** 2 / len(atoms))
    np.testing.assert_allclose(whole.energies, sites)
    for name in ("forces", "magforces"):
        expected = np.sqrt(getattr(found, name) ** 2 + 3 * n[name] ** 2)
        np.testing.assert_allclose(getattr(whole, name), expected)
    again = posterior.uncertainty(graph, get_moments(atoms), noise=False)
    np.testing.assert_array_equal(again.energies, found.energies)
    with pytest.raises(ValueError, match="a graph has no moments"):
        posterior.uncertainty(graph)


def test_scales_are_those_of_frames_that_are_left_out():
    """Each frame is really left out, and the model fitted again to the others."""
    data = fitting.read(labelled(structures(8), ScreenedModel(), noise=0.01))
    weights = {"energy": 1.0, "magforces": 0.1}
    model = descriptor_model(regularization=1e-3)
    fitting.fit(model, data, weights)
    posterior = LinearPosterior(model, data, weights)
    sums, counts = dict.fromkeys(weights, 0.0), dict.fromkeys(weights, 0)
    for k in range(len(data)):
        others = fitting.Dataset([frame for j, frame in enumerate(data) if j != k])
        fitting.fit(model, others, weights)  # what was learned before the first fit stays
        loss = Loss(TrainableParts(model), others, check_weights(weights, others))
        a = np.vstack([_rows(loss, sample) for sample in loss.samples])
        inverse = np.linalg.inv(a.T @ a + np.diag(model.prior))
        left = Loss(loss.parts, data[[k]], check_weights(weights, data[[k]]))
        (sample,) = left.samples
        columns, start = _rows(left, sample), 0
        for name, difference in left.differences(sample).items():
            error = np.ravel(difference) * np.sqrt(weights[name])
            own = columns[start : start + error.size]
            covariance = np.eye(error.size) + own @ inverse @ own.T
            sums[name] += error @ np.linalg.solve(covariance, error)
            counts[name] += error.size
            start += error.size
    for name in weights:
        expected = np.sqrt(sums[name] / counts[name])
        assert posterior.scales[name] == pytest.approx(expected, rel=1e-5)
    assert posterior.scales["forces"] == posterior.scales["energy"]
    assert posterior.noise("magforces") == pytest.approx(posterior.scales["magforces"] / 0.1**0.5)
    with pytest.raises(ValueError, match="forces has no weight in the fit"):
        posterior.noise("forces")


def _rows(loss, sample):
    return weighted_rows(loss, [sample])[:, :-1]


@pytest.mark.parametrize("kind", ["linear", "sparse"])
def test_coverage_of_held_out_frames(kind):
    """Errors of energies and fields of 150 new frames, in predicted standard deviations.

    The share within one deviation is 0.683 for normal errors. With p = 0.683 the standard error of
    150 independent frames is 0.038; those of the 12 components in a frame are not independent.
    """
    options = {"regularization": 1e-4}
    if kind == "sparse":
        options |= {"function": SparseGaussianProcess, "n_sparse": 40}
    model = descriptor_model(**options)
    reference = ScreenedModel()
    train = fitting.read(labelled(structures(60), reference, noise=0.02))
    test = fitting.read(labelled(structures(150, rng=5), reference, noise=0.02, rng=7))
    weights = {"energy": 1.0, "magforces": 1.0}
    fitting.fit(model, train, weights)
    posterior = LinearPosterior(model, train, weights)
    inside, squares = [], []
    calc = ase_mag.MagneticCalculator(model)
    for frame in test:
        atoms = frame.atoms.copy()
        deviation = posterior.uncertainty(atoms).energy
        alone = posterior.uncertainty(atoms, noise=False).energy
        assert deviation == pytest.approx(np.hypot(alone, posterior.noise("energy")))
        error = (calc.get_property("energy", atoms) - frame.labels["energy"]) / deviation
        inside.append(abs(error) < 1)
        squares.append(error**2)
    standard_error = np.sqrt(0.683 * 0.317 / len(test))
    assert abs(np.mean(inside) - 0.683) < 3 * standard_error
    # Squares of normal numbers have the mean 1; of 150, with the standard error 0.115.
    assert abs(np.mean(squares) - 1) < 0.35


def test_far_from_the_data_errors_are_larger():
    """A Gaussian kernel: what the sparse points do not reach has the variance of the prior."""
    model = descriptor_model(SparseGaussianProcess, n_sparse=30, kernel="gaussian")
    data = fitting.read(labelled(structures(20), ScreenedModel()))
    weights = {"energy": 1.0, "magforces": 0.1}
    fitting.fit(model, data, weights)
    errors = PosteriorErrors(model, data, weights=weights)
    near = errors.uncertainty(data[0].atoms)
    far = data[0].atoms.copy()
    far.set_cell(0.8 * far.cell, scale_atoms=True)
    limit = errors.posterior.scales["energy"] / np.sqrt(model.functions[0].precision)
    assert near.max() < 0.1 * limit
    assert 0.5 * limit < errors.uncertainty(far).max() < 1.01 * limit + near.max()
    assert PosteriorErrors(model, data, "magforces", weights=weights).uncertainty(far).shape == (4,)


def test_bad_input(linear_model, linear_data, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ScreenedModel, "linear", np.empty(0, dtype=np.intp))
        with pytest.raises(ValueError, match=r"no linear parameters.*use an ensemble"):
            LinearPosterior(ScreenedModel(), linear_data)
    twice = linear_model + models.AtomicEnergies({"Fe": 0.0})
    with pytest.raises(ValueError, match="do not determine all 8 linear parameters"):
        LinearPosterior(twice, linear_data)
    with pytest.raises(ValueError, match=r"label must be 'energies', .* got 'energy'"):
        PosteriorErrors(linear_model, linear_data, "energy")


def test_what_the_data_leave_open_has_the_prior_of_largest_evidence():
    """The mean square error of ridge regression with coefficients t, by matrices."""
    reference = descriptor_model()
    reference.parameters = np.random.default_rng(2).normal(size=reference.n_parameters)
    data = fitting.read(labelled(structures(40), reference, noise=1e-5))
    weights = {"energy": 1.0}
    model = descriptor_model(regularization=1e-6)
    fitting.fit(model, data, weights)
    posterior = LinearPosterior(model, data, weights)
    loss = Loss(TrainableParts(model), data, check_weights(weights, data))
    a = np.vstack([_rows(loss, sample) for sample in loss.samples])
    prior, p = model.prior, model.parameters
    inverse = np.linalg.inv(a.T @ a + np.diag(prior))
    known = np.trace(inverse @ a.T @ a) - 1.0  # without the constant
    assert 1.0 < known < len(data)
    t, s = np.sqrt(p @ (prior * p) / known), posterior.scales["energy"]
    assert posterior.prior_scale == pytest.approx(t, rel=1e-5)
    assert t > 3 * s  # nearly noiseless labels: lambda is too large for them
    atoms = structures(1, rng=9)[0]
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.2)
    b = loss.parts.energy_design(graph, get_moments(atoms)).sum(axis=1)
    pull = inverse @ (prior * (inverse @ b))
    noise, bias = s**2 * (b @ inverse @ a.T @ a @ inverse @ b), t**2 * (b @ pull)
    found = posterior.uncertainty(atoms, noise=False).energy
    assert found == pytest.approx(np.sqrt(noise + bias), rel=1e-5)
    assert posterior.undetermined(atoms) == pytest.approx(bias / (noise + bias), rel=1e-5)
    assert 0 < posterior.undetermined(atoms) < 1
