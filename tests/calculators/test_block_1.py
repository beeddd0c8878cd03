"""The first promise of the interface, as a user writes it."""

import numpy as np
import pytest

BLOCK = """
from ase.build import bulk
import ase_mag
from ase_mag import models

atoms = bulk('Fe', a=2.85, cubic=True) * (3, 3, 3)
ase_mag.set_moments(atoms, 2.2)
atoms.calc = ase_mag.MagneticCalculator(models.named('FeHL-1'))
energy = atoms.get_potential_energy()
forces, stress = atoms.get_forces(), atoms.get_stress()
moments = atoms.get_magnetic_moments()
magforces = atoms.calc.get_property('magforces', atoms)
"""


def test_block_1():
    names = {}
    exec(BLOCK, names)
    assert names["moments"].shape == names["magforces"].shape == names["forces"].shape == (54, 3)
    np.testing.assert_array_equal(names["moments"], np.tile([0, 0, 2.2], (54, 1)))
    # Ferromagnetic iron at 2.2 mu_B is the embedded-atom potential exactly.
    atoms, models, ase_mag = (names[key] for key in ("atoms", "models", "ase_mag"))
    atoms.calc = ase_mag.MagneticCalculator(models.mendelev_2003())
    assert names["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
    np.testing.assert_allclose(names["stress"], atoms.get_stress(), rtol=0, atol=1e-12)
