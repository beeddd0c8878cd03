"""ConstrainedModel: the protocol of a reference, on a model."""

import json

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed
from scipy.optimize import minimize as scipy_minimize

import ase_mag
from ase_mag import models
from ase_mag.core import Model
from ase_mag.reference import ConstrainedModel


class NoForm(Model):
    """Any model without its bilinear form: the generic path."""

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)


def iron(seed=0, repeat=3, displacement=0.173, size=2.2):
    rng = np.random.default_rng(seed)
    atoms = bulk("Fe", a=2.877, cubic=True) * repeat
    atoms.positions += rng.normal(scale=displacement, size=atoms.positions.shape)
    directions = rng.normal(size=atoms.positions.shape)
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    ase_mag.set_moments(atoms, size * directions)
    return atoms


def test_protocol():
    atoms = iron()
    calc = atoms.calc = ConstrainedModel(models.named("FeHL-1"))
    moments = ase_mag.get_moments(atoms)
    assert {"energy", "forces", "magforces", "magmoms", "moment_error"} <= set(
        calc.implemented_properties
    )
    same = atoms.copy()
    same.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    assert atoms.get_potential_energy() == pytest.approx(same.get_potential_energy(), abs=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), same.get_forces(), rtol=0, atol=1e-13)
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), moments)
    error = calc.get_property("moment_error", atoms)
    np.testing.assert_array_equal(error, np.zeros(54))
    assert atoms.get_properties(["energy", "magforces"])["energy"] == atoms.get_potential_energy()


def test_shown_name_says_synthetic():
    calc = ConstrainedModel(models.named("FeHL-1"))
    assert calc.name == "FeHL-1 (synthetic)"
    assert repr(calc) == "ConstrainedModel(FeHL-1 (synthetic))"
    assert json.loads(json.dumps(calc.todict()))["name"] == "FeHL-1 (synthetic)"
    field = models.Zeeman("Fe", (0, 0, 10.0))
    assert ConstrainedModel(models.named("FeHL-1") + field).name.startswith(
        "FeHL-1 (synthetic) + Zeeman("
    )
    assert ConstrainedModel(field).name == repr(field)
    assert ConstrainedModel(field, name="a field").name == "a field"
    atoms = iron(repeat=1)
    atoms.calc = calc
    atoms.get_potential_energy()


def test_name_in_a_trajectory(tmp_path):
    atoms = iron(repeat=1)
    atoms.calc = ConstrainedModel(models.named("FeHL-1"))
    atoms.get_forces()
    atoms.write(tmp_path / "reference.traj")
    from ase.io import read

    assert read(tmp_path / "reference.traj").calc.name == "FeHL-1 (synthetic)"


@pytest.mark.parametrize("wrap", [lambda m: m, NoForm])
@pytest.mark.parametrize("seed", range(3))
def test_relaxed_sizes(wrap, seed):
    atoms = iron(seed)
    calc = atoms.calc = ConstrainedModel(wrap(models.named("FeHL-1")))
    given = ase_mag.get_moments(atoms)
    relaxed = calc.relax_sizes(atoms)
    np.testing.assert_array_equal(ase_mag.get_moments(atoms), given)
    sizes = np.linalg.norm(relaxed, axis=1)
    directions = given / 2.2
    np.testing.assert_allclose(relaxed, sizes[:, None] * directions, rtol=0, atol=1e-14)
    assert 1.0 < sizes.min() < sizes.max() < 2.6
    # The slope dE/d|M| vanishes to 1e-8 eV/mu_B, by magnetic forces and by energies.
    ase_mag.set_moments(atoms, relaxed)
    magforces = calc.get_property("magforces", atoms)
    assert np.abs((magforces * directions).sum(axis=1)).max() < 1e-8
    h = 1e-3
    for i in (0, 30):
        energies = []
        for step in (-2, -1, 1, 2):
            moved = relaxed.copy()
            moved[i] += step * h * directions[i]
            ase_mag.set_moments(atoms, moved)
            energies.append(atoms.get_potential_energy())
        slope = (8 * (energies[2] - energies[1]) - (energies[3] - energies[0])) / (12 * h)
        assert slope == pytest.approx(0.0, abs=3e-8)


def test_relaxed_sizes_against_scipy():
    atoms = iron(4, repeat=2)
    calc = atoms.calc = ConstrainedModel(models.named("FeHL-1"))
    directions = ase_mag.get_moments(atoms) / 2.2
    relaxed = np.linalg.norm(calc.relax_sizes(atoms), axis=1)

    def function(sizes):
        ase_mag.set_moments(atoms, sizes[:, None] * directions)
        slopes = -(calc.get_property("magforces", atoms) * directions).sum(axis=1)
        return atoms.get_potential_energy(), slopes

    found = scipy_minimize(
        function,
        np.full(16, 2.2),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * 16,
        options={"ftol": 1e-16, "gtol": 1e-10},
    )
    np.testing.assert_allclose(relaxed, found.x, rtol=0, atol=1e-5)
    assert function(relaxed)[0] <= found.fun + 1e-11


def test_zero_moments_stay_zero():
    atoms = iron(repeat=2)
    moments = ase_mag.get_moments(atoms)
    moments[[3, 7]] = 0.0
    ase_mag.set_moments(atoms, moments)
    calc = atoms.calc = ConstrainedModel(models.named("FeHL-1"))
    sizes = np.linalg.norm(calc.relax_sizes(atoms), axis=1)
    assert sizes[[3, 7]].tolist() == [0.0, 0.0]
    assert np.delete(sizes, [3, 7]).min() > 1.0
    ase_mag.set_moments(atoms, 0.0)
    np.testing.assert_array_equal(calc.relax_sizes(atoms), np.zeros((16, 3)))


def test_itinerant_sizes_vanish_together():
    # At 7 angstrom^3 per atom A is positive: no moment of the reference survives.
    atoms = bulk("Fe", a=14 ** (1 / 3), cubic=True)
    ase_mag.set_moments(atoms, [[0, 0, 0.5], [0, 0, -0.5]])
    calc = ConstrainedModel(models.named("FeHL-1"))
    np.testing.assert_allclose(calc.relax_sizes(atoms), np.zeros((2, 3)), atol=1e-7)


def test_closed_form():
    # a m^2 + b m^4 with field h along the moment: 2 a m + 4 b m^3 = h.
    field = np.array([0.0, 0.0, 500.0])
    model = models.Landau("Fe", a=-0.15, b=0.0192) + models.Zeeman("Fe", field)
    atoms = bulk("Fe", cubic=True)
    ase_mag.set_moments(atoms, [[0, 0, 2.0], [0, 2.0, 0]])
    sizes = np.linalg.norm(ConstrainedModel(model).relax_sizes(atoms), axis=1)
    h = 500.0 * ase_mag.units.tesla
    expected = max(np.roots([4 * 0.0192, 0, 2 * -0.15, -h]).real)
    assert sizes[0] == pytest.approx(expected, abs=1e-9)
    assert sizes[1] == pytest.approx(np.sqrt(0.15 / 0.0384), abs=1e-9)


def test_calculations_before_and_after_are_not_disturbed():
    atoms = iron(repeat=2)
    calc = atoms.calc = ConstrainedModel(NoForm(models.named("FeHL-1")))
    energy = atoms.get_potential_energy()
    other = iron(1, repeat=2)
    first = calc.relax_sizes(other)
    assert atoms.get_potential_energy() == energy
    forces = atoms.get_forces()
    fresh = atoms.copy()
    fresh.calc = ConstrainedModel(models.named("FeHL-1"))
    np.testing.assert_allclose(forces, fresh.get_forces(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(calc.relax_sizes(other), first, rtol=0, atol=1e-12)


def test_geometry_is_computed_once_for_a_landscape():
    atoms = iron(repeat=2)
    calc = atoms.calc = ConstrainedModel(models.named("FeHL-1"))
    relaxed = calc.relax_sizes(atoms)
    for i in range(4):
        for size in np.linspace(0.5, 2.9, 7):
            moments = relaxed.copy()
            moments[i] *= size / np.linalg.norm(moments[i])
            ase_mag.set_moments(atoms, moments)
            atoms.get_potential_energy()
            assert "forces" not in calc.results or (i == 0 and size == 0.5)
    assert calc._surface.neighbor_list.n_searches == 1


def test_not_converged():
    atoms = iron(repeat=2)
    calc = ConstrainedModel(models.named("FeHL-1"), max_steps=1)
    with pytest.raises(CalculationFailed, match=r"sizes did not relax: after 1 steps .*dE/d\|M\|"):
        calc.relax_sizes(atoms)
    exchange = models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75))
    ase_mag.set_moments(atoms, 2.0)
    with pytest.raises(RuntimeError, match="a model without a Landau term has no minimum"):
        ConstrainedModel(exchange).relax_sizes(atoms)


def test_bad_input():
    with pytest.raises(TypeError, match="a calculator needs a model"):
        ConstrainedModel("FeHL-1")
    calc = ConstrainedModel(models.named("FeHL-1"))
    with pytest.raises(ValueError, match="a reference constrains the moments, so moments='relax"):
        calc.set(moments="relaxed")
    atoms = iron(repeat=1)
    atoms.symbols[0] = "Co"
    with pytest.raises(ValueError, match="the structure holds Co"):
        calc.relax_sizes(atoms)
    atoms.symbols[0] = "Fe"
    atoms.arrays["initial_magmoms"][0, 0] = np.nan
    with pytest.raises(ValueError, match="the moment of atom 0 is not a finite number"):
        calc.relax_sizes(atoms)
