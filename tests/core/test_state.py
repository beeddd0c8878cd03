"""State: copies of what moves, with versions."""

import numpy as np
from ase.build import bulk

from ase_mag import get_moments, set_moments
from ase_mag.core import State


def example():
    atoms = bulk("Fe", cubic=True)
    rng = np.random.default_rng(0)
    set_moments(atoms, rng.normal(size=(2, 3)))
    atoms.set_momenta(rng.normal(size=(2, 3)))
    return atoms


def test_copies_atoms():
    atoms = example()
    state = State.from_atoms(atoms)
    assert state.version == (0, 0)
    state.positions += 1.0
    state.moments += 1.0
    np.testing.assert_array_equal(atoms.positions, bulk("Fe", cubic=True).positions)
    np.testing.assert_array_equal(state.moments - 1.0 + 1.0, state.moments)
    np.testing.assert_allclose(get_moments(atoms), state.moments - 1.0, atol=1e-15)
    np.testing.assert_array_equal(state.masses, atoms.get_masses())


def test_read_counts_what_changed():
    atoms = example()
    state = State.from_atoms(atoms)
    state.read(atoms)
    assert state.version == (0, 0)
    set_moments(atoms, 1.0)
    state.read(atoms)
    assert state.version == (0, 1)
    atoms.rattle(0.1)
    state.read(atoms)
    assert state.version == (1, 1)
    atoms.set_cell(1.01 * atoms.cell.array)
    atoms.set_momenta(np.ones((2, 3)))
    state.read(atoms)
    assert state.version == (2, 1)
    np.testing.assert_array_equal(state.momenta, np.ones((2, 3)))
    np.testing.assert_array_equal(state.cell, atoms.cell.array)


def test_write_then_read_is_the_same():
    atoms = example()
    state = State.from_atoms(atoms)
    rng = np.random.default_rng(1)
    for name in ("positions", "momenta", "moments", "cell"):
        getattr(state, name)[:] += rng.normal(scale=0.1, size=(getattr(state, name)).shape)
    state.write(atoms)
    again = State.from_atoms(atoms)
    for name in ("positions", "momenta", "moments", "cell"):
        np.testing.assert_array_equal(getattr(again, name), getattr(state, name))


def test_versions():
    state = State.from_atoms(example())
    state.geometry_changed()
    state.moments_changed()
    state.moments_changed()
    assert state.version == (1, 2)
