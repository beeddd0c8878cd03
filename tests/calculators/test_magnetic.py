"""MagneticCalculator with fixed moments: results, caching, errors."""

import json
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc100
from ase.calculators.calculator import PropertyNotImplementedError
from ase.stress import full_3x3_to_voigt_6_stress

import ase_mag
from ase_mag import MagneticCalculator, models
from ase_mag.core import Model, PairGraph, Sum


class Counted(Sum):
    """FeHL-1 with a record of the evaluations."""

    def __init__(self, model=None):
        super().__init__([model or models.named("FeHL-1")])
        self.calls = []

    def gradients(self, graph, moments, *, lattice=True):
        self.calls.append(lattice)
        return super().gradients(graph, moments, lattice=lattice)


def iron(repeat=2, **parameters):
    atoms = bulk("Fe", a=2.87, cubic=True) * repeat
    atoms.rattle(0.1, seed=1)
    rng = np.random.default_rng(0)
    ase_mag.set_moments(atoms, rng.normal(size=(len(atoms), 3)))
    atoms.calc = MagneticCalculator(Counted(), **parameters)
    return atoms


def test_results_are_those_of_the_model():
    atoms = iron()
    model = atoms.calc.model
    moments = ase_mag.get_moments(atoms)
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    expected = model.evaluate(graph, moments)
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, abs=1e-11)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    energies = atoms.get_potential_energies()
    np.testing.assert_allclose(energies, expected.energies, rtol=0, atol=1e-12)
    assert energies.sum() == atoms.get_potential_energy()
    np.testing.assert_allclose(atoms.get_forces(), expected.forces, rtol=0, atol=1e-12)
    stress = full_3x3_to_voigt_6_stress(expected.virial) / atoms.get_volume()
    np.testing.assert_allclose(atoms.get_stress(), stress, rtol=0, atol=1e-13)
    np.testing.assert_allclose(atoms.get_stresses().sum(axis=0), stress, rtol=0, atol=1e-13)
    assert atoms.get_stresses().shape == (16, 6)
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), moments)
    assert atoms.get_magnetic_moment() == pytest.approx(moments[:, 2].sum(), abs=1e-14)
    magforces = atoms.calc.get_property("magforces", atoms)
    np.testing.assert_allclose(magforces, expected.magforces, rtol=0, atol=1e-13)


def test_stress_against_numerical_differences_of_ase():
    from ase.calculators.fd import calculate_numerical_stress

    atoms = iron()
    atoms.set_cell(atoms.cell.array @ [[1, 0.02, 0], [0, 1.01, 0.03], [0, 0, 0.98]], True)
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), numerical, rtol=0, atol=1e-8)


def test_properties_of_ase_accept_vector_moments():
    atoms = iron()
    properties = atoms.get_properties(["energy", "forces", "magmoms", "magforces", "stress"])
    assert properties["magmoms"].shape == properties["magforces"].shape == (16, 3)
    assert properties["natoms"] == 16
    exported = atoms.calc.export_properties()
    np.testing.assert_array_equal(exported["magmoms"], ase_mag.get_moments(atoms))
    # ASE's own class still refuses them; collinear ones pass through both.
    from ase.outputs import Properties

    from ase_mag.calculators.base import VectorProperties

    with pytest.raises(ValueError, match="magmoms has bad shape"):
        Properties(atoms.calc.results)
    for wrong in (np.zeros((16, 2)), np.zeros((15, 3))):
        with pytest.raises(ValueError, match="magmoms has bad shape"):
            VectorProperties({"forces": np.zeros((16, 3)), "magmoms": wrong})
    assert VectorProperties({"magmoms": np.zeros(16)})["natoms"] == 16


@pytest.mark.parametrize("moments", [None, 2.2, "collinear"])
def test_all_forms_of_the_state(moments):
    atoms = iron()
    if moments == "collinear":
        atoms.set_initial_magnetic_moments(None)
        atoms.set_initial_magnetic_moments(np.linspace(-1, 2, 16))
        expected = np.zeros((16, 3))
        expected[:, 2] = np.linspace(-1, 2, 16)
    elif moments is None:
        atoms.set_initial_magnetic_moments(None)
        expected = np.zeros((16, 3))
    else:
        ase_mag.set_moments(atoms, moments)
        expected = np.tile([0, 0, moments], (16, 1))
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), expected)
    energy = atoms.get_potential_energy()
    ase_mag.set_moments(atoms, expected)
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-12)


def test_the_cache_follows_every_change():
    atoms = iron()
    calls = atoms.calc.model.calls
    atoms.get_potential_energy()
    atoms.get_forces()
    atoms.get_stress()
    atoms.get_magnetic_moments()
    assert calls == [False, True]
    changes = [
        lambda: atoms.arrays["initial_magmoms"].__setitem__(0, [1, 2, 3]),
        lambda: ase_mag.set_moments(atoms, 1.0),
        lambda: atoms.set_initial_magnetic_moments(None),
        lambda: atoms.positions.__setitem__(0, [0.1, 0, 0]),
        lambda: atoms.set_cell(1.01 * atoms.cell.array, scale_atoms=True),
        lambda: atoms.set_pbc((True, True, False)),
        lambda: atoms.set_pbc(True),
    ]
    energies = [atoms.get_potential_energy()]
    for n, change in enumerate(changes):
        change()
        energies.append(atoms.get_potential_energy())
        fresh = atoms.copy()
        fresh.calc = MagneticCalculator(models.named("FeHL-1"))
        assert energies[-1] == pytest.approx(fresh.get_potential_energy(), abs=1e-10)
        assert abs(energies[-1] - energies[-2]) > 1e-6
        assert len(calls) == n + 3
    # Only changes of the moments alone go without forces.
    assert calls == [False, True, False, False, False, True, True, True, True]


def test_what_does_not_matter_costs_nothing():
    atoms = iron()
    atoms.get_forces()
    atoms.set_momenta(np.ones((16, 3)))
    atoms.set_initial_charges(np.ones(16))
    atoms.info["x"] = 1
    atoms.set_tags(3)
    atoms.get_forces()
    assert atoms.calc.model.calls == [True]


def test_moments_reuse_pairs_and_forces_follow():
    atoms = iron()
    atoms.get_potential_energy()
    neighbor_list = atoms.calc._surface.neighbor_list
    for m in (1.0, 2.0, 3.0):
        ase_mag.set_moments(atoms, m)
        atoms.get_potential_energy()
        assert "forces" not in atoms.calc.results
    atoms.calc.get_property("magforces", atoms)
    forces = atoms.get_forces()
    assert neighbor_list.n_searches == 1
    assert atoms.calc.model.calls == [False, False, False, False, True]
    fresh = atoms.copy()
    fresh.calc = MagneticCalculator(models.named("FeHL-1"))
    np.testing.assert_allclose(forces, fresh.get_forces(), rtol=0, atol=1e-12)


def test_skin():
    atoms = iron(skin=0.3)
    atoms.get_forces()
    neighbor_list = atoms.calc._surface.neighbor_list
    for shift, searches in ((0.1, 1), (0.14, 1), (0.16, 2)):
        moved = iron()
        atoms.positions = moved.positions
        atoms.positions[4, 1] += shift
        atoms.get_forces()
        assert neighbor_list.n_searches == searches
    atoms.calc.set(skin=1.0)
    atoms.get_forces()
    assert atoms.calc._surface.neighbor_list.skin == 1.0


def test_results_are_copies():
    atoms = iron()
    atoms.get_forces()[:] = 0
    atoms.get_magnetic_moments()[:] = 0
    assert np.abs(atoms.get_forces()).max() > 0.1
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), ase_mag.get_moments(atoms))


def test_two_systems_share_a_calculator():
    first, second = iron(), iron(3)
    second.calc = first.calc
    energies = [a.get_potential_energy() for a in (first, second, first, second)]
    assert energies[0] == pytest.approx(energies[2], abs=1e-12)
    assert energies[1] == pytest.approx(energies[3], abs=1e-12)


def test_energy_as_a_function_of_the_moments():
    atoms = iron()
    atoms.rattle(0.1, seed=1)
    energy, kept = atoms.get_potential_energy(), ase_mag.get_moments(atoms)
    rng = np.random.default_rng(0)
    moments, v = rng.normal(size=(2, len(atoms), 3))
    evaluate, hessian = atoms.calc.energy_of_moments(atoms)
    energies, slopes = evaluate(moments)
    difference = (evaluate(moments + 1e-4 * v)[1] - evaluate(moments - 1e-4 * v)[1]) / 2e-4
    np.testing.assert_allclose(hessian(moments)(v), difference, rtol=0, atol=1e-7)
    # Neither the atoms nor what the calculator says of them have changed.
    np.testing.assert_array_equal(ase_mag.get_moments(atoms), kept)
    assert atoms.get_potential_energy() == energy
    ase_mag.set_moments(atoms, moments)
    assert atoms.get_potential_energy() == pytest.approx(energies.sum(), abs=1e-11)
    magforces = atoms.calc.get_property("magforces", atoms)
    np.testing.assert_allclose(magforces, -slopes, rtol=0, atol=1e-12)


def test_another_model():
    atoms = iron()
    before = atoms.get_potential_energy()
    field = models.Zeeman("Fe", (0, 0, 10.0))
    atoms.calc.model = atoms.calc.model + field
    moments = ase_mag.get_moments(atoms)
    expected = -10.0 * ase_mag.units.tesla * moments[:, 2].sum()
    assert atoms.get_potential_energy() - before == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("pbc", [False, (True, True, False)])
def test_no_stress_without_three_periodic_directions(pbc):
    atoms = iron()
    atoms.pbc = pbc
    atoms.get_forces()
    for ask in (atoms.get_stress, atoms.get_stresses):
        with pytest.raises(PropertyNotImplementedError, match="periodic in three directions, but"):
            ask()
    assert "stress" not in atoms.calc.results
    assert np.isfinite(atoms.get_forces()).all()


def test_slab_and_cluster():
    slab = fcc100("Fe", (2, 2, 4), a=3.6, vacuum=5.0)
    ase_mag.set_moments(slab, 2.0)
    slab.calc = MagneticCalculator(models.named("FeHL-1"))
    periodic = slab.copy()
    periodic.calc = MagneticCalculator(models.named("FeHL-1"))
    periodic.pbc = True
    np.testing.assert_allclose(slab.get_forces(), periodic.get_forces(), rtol=0, atol=1e-12)
    cluster = Atoms("Fe2", positions=[[0, 0, 0], [0, 0, 2.5]], magmoms=[2, -2])
    cluster.calc = slab.calc
    assert cluster.get_forces()[0] == pytest.approx(-cluster.get_forces()[1])


def test_one_atom_in_its_primitive_cell():
    small = bulk("Fe", a=2.87)
    ase_mag.set_moments(small, 2.2)
    large = small * (4, 4, 4)
    for atoms in (small, large):
        atoms.calc = MagneticCalculator(models.named("FeHL-1"))
    energies = [a.get_potential_energy() for a in (small, large)]
    assert energies[1] == pytest.approx(64 * energies[0], rel=1e-13)
    np.testing.assert_allclose(small.get_stress(), large.get_stress(), rtol=0, atol=1e-14)


def test_no_atoms():
    empty = Atoms(cell=np.eye(3), pbc=True)
    empty.calc = MagneticCalculator(models.named("FeHL-1"))
    assert empty.get_potential_energy() == 0.0
    assert empty.get_forces().shape == (0, 3)


def test_ghost_of_another_species():
    atoms = iron()
    atoms.symbols[3] = "Al"
    with pytest.raises(ValueError, match="the structure holds Al, but the model describes only Fe"):
        atoms.get_potential_energy()
    atoms.symbols[3] = "Fe"
    atoms.get_potential_energy()


def test_not_finite_and_wrong_shapes():
    atoms = iron()
    atoms.get_potential_energy()
    atoms.arrays["initial_magmoms"][5, 1] = np.nan
    with pytest.raises(ValueError, match="the moment of atom 5 is not a finite number"):
        atoms.get_potential_energy()
    atoms.arrays["initial_magmoms"][5, 1] = 1.0
    atoms.positions[3, 0] = np.inf
    with pytest.raises(ValueError, match=r"positions contain NaN or infinity \(first bad row: 3\)"):
        atoms.get_potential_energy()
    atoms.positions[3, 0] = 1.0
    atoms.arrays["initial_magmoms"] = np.zeros((16, 6))
    with pytest.raises(ValueError, match=r"moments have shape \(16, 6\); for 16 atoms allowed"):
        atoms.get_potential_energy()
    ase_mag.set_moments(atoms, 1.0)
    assert np.isfinite(atoms.get_potential_energy())


def test_periodic_without_a_cell():
    atoms = Atoms("Fe", pbc=True)
    atoms.calc = MagneticCalculator(models.named("FeHL-1"))
    with pytest.raises(ValueError, match="has no extent along a periodic direction"):
        atoms.get_potential_energy()


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"moments": "free"}, ValueError, "moments must be 'fixed' or 'relaxed', got 'free'"),
        ({"fmax": 0.0}, ValueError, "fmax must be positive, got 0.0"),
        ({"max_steps": -3}, ValueError, "max_steps must be positive, got -3"),
        ({"skin": -1.0}, ValueError, "skin must be finite and not negative, got -1.0"),
        ({"cutoff": 5.0}, TypeError, "unknown parameter cutoff; allowed are moments, skin"),
    ],
)
def test_bad_parameters(parameters, error, message):
    atoms = iron()
    with pytest.raises(error, match=message):
        atoms.calc.set(**parameters)
        atoms.get_potential_energy()


def test_not_a_model():
    for wrong in (None, "FeHL-1", MagneticCalculator):
        with pytest.raises(TypeError, match="a calculator needs a model"):
            MagneticCalculator(wrong)


def test_todict_is_json_and_says_synthetic():
    calc = MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    text = json.dumps(calc.todict())
    assert "synthetic" in text
    assert "synthetic" in repr(calc)
    assert json.loads(text)["moments"] == "relaxed"


def test_pickled_calculator():
    atoms = iron()
    atoms.calc.model = models.named("FeHL-1")
    energy = atoms.get_potential_energy()
    data = pickle.dumps(atoms.calc)
    assert len(data) < 50_000
    again = atoms.copy()
    again.calc = pickle.loads(data)
    again.positions[0] += 0.01
    atoms.positions[0] += 0.01
    assert again.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
    assert again.get_potential_energy() != energy


def test_get_atoms_and_set():
    atoms = iron()
    atoms.get_forces()
    copy = atoms.calc.get_atoms()
    np.testing.assert_array_equal(ase_mag.get_moments(copy), ase_mag.get_moments(atoms))
    assert atoms.calc.set(fmax=1e-5) == {"fmax": 1e-5}
    assert atoms.calc.results == {}
    assert isinstance(atoms.calc.model, Model)
