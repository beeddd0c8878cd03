"""Which terms of a sum are fitted."""

import copy

import numpy as np
import pytest

from ase_mag import fitting, models
from ase_mag.core import Sum
from ase_mag.fitting.trainable import TrainableParts

from .conftest import labelled, structures


def landau(a=-0.15, b=0.02):
    return models.Landau("Fe", a=a, b=b)


@pytest.mark.parametrize("name", ["FeHL-1", "FeAlHL-1"])
def test_named_sets_stay_what_they_are(name):
    """FeHL-1 has Landau terms, whose reference state would follow a fit without its gradient."""
    named = models.named(name)
    before = named.terms[0], [t.parameters for t in named.terms if hasattr(t, "parameters")]
    potential = named + landau(0.0, 0.01)
    assert TrainableParts(potential).n_parameters == 2
    truth = models.named(name) + landau(0.05, 0.03)
    data = fitting.read(labelled(structures(6), truth))
    report = fitting.fit(potential, data, progress=False)
    np.testing.assert_allclose(potential.terms[-1].parameters, [0.05, 0.03], rtol=1e-9)
    assert report.n_parameters == 2
    after = named.terms[0], [t.parameters for t in named.terms if hasattr(t, "parameters")]
    np.testing.assert_equal(after[1], before[1])
    with pytest.raises(TypeError, match="has no parameters to fit"):
        TrainableParts(named)


def test_terms_that_appear_twice_are_refused():
    term = landau()
    reference = models.ReferenceState(Sum([term]), 2.2)
    with pytest.raises(ValueError, match=r"appears twice in .*copy\.deepcopy"):
        TrainableParts(term + reference)
    with pytest.raises(ValueError, match="appears twice"):
        TrainableParts(term + term)
    parts = TrainableParts(copy.deepcopy(term) + reference)
    assert parts.n_parameters == 2


def test_nested_sums_are_opened():
    potential = Sum([Sum([landau(), models.AtomicEnergies({"Fe": -8.0})]), landau()])
    np.testing.assert_array_equal(
        TrainableParts(potential).parameters, [-0.15, 0.02, -8.0, -0.15, 0.02]
    )
