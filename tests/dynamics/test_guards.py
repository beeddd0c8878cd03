"""Mistakes that would give plausible numbers: they are refused, or do not matter."""

import copy

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.constraints import FixAtoms

import ase_mag
from ase_mag import models
from ase_mag.core import CalculatorSurface, ModelSurface, State
from ase_mag.dynamics import AsdAimd, SpinDynamics, SpinLatticeDynamics, spin_temperature

fs = ase_units.fs
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


def iron(model=None, n=2):
    atoms = bulk("Fe", a=2.8665, cubic=True) * n
    rng = np.random.default_rng(1)
    moments = [0, 0, 2.0] + 0.5 * rng.normal(size=(len(atoms), 3))
    ase_mag.set_moments(atoms, moments)
    atoms.set_momenta(rng.normal(size=(len(atoms), 3)))
    atoms.calc = ase_mag.MagneticCalculator(model or models.named("FeHL-1"))
    return atoms


@pytest.mark.parametrize("kind", [AsdAimd, SpinLatticeDynamics])
def test_fixed_atoms_with_momenta_do_not_move(kind):
    """Momenta drawn before the constraint was set would carry the atoms away."""
    atoms = iron()
    constraint = FixAtoms([0, 1])
    atoms.constraints = [constraint]
    assert atoms.get_momenta()[:2].any()
    start = atoms.positions.copy()
    kind(atoms, fs, temperature_K=300, friction=0.01, damping=0.1, rng=1).run(5)
    np.testing.assert_array_equal(atoms.positions[:2], start[:2])
    assert not atoms.get_momenta()[:2].any()


@pytest.mark.parametrize("change", ["species", "pbc", "constraint", "model"])
def test_changes_that_need_a_new_dynamics_object(change):
    atoms = iron(EXCHANGE + models.NonMagnetic("Al"))
    dyn = SpinDynamics(atoms, fs)
    dyn.run(1)
    if change == "species":
        atoms.symbols[0] = "Al"
    elif change == "pbc":
        atoms.pbc = False
    elif change == "constraint":
        atoms.set_constraint(FixAtoms([0]))
    else:
        atoms.calc.model = EXCHANGE
    with pytest.raises(ValueError, match="have changed since the dynamics was made"):
        dyn.run(1)


def test_calculators_that_relax_the_moments_are_refused():
    atoms = iron()
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    for make in (
        lambda: SpinDynamics(atoms, fs),
        lambda: AsdAimd(atoms, fs),
        lambda: SpinLatticeDynamics(atoms, fs),
    ):
        with pytest.raises(ValueError, match="use moments='fixed'"):
            make()


def test_magnetic_forces_of_a_magnetic_lattice_calculator_count():
    """With ``lattice_moments=True`` both parts drive the moments."""
    one, two = iron(EXCHANGE + models.Zeeman("Fe", (5.0, 0, 0))), iron()
    two.calc = ase_mag.add(
        ase_mag.MagneticCalculator(EXCHANGE), models.Zeeman("Fe", (5.0, 0, 0)), lattice_moments=True
    )
    for atoms in (one, two):
        SpinDynamics(atoms, 0.01 * fs).run(20)
    np.testing.assert_allclose(ase_mag.get_moments(two), ase_mag.get_moments(one), atol=1e-6)


def test_surfaces_tell_states_apart():
    """Two states at one address, or copies of one, never share a result."""
    atoms = iron(EXCHANGE)
    for surface in (
        ModelSurface(EXCHANGE, atoms.numbers, atoms.pbc),
        CalculatorSurface(atoms),
    ):
        energies = set()
        for k in range(5):
            state = State.from_atoms(atoms)
            state.moments[0, 0] += 0.1 * k
            energies.add(surface.response(state).energy)
            other = copy.deepcopy(state)
            other.moments[0, 1] += 0.3
            energies.add(surface.response(other).energy)
            del state, other
        assert len(energies) == 10


def test_float_step_counts_are_fine_and_fractions_are_not():
    dyn = SpinDynamics(iron(EXCHANGE), fs)
    dyn.run(1e1)
    assert dyn.nsteps == 10
    with pytest.raises(ValueError, match=r"steps must be an integer >= 0, got 1\.5"):
        dyn.run(1.5)


def test_spin_temperature_does_not_count_images_of_an_atom_itself():
    """A two-atom cell and its supercell have one temperature."""
    values = []
    for n in (1, 3):
        atoms = bulk("Fe", a=2.8665, cubic=True)
        ase_mag.set_moments(atoms, [[0, 0.5, 2.0], [0.4, 0, 2.1]])
        atoms = atoms * n
        surface = ModelSurface(EXCHANGE, atoms.numbers, atoms.pbc)
        state = State.from_atoms(atoms)
        form = EXCHANGE.bilinear(surface.graph(state))
        values.append(spin_temperature(form, state.moments))
        assert abs(spin_temperature(surface.form(state), state.moments) - values[-1]) < 1e-9
    # Self-images are rigid with the atom, so the small cell has fewer fluctuating pairs.
    assert values[0] > 0
    assert values[1] > 0
