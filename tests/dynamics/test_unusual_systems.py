"""Cells and moments that are easily forgotten, by comparing two descriptions of one system."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import models, units
from ase_mag.dynamics import (
    MonteCarlo,
    SpinDynamics,
    SpinLatticeDynamics,
    moment_temperature,
    spin_temperature,
)

fs = ase_units.fs
MODEL = models.named("FeHL-1")


def tilted(atoms, rng=1, momenta=1.0):
    """Give random momenta and moments of several sizes and directions."""
    rng = np.random.default_rng(rng)
    ase_mag.set_moments(atoms, [0, 0.3, 1.9] + 0.4 * rng.normal(size=(len(atoms), 3)))
    atoms.set_momenta(momenta * rng.normal(size=(len(atoms), 3)))
    atoms.calc = ase_mag.MagneticCalculator(MODEL)
    return atoms


def total_energy(dyn):
    return dyn.get_potential_energy() + dyn.atoms.get_kinetic_energy()


def coupled(atoms, steps=30, **options):
    dyn = SpinLatticeDynamics(atoms, 0.5 * fs, method="implicit", progress=False, **options)
    start = total_energy(dyn)
    dyn.run(steps)
    return atoms, (total_energy(dyn) - start) / len(atoms)


def assert_same(one, two, index=slice(None)):
    np.testing.assert_allclose(one.positions, two.positions[index], atol=1e-8)
    np.testing.assert_allclose(ase_mag.get_moments(one), ase_mag.get_moments(two)[index], atol=1e-7)


@pytest.mark.parametrize("cell", ["one atom", "two atoms"])
def test_a_cell_smaller_than_the_cutoff_is_its_supercell(cell):
    """Cells of 2.5 to 2.9 angstrom, cutoff 5.3: every image of every neighbor counts."""
    small = tilted(bulk("Fe", a=2.86, cubic=cell == "two atoms"))
    large = small * (3, 3, 3)
    large.set_momenta(np.tile(small.get_momenta(), (27, 1)))
    large.calc = ase_mag.MagneticCalculator(MODEL)
    small, change = coupled(small)
    large, other = coupled(large)
    assert_same(small, large, slice(len(small)))
    assert abs(change - other) < 1e-9
    assert abs(change) < 1e-5
    if cell == "two atoms":
        assert np.abs(small.positions[0]).max() > 1e-3


def test_a_turned_triclinic_cell():
    """A run of a sheared cell that is turned as a whole is the turned run."""
    atoms = bulk("Fe", a=2.86) * 2
    atoms.set_cell(atoms.cell @ [[1, 0.07, 0], [0.02, 1, -0.05], [0, 0.03, 1]], scale_atoms=True)
    one = tilted(atoms)
    rotation = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    rotation *= np.linalg.det(rotation)
    two = one.copy()
    two.set_cell(one.cell @ rotation.T)
    two.positions = one.positions @ rotation.T
    two.set_momenta(one.get_momenta() @ rotation.T)
    ase_mag.set_moments(two, ase_mag.get_moments(one) @ rotation.T)
    two.calc = ase_mag.MagneticCalculator(MODEL)
    one, change = coupled(one)
    two, _ = coupled(two)
    np.testing.assert_allclose(two.positions, one.positions @ rotation.T, atol=1e-8)
    np.testing.assert_allclose(
        ase_mag.get_moments(two), ase_mag.get_moments(one) @ rotation.T, atol=1e-7
    )
    assert abs(change) < 1e-4


def test_a_film_is_a_film_with_vacuum():
    """Periodic in two directions equals periodic in three with 20 angstrom of vacuum."""
    film = bulk("Fe", a=2.86, cubic=True) * (2, 2, 3)
    film.pbc = (True, True, False)
    wide = film.copy()
    wide.pbc = True
    wide.set_cell(wide.cell.array + np.diag([0, 0, 20.0]))
    film, change = coupled(tilted(film))
    wide, _ = coupled(tilted(wide))
    assert_same(film, wide)
    assert abs(change) < 1e-4


def alloy():
    """Ordered FeCo with an aluminum atom in the middle that has no moment, 54 atoms."""
    atoms = bulk("Fe", a=2.86, cubic=True)
    atoms.symbols[1] = "Co"
    atoms *= 3
    atoms.symbols[20] = "Al"
    sizes = np.select([atoms.symbols == "Fe", atoms.symbols == "Co"], [2.4, 1.6], 0.0)
    rng = np.random.default_rng(2)
    moments = rng.normal(size=(54, 3)) + [0, 0, 2]
    moments *= (sizes / np.linalg.norm(moments, axis=1))[:, None]
    ase_mag.set_moments(atoms, moments)
    exchange = {
        ("Fe", "Fe"): models.cubic(0.06, 4.2),
        ("Fe", "Co"): models.cubic(0.2, 3.75),
        ("Co", "Co"): models.cubic(0.05, 4.2),
    }
    model = models.Heisenberg(("Fe", "Co"), exchange) + models.NonMagnetic("Al")
    model += models.Landau(("Fe", "Co"), {"Fe": -0.05, "Co": -0.05}, {"Fe": 0.02, "Co": 0.04})
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


@pytest.mark.parametrize("method", ["midpoint", "implicit", "depondt", "heun", "sequential"])
def test_a_nonmagnetic_atom_in_the_middle_is_a_hole(method):
    """Moments move as if the atom were not there; it stays at zero."""
    atoms = alloy()
    hole = atoms[np.arange(54) != 20]
    hole.calc = ase_mag.MagneticCalculator(atoms.calc.model)
    for system in (atoms, hole):
        SpinDynamics(system, 0.05 * fs, method=method, progress=False).run(100)
    with_atom = ase_mag.get_moments(atoms)
    assert not with_atom[20].any()
    # The order of sequential rotations differs; its error is of second order.
    tolerance = 1e-3 if method == "sequential" else 1e-10
    np.testing.assert_allclose(
        np.delete(with_atom, 20, axis=0), ase_mag.get_moments(hole), atol=tolerance
    )


@pytest.mark.parametrize("longitudinal", [False, True, "inertial"])
def test_a_nonmagnetic_atom_takes_no_part_in_baths(longitudinal):
    atoms = alloy()
    dyn = SpinLatticeDynamics(
        atoms,
        1.0 * fs,
        temperature_K=300,
        friction=0.01 / fs,
        damping=0.1,
        longitudinal=longitudinal,
        rng=1,
        progress=False,
    )
    dyn.run(30)
    moments = ase_mag.get_moments(atoms)
    assert np.isfinite(moments).all()
    assert not moments[20].any()
    assert np.delete(moments, 20, axis=0).any(axis=1).all()


@pytest.mark.slow
@pytest.mark.parametrize("longitudinal", [False, True])
def test_both_species_of_an_alloy_have_the_temperature_of_the_bath(longitudinal, record_property):
    """Coupled moments of two species, 1 fs: each within 2 % of 300 K, standard error below 0.6 %.

    The temperature of a part is sum |D|^2 / (kB sum Laplacian E) over its atoms, with the
    derivatives on the sphere or, with ``longitudinal``, in space: the others are held.
    """
    atoms = alloy() * 2
    atoms.calc = alloy().calc
    parts = [atoms.symbols == "Fe", atoms.symbols == "Co"]
    options = {"longitudinal": True} if longitudinal else {"damping": 0.1}
    dyn = SpinDynamics(atoms, 1.0 * fs, temperature_K=300, rng=4, progress=False, **options)
    dyn.run(2000)
    values = []
    for _ in range(1600):
        dyn.run(50)
        form, moments = dyn.spin_form(), dyn.state.moments
        values.append([species_temperature(form, moments, part, longitudinal) for part in parts])
        if len(values) == 1:
            whole = (moment_temperature if longitudinal else spin_temperature)(form, moments)
            every = species_temperature(form, moments, parts[0] | parts[1], longitudinal)
            assert abs(whole / every - 1) < 1e-9
    mean = np.mean(values, axis=0)
    error = np.reshape(values, (20, 80, 2)).mean(axis=1).std(axis=0, ddof=1) / np.sqrt(20)
    record_property("K", (mean, error))
    assert (error < 0.006 * 300).all(), (mean, error)
    assert (np.abs(mean - 300) < 0.02 * 300).all(), (mean, error)


def species_temperature(form, moments, part, vectors):
    """Return the spin temperature of the moments in ``part``, K; exchange and Landau terms only."""
    if not vectors:
        form = form.without_onsite()
    fields = form.evaluate(moments)[1]
    if vectors:
        a, b, _ = form.landau.T
        curvature = 6 * a + 20 * b * (moments**2).sum(axis=1)
        squares = (fields**2).sum(axis=1)
    else:
        curvature = 2 * (moments * fields).sum(axis=1)
        squares = (np.cross(moments, fields) ** 2).sum(axis=1)
    return squares[part].sum() / curvature[part].sum() / units.kB


def test_zero_moments_and_a_single_moment():
    """All moments zero: transverse runs stay, thermal sizes grow; one moment alone is fine."""
    atoms = tilted(bulk("Fe", a=2.86, cubic=True))
    ase_mag.set_moments(atoms, 0.0)
    for options in ({}, {"temperature_K": 300, "damping": 0.1}):
        SpinDynamics(atoms, fs, rng=1, progress=False, **options).run(10)
        SpinLatticeDynamics(atoms, fs, rng=1, progress=False, **options).run(3)
        assert not ase_mag.get_moments(atoms).any()
        assert np.isfinite(atoms.positions).all()
    SpinDynamics(atoms, fs, temperature_K=300, longitudinal=True, rng=1, progress=False).run(100)
    assert np.linalg.norm(ase_mag.get_moments(atoms), axis=1).min() > 0.3
    alone = tilted(Atoms("Fe", positions=[[0, 0, 0]]))
    MonteCarlo(alone, temperature_K=300, lengths=True, rng=1, progress=False).run(10)
    for longitudinal in (False, True):
        dyn = SpinLatticeDynamics(
            alone,
            fs,
            temperature_K=300,
            friction=0.01,
            damping=0.1,
            longitudinal=longitudinal,
            rng=1,
            progress=False,
        )
        dyn.run(10)
    assert np.isfinite(ase_mag.get_moments(alone)).all()
