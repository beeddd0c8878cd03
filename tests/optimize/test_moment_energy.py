"""Calculators of any kind: differences, noise, collinear moments, moments that are refused."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import CalculationFailed

import ase_mag
from ase_mag import models
from ase_mag.core import Model
from ase_mag.optimize import relax, relax_moments


def test_any_calculator_with_magnetic_forces(quartic):
    atoms = Atoms("Fe3", positions=np.eye(3) * 5)
    ase_mag.set_moments(atoms, [[0.1, 0.2, 0.3], [1.0, 0, 0], [0, -3.0, 0]])
    atoms.calc = quartic()
    result = relax_moments(atoms, fmax=1e-11)
    sizes = np.linalg.norm(result.moments, axis=1)
    np.testing.assert_allclose(sizes, np.sqrt(0.15 / (2 * 0.0192)), rtol=1e-10)
    assert result.energy == pytest.approx(-3 * 0.15**2 / (4 * 0.0192), abs=1e-12)
    assert result.minimum
    assert result.evaluations < atoms.calc.n_calculations <= result.evaluations + 22


def test_collinear_calculators_along_their_axis(quartic):
    axis = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    atoms = Atoms("Fe2", positions=np.eye(3)[:2] * 5)
    ase_mag.set_moments(atoms, np.outer([-0.3, 1.0], axis))
    atoms.calc = quartic(h=0.2 * axis, axis=axis)
    result = relax_moments(atoms, fmax=1e-12, axis=(1, 1, 0))
    # Minima of a x^2 + b x^4 - h x; the first moment changes its sign, since its barrier is gone.
    roots = np.roots([4 * 0.0192, 0, 2 * -0.15, -0.2])
    expected = roots[np.isreal(roots)].real.max()
    np.testing.assert_allclose(result.moments @ axis, expected, rtol=1e-10)
    assert result.minimum
    assert result.curvature == pytest.approx(2 * -0.15 + 12 * 0.0192 * expected**2, abs=1e-7)
    ase_mag.set_moments(atoms, [[0.5, 0.5, 0.0], [0.5, 0.5, 0.1]])
    with pytest.raises(ValueError, match=r"the moment of atom 1, .* is not along the axis"):
        relax_moments(atoms, axis=axis)


class Collinear(Model):
    """A model of collinear moments that refuses others, along an axis that it names."""

    moment_axis = np.array([0.6, 0.0, 0.8])

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        if np.abs(np.cross(moments, self.moment_axis)).max() > 1e-9:
            raise ValueError("transverse moments")
        found = self.model.gradients(graph, moments, lattice=lattice)
        found.moments[:] = np.outer(found.moments @ self.moment_axis, self.moment_axis)
        return found


def moments_of(result, displacements):
    return result.moments + np.outer(displacements, Collinear.moment_axis)


@pytest.mark.parametrize("signs", [[1.0] * 16, [1.0, -1.0] * 8])
def test_collinear_models_name_their_axis(signs, iron):
    moments = np.outer(signs, 2.0 * Collinear.moment_axis)
    atoms = iron(moments=moments, disorder=0.0)
    expected = relax_moments(atoms, fmax=1e-10, check_minimum=False)
    atoms = iron(moments=moments, disorder=0.0)
    atoms.calc = ase_mag.MagneticCalculator(Collinear(models.named("FeHL-1")))
    result = relax_moments(atoms, fmax=1e-10)
    assert result.energy == pytest.approx(expected.energy, abs=1e-10)
    np.testing.assert_allclose(result.moments, expected.moments, atol=1e-8)
    assert result.minimum
    # The lowest eigenvalue over sizes alone: without torques the antiferromagnet is stable.
    matrix = []
    for unit in np.eye(16):
        sides = []
        for sign in (1, -1):
            ase_mag.set_moments(atoms, moments_of(result, sign * 1e-4 * unit))
            sides.append(-atoms.calc.get_property("magforces", atoms) @ Collinear.moment_axis)
        matrix.append((sides[0] - sides[1]) / 2e-4)
    lowest = np.linalg.eigvalsh(np.array(matrix))[0]
    assert lowest > 0.1
    assert result.curvature == pytest.approx(lowest, abs=1e-6)
    assert relax(atoms, fmax=1e-3).converged
    with pytest.raises(ValueError, match="have no direction to hold or to turn"):
        relax_moments(atoms, sizes=False)


def test_noisy_energies_and_magnetic_forces(quartic):
    class Noisy(quartic):
        """Energies with errors of 1e-6 eV, magnetic forces with 1e-5 eV/mu_B."""

        rng = np.random.default_rng(0)

        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["energy"] += self.rng.normal(scale=1e-6)
            self.results["magforces"] += self.rng.normal(scale=1e-5, size=(4, 3))

    atoms = Atoms("Fe4", positions=5.0 * np.arange(12).reshape(4, 3))
    start = np.random.default_rng(1).normal(size=(4, 3))
    for seed in range(10):
        ase_mag.set_moments(atoms, start)
        atoms.calc = Noisy()
        atoms.calc.rng = np.random.default_rng(seed)
        result = relax_moments(atoms, fmax=1e-4, probe=0.02, noise=5e-6, check_minimum=False)
        assert result.converged
        sizes = np.linalg.norm(result.moments, axis=1)
        # |dE/dm| < 1e-4 with the curvature 4 |a| = 0.6: 2e-4, and errors of 1e-5/0.6.
        np.testing.assert_allclose(sizes, np.sqrt(0.15 / (2 * 0.0192)), atol=3e-4)


def test_refused_moments_shorten_a_step(quartic):
    class Narrow(quartic):
        refused = 0

        def calculate(self, atoms=None, *args, **kwargs):
            if np.abs(ase_mag.get_moments(atoms)).max() > 3:
                self.refused += 1
                raise ValueError("beyond the training range of 3 mu_B")
            super().calculate(atoms, *args, **kwargs)

    # The Newton step from 2.0 leads beyond 3 mu_B, the minimum is at 2.95.
    atoms = Atoms("Fe")
    ase_mag.set_moments(atoms, 2.0)
    atoms.calc = Narrow(b=0.15 / (2 * 2.95**2))
    result = relax_moments(atoms, fmax=1e-9)
    assert result.converged
    assert result.moments[0, 2] == pytest.approx(2.95, abs=1e-8)
    assert atoms.calc.refused == 1
    # With a minimum beyond the range it ends at the border of it.
    atoms.calc = Narrow(b=0.15 / (2 * 3.5**2))
    with pytest.raises(CalculationFailed, match=r"refused 31 trial moments .* beyond the training"):
        relax_moments(atoms)
    ase_mag.set_moments(atoms, 4.0)
    with pytest.raises(ValueError, match="beyond the training range"):
        relax_moments(atoms)
