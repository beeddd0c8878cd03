"""Outputs of VASP as frames; the physics of the fake VASP is a model."""

import numpy as np
import pytest

import ase_mag
from ase_mag import models, reference
from ase_mag.core import get_moments


def test_deltaspin(vasp, iron, tmp_path):
    iron.calc = vasp(deltaspin=True)
    energy = iron.get_potential_energy()
    (found,) = reference.read_outputs(tmp_path)
    assert found.get_potential_energy() == energy
    np.testing.assert_array_equal(found.get_forces(), iron.get_forces())
    magforces = iron.calc.results["magforces"]
    np.testing.assert_array_equal(found.calc.results["magforces"], magforces)
    np.testing.assert_allclose(get_moments(found), iron.calc.results["magmoms"], atol=1e-12)
    np.testing.assert_allclose(found.positions, iron.positions, atol=1e-9)
    assert found.info["source"] == str(tmp_path / "run")


def test_energy_without_the_penalty(vasp, iron, tmp_path):
    """The energy is that of the model at the moments of the run, 0.6 mu_B away from others."""
    iron.calc = vasp(lambdas=(2.0,), extrapolate=False, moment_tolerance=0.2)
    iron.get_potential_energy()
    (found,) = reference.read_outputs(tmp_path / "run" / "OUTCAR")
    assert "magforces" not in found.calc.results
    exact = found.copy()
    exact.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    # MW_int has three decimals; the slope of the energy is below 0.5 eV/mu_B here.
    assert abs(found.get_potential_energy() - exact.get_potential_energy()) < 1e-3
    penalty = found.get_potential_energy() - iron.get_potential_energy()
    assert abs(penalty) < 1e-4


def test_a_run_that_crashed(vasp, iron, tmp_path):
    iron.calc = vasp(deltaspin=True)
    iron.get_potential_energy()
    outcar = tmp_path / "run" / "OUTCAR"
    outcar.write_text(outcar.read_text()[:2000])
    with pytest.raises(reference.BadOutput, match="does not end as it should"):
        reference.read_outputs(tmp_path)
