"""Observables against closed forms and hand-made trajectories."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.singlepoint import SinglePointCalculator

from ase_mag import analysis, set_moments


def iron(repeat=2):
    atoms = bulk("Fe", a=2.87, cubic=True) * (repeat, repeat, repeat)
    atoms.set_initial_magnetic_moments(None)
    return atoms


def test_msd_of_known_displacements():
    atoms, frames = iron(), []
    rng = np.random.default_rng(3)
    directions = rng.normal(size=(len(atoms), 3))
    directions -= directions.mean(axis=0)
    for amplitude in (0.0, 0.1, 0.25):
        frame = atoms.copy()
        frame.positions += amplitude * directions
        frames.append(frame)
    expected = np.array([0.0, 0.1, 0.25]) ** 2 * np.mean(np.sum(directions**2, axis=1))
    np.testing.assert_allclose(analysis.msd(frames), expected, rtol=1e-12, atol=1e-28)


def test_msd_follows_atoms_through_the_boundary():
    # One of 16 atoms walks one and a half cells in steps; the frames are wrapped.
    atoms = iron()
    length, n = atoms.cell[0, 0], len(atoms)
    frames = []
    for k in range(16):
        frame = atoms.copy()
        frame.positions[3, 0] += 0.1 * k * length
        frame.wrap()
        frames.append(frame)
    walked = 0.1 * length * np.arange(16)
    # The center of mass moves by walked / n: sum of squares (1 - 1/n)^2 + (n - 1)/n^2 = 1 - 1/n.
    np.testing.assert_allclose(analysis.msd(frames), walked**2 * (1 - 1 / n) / n, atol=1e-12)


def test_msd_ignores_drift_of_the_center_of_mass_with_unequal_masses():
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    frames = [atoms.copy(), atoms.copy()]
    frames[1].positions += (0.3, -0.2, 0.1)
    np.testing.assert_allclose(analysis.msd(frames), 0.0, atol=1e-26)
    frames[1].positions[0] += (0.05, 0.0, 0.0)
    masses = atoms.get_masses()
    share = masses[0] / masses.sum()
    expected = 0.05**2 * ((1 - share) ** 2 + 7 * share**2) / 8
    assert analysis.msd(frames)[1] == pytest.approx(expected, rel=1e-9)


def test_msd_of_a_homogeneous_expansion_is_zero():
    frames = [iron(), iron()]
    frames[1].set_cell(1.02 * frames[0].cell.array, scale_atoms=True)
    np.testing.assert_allclose(analysis.msd(frames), 0.0, atol=1e-24)


def test_msd_in_a_sheared_cell_without_periodicity_in_one_direction():
    frames = [iron(), iron()]
    for frame in frames:
        frame.set_cell(frame.cell.array + [[0, 0, 0], [1.3, 0, 0], [0, 0.4, 0]], scale_atoms=True)
        frame.pbc = (True, True, False)
    frames[1].positions[0] += 0.9 * frames[0].cell[2]  # far along z: no image, really moved
    moved = 0.9 * np.linalg.norm(frames[0].cell[2])
    n = len(frames[0])
    assert analysis.msd(frames)[1] == pytest.approx(moved**2 * (1 - 1 / n) / n, rel=1e-12)


def test_msd_refuses_another_number_of_atoms():
    with pytest.raises(ValueError, match=r"frame 1 has 54 atoms, but the first one has 16"):
        analysis.msd([iron(2), iron(3)])


def test_moments_of_frames():
    frames = [iron(), iron(), iron()]
    set_moments(frames[0], 2.2)
    set_moments(frames[1], np.tile([0.0, 3.0, 4.0], (16, 1)))
    np.testing.assert_allclose(
        analysis.magnetization(frames), [[0, 0, 2.2], [0, 3, 4], [0, 0, 0]], rtol=1e-14
    )
    sizes = analysis.moment_sizes(frames)
    np.testing.assert_allclose(sizes, np.outer([2.2, 5.0, 0.0], np.ones(16)), rtol=1e-14)


def test_pressure_of_an_ideal_gas_and_of_a_stress():
    atoms = iron()
    temperature = 1043.0
    rng = np.random.default_rng(4)
    momenta = rng.normal(size=(16, 3))
    kinetic = np.sum(momenta**2 / (2 * atoms.get_masses()[:, None]))
    momenta *= np.sqrt(1.5 * 16 * units.kB * temperature / kinetic)
    atoms.set_momenta(momenta)
    stress = np.array([0.01, 0.02, 0.06, 0.5, 0.6, 0.7])  # eV/angstrom^3; shear plays no part
    atoms.calc = SinglePointCalculator(atoms, stress=stress)
    expected = 16 * units.kB * temperature / atoms.get_volume() - 0.03
    assert analysis.pressure([atoms])[0] == pytest.approx(expected / units.GPa, rel=1e-12)


class Elastic(Calculator):
    """E = K (V/V0 - 1)^2 V0 / 2 with the stress dE/dV on the diagonal."""

    implemented_properties = ("energy", "stress")

    def __init__(self, volume, modulus):
        super().__init__()
        self.volume, self.modulus = volume, modulus

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        strain = atoms.get_volume() / self.volume - 1
        stress = np.zeros(6)
        stress[:3] = self.modulus * strain
        self.results = {
            "energy": 0.5 * self.modulus * strain**2 * self.volume,
            "stress": stress,
        }


def test_pressure_is_minus_de_dv():
    atoms = iron()
    volume, h = atoms.get_volume(), 1e-4
    atoms.calc = Elastic(0.98 * volume, 1.1)
    energies = []
    for factor in (1 + h, 1 - h):
        scaled = atoms.copy()
        scaled.set_cell(atoms.cell.array * factor ** (1 / 3), scale_atoms=True)
        scaled.calc = Elastic(0.98 * volume, 1.1)
        energies.append(scaled.get_potential_energy())
    expected = -(energies[0] - energies[1]) / (2 * h * volume) / units.GPa
    assert expected < 0
    assert analysis.pressure([atoms])[0] == pytest.approx(expected, rel=1e-7)


def test_pressure_needs_a_stress_and_periodicity():
    atoms = iron()
    with pytest.raises(ValueError, match=r"frame 0 has no stress"):
        analysis.pressure([atoms])
    atoms.calc = SinglePointCalculator(atoms, energy=0.0)
    with pytest.raises(ValueError, match=r"frame 0 has no stress"):
        analysis.pressure([atoms])
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match=r"frame 0 has pbc=\[True, True, False\]"):
        analysis.pressure([atoms])
