"""A lattice calculator plus a magnetic model."""

import json
import pickle

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import (
    CalculationFailed,
    Calculator,
    PropertyNotImplementedError,
    all_changes,
)
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

import ase_mag
from ase_mag import MagneticCalculator, models
from ase_mag.calculators import AddedCalculator

J = models.Heisenberg("Ni", models.cubic(0.02, cutoff=3.5)) + models.Landau("Ni", a=-0.1, b=0.05)


def nickel(rattle=0.05):
    atoms = bulk("Ni", cubic=True) * (2, 2, 1)
    atoms.rattle(rattle, seed=1)
    ase_mag.set_moments(atoms, np.random.default_rng(0).normal(size=(16, 3)))
    return atoms


def with_calculator(atoms, calc):
    atoms = atoms.copy()
    atoms.calc = calc
    return atoms


class Counted(EMT):
    """EMT that records what it was given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        self.seen.append((tuple(properties), "initial_magmoms" in atoms.arrays))
        super().calculate(atoms, properties, system_changes)


class Spins(Calculator):
    """A lattice calculator with moments: E = sum_i M_iz + 3 N, free energy 1 eV below."""

    implemented_properties = ("energy", "free_energy", "forces", "magforces", "magmoms")
    count = 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        type(self).count += 1
        moments = ase_mag.get_moments(atoms)
        energy = moments[:, 2].sum() + 3.0 * len(atoms)
        self.results = {
            "energy": energy,
            "free_energy": energy - 1.0,
            "forces": np.zeros((len(atoms), 3)),
            "magforces": np.tile([0.0, 0.0, -1.0], (len(atoms), 1)),
            "magmoms": np.full(len(atoms), 7.0),
        }


@pytest.mark.parametrize("make", [EMT, lambda: LennardJones(rc=5.0, sigma=2.2, epsilon=0.3)])
def test_sum_of_both(make):
    atoms = nickel()
    bare = atoms.copy()
    bare.set_initial_magnetic_moments(None)
    bare.calc = make()
    magnetic = with_calculator(atoms, MagneticCalculator(J))
    both = with_calculator(atoms, ase_mag.add(make(), J))
    for name in ("get_potential_energy", "get_forces", "get_stress", "get_potential_energies"):
        expected = getattr(bare, name)() + getattr(magnetic, name)()
        np.testing.assert_allclose(getattr(both, name)(), expected, rtol=0, atol=1e-11)
    free = bare.get_potential_energy(force_consistent=True) + magnetic.get_potential_energy()
    assert both.get_potential_energy(force_consistent=True) == pytest.approx(free, abs=1e-11)
    np.testing.assert_array_equal(both.get_magnetic_moments(), ase_mag.get_moments(atoms))
    np.testing.assert_allclose(
        both.calc.get_property("magforces", both),
        magnetic.calc.get_property("magforces", magnetic),
        rtol=0,
        atol=1e-14,
    )
    assert type(both.calc) is AddedCalculator
    assert both.calc.model is J


def test_with_the_embedded_atom_of_matscipy(tmp_path):
    from matscipy.calculators.eam import EAM

    from ase_mag.models import mendelev_2003, write_eam

    path = tmp_path / "Fe.eam.fs"
    write_eam(path, mendelev_2003(), max_density=100.0)
    magnetic = models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)) + models.Landau(
        "Fe", a=-0.15, b=0.0192
    )
    atoms = bulk("Fe", a=2.87, cubic=True) * 3
    atoms.rattle(0.05, seed=1)
    ase_mag.set_moments(atoms, 2.2)
    both = with_calculator(atoms, ase_mag.add(EAM(str(path)), magnetic))
    ours = with_calculator(atoms, MagneticCalculator(mendelev_2003() + magnetic))
    # The table's interpolation error is about 1e-6 eV per atom.
    assert both.get_potential_energy() == pytest.approx(ours.get_potential_energy(), abs=1e-3)
    np.testing.assert_allclose(both.get_forces(), ours.get_forces(), rtol=0, atol=1e-3)
    np.testing.assert_allclose(both.get_stress(), ours.get_stress(), rtol=0, atol=1e-4)


def test_lattice_is_calculated_once_per_geometry_and_sees_no_moments():
    atoms = nickel()
    lattice = Counted()
    atoms.calc = ase_mag.add(lattice, J)
    energies = []
    for size in (0.5, 1.0, 1.5):
        ase_mag.set_moments(atoms, size)
        energies.append(atoms.get_potential_energy())
        atoms.get_forces()
        atoms.get_stress()
        atoms.calc.get_property("magforces", atoms)
    assert len(set(energies)) == 3
    assert len(lattice.seen) == 1
    assert not lattice.seen[0][1]
    atoms.rattle(0.01, seed=2)
    atoms.get_forces()
    assert len(lattice.seen) == 2
    atoms.calc.reset()
    atoms.get_forces()
    assert len(lattice.seen) == 2  # its own cache still holds this geometry
    assert ase_mag.get_moments(atoms)[0, 2] == 1.5


def test_lattice_with_moments():
    atoms = nickel()
    Spins.count = 0
    atoms.calc = ase_mag.add(Spins(), J, lattice_moments=True)
    magnetic = with_calculator(atoms, MagneticCalculator(J))
    moments = ase_mag.get_moments(atoms)
    for factor in (1.0, 2.0):
        ase_mag.set_moments(atoms, factor * moments)
        ase_mag.set_moments(magnetic, factor * moments)
        lattice = factor * moments[:, 2].sum() + 48.0
        energy = magnetic.get_potential_energy() + lattice
        assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-11)
        free = atoms.get_potential_energy(force_consistent=True)
        assert free == pytest.approx(energy - 1.0, abs=1e-11)
        expected = magnetic.calc.get_property("magforces", magnetic) - [0, 0, 1.0]
        magforces = atoms.calc.get_property("magforces", atoms)
        np.testing.assert_allclose(magforces, expected, rtol=0, atol=1e-14)
        np.testing.assert_array_equal(atoms.get_magnetic_moments(), factor * moments)
    assert Spins.count == 2


def test_lattice_without_moments_ignores_its_magforces():
    atoms = nickel()
    atoms.calc = ase_mag.add(Spins(), J)
    magnetic = with_calculator(atoms, MagneticCalculator(J))
    assert atoms.get_potential_energy() == pytest.approx(
        magnetic.get_potential_energy() + 48.0, abs=1e-11
    )
    magforces = atoms.calc.get_property("magforces", atoms)
    expected = magnetic.calc.get_property("magforces", magnetic)
    np.testing.assert_allclose(magforces, expected, rtol=0, atol=1e-14)


def test_what_the_lattice_lacks_is_not_offered():
    atoms = nickel()
    atoms.calc = ase_mag.add(Spins(), J)
    assert not {"stress", "stresses", "energies"} & set(atoms.calc.implemented_properties)
    for ask in (atoms.get_stress, atoms.get_potential_energies):
        with pytest.raises(PropertyNotImplementedError):
            ask()
    with pytest.raises(PropertyNotImplementedError, match="lattice calculator Spins has no stress"):
        atoms.get_properties(["stress"])
    assert not {"stress", "stresses", "energies"} & set(atoms.calc.results)
    assert "stress" in ase_mag.add(EMT(), J).implemented_properties


class Expensive(Counted):
    """Calculates only what it is asked for, as a DFT code does."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        kept = {} if system_changes else dict(self.results)
        super().calculate(atoms, properties, system_changes)
        wanted = {"energy", "free_energy", *properties}
        self.results = kept | {k: v for k, v in self.results.items() if k in wanted}


def test_nothing_that_was_not_asked_for_is_calculated():
    atoms = nickel()
    lattice = Expensive()
    atoms.calc = ase_mag.add(lattice, J)
    atoms.get_potential_energy()
    assert "forces" not in atoms.calc.results
    assert "stress" not in atoms.calc.results
    forces = atoms.get_forces()
    assert [names for names, _ in lattice.seen] == [("energy",), ("forces",)]
    assert "stress" not in atoms.calc.results
    reference = with_calculator(atoms, ase_mag.add(EMT(), J))
    np.testing.assert_allclose(forces, reference.get_forces(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(atoms.get_stress(), reference.get_stress(), rtol=0, atol=1e-12)
    ase_mag.set_moments(atoms, 1.0)
    ase_mag.set_moments(reference, 1.0)
    np.testing.assert_allclose(atoms.get_forces(), reference.get_forces(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(atoms.get_stress(), reference.get_stress(), rtol=0, atol=1e-12)
    assert len(lattice.seen) == 3


def test_a_failed_calculation_leaves_nothing_behind():
    atoms = nickel()
    atoms.calc = ase_mag.add(EMT(), J)
    atoms.get_forces()
    atoms.rattle(0.05, seed=3)
    moments = ase_mag.get_moments(atoms)
    atoms.arrays["initial_magmoms"][0, 0] = np.nan
    for _ in range(2):
        with pytest.raises(ValueError, match="the moment of atom 0 is not a finite number"):
            atoms.get_potential_energy()
    # Only the moments change now, but the lattice has not seen these positions.
    ase_mag.set_moments(atoms, moments)
    fresh = with_calculator(atoms, ase_mag.add(EMT(), J))
    assert atoms.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-11)
    np.testing.assert_allclose(atoms.get_forces(), fresh.get_forces(), rtol=0, atol=1e-11)


class Failing(EMT):
    """Fails at the first calculation."""

    failed = False

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        if not self.failed:
            self.failed = True
            raise CalculationFailed("no convergence")
        super().calculate(atoms, properties, system_changes)


def test_a_failed_lattice_leaves_no_half_sum():
    atoms = nickel()
    atoms.calc = ase_mag.add(Failing(), J)
    with pytest.raises(CalculationFailed, match="no convergence"):
        atoms.get_potential_energy()
    assert atoms.calc.results == {}
    fresh = with_calculator(atoms, ase_mag.add(EMT(), J))
    assert atoms.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-11)


def test_relaxed_moments():
    atoms = nickel()
    lattice = Counted()
    atoms.calc = ase_mag.add(lattice, J, moments="relaxed", fmax=1e-9)
    forces = atoms.get_forces()
    assert np.linalg.norm(atoms.calc.results["magforces"], axis=1).max() < 1e-9
    h, i, c = 1e-3, 5, 1
    values = []
    for step in (-1, 1):
        moved = atoms.copy()
        moved.positions[i, c] += step * h
        moved.calc = atoms.calc
        values.append(moved.get_potential_energy())
    assert forces[i, c] == pytest.approx(-(values[1] - values[0]) / (2 * h), abs=1e-5)
    assert len(lattice.seen) == 3


def test_initial_charges_matter_to_the_lattice():
    atoms = nickel()
    lattice = Counted()
    atoms.calc = ase_mag.add(lattice, J, lattice_moments=True)
    atoms.get_potential_energy()
    atoms.set_initial_charges(np.ones(16))
    atoms.get_potential_energy()
    assert len(lattice.seen) == 2


def test_names_json_and_pickle():
    calc = ase_mag.add(EMT(), J)
    assert json.loads(json.dumps(calc.todict()))["lattice"] == "emt"
    assert calc.name.startswith("emt + ")
    assert repr(calc).startswith("AddedCalculator(EMT, Heisenberg(")
    atoms = nickel()
    calc = atoms.calc = ase_mag.add(LennardJones(rc=5.0, sigma=2.2, epsilon=0.3), J)
    energy = atoms.get_potential_energy()
    again = atoms.copy()
    again.calc = pickle.loads(pickle.dumps(calc))
    assert again.get_potential_energy() == pytest.approx(energy, abs=1e-12)
    again.positions[0] += 0.1
    assert again.get_potential_energy() != energy


def test_bad_input():
    with pytest.raises(TypeError, match="the lattice calculator must be an ASE calculator, got 1"):
        ase_mag.add(1, J)
    with pytest.raises(TypeError, match="a calculator needs a model"):
        ase_mag.add(EMT(), EMT())
    with pytest.raises(ValueError, match="cannot be combined with lattice_moments=True"):
        ase_mag.add(EMT(), J, lattice_moments=True, moments="relaxed")
    calc = ase_mag.add(Spins(), J, lattice_moments=True)
    with pytest.raises(ValueError, match="cannot be combined with lattice_moments=True"):
        calc.set(moments="relaxed")
    atoms = nickel()
    atoms.calc = ase_mag.add(EMT(), J)
    atoms.pbc = (True, True, False)
    with pytest.raises(PropertyNotImplementedError, match="periodic in three directions"):
        atoms.get_stress()
    atoms.pbc = True
    atoms.symbols[0] = "Cu"
    with pytest.raises(ValueError, match="the structure holds Cu"):
        atoms.get_potential_energy()
