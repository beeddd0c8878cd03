"""Frames labelled by known models."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

import ase_mag
from ase_mag import fitting, models

from .screened_model import ScreenedModel

PROPERTIES = ("energy", "forces", "stress", "magforces")


def structures(count=12, rng=1, magnetic=True, repeat=(1, 1, 2)):
    """Displaced and strained cells of bcc iron with random moments."""
    rng = np.random.default_rng(rng)
    out = []
    for _ in range(count):
        atoms = bulk("Fe", a=2.85, cubic=True) * repeat
        strain = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
        atoms.set_cell(atoms.cell @ strain, scale_atoms=True)
        atoms.positions += rng.normal(scale=0.08, size=atoms.positions.shape)
        if magnetic:
            sizes = rng.uniform(1.0, 2.8, size=(len(atoms), 1))
            directions = rng.normal(size=(len(atoms), 3))
            directions /= np.linalg.norm(directions, axis=1)[:, None]
            ase_mag.set_moments(atoms, sizes * directions)
        out.append(atoms)
    return out


def labelled(atoms, model, noise=0.0, rng=0):
    """Return atoms with the results of a model, and normal noise, as ASE writes them."""
    from ase.calculators.singlepoint import SinglePointCalculator

    rng = np.random.default_rng(rng)
    calc = ase_mag.MagneticCalculator(model)
    out = []
    for frame in atoms:
        copy = frame.copy()
        results = {name: calc.get_property(name, copy) for name in PROPERTIES}
        for name, value in results.items():
            results[name] = value + noise * rng.normal(size=np.shape(value))
        magforces = results.pop("magforces")
        copy.calc = SinglePointCalculator(copy, **results)
        copy.calc.results["magforces"] = magforces
        out.append(copy)
    return out


@pytest.fixture
def linear_model():
    """Landau and exchange energies with known coefficients, 7 parameters."""
    return (
        models.Landau("Fe", a=-0.15, b=0.0192)
        + models.SeriesExchange("Fe", 4.0, 4, start=2.0, coefficients=[[0.1, 0.02, -0.03, 0.01]])
        + models.AtomicEnergies({"Fe": -8.0})
    )


@pytest.fixture
def linear_data(linear_model):
    """Twelve frames of that model with noise."""
    return fitting.read(labelled(structures(), linear_model, noise=0.01))


@pytest.fixture
def screened_data():
    """Twelve frames of a model with non-linear parameters."""
    return fitting.read(labelled(structures(), ScreenedModel()))


@pytest.fixture
def file(tmp_path, linear_model):
    """An extended xyz file with six labelled frames."""
    path = tmp_path / "frames.extxyz"
    write(path, labelled(structures(6), linear_model))
    return path
