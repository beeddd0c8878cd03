"""Predicted deviations of energies, forces and fields beside the errors of new frames."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import fitting, models
from ase_mag.fitting import Dataset, Frame, LinearPosterior

REFERENCE = models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75))
ALL = {"energy": 1.0, "forces": 0.01, "magforces": 0.1}
LABELS = tuple(ALL)


def labelled(count, seed):
    """Displaced bcc iron with random directions; labels without noise that GAP-SOSO nearly fits."""
    rng, frames = np.random.default_rng(seed), []
    for k in range(count):
        atoms = bulk("Fe", a=2.83, cubic=True) * 2
        atoms.positions += rng.normal(scale=0.05, size=(16, 3))
        moments = rng.normal(size=(16, 3))
        moments *= 2.2 / np.linalg.norm(moments, axis=1)[:, None]
        ase_mag.set_moments(atoms, moments)
        found = responses(REFERENCE, atoms)
        frames.append(Frame(atoms, dict(zip(LABELS, found, strict=True)), index=k, group=str(k)))
    return Dataset(frames).perpendicular()


def responses(model, atoms):
    calc = ase_mag.MagneticCalculator(model)
    return [np.array(calc.get_property(name, atoms)) for name in LABELS]


def ratio(errors, variances):
    """Return mean squared error over mean variance, and its standard error over the frames."""
    errors, variances = np.array(errors), np.array(variances)
    value = errors.sum() / variances.sum()
    spread = np.std(errors - value * variances, ddof=1) / np.sqrt(len(errors))
    return value, spread / variances.mean()


def coverage(weights, train=30, test=60, **options):
    """Ratios of every label, with and without the noise of labels: {label: (with, without)}."""
    potential = models.SpinOrientationPotential("Fe", 4.5, 8, 2, **options)
    data, new = labelled(train, 0), labelled(test, 1)
    fitting.fit(potential, data, weights, progress=False)
    posterior = LinearPosterior(potential, data, weights)
    squares, whole, bare = ({name: [] for name in LABELS} for _ in range(3))
    for frame in new:
        both = [posterior.uncertainty(frame.atoms, noise=noise) for noise in (True, False)]
        for name, found in zip(LABELS, responses(potential, frame.atoms), strict=True):
            squares[name].append(np.sum((found - frame.labels[name]) ** 2))
            for place, deviation in zip((whole, bare), both, strict=True):
                place[name].append(np.sum(getattr(deviation, name) ** 2))
    return {
        name: (ratio(squares[name], whole[name]), ratio(squares[name], bare[name]))
        for name in LABELS
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        pytest.param(
            {"regressor": "sparse_gp", "n_sparse": 60, "train": 40, "test": 150},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["linear", "sparse"],
)
def test_errors_of_all_labels_where_all_are_fitted(options):
    """Mean squared error over predicted variance is 1 up to a factor of 2 for each kind of label.

    The labels have no noise: what limits forces and fields is the form of the model, which is the
    same for every frame, and of which the posterior of the parameters alone knows nothing.
    """
    found = coverage(ALL, **options)
    for name, ((value, error), _) in found.items():
        assert error < 0.25, name
        assert 0.5 < value < 2.0, (name, value, error)
    for name in ("forces", "magforces"):
        value, error = found[name][1]
        assert value - 2 * error > 1.5, name


def test_errors_of_labels_that_are_not_fitted():
    """Energies alone: forces and fields have no known noise, and follow from the parameters."""
    found = coverage({"energy": 1.0})
    for name, ((value, error), _) in found.items():
        assert 0.5 < value < 2.0, (name, value, error)
    assert found["forces"][0] == found["forces"][1]
