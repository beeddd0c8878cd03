"""relax: moments at every geometry, then atoms and cell."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS, FIRE, BFGSLineSearch, GPMin

import ase_mag
from ase_mag import models
from ase_mag.optimize import REASONS, Limits, relax


def lattice_constant(atoms):
    return (2 * atoms.get_volume() / len(atoms)) ** (1 / 3)


def test_ferromagnetic_iron_from_a_distorted_start(iron):
    """a 2.8494 angstrom, 2.145 mu_B: the phase of FeHL-1 that an independent program found."""
    atoms = iron()
    result = relax(atoms, fmax=1e-5)
    assert result.converged
    assert result.minimum
    assert lattice_constant(atoms) == pytest.approx(2.8494, abs=5.1e-5)
    sizes = np.linalg.norm(result.moments, axis=1)
    np.testing.assert_allclose(sizes, 2.145, atol=5.1e-4)
    assert result.fmax < 1e-5
    assert result.stress < 1e-5 * 16 / atoms.get_volume()
    assert result.magforce < 5e-6
    # What it says is what the calculator says about the atoms.
    assert result.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() == pytest.approx(result.fmax, rel=1e-6)
    np.testing.assert_array_equal(ase_mag.get_moments(atoms), result.moments)


def test_same_structure_as_the_adiabatic_calculator_in_the_filter_of_ase(iron):
    atoms = iron()
    result = relax(atoms, fmax=1e-6)
    twin = iron()
    twin.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed", fmax=1e-9)
    BFGS(FrechetCellFilter(twin), logfile=None).run(fmax=1e-6, steps=300)
    assert result.energy == pytest.approx(twin.get_potential_energy(), abs=1e-9)
    assert atoms.get_volume() == pytest.approx(twin.get_volume(), rel=1e-5)


@pytest.mark.parametrize("optimizer", [BFGS, FIRE, BFGSLineSearch, GPMin])
def test_other_optimizers(iron, optimizer):
    atoms = iron()
    result = relax(atoms, fmax=1e-4, optimizer=optimizer, max_steps=200)
    assert result.converged
    assert lattice_constant(atoms) == pytest.approx(2.8494, abs=1e-4)


def test_antiferromagnet_and_nonmagnet_of_the_reference(iron):
    """2.8371 angstrom, 1.708 mu_B, 0.233 eV and 2.7546 angstrom, 0.359 eV above: saddle points."""
    ferromagnet = relax(iron(rattle=0.0, strain=0.0), fmax=1e-5).energy / 16
    for moments, a, size, energy in (
        ([2.0, -2.0] * 8, 2.8371, 1.708, 0.233),
        ([0.0] * 16, 2.7546, 0.0, 0.359),
    ):
        # Exactly symmetric starts stay symmetric; only the cell may then move.
        atoms = iron(moments=moments, disorder=0.0, rattle=0.0, strain=0.005)
        with pytest.warns(UserWarning, match="relax: converged: .* at a saddle point"):
            result = relax(atoms, fmax=1e-5)
        assert (result.converged, result.minimum) == (True, False)
        assert result.curvature < -0.1
        assert lattice_constant(atoms) == pytest.approx(a, abs=5.1e-5)
        sizes = np.linalg.norm(result.moments, axis=1)
        np.testing.assert_allclose(sizes, size, atol=5.1e-4)
        assert result.energy / 16 - ferromagnet == pytest.approx(energy, abs=5.1e-4)
        unchecked = relax(atoms, fmax=1e-5, check_minimum=False)
        assert unchecked.minimum is None


def test_parts(iron):
    atoms = iron()
    cell = atoms.cell.array.copy()
    result = relax(atoms, cell=False)
    assert result.converged
    assert result.stress == 0.0
    np.testing.assert_array_equal(atoms.cell.array, cell)
    scaled = atoms.get_scaled_positions()
    assert relax(atoms, positions=False).converged
    np.testing.assert_allclose(atoms.get_scaled_positions(), scaled, atol=1e-12)
    pressure = 5 * units.GPa
    assert relax(atoms, scalar_pressure=pressure, stress=1e-6, optimizer=FIRE).converged
    np.testing.assert_allclose(atoms.get_stress(), [-pressure] * 3 + [0] * 3, atol=1e-6)


def test_molecules_and_trajectories(tmp_path):
    atoms = Atoms("Fe2", positions=[[0, 0, 0], [2.6, 0.1, 0]])
    ase_mag.set_moments(atoms, [2.0, 2.1])
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    path = tmp_path / "dimer.traj"
    result = relax(atoms, cell=False, trajectory=path, logfile=tmp_path / "dimer.log")
    assert result.converged
    frames = read(path, ":")
    assert len(frames) == result.iterations + 1
    for frame in frames:
        # Every frame is in equilibrium.
        assert np.linalg.norm(frame.calc.results["magforces"], axis=1).max() < 5e-6
    assert len((tmp_path / "dimer.log").read_text().splitlines()) == len(frames) + 1


def test_limits_stop_a_run(iron):
    for limits, reason, words in (
        (Limits(max_volume_change=1e-3), "volume", "the volume has changed by"),
        (Limits(min_distance=2.6), "atoms too close", "angstrom apart, less than 2.600"),
        (Limits(max_moment=2.0), "moment too large", "beyond max_moment = 2"),
    ):
        result = relax(iron(disorder=0.0, moments=1.9), limits=limits)
        assert (result.converged, result.reason) == (False, reason)
        assert words in result.message
        assert reason in REASONS
        assert result.minimum is None


def test_too_few_steps(iron):
    result = relax(iron(), max_steps=3)
    assert (result.converged, result.reason, result.iterations) == (False, "not converged", 3)
    assert "3 steps were not enough" in result.message
    assert np.isfinite(result.energy)
    result = relax(iron(moments=0.0, disorder=1.5), max_moment_steps=1)
    assert result.reason == "not converged"
    assert "the moments did not equilibrate" in result.message
    assert np.isnan(result.energy)


def test_an_energy_without_a_lower_bound(iron):
    atoms = iron()
    model = models.mendelev_2003() + models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75))
    atoms.calc = ase_mag.MagneticCalculator(model)
    result = relax(atoms)
    assert result.reason == "moment too large"
    assert "may not be bounded below" in result.message


def test_forces_that_are_not_finite(quartic):
    class Broken(quartic):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["forces"][0, 0] = np.nan

    atoms = Atoms("Fe2", positions=[[0, 0, 0], [2.6, 0, 0]])
    ase_mag.set_moments(atoms, 2.0)
    atoms.calc = Broken()
    result = relax(atoms, cell=False)
    assert (result.converged, result.reason) == (False, "not finite")


def test_bad_input(iron):
    with pytest.raises(ValueError, match="fmax must be a positive number, got 0"):
        relax(iron(), fmax=0)
    with pytest.raises(ValueError, match="fmax must be a positive number, got -1"):
        relax(iron(), magforce=-1.0)
    for keywords, message in (
        ({"max_moment": -1.0}, "max_moment must be a positive number, got -1.0"),
        ({"min_distance": 0.0}, "min_distance must be a positive number"),
        ({"max_volume_change": np.nan}, "max_volume_change must be a positive number"),
    ):
        with pytest.raises(ValueError, match=message):
            Limits(**keywords)
