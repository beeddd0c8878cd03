"""Extrapolation of penalties to the hard constraint, on a quartic with a closed form."""

import numpy as np
import pytest

from ase_mag.reference.penalty_ramp import PenaltyStep, at_last_weight, at_target, energy_ratio

A, B, TARGET = -0.15, 0.0192, 1.2


def energy(m):
    return A * m**2 + B * m**4


def slope(m):
    return 2 * A * m + 4 * B * m**3


def ramp(weights, sign=1.0):
    """Minima of a m^2 + b m^4 + w (m - T)^2, by the roots of a cubic."""
    steps = []
    for w in weights:
        roots = np.roots([4 * B, 0.0, 2 * A + 2 * w, -2 * w * TARGET])
        m = roots[np.abs(roots.imag) < 1e-9].real
        assert len(m) == 1
        penalty = w * (m[0] - TARGET) ** 2
        moments = np.array([[0.0, 0.0, m[0]]])
        field = sign * 2 * w * (moments - [[0.0, 0.0, TARGET]])
        forces = np.array([[np.sin(m[0]), 0.0, 0.0]])
        step = PenaltyStep(w, energy(m[0]) + penalty, penalty, forces, None, moments, field)
        steps.append(step)
    return steps


def test_every_minimum_is_exact_for_its_own_moment():
    for step in ramp([0.5, 2.0, 30.0]):
        values, errors = at_last_weight([step])
        m = values["moments"][0, 2]
        assert values["energy"] == pytest.approx(energy(m), abs=1e-12)
        assert values["magforces"][0, 2] == pytest.approx(-slope(m), abs=1e-12)
        assert errors == {} and abs(m - TARGET) > 1e-3


@pytest.mark.parametrize("weights", [(2.5, 5, 10), (1, 2.5, 5, 10), (5, 10)])
def test_extrapolation_hits_the_target_within_its_error(weights):
    values, errors = at_target(ramp(weights))
    exact = {
        "energy": energy(TARGET),
        "moments": [[0, 0, TARGET]],
        "magforces": [[0, 0, -slope(TARGET)]],
        "forces": [[np.sin(TARGET), 0, 0]],
    }
    plain, _ = at_last_weight(ramp(weights))
    for name, value in exact.items():
        error = np.abs(values[name] - np.array(value)).max()
        assert error < errors[name], name
        if len(weights) > 2:
            assert error < 0.02 * np.abs(plain[name] - np.array(value)).max(), name
    assert values["stress"] is None and "stress" not in errors


def test_orders_of_the_extrapolation():
    """Errors fall as 1/w^3 for three weights (energy: 1/w^4)."""
    exact = {"energy": energy(TARGET), "magforces": -slope(TARGET)}
    found = []
    for factor in (1, 2):
        values, _ = at_target(ramp(factor * np.array([20.0, 40.0, 80.0])))
        found.append(
            [values["energy"] - exact["energy"], values["magforces"][0, 2] - exact["magforces"]]
        )
    ratios = np.array(found[0]) / np.array(found[1])
    assert 14 < ratios[0] < 18 and 7 < ratios[1] < 9


def test_energies_and_magnetic_forces_agree():
    ratio, change = energy_ratio(ramp([1, 2.5, 5, 10]))
    assert ratio == pytest.approx(1.0, abs=2e-3) and abs(change) > 1e-3
    ratio, _ = energy_ratio(ramp([1, 2.5, 5, 10], sign=-1.0))
    assert ratio == pytest.approx(-1.0, abs=2e-3)
    ratio, change = energy_ratio(ramp([5.0]))
    assert np.isnan(ratio) and change == 0.0


def test_one_weight_is_no_ramp():
    with pytest.raises(ValueError, match=r"needs two weights or more, got \[5\.0\]"):
        at_target(ramp([5.0]))
