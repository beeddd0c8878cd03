"""Transfer from one condition to another."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import lsf
from ase_mag.lsf.folds import splits

from .quartic_calculator import QuarticCalculator


@pytest.fixture
def compressed():
    """32 landscapes of a compressed crystal with other coefficients."""
    atoms = bulk("Fe", a=2.41, cubic=True) * (2, 2, 2)
    ase_mag.set_moments(atoms, 2.2)
    frames = lsf.snapshots(atoms, 0.1, count=2, rng=8)
    return lsf.landscapes(frames, QuarticCalculator(a0=0.1, b=0.04), progress=False)


def test_cases_are_those_of_a_loop(table, compressed):
    predictor = lsf.LsfPredictor()
    result = lsf.transfer(predictor, table, compressed, ("cold", "hot"), folds=4, rng=2)
    rng = np.random.default_rng(2)
    parts = splits(table, 4, rng), splits(compressed, 4, rng)
    data = [predictor.training_data(t) for t in (table, compressed)]
    for names, used in (("cold", [0]), ("cold + hot", [0, 1])):
        for k in range(4):
            X = np.vstack([data[t][0][parts[t][k][0]] for t in used])
            y = np.vstack([data[t][1][parts[t][k][0]] for t in used])
            ridge = predictor.regressor().fit(X, y)
            for t, tested in enumerate(("cold", "hot")):
                test = parts[t][k][1]
                case = result[names, tested]
                found = ridge.predict(data[t][0][test])
                np.testing.assert_allclose(case.predictions[test, :2], found, atol=1e-12)
                error = np.abs(found - data[t][1][test]).mean(axis=0)
                np.testing.assert_allclose(case.errors[:2, k], error, atol=1e-12)


def test_training_on_both_helps_where_nothing_was_known(table, compressed):
    result = lsf.transfer(lsf.LsfPredictor(), table, compressed, ("cold", "hot"), folds=4, rng=2)
    assert result["cold + hot", "hot"].mean[0] < 0.2 * result["cold", "hot"].mean[0]
    assert result["cold + hot", "cold"].mean[0] < 1.5 * result["cold", "cold"].mean[0]
    text = str(result)
    assert "cold + hot" in text and len(text.splitlines()) == 5
    figure = result.plot()
    assert len(figure.axes) == 2 and len(figure.axes[0].lines) == 5
    np.testing.assert_array_equal(
        figure.axes[1].lines[3].get_ydata(), result["cold + hot", "hot"].predictions[:, 1]
    )


def test_bad_input_is_explained(table, compressed):
    predictor = lsf.LsfPredictor()
    with pytest.raises(ValueError, match="give two different ones"):
        lsf.transfer(predictor, table, compressed, ("x", "x"), folds=4)
    with pytest.raises(ValueError, match="give rng"):
        lsf.transfer(predictor, table, compressed, folds=4, rng=None)
    result = lsf.transfer(predictor, table, compressed, folds=2, rng=1)
    with pytest.raises(KeyError, match="no case"):
        result["second", "first"]
    fcc = bulk("Fe", "fcc", a=3.6, cubic=True) * 2
    ase_mag.set_moments(fcc, 1.0)
    other = lsf.landscapes(lsf.snapshots(fcc, 0.01, rng=1), QuarticCalculator(), progress=False)
    with pytest.raises(ValueError, match="26 and 38 features per site: both need the same"):
        lsf.transfer(predictor, table, other, folds=2)
