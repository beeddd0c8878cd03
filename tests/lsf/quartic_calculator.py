"""A calculator whose landscapes are known: E = sum_i a_i m_i^2 + b_i m_i^4."""

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from ase_mag.core import get_moments


class QuarticCalculator(Calculator):
    """E = sum_i (a_i m_i^2 + b m_i^4), a_i = a0 + a1 x_i with the x coordinate of atom i.

    Attributes
    ----------
    n_relaxations, n_energies : int, how often it was asked.
    fail_after : int or None, energies after which it raises.
    """

    implemented_properties = ("energy",)

    def __init__(self, a0=-0.15, a1=0.005, b=0.02, fail_after=None):
        super().__init__()
        self.coefficients = a0, a1, b
        self.fail_after = fail_after
        self.n_relaxations = self.n_energies = 0

    def landscapes(self, atoms):
        a0, a1, b = self.coefficients
        return a0 + a1 * atoms.positions[:, 0], np.full(len(atoms), b)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.n_energies += 1
        if self.fail_after is not None and self.n_energies > self.fail_after:
            raise RuntimeError("stopped")
        a, b = self.landscapes(self.atoms)
        square = (get_moments(self.atoms) ** 2).sum(axis=1)
        self.results["energy"] = float((a * square + b * square**2).sum())

    def relax_sizes(self, atoms):
        self.n_relaxations += 1
        a, b = self.landscapes(atoms)
        moments = get_moments(atoms)
        sizes = np.sqrt(np.maximum(-a, 0) / (2 * b))
        return moments * (sizes / np.linalg.norm(moments, axis=1))[:, None]
