"""Two species: iron-aluminum of FeAlHL-1 from distorted starts, by both kinds of relaxation."""

import numpy as np
import pytest
from ase.build import bulk
from ase.optimize import FIRE

import ase_mag
from ase_mag import models
from ase_mag.optimize import (
    MagneticCellFilter,
    equilibration_reliability,
    relax,
    relaxation_reliability,
)


def alloy(kind, seed=1):
    """16 atoms of ordered Fe-Al, strained, displaced, with disturbed moments."""
    atoms = bulk("Fe", a=2.83, cubic=True) * 2
    places = np.rint(atoms.get_scaled_positions() * 4).astype(int)
    centers = (places % 2).all(axis=1)
    chosen = {"D0_3": centers & ((places // 2).sum(axis=1) % 2 == 0), "B2": centers}[kind]
    atoms.numbers[chosen] = 13
    rng = np.random.default_rng(seed)
    deformation = np.eye(3) + rng.normal(scale=0.01, size=(3, 3))
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    atoms.rattle(0.05, seed=seed)
    ase_mag.set_moments(atoms, np.where(chosen, -0.05, 2.0))
    moments = ase_mag.get_moments(atoms) + rng.normal(scale=0.2, size=(16, 3))
    ase_mag.set_moments(atoms, moments)
    return atoms


def summary(atoms):
    """Lattice constant, mean moment of iron, alignment of aluminum with it."""
    moments, iron = ase_mag.get_moments(atoms), atoms.numbers == 26
    axis = moments[iron].sum(axis=0)
    axis /= np.linalg.norm(axis)
    along = moments @ axis
    return (atoms.get_volume() / 8) ** (1 / 3), along[iron].mean(), along[~iron].max()


@pytest.mark.parametrize(("kind", "a", "moment"), [("D0_3", 2.858, 1.523), ("B2", 2.900, 0.866)])
def test_phases(kind, a, moment):
    atoms, twin = alloy(kind), alloy(kind)
    for system in (atoms, twin):
        system.calc = ase_mag.MagneticCalculator(models.named("FeAlHL-1"))
    result = relax(atoms, fmax=1e-4)
    assert result.converged
    assert result.minimum
    assert FIRE(MagneticCellFilter(twin), logfile=None).run(fmax=1e-4, steps=500)
    for system in (atoms, twin):
        found = summary(system)
        assert found[0] == pytest.approx(a, abs=6e-4)
        assert found[1] == pytest.approx(moment, abs=2e-3)
        assert found[2] < 0
    assert twin.get_potential_energy() == pytest.approx(result.energy, abs=1e-6)


def test_reliability_of_the_exact_model_is_complete():
    frames = [alloy(kind, seed) for kind in ("D0_3", "B2") for seed in range(3)]
    calculator = ase_mag.MagneticCalculator(models.named("FeAlHL-1"))
    for count in (equilibration_reliability, relaxation_reliability):
        report = count(frames, calculator, check_minimum=True)
        assert report.failures == []
        assert report.successes == 6
