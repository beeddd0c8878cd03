"""Descriptor 4 in a run: the sizes relaxed by the reference are an input of the prediction."""

import numpy as np
import pytest
from ase import units as ase_units

import ase_mag
from ase_mag import lsf, models, reference, units
from ase_mag.dynamics import AsdAimd, OnTheFlyLearning

from .thermal_iron import crystal, landscapes

fs, GPa = ase_units.fs, ase_units.GPa
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


class Counting(reference.ConstrainedModel):
    """Counts relaxations of the sizes."""

    relaxations = 0

    def relax_sizes(self, atoms):
        self.relaxations += 1
        return super().relax_sizes(atoms)


@pytest.fixture(scope="module")
def table():
    return landscapes()


def dynamics(predictor, calculator=None, **options):
    rng = np.random.default_rng(3)
    atoms = crystal(repeats=(2, 2, 3))
    lsf.set_ideal_lattice(atoms)
    directions = rng.normal(size=(len(atoms), 3))
    ase_mag.set_moments(atoms, 2 * directions / np.linalg.norm(directions, axis=1)[:, None])
    widths = np.sqrt(2 * units.kB * 900 * atoms.get_masses())
    atoms.set_momenta(widths[:, None] * rng.normal(size=(len(atoms), 3)))
    atoms.calc = calculator or Counting(models.named("FeHL-1"))
    defaults = {
        "exchange": EXCHANGE,
        "temperature_K": 900,
        "spin_timestep": 0.1 * fs,
        "friction": 0.02 / fs,
        "rng": 5,
    }
    return AsdAimd(atoms, fs, lsf=predictor, **(defaults | options))


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
@pytest.mark.parametrize("pressure", [None, -6 * GPa])
def test_sizes_are_those_of_a_fresh_prediction(table, pressure):
    """One relaxation at the start and per step, and one per move of the cell (ten steps)."""
    predictor = lsf.LsfPredictor(4).fit(table)
    options = {} if pressure is None else {"pressure_time": 100 * fs, "full_cell": True}
    dyn = dynamics(predictor, pressure=pressure, **options)
    atoms, before = dyn.atoms, dyn.atoms.cell.array.copy()
    dyn.run(40)
    assert np.allclose(atoms.cell.array, before, atol=1e-6) == (pressure is None)
    assert atoms.calc.relaxations == 41 + (0 if pressure is None else 4)
    relaxed = np.linalg.norm(atoms.calc.relax_sizes(atoms), axis=1)
    found = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
    wanted = predictor.moments(atoms, 900, relaxed=relaxed)
    # The relaxation ends at slopes of 1e-8 eV/mu_B, wherever it started.
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    other = predictor.moments(atoms, 900, relaxed=relaxed + 0.1)
    assert np.abs(other - wanted).max() > 0.01


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
def test_a_resumed_run_is_the_same_run(table, tmp_path):
    predictor = lsf.LsfPredictor(4).fit(table)
    whole = dynamics(predictor)
    whole.run(20)
    options = {"checkpoint": tmp_path / "run.npz", "restart": True}
    dynamics(predictor, **options).run_to(12)
    resumed = dynamics(predictor, **options)
    resumed.run_to(20)
    np.testing.assert_array_equal(resumed.atoms.positions, whole.atoms.positions)
    np.testing.assert_array_equal(
        ase_mag.get_moments(resumed.atoms), ase_mag.get_moments(whole.atoms)
    )


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
@pytest.mark.filterwarnings("ignore:all 12 landscapes of the budget are used up")
def test_learning_on_the_fly(table):
    learning = OnTheFlyLearning(table, threshold=0.02, budget=12, per_frame=4, interval=5)
    dyn = dynamics(lsf.LsfPredictor(4).fit(table), learning=learning)
    dyn.run(10)
    assert learning.computed == 12
    new = learning.table[len(table) :]
    assert np.isfinite(new.relaxed).all()
    np.testing.assert_array_equal(new.relaxed, new.background)
    # Moments that learned their own m_0 are predicted with it.
    X, _ = learning.predictor.training_data(learning.table)
    np.testing.assert_array_equal(X[len(table) :, -1], new.relaxed)


def test_what_cannot_work_is_refused_before_the_run(table):
    predictor = lsf.LsfPredictor(4).fit(table)
    with pytest.raises(TypeError, match=r"descriptor 4 .* MagneticCalculator has no relax_sizes"):
        dynamics(predictor, ase_mag.MagneticCalculator(models.named("FeHL-1")))
    learning = OnTheFlyLearning(table, background="zero")
    with pytest.raises(ValueError, match="background is 'zero', but descriptor 4 learns from"):
        dynamics(predictor, learning=learning)
