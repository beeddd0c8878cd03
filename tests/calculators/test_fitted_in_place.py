"""Whoever keeps results of a model notices that its parameters were changed in place."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from ase_mag import MagneticCalculator, add, get_moments, set_moments
from ase_mag.core import ModelSurface, State
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics
from ase_mag.fitting.ensemble import Ensemble
from ase_mag.models import Landau, NoncollinearMomentTensorPotential, SeriesExchange


def potential(kind):
    series = SeriesExchange("Cu", 4.5, 2, coefficients=[[0.03, 0.01]])
    mtp = NoncollinearMomentTensorPotential(
        "Cu", 6, 2, 4.5, n_radial_basis=3, max_moment=5.0, rng=1
    )
    return {
        "bilinear": Landau("Cu", a=-0.2, b=0.05) + series,
        "moment tensors": mtp,
        "ensemble": Ensemble([mtp, series]),
    }[kind]


def crystal():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=2)
    set_moments(atoms, np.random.default_rng(3).normal(size=(4, 3)))
    return atoms


def change(model):
    """Change all parameters in place, differently."""
    for term in getattr(model, "terms", getattr(model, "members", (model,))):
        term.parameters = term.parameters * np.linspace(1.1, 1.7, len(term.parameters))


KINDS = ("bilinear", "moment tensors", "ensemble")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["energy", "forces", "stress", "magforces"])
def test_results_after_a_change_of_parameters(kind, name):
    model, atoms = potential(kind), crystal()
    calc = MagneticCalculator(model)
    before = np.array(calc.get_property(name, atoms))
    change(model)
    found = calc.get_property(name, atoms)
    fresh = MagneticCalculator(model).get_property(name, crystal())
    np.testing.assert_array_equal(found, fresh)
    assert np.abs(found - before).max() > 1e-6 * np.abs(before).max()


@pytest.mark.parametrize("kind", KINDS)
def test_surface_after_a_change_of_parameters(kind):
    model, atoms = potential(kind), crystal()
    for frozen in (False, True):
        surface = ModelSurface(model, atoms.numbers, atoms.pbc, frozen=frozen)
        state = State.from_atoms(atoms)
        form, before = surface.form(state), surface.response(state).energy
        change(model)
        fresh = MagneticCalculator(model).get_property("energy", atoms)
        assert surface.response(state).energy == pytest.approx(fresh, rel=1e-12)
        assert surface.response(state).energy != pytest.approx(before, rel=1e-3)
        if form is not None:
            assert surface.form(state).evaluate(state.moments)[0].sum() == pytest.approx(fresh)


@pytest.mark.parametrize("make", [MagneticCalculator, lambda model: add(EMT(), model)])
@pytest.mark.parametrize("dynamics", [SpinDynamics, SpinLatticeDynamics])
def test_dynamics_after_a_change_of_parameters(make, dynamics):
    model, atoms = potential("bilinear"), crystal()
    atoms.calc = make(model)
    run = dynamics(atoms, timestep=0.1)
    run.run(3)
    change(model)
    start = atoms.copy()
    start.calc = make(model)
    run.run(1)
    other = dynamics(start, timestep=0.1)
    other.run(1)
    np.testing.assert_allclose(get_moments(atoms), get_moments(start), atol=1e-12)
    np.testing.assert_allclose(atoms.get_momenta(), start.get_momenta(), atol=1e-12)
