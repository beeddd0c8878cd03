"""Potentials of other packages: signs by differences, dynamics, relaxation, landscapes, mistakes.

Against stand-ins of their interfaces; the packages themselves are in test_packages.
"""

import sys
import types

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator, PropertyNotImplementedError

import ase_mag
from ase_mag import lsf, models
from ase_mag.calculators import DeepmdSpin, MagneticMace, chgnet, predicted_sizes
from ase_mag.core import get_moments
from ase_mag.dynamics import AsdAimd, SpinDynamics, SpinLatticeDynamics
from ase_mag.optimize import relax_moments
from ase_mag.reference import ConstrainedModel

from . import stand_ins


def iron(seed=0):
    atoms = bulk("Fe", a=2.87, cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=seed)
    directions = np.random.default_rng(seed).normal(size=(4, 3)) + [0, 0, 3]
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    ase_mag.set_moments(atoms, 2.2 * directions)
    return atoms


def mace(**options):
    return MagneticMace(
        stand_ins.MagneticMACECalculator([stand_ins.MaceModel(), stand_ins.MaceModel()], **options)
    )


PROVIDERS = {"DeePMD": lambda: DeepmdSpin(stand_ins.DeepPot()), "MACE": mace}


@pytest.fixture(params=list(PROVIDERS))
def calculator(request):
    return PROVIDERS[request.param]()


def test_results_are_those_of_the_model(calculator):
    atoms, reference = iron(), ase_mag.MagneticCalculator(stand_ins.MODEL)
    atoms.calc = calculator
    for name in ("energy", "forces", "stress", "magforces", "magmoms", "magmom"):
        np.testing.assert_allclose(
            calculator.get_property(name, atoms),
            reference.get_property(name, atoms),
            atol=1e-10,
            err_msg=name,
        )
    np.testing.assert_array_equal(get_moments(atoms), get_moments(iron()))
    assert list(atoms.arrays) == ["numbers", "positions", "initial_magmoms"]
    assert isinstance(atoms.get_properties(["magmoms"])["magmoms"], np.ndarray)


def test_magnetic_forces_by_differences(calculator):
    """The sign by the energy alone: -dE/dM of moments that are moved to both sides."""
    atoms = iron(1)
    atoms.calc = calculator
    found, step, moments = atoms.calc.get_property("magforces", atoms), 1e-4, get_moments(atoms)
    for atom, axis in ((0, 0), (2, 1), (3, 2)):
        energies = []
        for sign in (1, -1):
            moved = moments.copy()
            moved[atom, axis] += sign * step
            ase_mag.set_moments(atoms, moved)
            energies.append(atoms.get_potential_energy())
        difference = -(energies[0] - energies[1]) / (2 * step)
        assert found[atom, axis] == pytest.approx(difference, abs=1e-7)


def test_one_evaluation_for_one_state():
    atoms, potential = iron(), stand_ins.DeepPot()
    atoms.calc = DeepmdSpin(potential)
    atoms.get_forces()
    atoms.get_stress()
    atoms.calc.get_property("magforces", atoms)
    assert potential.evaluations == 1
    ase_mag.set_moments(atoms, 2.0)
    atoms.get_forces()
    assert potential.evaluations == 2


def test_in_spin_lattice_dynamics(calculator):
    """Step for step what the model itself does on the generic path; the energy is conserved."""
    runs = []
    for calc in (calculator, ase_mag.MagneticCalculator(stand_ins.MODEL)):
        atoms = iron(2)
        atoms.calc = calc
        atoms.set_momenta(np.random.default_rng(3).normal(scale=2.0, size=(4, 3)))
        dynamics = SpinLatticeDynamics(atoms, 0.5 * units.fs, method="implicit")
        start = atoms.get_total_energy()
        dynamics.run(6)
        assert atoms.get_total_energy() == pytest.approx(start, abs=1e-3)
        runs.append(atoms)
    np.testing.assert_allclose(runs[0].positions, runs[1].positions, atol=1e-8)
    np.testing.assert_allclose(get_moments(runs[0]), get_moments(runs[1]), atol=1e-6)


def test_in_spin_dynamics_and_asd_aimd(calculator):
    atoms = iron(2)
    atoms.calc = calculator
    sizes = np.linalg.norm(get_moments(atoms), axis=1)
    start = atoms.get_potential_energy()
    SpinDynamics(atoms, 0.1 * units.fs, damping=0.5, temperature_K=0.0).run(20)
    assert atoms.get_potential_energy() < start - 1e-4
    exchange = models.Heisenberg("Fe", models.cubic(0.1, 3.5))
    AsdAimd(
        atoms, units.fs, exchange=exchange, temperature_K=300, friction=0.01 / units.fs, rng=1
    ).run(3)
    np.testing.assert_allclose(np.linalg.norm(get_moments(atoms), axis=1), sizes, atol=1e-10)


def test_in_relaxations_of_moments(calculator):
    """The minimum that the model's own second derivatives find."""
    found = []
    for calc in (calculator, ase_mag.MagneticCalculator(stand_ins.MODEL)):
        atoms = iron(4)
        atoms.calc = calc
        result = relax_moments(atoms, fmax=1e-5, check_minimum=False)
        assert result.converged
        found.append(result.energy)
    assert found[0] == pytest.approx(found[1], abs=1e-8)


def test_in_landscapes(calculator):
    """Relaxed sizes and E(m) = a m^2 + b m^4 around them, as a constrained reference gives them."""
    tables = [
        lsf.landscapes(iron(5), calc, sizes=5, progress=False)
        for calc in (calculator, ConstrainedModel(stand_ins.MODEL))
    ]
    assert len(tables[0].a) == 4
    np.testing.assert_allclose(tables[0].a, tables[1].a, atol=1e-5)
    np.testing.assert_allclose(tables[0].b, tables[1].b, atol=1e-5)


def test_molecules_and_slabs(calculator):
    atoms = iron()
    atoms.pbc = False
    if isinstance(calculator, DeepmdSpin):
        atoms.calc = calculator
        free = ase_mag.MagneticCalculator(stand_ins.MODEL).get_property("energy", atoms)
        assert atoms.get_potential_energy() == pytest.approx(free, abs=1e-10)
        with pytest.raises(PropertyNotImplementedError, match="periodic in three directions only"):
            atoms.get_stress()
        atoms.pbc = (True, True, False)
        with pytest.raises(ValueError, match="in all directions or in none"):
            atoms.get_potential_energy()


def test_species_and_spins_of_deepmd():
    atoms = iron()
    atoms.symbols[0] = "Co"
    atoms.calc = DeepmdSpin(stand_ins.DeepPot())
    with pytest.raises(ValueError, match="knows Al, Fe, but the atoms hold Co"):
        atoms.get_potential_energy()
    potential = stand_ins.DeepPot()
    potential.has_spin = False
    with pytest.raises(ValueError, match="no spins as input, and so no magnetic forces"):
        DeepmdSpin(potential)
    with pytest.raises(FileNotFoundError, match="there is no DeePMD model"):
        DeepmdSpin("nothing.pth")


def test_models_that_mace_cannot_serve():
    atoms = iron()
    atoms.calc = mace(results={"MACE_magmoms": np.zeros((4, 3))})
    with pytest.raises(ValueError, match="relaxes the moments by itself"):
        atoms.get_potential_energy()
    calc = mace()
    for model in calc.calculator.models:
        model.hooks.clear()
    atoms.calc = calc
    with pytest.raises(ValueError, match="gave no magforces"):
        atoms.get_potential_energy()


def test_committees_and_units_of_mace():
    """Two models of one and three times the energy, in units of half an eV: their mean."""
    parts = [stand_ins.MaceModel(1.0), stand_ins.MaceModel(3.0)]
    calc = MagneticMace(
        stand_ins.MagneticMACECalculator(parts, magmom_key="moments", energy_units_to_eV=0.5)
    )
    atoms = iron()
    reference = ase_mag.MagneticCalculator(stand_ins.MODEL)
    for name in ("energy", "forces", "magforces", "stress"):
        np.testing.assert_allclose(
            calc.get_property(name, atoms), reference.get_property(name, atoms), atol=1e-10
        )


def test_results_that_are_no_numbers():
    class Broken(stand_ins.DeepPot):
        def eval(self, *arguments, **options):
            found = list(super().eval(*arguments, **options))
            found[3] = found[3] * np.nan
            return found

    atoms = iron()
    atoms.calc = DeepmdSpin(Broken())
    with pytest.raises(ValueError, match=r"magforces of shape .* not all finite"):
        atoms.get_potential_energy()


@pytest.mark.parametrize(
    "make, module, message",
    [
        (lambda: chgnet(), "chgnet", r"ase-mag\[chgnet\]"),
        (lambda: DeepmdSpin(__file__), "deepmd", r"ase-mag\[deepmd\]"),
        (lambda: MagneticMace("x"), "mace", r"ase-mag\[mace\].*git\+https://github.com/ACEsuit"),
    ],
)
def test_missing_packages(monkeypatch, make, module, message):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=message):
        make()


def test_a_mace_without_magnetic_models(monkeypatch):
    monkeypatch.setitem(sys.modules, "mace", types.ModuleType("mace"))
    monkeypatch.setitem(sys.modules, "mace.calculators", types.ModuleType("mace.calculators"))
    with pytest.raises(ImportError, match="no MagneticMACECalculator"):
        MagneticMace("model.pt")


class Sizes(Calculator):
    """As CHGNet: energies of positions, a stress (3, 3), sizes of moments."""

    implemented_properties = ["energy", "forces", "stress", "magmoms"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        assert "initial_magmoms" not in atoms.arrays
        self.results = {
            "energy": np.float32(-8.0),
            "forces": np.zeros((len(atoms), 3)),
            "stress": np.diag([1.0, 2.0, 3.0]),
            "magmoms": np.linspace(2.0, -2.2, len(atoms)),
        }


def test_chgnet_as_a_lattice():
    atoms = iron()
    sizes = predicted_sizes(atoms, Sizes())
    np.testing.assert_allclose(sizes, np.abs(np.linspace(2.0, -2.2, 4)))
    exchange = models.Heisenberg("Fe", models.cubic(0.1, 3.5))
    atoms.calc = ase_mag.add(Sizes(), exchange)
    alone = ase_mag.MagneticCalculator(exchange)
    assert atoms.get_potential_energy() == pytest.approx(
        alone.get_property("energy", atoms) - 8, abs=1e-6
    )
    np.testing.assert_allclose(
        atoms.get_stress(), alone.get_property("stress", atoms) + [1, 2, 3, 0, 0, 0]
    )
    with pytest.raises(ValueError, match="a size for each atom is needed"):
        predicted_sizes(Atoms("Fe"), _Vectors())


class _Vectors(Sizes):
    def calculate(self, atoms=None, properties=(), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results["magmoms"] = np.zeros((len(atoms), 3))
