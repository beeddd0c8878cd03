"""relax_moments against closed forms, the adiabatic calculator and dense linear algebra."""

from itertools import pairwise

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

import ase_mag
from ase_mag import models, reference, units
from ase_mag.core import Model
from ase_mag.optimize import relax_moments

LANDAU = {"a": -0.15, "b": 0.0192}
CONTRADICTION = "contradict each other"


def crystal(model, moments, repeat=2):
    atoms = bulk("Fe", a=2.87, cubic=True) * repeat
    ase_mag.set_moments(atoms, moments)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


def dimer(exchange, moments, field=0.0, a=-0.15, b=0.0192):
    """Two moments with E = -J M1.M2 + a, b and a field along z in eV/mu_B."""
    atoms = Atoms("Fe2", positions=[[0, 0, 0], [2, 0, 0]])
    model = models.Heisenberg("Fe", models.cubic(exchange / (1 - 2 / 3) ** 3, cutoff=3.0))
    model += models.Landau("Fe", a=a, b=b)
    if field:
        model += models.Zeeman("Fe", (0, 0, field / units.tesla))
    ase_mag.set_moments(atoms, moments)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


class NoForm(Model):
    """Any model without its bilinear form: differences in place of exact second derivatives."""

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)


@pytest.mark.parametrize("wrap", [lambda m: m, NoForm])
def test_landau_minimum_in_closed_form(wrap):
    start = np.random.default_rng(0).normal(size=(16, 3))
    atoms = crystal(wrap(models.Landau("Fe", **LANDAU)), start)
    result = relax_moments(atoms, fmax=1e-12)
    assert result.converged
    sizes = np.linalg.norm(result.moments, axis=1)
    np.testing.assert_allclose(sizes, np.sqrt(0.15 / (2 * 0.0192)), rtol=1e-12)
    assert result.energy == pytest.approx(-16 * 0.15**2 / (4 * 0.0192), abs=1e-12)
    # A lone moment keeps its direction, and turning it costs nothing.
    directions = result.moments / sizes[:, None]
    expected = start / np.linalg.norm(start, axis=1)[:, None]
    np.testing.assert_allclose(directions, expected, atol=1e-9)
    assert result.minimum
    assert result.curvature == pytest.approx(0.0, abs=1e-8)
    np.testing.assert_array_equal(ase_mag.get_moments(atoms), result.moments)


@pytest.mark.parametrize("wrap", [lambda m: m, NoForm])
@pytest.mark.parametrize("seed", range(3))
def test_digits_double(iron, wrap, seed):
    atoms = iron(seed=seed)
    atoms.calc = ase_mag.MagneticCalculator(wrap(models.named("FeHL-1")))
    history = relax_moments(atoms, fmax=1e-13 if wrap is not NoForm else 1e-12).history
    # |g| of two steps in a row: quadratic convergence is |g'| < c |g|^2 with c of order 1/eV mu_B;
    # linear convergence by any factor above 1e-4 would break this, as would order 1.5.
    pairs = [(a, b) for a, b in pairwise(history) if 1e-7 < a < 1e-2]
    assert pairs
    for before, after in pairs:
        assert after < 40 * before**2 + 1e-13
    assert history[-1] < 1e-12


def test_same_minimum_as_the_relaxed_calculator(iron):
    for seed in range(4):
        atoms = iron(moments=0.0, disorder=1.5, seed=seed)
        other = atoms.copy()
        other.calc = ase_mag.MagneticCalculator(
            models.named("FeHL-1"), moments="relaxed", fmax=1e-10
        )
        result = relax_moments(atoms, fmax=1e-10)
        assert result.converged
        assert result.energy == pytest.approx(other.get_potential_energy(), abs=1e-9)
        assert result.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
        magforces = atoms.calc.get_property("magforces", atoms)
        assert np.linalg.norm(magforces, axis=1).max() == pytest.approx(result.fmax, abs=1e-12)
        np.testing.assert_allclose(atoms.get_forces(), other.get_forces(), atol=1e-8)


def test_equation_of_state_is_that_of_the_relaxed_calculator():
    atoms = crystal(models.named("FeHL-1"), 2.2, repeat=1)
    other = atoms.copy()
    other.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed", fmax=1e-10)
    for a in np.linspace(2.75, 2.95, 6):
        for system in (atoms, other):
            system.set_cell([a, a, a], scale_atoms=True)
        energy = relax_moments(atoms, fmax=1e-10).energy
        assert energy == pytest.approx(other.get_potential_energy(), abs=1e-9)


def test_constrained_model_and_sum_with_a_lattice_calculator(iron):
    atoms = iron()
    expected = relax_moments(atoms, fmax=1e-10).energy
    atoms = iron()
    atoms.calc = reference.ConstrainedModel(models.named("FeHL-1"))
    assert relax_moments(atoms, fmax=1e-10).energy == pytest.approx(expected, abs=1e-9)
    copper = bulk("Cu", cubic=True)
    copper.calc = EMT()
    lattice = copper.get_potential_energy()
    ase_mag.set_moments(copper, 0.4)
    for lattice_moments in (False, True):
        copper.calc = ase_mag.add(
            EMT(), models.Landau("Cu", **LANDAU), lattice_moments=lattice_moments
        )
        result = relax_moments(copper, fmax=1e-9)
        assert result.energy == pytest.approx(lattice - 4 * 0.15**2 / (4 * 0.0192), abs=1e-9)


@pytest.mark.parametrize("exchange", [0.02, -0.02])
def test_dimer(exchange):
    # E = 2 (a m^2 + b m^4) - |J| m^2 for parallel (J > 0) or antiparallel moments.
    start = np.random.default_rng(1).normal(size=(2, 3))
    atoms = dimer(exchange, start)
    result = relax_moments(atoms, fmax=1e-11)
    square = (0.02 + 2 * 0.15) / (4 * 0.0192)
    assert result.minimum
    np.testing.assert_allclose((result.moments**2).sum(axis=1), square, rtol=1e-10)
    product = result.moments[0] @ result.moments[1]
    assert product == pytest.approx(np.sign(exchange) * square, abs=1e-9)
    energy = 2 * (-0.15 * square + 0.0192 * square**2) - 0.02 * square
    assert result.energy == pytest.approx(energy, abs=1e-12)


@pytest.mark.parametrize("sizes", [False, True])
def test_canted_antiferromagnet_in_a_field(sizes):
    # cos(theta) = h / (2 |J| m) with the field; |J| m cos(theta) = h/2 at either size.
    j, h = 0.02, 0.03
    start = [[1.0, 0.2, 1.0], [-1.0, 0.1, 0.8]]
    atoms = dimer(-j, start, field=h)
    sizes_before = np.linalg.norm(start, axis=1)
    if not sizes:
        start = 2.0 * np.array(start) / sizes_before[:, None]
        ase_mag.set_moments(atoms, start)
    result = relax_moments(atoms, fmax=1e-11, sizes=sizes)
    m = np.sqrt((j + 2 * 0.15) / (4 * 0.0192)) if sizes else 2.0
    assert result.converged
    assert result.minimum
    np.testing.assert_allclose(np.linalg.norm(result.moments, axis=1), m, rtol=1e-10)
    np.testing.assert_allclose(result.moments[:, 2], h / (2 * j), atol=1e-9)
    np.testing.assert_allclose(result.moments.sum(axis=0)[:2], 0.0, atol=1e-8)
    # Above h = 2 |J| m the moments are saturated.
    atoms = dimer(-j, result.moments, field=0.09)
    saturated = relax_moments(atoms, fmax=1e-11, sizes=False)
    np.testing.assert_allclose(saturated.moments, [[0, 0, m]] * 2, atol=1e-8)
    # Both modes turn moments of size m against h - 2 |J| m or h, per m.
    assert saturated.curvature == pytest.approx(0.09 / m - 2 * j, abs=1e-8)


def test_sizes_at_fixed_directions(iron):
    atoms = iron(moments=0.0, disorder=1.5)
    start = ase_mag.get_moments(atoms)
    calc = reference.ConstrainedModel(models.named("FeHL-1"))
    expected = calc.relax_sizes(atoms)
    result = relax_moments(atoms, fmax=1e-10, directions=False)
    np.testing.assert_allclose(result.moments, expected, atol=1e-8)
    np.testing.assert_allclose(np.cross(result.moments, start), 0.0, atol=1e-12)
    assert result.minimum


def test_directions_at_fixed_sizes(iron):
    for wrap in (lambda m: m, NoForm):
        atoms = iron(moments=0.0, disorder=1.5)
        atoms.calc = ase_mag.MagneticCalculator(wrap(models.named("FeHL-1")))
        sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
        result = relax_moments(atoms, fmax=1e-9, sizes=False)
        np.testing.assert_allclose(np.linalg.norm(result.moments, axis=1), sizes, rtol=1e-12)
        magforces = atoms.calc.get_property("magforces", atoms)
        directions = result.moments / sizes[:, None]
        along = np.einsum("ia,ia->i", magforces, directions)
        across = np.linalg.norm(magforces - along[:, None] * directions, axis=1)
        assert across.max() == pytest.approx(result.fmax, abs=1e-12)
        assert across.max() < 1e-9 < 1e-3 < np.abs(along).max()
        assert result.minimum
        assert result.history[-1] < 40 * result.history[-2] ** 2 + 1e-12
        # All exchange is ferromagnetic here: parallel moments are the minimum.
        np.testing.assert_allclose(directions, directions[:1].repeat(16, axis=0), atol=1e-8)


@pytest.mark.parametrize(
    "model",
    [
        models.Zeeman("Fe", (0, 0, 10.0)),
        NoForm(models.Zeeman("Fe", (0, 0, 10.0))),
        models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)),
    ],
)
def test_energy_without_a_lower_bound(model):
    result = relax_moments(crystal(model, 2.0))
    assert not result.converged
    assert result.reason == "moment too large"
    assert "beyond max_moment = 50" in result.message
    assert "may not be bounded below" in result.message
    assert result.minimum is None


def test_spin_form_landau_set_falls_beyond_its_barrier():
    model = models.Landau("Fe", a=-0.15, b=0.0192, c=-0.0004, allow_unbounded=True)
    inside = relax_moments(crystal(model, 1.0), fmax=1e-10)
    square = (-0.0192 + np.sqrt(0.0192**2 - 3 * 0.0004 * 0.15)) / (-3 * 0.0004)
    np.testing.assert_allclose((inside.moments**2).sum(axis=1), square, rtol=1e-9)
    outside = relax_moments(crystal(model, 6.5), max_moment=8.0)
    assert (outside.converged, outside.reason) == (False, "moment too large")
    assert "beyond max_moment = 8" in outside.message


def test_too_few_steps_and_going_on(iron):
    atoms = iron(moments=0.0, disorder=1.5)
    first = relax_moments(atoms, max_steps=1)
    assert (first.converged, first.reason, first.iterations) == (False, "not converged", 1)
    assert "raise max_steps" in first.message
    np.testing.assert_array_equal(ase_mag.get_moments(atoms), first.moments)
    assert relax_moments(atoms).converged


def test_numbers_that_are_not_finite_and_contradictions(quartic):
    class Broken(quartic):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["magforces"] *= np.nan

    class Contradiction(quartic):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["magforces"] *= -1

    atoms = Atoms("Fe")
    ase_mag.set_moments(atoms, 1.0)
    atoms.calc = Broken()
    result = relax_moments(atoms)
    assert (result.converged, result.reason) == (False, "not finite")
    assert np.isnan(result.energy)
    atoms.calc = Contradiction()
    result = relax_moments(atoms)
    assert (result.converged, result.reason) == (False, "not converged")
    assert CONTRADICTION in result.message


def test_bad_input(iron, quartic):
    atoms = iron()
    for keywords, message in (
        ({"fmax": 0.0}, "fmax must be a positive number, got 0.0"),
        ({"fmax": -1e-3}, "fmax must be a positive number"),
        ({"fmax": np.nan}, "fmax must be a positive number, got nan"),
        ({"max_moment": 0}, "max_moment must be a positive number"),
        ({"probe": -1.0}, "probe must be a positive number"),
        ({"noise": -1.0}, "noise must be a number >= 0, in eV, got -1.0"),
        ({"max_steps": -1}, "max_steps must be a whole number"),
        ({"directions": False, "sizes": False}, "leave nothing to relax"),
        ({"axis": (0, 0, 0)}, "axis must be a vector of three numbers, not all zero"),
        (
            {"axis": (0, 0, 1), "sizes": False},
            "collinear moments along an axis .* have no direction",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            relax_moments(atoms, **keywords)
    relaxed = iron()
    relaxed.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    with pytest.raises(ValueError, match="use moments='fixed'"):
        relax_moments(relaxed)
    atoms.calc = None
    with pytest.raises(ValueError, match="the atoms have no calculator"):
        relax_moments(atoms)
    atoms.calc = EMT()
    with pytest.raises(ValueError, match="calculator EMT has no magforces"):
        relax_moments(atoms)
    without = Atoms("Fe")
    without.calc = quartic()
    with pytest.raises(ValueError, match="have no moments to start from"):
        relax_moments(without)
