"""The marginal likelihood of linear models: densities of all labels, and choices by it."""

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.special import gammaln

from ase_mag import fitting
from ase_mag.descriptors import InvariantDescriptor
from ase_mag.fitting.linear import weighted_rows
from ase_mag.fitting.loss import Loss, check_weights
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.models import DescriptorModel
from ase_mag.regressors import LinearFunction

from .conftest import labelled, structures
from .screened_model import ScreenedModel

WEIGHTS = {"energy": 1.0, "magforces": 0.1}


def new_model(regularization, intercept=True, cutoff=4.2):
    descriptor = InvariantDescriptor("Fe", cutoff=cutoff, n_radial=3, powers=1)
    function = LinearFunction(
        descriptor.n_features, intercept=intercept, regularization=regularization
    )
    return DescriptorModel(descriptor, function)


def columns_and_labels(model, data):
    """The weighted matrix and labels, from a model without coefficients."""
    parts = TrainableParts(model)
    values = parts.parameters
    parts.parameters = np.zeros_like(values)
    loss = Loss(parts, data, check_weights(WEIGHTS, data))
    rows = np.vstack([weighted_rows(loss, [sample]) for sample in loss.samples])
    parts.parameters = values
    return rows[:, :-1], rows[:, -1]


def density(columns, labels, precision):
    """log of int ds/s N(y; 0, s^2 (1 + A A^T/lambda)): the covariance of all labels."""
    covariance = np.eye(len(labels)) + columns @ columns.T / precision
    square, n = labels @ np.linalg.solve(covariance, labels), len(labels)
    half = 0.5 * np.linalg.slogdet(covariance)[1]
    return gammaln(n / 2) - n / 2 * np.log(np.pi * square) - half


def test_density_of_all_labels():
    data = fitting.read(labelled(structures(6), ScreenedModel(), noise=0.01))
    for regularization in (1e-6, 1e-2):
        model = new_model(regularization, intercept=False)
        fitting.fit(model, data, WEIGHTS, progress=False)
        expected = density(*columns_and_labels(model, data), model.prior[0])
        assert fitting.log_evidence(model, data, WEIGHTS) == pytest.approx(expected, abs=1e-6)


def test_a_flat_constant_leaves_the_contrasts_of_the_labels():
    """Differences of two regularizations: densities of what does not depend on the constant."""
    data = fitting.read(labelled(structures(6), ScreenedModel(), noise=0.01))
    found, expected = [], []
    for regularization in (1e-5, 1e-3):
        model = new_model(regularization)
        fitting.fit(model, data, WEIGHTS, progress=False)
        found.append(fitting.log_evidence(model, data, WEIGHTS))
        columns, labels = columns_and_labels(model, data)
        across = null_space(columns[:, :1].T).T
        expected.append(density(across @ columns[:, 1:], across @ labels, model.prior[1]))
    assert np.diff(found) == pytest.approx(np.diff(expected), abs=1e-6)


def test_noise_asks_for_regularization():
    """The evidence is largest where new configurations are predicted best, or nearly so."""
    train = fitting.read(labelled(structures(8), ScreenedModel(), noise=0.05))
    test = fitting.read(labelled(structures(40, rng=5), ScreenedModel(), rng=7))
    choices = [1e-9, 1e-6, 1e-4, 1e-2, 1.0]
    candidates = [new_model(value) for value in choices]
    best, values = fitting.most_likely(candidates, train, WEIGHTS)
    assert best is candidates[int(np.argmax(values))] and len(values) == len(choices)
    errors = [fitting.compare(model, test)["energy"].rmse for model in candidates]
    chosen = candidates.index(best)
    assert 0 < chosen < len(choices) - 1
    assert errors[chosen] < 1.5 * min(errors)
    assert errors[chosen] < 0.9 * max(errors)


def test_bad_input(linear_model, linear_data):
    with pytest.raises(ValueError, match="there are no candidates"):
        fitting.most_likely([], linear_data)
    with pytest.raises(ValueError, match=r"ScreenedModel.* parameters that are not linear"):
        fitting.most_likely([ScreenedModel()], linear_data)
    few = fitting.read(labelled(structures(1), ScreenedModel()))
    model = new_model(0.0)
    with pytest.warns(UserWarning, match="determine"):
        fitting.fit(model, few, {"energy": 1.0}, progress=False)
    with pytest.raises(ValueError, match=r"1 labels and the prior do not determine all \d+ linear"):
        fitting.log_evidence(model, few, {"energy": 1.0})
