"""The loss against its formula, and its gradient against differences."""

import numpy as np
import pytest

import ase_mag
from ase_mag import fitting
from ase_mag.core import get_moments
from ase_mag.fitting.loss import DEFAULT_WEIGHTS, Loss, check_weights
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.testing.differences import derivative

from .conftest import labelled, structures
from .screened_model import ScreenedModel

OTHER = (-0.1, 0.015, 0.5, 0.04, 0.8, 0.7)


def loss_of(model, data, weights=None, **options):
    weights = check_weights(weights, data)
    return Loss(TrainableParts(model), data, weights, **options)


def by_hand(model, data, scaling="configuration"):
    """Return eq 8, as a mean over configurations, from a calculator's results."""
    total = 0.0
    for frame in data:
        atoms = frame.to_atoms()
        labels = frame.labels
        atoms.calc = ase_mag.MagneticCalculator(model)
        volume, n = atoms.get_volume(), len(atoms)
        virial = (atoms.get_stress(voigt=False) * volume).ravel()
        xx, yy, zz, yz, xz, xy = labels["stress"] * volume
        expected = np.array([xx, xy, xz, xy, yy, yz, xz, yz, zz])
        magforces = atoms.calc.get_property("magforces", atoms)
        share = {"configuration": 1.0, "atom": 1.0 / n}[scaling]
        total += frame.weight * (
            1.0 * share * (atoms.get_potential_energy() - labels["energy"]) ** 2
            + 0.01 * ((atoms.get_forces() - labels["forces"]) ** 2).sum()
            + 0.001 * share * ((virial - expected) ** 2).sum()
            + 0.1 * ((magforces - labels["magforces"]) ** 2).sum()
        )
    return total / len(data)


def test_eq_8():
    """Cells of two sizes and frames of different weights."""
    model, atoms = ScreenedModel(OTHER), structures(3) + structures(2, rng=2, repeat=(2, 2, 1))
    data = fitting.read(labelled(atoms, ScreenedModel())).reweighted([1, 2, 0.5, 1, 3])
    for scaling in ("configuration", "atom"):
        loss = loss_of(model, data, scaling=scaling)
        expected = by_hand(model, data, scaling)
        assert abs(loss.value() / expected - 1) < 1e-12
        assert abs(loss.value_and_gradient()[0] / expected - 1) < 1e-12
        terms = loss.terms()
        assert list(terms) == list(DEFAULT_WEIGHTS) and all(v > 0 for v in terms.values())


@pytest.mark.parametrize(
    "weights",
    [None, {"energy": 1.0}, {"forces": 1.0}, {"stress": 1.0}, {"magforces": 1.0}],
)
def test_gradient_against_differences(screened_data, weights):
    model = ScreenedModel(OTHER)
    loss = loss_of(model, screened_data, weights)
    _, gradient = loss.value_and_gradient()

    def value(x, k):
        model.parameters = np.array(OTHER) + x * np.eye(6)[k]
        return loss.value()

    expected = [derivative(lambda x, k=k: value(x, k), 1e-4) for k in range(6)]
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-8 * np.abs(gradient).max())


def test_what_is_nan_is_not_fitted(screened_data):
    """Labels of single atoms left out: the loss is that of the others."""
    frame = screened_data[0].to_atoms()
    magforces = frame.calc.results["magforces"]
    magforces[1] = np.nan
    data = fitting.read(frame, nan="missing")
    model = ScreenedModel(OTHER)
    loss = loss_of(model, data, {"magforces": 0.1})
    frame.calc = ase_mag.MagneticCalculator(model)
    difference = frame.calc.get_property("magforces", frame) - magforces
    assert abs(loss.value() / (0.1 * np.nansum(difference**2)) - 1) < 1e-12
    assert np.isfinite(loss.value_and_gradient()[1]).all()


def test_without_lattice_labels_no_lattice_is_evaluated(screened_data):
    assert not loss_of(ScreenedModel(), screened_data, {"energy": 1, "magforces": 1}).lattice
    assert loss_of(ScreenedModel(), screened_data, {"energy": 1, "stress": 1}).lattice


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_do_not_change_a_bit(workers):
    data = fitting.read(labelled(structures(70, repeat=(1, 1, 1)), ScreenedModel()))
    one = loss_of(ScreenedModel(OTHER), data).value_and_gradient()
    many = loss_of(ScreenedModel(OTHER), data, workers=workers).value_and_gradient()
    assert one[0] == many[0]
    np.testing.assert_array_equal(one[1], many[1])


def test_default_weights_are_those_of_the_labels_there(screened_data):
    data = screened_data.without("stress")
    assert check_weights(None, data) == DEFAULT_WEIGHTS | {"stress": 0.0}
    assert check_weights({"energy": 2}, data) == dict.fromkeys(DEFAULT_WEIGHTS, 0.0) | {"energy": 2}


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        (
            {"stress": 1.0},
            {},
            "weight of stress is 1, but 12 of 12 frames have no stress, the",
        ),
        (
            {"magforces": 1.0},
            {"missing": "error"},
            "weight of magforces is 1, but 2 of 12 frames have no magforces, the first is frame 3 "
            "of memory: set weights=.'magforces': 0., add the labels .* or pass missing='skip'",
        ),
        ({"force": 1.0}, {}, "weights name 'force'; labels are energy, forces, stress, magforces"),
        ({"energy": -1.0}, {}, "the weight of energy must not be negative, got -1"),
        ({"energy": 0.0}, {}, "all weights of labels or frames are zero"),
        (None, {"missing": "drop"}, "missing must be 'skip' or 'error', got 'drop'"),
    ],
)
def test_bad_weights(screened_data, weights, options, message):
    data = screened_data.without("stress")
    bare = data[[3, 7]].without("magforces")
    data = fitting.Dataset([*data[:3], bare[0], *data[4:7], bare[1], *data[8:]])
    with pytest.raises(ValueError, match=message):
        check_weights(weights, data, **options)


def test_species_that_the_potential_does_not_describe(screened_data):
    atoms = [f.to_atoms() for f in screened_data[:3]]
    atoms[1].symbols[2] = atoms[1].calc.atoms.symbols[2] = "Al"
    with pytest.raises(ValueError, match="frame 1 of memory: the structure holds Al, but the mod"):
        loss_of(ScreenedModel(), fitting.read(atoms))


class Particular(ScreenedModel):
    """A model of one axis and a shortest distance, as moment tensor potentials are."""

    def gradients(self, graph, moments, *, lattice=True):
        if moments[:, :2].any():
            raise ValueError("moments must be along z: this model reads one axis")
        if graph.distances.min() < 1.2:
            raise ValueError(f"two atoms are {graph.distances.min():.3g} angstrom apart, below 1.2")
        return super().gradients(graph, moments, lattice=lattice)


@pytest.mark.parametrize("spoil", ["moments", "distance"])
def test_frames_that_the_potential_refuses(screened_data, spoil):
    """The frame is named, and the parameters stay as they were."""
    atoms = [f.to_atoms() for f in screened_data[:3]]
    for frame in atoms:
        ase_mag.set_moments(frame, np.linalg.norm(get_moments(frame), axis=1))
    if spoil == "moments":
        ase_mag.set_moments(atoms[1], screened_data[1].atoms.get_initial_magnetic_moments())
        message = "frame 1 of memory: moments must be along z"
    else:
        atoms[2].positions[1] = atoms[2].positions[0] + [0.0, 1.1, 0.0]
        atoms[2].calc.atoms.positions[:] = atoms[2].positions
        message = r"frame 2 of memory: two atoms are 1\.1 angstrom apart, below 1\.2"
    model = Particular(OTHER)
    with pytest.raises(ValueError, match=message):
        fitting.fit(model, fitting.read(atoms))
    np.testing.assert_array_equal(model.parameters, OTHER)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scaling": "structure"}, "scaling must be 'configuration' or 'atom', got 'structure'"),
        ({"workers": 0}, "workers must be a positive integer, got 0"),
    ],
)
def test_bad_options(screened_data, options, message):
    with pytest.raises(ValueError, match=message):
        loss_of(ScreenedModel(), screened_data, **options)


def test_frames_of_weight_zero_are_no_data(screened_data):
    """A fit to nothing would set the linear parameters to zero and look well."""
    with pytest.raises(ValueError, match="all weights of labels or frames are zero"):
        check_weights(None, screened_data.reweighted(0.0))
    silent = screened_data.reweighted(0.0, "forces")
    assert check_weights(None, silent) == DEFAULT_WEIGHTS | {"forces": 0.0}
    with pytest.raises(ValueError, match="all frames with forces have weight zero: give frames a"):
        check_weights({"forces": 1.0}, silent)
    some = screened_data.reweighted([1.0] + [0.0] * (len(screened_data) - 1))
    assert check_weights(None, some) == DEFAULT_WEIGHTS
