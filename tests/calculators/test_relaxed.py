"""MagneticCalculator with relaxed moments: the adiabatic surface min_M E(R, M)."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed
from ase.eos import EquationOfState
from ase.md.verlet import VelocityVerlet
from ase.optimize import BFGS
from ase.phonons import Phonons
from ase.vibrations import Vibrations
from scipy.optimize import minimize as scipy_minimize

import ase_mag
from ase_mag import MagneticCalculator, models
from ase_mag.core import Model, ModelSurface, PairGraph, State


def iron(moments, a=2.87, repeat=2, rattle=0.1, model=None, **parameters):
    atoms = bulk("Fe", a=a, cubic=True) * repeat
    atoms.rattle(rattle, seed=1)
    ase_mag.set_moments(atoms, moments)
    atoms.calc = MagneticCalculator(
        model or models.named("FeHL-1"), moments="relaxed", **parameters
    )
    return atoms


def random_moments(seed, n=16):
    return np.random.default_rng(seed).normal(scale=1.5, size=(n, 3))


class NoForm(Model):
    """Any model without its bilinear form: the generic path."""

    def __init__(self, model):
        self.model, self.species, self.cutoff = model, model.species, model.cutoff

    def gradients(self, graph, moments, *, lattice=True):
        return self.model.gradients(graph, moments, lattice=lattice)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("wrap", [lambda m: m, NoForm])
def test_minimum_against_scipy(seed, wrap):
    atoms = iron(random_moments(seed), model=wrap(models.named("FeHL-1")), fmax=1e-9)
    moments = atoms.get_magnetic_moments()
    magforces = atoms.calc.get_property("magforces", atoms)
    assert np.linalg.norm(magforces, axis=1).max() < 1e-9
    # An independent minimizer agrees that this is a minimum: started nearby, it comes back to it.
    model = models.named("FeHL-1")
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )

    def function(x):
        response = model.evaluate(graph, x.reshape(-1, 3), lattice=False)
        return response.energy, -response.magforces.ravel()

    start = moments + np.random.default_rng(seed).normal(scale=0.02, size=moments.shape)
    found = scipy_minimize(
        function, start.ravel(), jac=True, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-8}
    )
    assert atoms.get_potential_energy() == pytest.approx(found.fun, abs=1e-9)


def test_both_paths_agree():
    results = []
    for wrap in (lambda m: m, NoForm):
        atoms = iron(random_moments(0), model=wrap(models.named("FeHL-1")), fmax=1e-10)
        results.append((atoms.get_potential_energy(), atoms.get_magnetic_moments()))
    assert results[0][0] == pytest.approx(results[1][0], abs=1e-10)
    # The minimum is free to turn as a whole: sizes and angles are determined.
    products = [moments @ moments.T for _, moments in results]
    np.testing.assert_allclose(products[0], products[1], rtol=0, atol=1e-6)


def test_closed_form_of_a_single_moment():
    # E = a m^2 + b m^4 - h m: (a, b) = (-0.15, 0.0192), minimum at sqrt(-a / 2b) without field.
    model = models.Landau("Fe", a=-0.15, b=0.0192)
    atoms = iron([[0.1, 0.2, 0.3]] * 16, model=model, fmax=1e-10)
    moments = atoms.get_magnetic_moments()
    np.testing.assert_allclose(np.linalg.norm(moments, axis=1), np.sqrt(0.15 / 0.0384), atol=1e-9)
    directions = moments / np.linalg.norm(moments, axis=1)[:, None]
    np.testing.assert_allclose(directions, [[1, 2, 3] / np.sqrt(14)] * 16, atol=1e-9)
    assert atoms.get_potential_energy() == pytest.approx(-16 * 0.15**2 / (4 * 0.0192), abs=1e-11)
    assert np.abs(atoms.get_forces()).max() == 0.0


def test_phases_of_the_reference():
    """FM m = 2.145 at 2.8494, AFM 1.708 at 2.8371, 0.233 eV above, NM at 2.7546, 0.359 eV above."""
    atoms = bulk("Fe", a=2.85, cubic=True)
    atoms.calc = MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    found = {}
    for phase, m in (("FM", [2.2, 2.2]), ("AFM", [2.2, -2.2]), ("NM", [0.0, 0.0])):
        ase_mag.set_moments(atoms, m)
        lattice_constants = np.linspace(2.70, 2.92, 12)
        energies, sizes = [], []
        for a in lattice_constants:
            atoms.set_cell([a, a, a], scale_atoms=True)
            energies.append(atoms.get_potential_energy() / 2)
            sizes.append(np.abs(atoms.get_magnetic_moments()).max())
        lowest = int(np.argmin(energies))
        chosen = slice(max(0, lowest - 3), lowest + 4)
        volume, energy, _ = EquationOfState(
            lattice_constants[chosen] ** 3, energies[chosen], eos="birchmurnaghan"
        ).fit()
        found[phase] = (
            volume ** (1 / 3),
            energy,
            np.interp(volume ** (1 / 3), lattice_constants, sizes),
        )
    fm = found["FM"]
    assert fm[0] == pytest.approx(2.8494, abs=2e-3)
    assert fm[2] == pytest.approx(2.145, abs=3e-3)
    assert found["AFM"][0] == pytest.approx(2.8371, abs=3e-3)
    assert found["AFM"][2] == pytest.approx(1.708, abs=5e-3)
    assert found["AFM"][1] - fm[1] == pytest.approx(0.233, abs=1e-3)
    assert found["NM"][0] == pytest.approx(2.7546, abs=3e-3)
    assert found["NM"][2] == 0.0
    assert found["NM"][1] - fm[1] == pytest.approx(0.359, abs=1e-3)


@pytest.mark.parametrize("wrap", [lambda m: m, NoForm])
def test_forces_are_differences_of_the_relaxed_energy(wrap):
    atoms = iron(random_moments(3), model=wrap(models.named("FeHL-1")), fmax=1e-9)
    forces, stress = atoms.get_forces(), atoms.get_stress()
    start = atoms.copy()
    h = 1e-3
    for i, c in ((0, 0), (3, 1), (9, 2)):
        values = []
        for step in (-2, -1, 1, 2):
            atoms.positions = start.positions
            atoms.positions[i, c] += step * h
            values.append(atoms.get_potential_energy())
        slope = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * h)
        assert forces[i, c] == pytest.approx(-slope, abs=1e-6)
    atoms.positions = start.positions
    for component, (a, b) in ((0, (0, 0)), (3, (1, 2))):
        values = []
        for sign in (-1, 1):
            strain = np.eye(3)
            strain[a, b] += sign * 1e-4 / (1 + (a != b))
            strain[b, a] = strain[a, b]
            atoms.set_cell(start.cell.array @ strain, scale_atoms=True)
            values.append(atoms.get_potential_energy())
        slope = (values[1] - values[0]) / (2e-4) / start.get_volume()
        assert stress[component] == pytest.approx(slope, abs=1e-6)


def test_atoms_are_not_changed_and_results_say_relaxed():
    given = random_moments(0)
    atoms = iron(given)
    atoms.get_forces()
    np.testing.assert_array_equal(atoms.arrays["initial_magmoms"], given)
    assert np.abs(atoms.get_magnetic_moments() - given).max() > 0.5
    assert np.linalg.norm(atoms.calc.results["magforces"], axis=1).max() < 1e-6


def test_warm_start_and_new_start():
    atoms = iron(random_moments(0))
    atoms.get_potential_energy()
    relaxed = atoms.get_magnetic_moments()
    atoms.positions[0, 0] += 1e-4
    near = atoms.get_magnetic_moments()
    assert np.abs(near - relaxed).max() < 1e-2
    # New moments of the atoms are a new start.
    ase_mag.set_moments(atoms, 2.0)
    np.testing.assert_allclose(atoms.get_magnetic_moments()[:, :2], 0.0, atol=1e-12)
    assert atoms.get_magnetic_moments()[:, 2].min() > 1.5


def test_nothing_is_relaxed_twice():
    atoms = iron(random_moments(0), model=NoForm(models.named("FeHL-1")))
    calls = []
    model = atoms.calc.model
    gradients = model.gradients
    model.gradients = lambda *a, **k: (calls.append(1), gradients(*a, **k))[1]
    atoms.get_potential_energy()
    n = len(calls)
    atoms.get_forces()
    atoms.get_stress()
    atoms.get_magnetic_moments()
    assert len(calls) == n


def test_symmetric_starts_stay_symmetric():
    atoms = iron(0.0)
    np.testing.assert_array_equal(atoms.get_magnetic_moments(), np.zeros((16, 3)))
    collinear = iron([2.0, -2.0] * 8, rattle=0.05)
    moments = collinear.get_magnetic_moments()
    np.testing.assert_array_equal(moments[:, :2], np.zeros((16, 2)))
    assert (np.sign(moments[:, 2]) == [1, -1] * 8).all()


@pytest.mark.parametrize(
    "model",
    [
        models.Heisenberg("Fe", models.cubic(0.19, cutoff=3.75)),
        models.Zeeman("Fe", (0, 0, 10.0)),
        NoForm(models.Zeeman("Fe", (0, 0, 10.0))),
    ],
)
def test_energy_without_a_minimum(model):
    atoms = iron(2.0, model=model)
    with pytest.raises(CalculationFailed, match="has no minimum") as error:
        atoms.get_potential_energy()
    assert isinstance(error.value, RuntimeError)
    assert "the largest |dE/dM| is" in str(error.value)
    assert "eV/mu_B (atom " in str(error.value)


def test_too_few_steps_and_recovery():
    atoms = iron(random_moments(0), max_steps=1)
    with pytest.raises(CalculationFailed, match=r"after 1 steps the largest \|dE/dM\| is .* fmax"):
        atoms.get_potential_energy()
    assert atoms.calc.results == {}
    atoms.calc.set(max_steps=200)
    fresh = iron(random_moments(0))
    assert atoms.get_potential_energy() == pytest.approx(fresh.get_potential_energy(), abs=1e-10)


@pytest.mark.parametrize("wrap", [lambda m: m, NoForm])
def test_a_failure_leaves_nothing_behind(wrap):
    atoms = iron(random_moments(0), model=wrap(models.named("FeHL-1")), max_steps=2)
    for _ in range(2):
        with pytest.raises(CalculationFailed, match="after 2 steps"):
            atoms.get_potential_energy()


def test_optimizer():
    atoms = iron(2.0, rattle=0.15)
    BFGS(atoms, logfile=None).run(fmax=1e-3, steps=60)
    assert np.abs(atoms.get_forces()).max() < 1e-3
    sizes = np.linalg.norm(atoms.get_magnetic_moments(), axis=1)
    np.testing.assert_allclose(sizes, sizes[0], atol=1e-3)


def test_vibrations_and_phonons(tmp_path):
    atoms = bulk("Fe", a=2.8494, cubic=True)
    ase_mag.set_moments(atoms, 2.2)
    calc = MagneticCalculator(models.named("FeHL-1"), moments="relaxed", fmax=1e-8)
    atoms.calc = calc
    vibrations = Vibrations(atoms, name=str(tmp_path / "vib"))
    vibrations.run()
    energies = vibrations.get_energies().real
    # Three acoustic modes at zero; three modes of the two sublattices at the H point, equal by
    # symmetry.
    assert np.sort(np.abs(energies))[:3].max() < 2e-3
    optical = np.sort(energies)[3:]
    np.testing.assert_allclose(optical, optical[0], rtol=1e-4)
    primitive = bulk("Fe", a=2.8494)
    ase_mag.set_moments(primitive, 2.2)
    phonons = Phonons(primitive, calc, supercell=(3, 3, 3), delta=0.02, name=str(tmp_path / "ph"))
    phonons.run()
    phonons.read(acoustic=True)
    frequencies = phonons.band_structure([[0, 0, 0], [0.5, -0.5, 0.5], [0, 0, 0.5]])
    assert np.abs(frequencies[0]).max() < 1e-3
    assert (frequencies[1:] > 0.015).all()
    # The H point of the primitive cell is the zone center of the cubic one.
    np.testing.assert_allclose(frequencies[1], optical[0], rtol=0.2)


def test_dynamics_on_the_relaxed_surface_conserves_energy():
    ptp = []
    for steps, timestep in ((20, 1.0), (40, 0.5)):
        atoms = iron(2.2, rattle=0.0)
        momenta = np.random.default_rng(0).normal(size=(16, 3))
        atoms.set_momenta(momenta * np.sqrt(300 * units.kB * atoms.get_masses())[:, None])
        dyn = VelocityVerlet(atoms, timestep=timestep * units.fs)
        totals = [atoms.get_total_energy()]
        for _ in range(steps):
            dyn.run(1)
            totals.append(atoms.get_total_energy())
        ptp.append(np.ptp(totals))
    # Velocity Verlet fluctuates with the square of the time step: ratio 4.
    assert 3.5 < ptp[0] / ptp[1] < 4.5
    assert ptp[1] < 1e-3


def test_relaxed_moments_of_a_surface():
    # The state of the dynamics and the calculator see the same minimum.
    atoms = iron(random_moments(1), fmax=1e-10)
    energy = atoms.get_potential_energy()
    state = State.from_atoms(atoms)
    state.moments[:] = atoms.get_magnetic_moments()
    surface = ModelSurface(models.named("FeHL-1"), atoms.numbers, atoms.pbc)
    response = surface.response(state)
    assert response.energy == pytest.approx(energy, abs=1e-11)
    assert np.abs(response.magforces).max() < 1e-9
