"""Positions, cell and moments in one ASE optimizer: gradient, optimizers, convergence, files."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter
from ase.gui.images import Images
from ase.io import read
from ase.optimize import BFGS, FIRE, LBFGS, BFGSLineSearch

import ase_mag
from ase_mag import models
from ase_mag.optimize import MagneticCellFilter


def differences(system, x, h=1e-4):
    """Two-sided differences of fourth order of get_value, coordinate by coordinate."""
    gradient = np.empty_like(x)
    for k in range(len(x)):
        values = []
        for step in (-2, -1, 1, 2):
            moved = x.copy()
            moved[k] += step * h
            system.set_x(moved)
            values.append(system.get_value())
        gradient[k] = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * h)
    system.set_x(x)
    return gradient


def strained(system, seed=0):
    """Return coordinates far from the reference, with a strain that is not symmetric."""
    x = system.get_x()
    rng = np.random.default_rng(seed)
    return x + rng.normal(scale=0.02, size=x.shape)


@pytest.mark.parametrize(
    "keywords",
    [
        {},
        {"scalar_pressure": 0.3},
        {"mask": [1, 1, 0, 0, 1, 0], "scalar_pressure": -0.1},
        {"moment_scale": 1.7},
        {"positions": False},
        {"cell": False},
        {"moments": False},
    ],
    ids=lambda keywords: "-".join(keywords) or "all",
)
def test_gradient_is_exact(iron, keywords):
    system = MagneticCellFilter(iron(repeat=(1, 1, 2)), **keywords)
    x = strained(system)
    if keywords.get("cell", True):
        # 0.6 on the diagonal of N U: 15 % of strain.
        start = 12 if system.positions else 0
        x[start : start + 9] += 4 * np.array([0.15, 0.1, 0, -0.05, 0.1, 0, 0, 0.02, -0.1])
    assert len(x) == system.ndofs()
    system.set_x(x)
    np.testing.assert_allclose(system.get_x(), x, atol=1e-12)
    found = system.get_gradient()
    # Rounding of the energy (17 eV) over the step is 1e-11.
    np.testing.assert_allclose(found, differences(system, x), rtol=0, atol=2e-8)
    assert np.abs(found).max() > 0.1


def test_gradient_with_spin_orbit_terms(iron):
    # Such an energy changes when the lattice turns under the moments. ASE's stress does not say by
    # how much (it is symmetric), so that the gradient is exact in the reference cell only.
    atoms = iron(repeat=1)
    model = models.named("FeHL-1") + models.UniaxialAnisotropy("Fe", 0.3, (1, 2, 3), moment=2.2)
    model += models.DzyaloshinskiiMoriya("Fe", models.cubic(0.3, cutoff=3.0))
    atoms.calc = ase_mag.MagneticCalculator(model)
    system = MagneticCellFilter(atoms)
    x = system.get_x()
    np.testing.assert_allclose(system.get_gradient(), differences(system, x), rtol=0, atol=2e-8)
    x = strained(system)
    system.set_x(x)
    np.testing.assert_allclose(system.get_gradient(), differences(system, x), rtol=0, atol=1e-4)
    # Where the magnetic forces vanish there is no torque on the lattice either.
    assert LBFGS(system, logfile=None).run(fmax=1e-6, steps=300)
    expected = differences(system, system.get_x())
    np.testing.assert_allclose(expected, 0.0, rtol=0, atol=1e-5)


def test_without_moments_it_is_the_filter_of_ase(iron):
    atoms = iron()
    twin = atoms.copy()
    twin.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    system = MagneticCellFilter(atoms, moments=False, scalar_pressure=0.1)
    ase_filter = FrechetCellFilter(twin, scalar_pressure=0.1)
    x = strained(system)
    x[48:] = 0.5 * (x[48:].reshape(3, 3) + x[48:].reshape(3, 3).T).ravel()
    system.set_x(x)
    twin.set_cell(atoms.cell)
    twin.positions = atoms.positions
    assert system.get_value() == pytest.approx(ase_filter.get_potential_energy(), abs=1e-10)
    forces = ase_filter.get_forces()
    # Its cell may turn as well: ours has the symmetric part of that gradient.
    forces[16:] = 0.5 * (forces[16:] + forces[16:].T)
    np.testing.assert_allclose(-system.get_gradient(), forces.ravel(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("optimizer", [FIRE, LBFGS, BFGS, BFGSLineSearch])
def test_optimizers_find_ferromagnetic_iron(iron, optimizer):
    atoms = iron()
    system = MagneticCellFilter(atoms)
    run = optimizer(system, logfile=None)
    assert run.run(fmax=1e-4, steps=300)
    assert run.nsteps < 200
    left = system.residuals()
    assert max(left.forces, left.magforces) < 1e-4
    assert left.stress < 1e-4 * len(atoms) / atoms.get_volume()
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() == pytest.approx(left.forces, rel=1e-9)
    a = (atoms.get_volume() / 8) ** (1 / 3)
    assert a == pytest.approx(2.8494, abs=1e-4)
    moments = ase_mag.get_moments(atoms)
    np.testing.assert_allclose(np.linalg.norm(moments, axis=1), 2.145, atol=1e-3)
    np.testing.assert_allclose(moments, moments[:1].repeat(16, axis=0), atol=2e-3)


def test_as_the_interface_promises(iron):
    atoms = iron()
    assert FIRE(MagneticCellFilter(atoms), logfile=None).run(fmax=1e-3)
    assert np.abs(atoms.get_forces()).max() < 1e-3
    assert np.abs(atoms.calc.get_property("magforces", atoms)).max() < 1e-3


def test_pressure(iron):
    atoms = iron()
    pressure = 10 * units.GPa
    FIRE(MagneticCellFilter(atoms, scalar_pressure=pressure), logfile=None).run(fmax=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), [-pressure] * 3 + [0] * 3, atol=1e-5)
    # The same point from E(V) of cubic cells with relaxed moments: -dE/dV = P.
    cubic = bulk("Fe", a=(atoms.get_volume() / 8) ** (1 / 3), cubic=True)
    ase_mag.set_moments(cubic, 2.2)
    cubic.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    energies, volumes = [], []
    for factor in (0.9999, 1.0001):
        copy = cubic.copy()
        copy.calc = cubic.calc
        copy.set_cell(cubic.cell.array * factor, scale_atoms=True)
        energies.append(copy.get_potential_energy())
        volumes.append(copy.get_volume())
    slope = -(energies[1] - energies[0]) / (volumes[1] - volumes[0])
    assert slope == pytest.approx(pressure, rel=2e-4)


def test_masked_components_do_not_change(iron):
    atoms = iron(strain=0.0)
    before = atoms.cell.array.copy()
    system = MagneticCellFilter(atoms, mask=[0, 0, 1, 0, 0, 0])
    assert LBFGS(system, logfile=None).run(fmax=1e-3, steps=300)
    np.testing.assert_allclose(atoms.cell.array[:2], before[:2], atol=1e-12)
    assert abs(atoms.cell[2, 2] - before[2, 2]) > 1e-3
    assert abs(atoms.get_stress()[2]) < 1e-3 * 16 / atoms.get_volume() < abs(atoms.get_stress()[0])


def test_fixed_atoms_follow_the_cell_only(iron):
    atoms = iron()
    atoms.set_constraint(FixAtoms([0, 3]))
    scaled = atoms.get_scaled_positions()[[0, 3]]
    assert LBFGS(MagneticCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=300)
    np.testing.assert_allclose(atoms.get_scaled_positions()[[0, 3]], scaled, atol=1e-12)


def test_own_tolerances(iron):
    system = MagneticCellFilter(iron(), stress_tolerance=1e-6, magforce_tolerance=1e-6)
    assert LBFGS(system, logfile=None).run(fmax=1e-2, steps=400)
    left = system.residuals()
    assert max(left.stress, left.magforces) < 1e-6
    # Each part alone keeps the run from converging.
    gradient = system.get_gradient()
    assert system.converged(gradient, 1e-2)
    for part in ("stress_tolerance", "magforce_tolerance"):
        setattr(system, part, 1e-14)
        assert not system.converged(gradient, 1e-2)
        setattr(system, part, 1.0)
    assert not system.converged(gradient, 1e-14)


def test_trajectory_holds_atoms_with_moments(iron, tmp_path):
    atoms = iron()
    path = tmp_path / "relax.traj"
    with FIRE(MagneticCellFilter(atoms), logfile=None, trajectory=path) as run:
        run.run(fmax=1e-2, steps=20)
    frames = read(path, ":")
    assert len(frames) == run.nsteps + 1
    assert isinstance(frames[-1], Atoms)
    for frame in frames:
        assert ase_mag.get_moments(frame).shape == (16, 3)
        assert frame.calc.results["magforces"].shape == (16, 3)
        assert frame.get_forces().shape == (16, 3)
    np.testing.assert_array_equal(ase_mag.get_moments(frames[-1]), ase_mag.get_moments(atoms))
    np.testing.assert_array_equal(frames[-1].cell.array, atoms.cell.array)
    assert np.abs(ase_mag.get_moments(frames[0]) - ase_mag.get_moments(frames[-1])).max() > 0.1
    # What ase gui loads.
    images = Images()
    images.read([str(path)], slice(None))
    assert len(images) == len(frames)
    np.testing.assert_array_equal(images[-1].get_magnetic_moments(), ase_mag.get_moments(atoms))


def test_a_cell_that_was_changed_by_somebody_else(iron):
    atoms = iron()
    system = MagneticCellFilter(atoms)
    system.get_x()
    atoms.set_cell(1.01 * atoms.cell.array, scale_atoms=True)
    with pytest.raises(RuntimeError, match="changed outside of this filter"):
        system.get_x()


def test_fixed_positions_need_no_cell_and_molecules_work(quartic):
    atoms = Atoms("Fe2", positions=[[0, 0, 0], [2, 0, 0]])
    ase_mag.set_moments(atoms, [1.0, 3.0])
    atoms.calc = quartic()
    assert LBFGS(MagneticCellFilter(atoms, cell=False), logfile=None).run(fmax=1e-6, steps=200)
    moments = ase_mag.get_moments(atoms)
    np.testing.assert_allclose(moments[:, 2], np.sqrt(0.15 / (2 * 0.0192)), atol=1e-5)


def test_bad_input(iron, quartic):
    atoms = iron()
    for keywords, message in (
        ({"cell": False, "positions": False, "moments": False}, "nothing is left to move"),
        ({"moment_scale": 0.0}, "moment_scale must be a positive number, got 0.0"),
        ({"stress_tolerance": -1.0}, "stress_tolerance must be a positive number"),
        ({"magforce_tolerance": np.inf}, "magforce_tolerance must be a positive number"),
        ({"scalar_pressure": np.nan}, "scalar_pressure must be a number"),
        ({"mask": [1, 1, 1]}, "the mask must be six values"),
        ({"mask": np.triu(np.ones((3, 3)))}, "symmetric 3 x 3"),
    ):
        with pytest.raises(ValueError, match=message):
            MagneticCellFilter(atoms, **keywords)
    film = iron()
    film.pbc = [True, True, False]
    with pytest.raises(ValueError, match="periodic in three directions"):
        MagneticCellFilter(film)
    atoms.calc = EMT()
    with pytest.raises(ValueError, match="EMT has no magforces"):
        MagneticCellFilter(atoms)
    atoms.calc = quartic()
    with pytest.raises(ValueError, match="needs the stress, which Quartic does not offer"):
        MagneticCellFilter(atoms)
    atoms.calc = None
    with pytest.raises(ValueError, match="the atoms have no calculator"):
        MagneticCellFilter(atoms)
    relaxed = iron()
    relaxed.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    with pytest.raises(ValueError, match="use moments='fixed'"):
        MagneticCellFilter(relaxed)
    without = bulk("Fe", cubic=True)
    without.set_initial_magnetic_moments(None)
    without.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    with pytest.raises(ValueError, match="have no moments to start from"):
        MagneticCellFilter(without)
