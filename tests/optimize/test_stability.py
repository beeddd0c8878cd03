"""Minima and saddle points of E(M): the lowest eigenvalue of the second derivatives."""

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.optimize import relax_moments

LANDAU = {"a": -0.15, "b": 0.0192}


def crystal(model, moments):
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    ase_mag.set_moments(atoms, moments)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


def test_antiferromagnet_of_a_ferromagnet_is_a_saddle_point():
    atoms = crystal(models.named("FeHL-1"), [2.2, -2.2] * 8)
    with pytest.warns(UserWarning, match=r"saddle point: the lowest curvature is -0\.\d+ eV/mu_B"):
        result = relax_moments(atoms, fmax=1e-9)
    assert result.converged
    assert result.minimum is False
    assert "displaced a little in random directions" in result.message
    np.testing.assert_array_equal(result.moments[:, :2], 0.0)
    # The lowest eigenvalue of the whole matrix, by differences of magnetic forces.
    h, matrix = 1e-4, []
    for unit in np.eye(48):
        sides = []
        for sign in (1, -1):
            ase_mag.set_moments(atoms, result.moments + sign * h * unit.reshape(16, 3))
            sides.append(-atoms.calc.get_property("magforces", atoms).ravel())
        matrix.append((sides[0] - sides[1]) / (2 * h))
    lowest = np.linalg.eigvalsh(np.array(matrix))[0]
    assert result.curvature == pytest.approx(lowest, abs=1e-6)
    # Displaced as the message says, it falls into the ferromagnet.
    rng = np.random.default_rng(0)
    ase_mag.set_moments(atoms, result.moments + rng.normal(scale=0.01, size=(16, 3)))
    ferromagnet = relax_moments(atoms, fmax=1e-9)
    assert ferromagnet.minimum
    total = np.linalg.norm(ferromagnet.moments.sum(axis=0))
    assert total == pytest.approx(np.linalg.norm(ferromagnet.moments, axis=1).sum(), abs=1e-6)
    assert ferromagnet.energy < result.energy - 1.0


def test_lanczos_and_the_whole_matrix_agree(monkeypatch):
    found = []
    for dense in (60, 10):
        monkeypatch.setattr("ase_mag.optimize.stability.DENSE", dense)
        atoms = crystal(models.named("FeHL-1"), [2.2, -2.2] * 8)
        with pytest.warns(UserWarning, match="saddle point"):
            found.append(relax_moments(atoms, fmax=1e-9).curvature)
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_vanished_moments_are_a_saddle_point():
    model = models.Landau("Fe", **LANDAU)
    with pytest.warns(UserWarning, match="saddle point"):
        result = relax_moments(crystal(model, 0.0))
    assert (result.converged, result.minimum, result.iterations) == (True, False, 0)
    assert result.curvature == pytest.approx(2 * LANDAU["a"], abs=1e-12)
    # Where the quadratic coefficient is positive they are the minimum.
    result = relax_moments(crystal(models.Landau("Fe", a=0.1, b=0.01), 0.7), fmax=1e-12)
    np.testing.assert_allclose(result.moments, 0.0, atol=1e-11)
    assert result.minimum
    assert result.curvature == pytest.approx(0.2, abs=1e-9)
    unchecked = relax_moments(crystal(model, 0.0), check_minimum=False)
    assert (unchecked.curvature, unchecked.minimum) == (None, None)
