"""Parameters that are held or seen: the response stays, the derivatives are a part."""

import numpy as np
import pytest

from ase_mag import models, testing
from ase_mag.core import Sum
from ase_mag.fitting import Held, View
from ase_mag.fitting.trainable import TrainableParts
from ase_mag.testing.structures import Structure


def landau():
    return models.Landau("Fe", a=-0.15, b=0.02, c=1e-4)


def test_held_model_answers_as_before():
    model = models.named("FeHL-1") + landau()
    structure = Structure.of(testing.example(("Fe",), 1))
    graph, held = structure.graph(model), Held(model)
    rng = np.random.default_rng(0)
    for moments in (structure.moments, rng.normal(size=structure.moments.shape)):
        for _ in range(2):  # the second time from what was kept
            for lattice in (True, False):
                expected = structure.changed(moments=moments).response(model, lattice=lattice)
                found = held.evaluate(graph, moments, lattice=lattice)
                np.testing.assert_array_equal(found.energies, expected.energies)
                np.testing.assert_array_equal(found.magforces, expected.magforces)
    testing.check_model(held + landau())


def test_held_parameters_are_not_fitted():
    model, other = landau(), models.SeriesExchange("Fe", 4.0, 3, start=2.0)
    assert TrainableParts(Held(model) + other).n_parameters == len(other.parameters)
    with pytest.raises(TypeError, match="no parameters to fit"):
        TrainableParts(Held(model))
    with pytest.raises(ValueError, match="appears twice"):
        TrainableParts(Held(model) + model)


def test_held_model_follows_new_parameters():
    model = landau()
    structure = Structure.of(testing.example(("Fe",), 1))
    graph, held = structure.graph(model), Held(model)
    held.evaluate(graph, structure.moments)
    model.parameters = [-0.1, 0.03, 0.0]
    found = held.evaluate(graph, structure.moments)
    np.testing.assert_array_equal(found.energies, structure.response(model).energies)


@pytest.mark.parametrize("linear", [True, False])
def test_view_is_a_trainable_model(linear):
    whole = models.SeriesExchange("Fe", 4.0, 4, start=2.0, coefficients=[[0.1, 0.02, -0.03, 0.01]])
    view = View(whole, free=[0, 3], linear=linear)
    testing.check_trainable(view)
    assert len(view.linear) == (2 if linear else 0)
    view.parameters = [0.2, -0.2]
    np.testing.assert_array_equal(whole.parameters, [0.2, 0.02, -0.03, -0.2])


def test_checkpoints_know_what_is_held():
    """Values of held parameters are a part of what is fitted, those of free ones are not."""

    def structure(held, free, view=0.1):
        whole = models.Landau("Fe", a=view, b=0.02)
        terms = [Held(models.Landau("Fe", a=held, b=0.02)), View(whole, [1])]
        terms.append(models.Landau("Fe", a=free, b=0.02))
        return TrainableParts(Sum(terms)).structure()

    assert structure(-0.1, -0.1) == structure(-0.1, -0.2)
    assert structure(-0.1, -0.1) != structure(-0.2, -0.1)
    assert structure(-0.1, -0.1) != structure(-0.1, -0.1, view=0.2)


def test_saved_and_loaded(tmp_path):
    model = Held(landau()) + View(models.Landau("Fe", a=0.1, b=0.02), [1], linear=False)
    model.save(tmp_path / "model.npz")
    again = models.load(tmp_path / "model.npz")
    assert repr(again) == repr(model)
    np.testing.assert_array_equal(again.terms[1].parameters, [0.02])
    assert not len(again.terms[1].linear)


def test_bad_input():
    with pytest.raises(ValueError, match=r"free must be different indices of parameters, got \[0"):
        View(landau(), [0, 0])
    with pytest.raises(ValueError, match=r"free names parameter 5, but .* has 3 parameters"):
        View(landau(), [5])
