"""What the tests of relaxation share."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes

import ase_mag
from ase_mag import models


@pytest.fixture
def iron():
    """Distorted bcc iron of FeHL-1 with disturbed moments."""

    def make(moments=2.4, repeat=2, rattle=0.08, strain=0.02, disorder=0.3, seed=1):
        atoms = bulk("Fe", a=2.80, cubic=True) * repeat
        rng = np.random.default_rng(seed)
        deformation = np.eye(3) + rng.normal(scale=strain, size=(3, 3))
        atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
        atoms.rattle(rattle, seed=seed)
        ase_mag.set_moments(atoms, moments)
        disturbed = ase_mag.get_moments(atoms) + rng.normal(scale=disorder, size=(len(atoms), 3))
        ase_mag.set_moments(atoms, disturbed)
        atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
        return atoms

    return make


class Quartic(Calculator):
    """Any ASE calculator with magforces: E = sum_i (a m_i^2 + b m_i^4 - h.M_i), no more.

    ``axis`` makes it one of collinear moments that refuses others.
    """

    implemented_properties = ["energy", "forces", "magforces"]  # noqa: RUF012

    def __init__(self, a=-0.15, b=0.0192, h=(0.0, 0.0, 0.0), axis=None):
        super().__init__()
        self.a, self.b, self.h, self.axis = a, b, np.array(h), axis
        self.n_calculations = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.n_calculations += 1
        moments = ase_mag.get_moments(atoms)
        if self.axis is not None and np.abs(np.cross(moments, self.axis)).max() > 1e-12:
            raise ValueError("this calculator knows collinear moments only")
        squares = (moments**2).sum(axis=1)
        energies = self.a * squares + self.b * squares**2 - moments @ self.h
        slopes = (2 * self.a + 4 * self.b * squares)[:, None] * moments - self.h
        if self.axis is not None:
            slopes = np.outer(slopes @ self.axis, self.axis)
        self.results = {
            "energy": float(energies.sum()),
            "forces": np.zeros_like(moments),
            "magforces": -slopes,
        }


@pytest.fixture
def quartic():
    return Quartic
