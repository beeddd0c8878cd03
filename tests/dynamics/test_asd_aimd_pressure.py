"""ASD-AIMD at constant pressure: the cell moves, and everything that depends on it follows."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.calculators.calculator import Calculator, all_changes

import ase_mag
from ase_mag import lsf, models, reference, units
from ase_mag.core import PairGraph
from ase_mag.dynamics import AsdAimd, OnTheFlyLearning

from .thermal_iron import crystal, landscapes

fs, GPa = ase_units.fs, ase_units.GPa
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


@pytest.fixture(scope="module")
def table():
    return landscapes()


@pytest.fixture(scope="module")
def predictor(table):
    return lsf.LsfPredictor().fit(table)


def dynamics(predictor, repeats=2, temperature=900, calculator=None, noted=True, **options):
    rng = np.random.default_rng(3)
    atoms = crystal(repeats=repeats)
    if repeats != 2:  # another cell than that of the training frames
        lsf.set_ideal_lattice(atoms)
        if not noted:
            del atoms.info["ideal_cell"]
    directions = rng.normal(size=(len(atoms), 3))
    ase_mag.set_moments(atoms, 2 * directions / np.linalg.norm(directions, axis=1)[:, None])
    widths = np.sqrt(2 * units.kB * temperature * atoms.get_masses())
    atoms.set_momenta(widths[:, None] * rng.normal(size=(len(atoms), 3)))
    atoms.calc = calculator or reference.ConstrainedModel(models.named("FeHL-1"))
    defaults = {
        "exchange": EXCHANGE,
        "temperature_K": temperature,
        "spin_timestep": 0.1 * fs,
        "friction": 0.02 / fs,
        "pressure": 0.0,
        "pressure_time": 100 * fs,
        "rng": 5,
    }
    return AsdAimd(atoms, fs, lsf=predictor, **(defaults | options))


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
@pytest.mark.parametrize("full", [False, True])
def test_sizes_and_exchange_follow_the_cell(predictor, full):
    dyn = dynamics(predictor, pressure=-6 * GPa, full_cell=full)
    atoms, before = dyn.atoms, dyn.atoms.cell.array.copy()
    dyn.run(100)
    shape = np.linalg.solve(before, atoms.cell.array)
    assert not np.allclose(shape, np.eye(3), atol=1e-3)
    assert np.allclose(shape, shape[0, 0] * np.eye(3)) == (not full)
    np.testing.assert_allclose(
        np.linalg.norm(ase_mag.get_moments(atoms), axis=1),
        predictor.moments(atoms, 900),  # a fresh look at the atoms as they are now
        rtol=1e-9,
    )
    graph = PairGraph.build(atoms.positions, atoms.cell.array, True, atoms.numbers, EXCHANGE.cutoff)
    energies, fields = EXCHANGE.bilinear(graph).evaluate(ase_mag.get_moments(atoms))
    ours, our_fields = dyn.spin_form().evaluate(ase_mag.get_moments(atoms))
    np.testing.assert_allclose(ours.sum(), energies.sum(), rtol=1e-10)
    np.testing.assert_allclose(our_fields, fields, atol=1e-12)
    assert dyn.timings["cell"] > 0


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize("noted", [True, False])
def test_the_ideal_lattice_of_the_atoms_follows_the_cell(table, kind, noted):
    """Another cell than the learned one; sites with and without the cell that they belong to."""
    predictor = lsf.LsfPredictor(kind).fit(table)
    dyn = dynamics(predictor, repeats=(2, 2, 3), pressure=-6 * GPa, full_cell=True, noted=noted)
    atoms, before = dyn.atoms, dyn.atoms.cell.array.copy()
    dyn.run(100)
    assert np.abs(np.linalg.solve(before, atoms.cell.array) - np.eye(3)).max() > 1e-3
    again = atoms.copy()
    del again.arrays["ideal_positions"]
    fresh = lsf.LsfPredictor(kind, reference=crystal(repeats=(2, 2, 3))).fit(table)
    for one in (predictor.moments(atoms, 900), fresh.moments(again, 900)):
        np.testing.assert_allclose(
            np.linalg.norm(ase_mag.get_moments(atoms), axis=1), one, rtol=1e-9
        )


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
def test_one_more_force_evaluation_per_move_of_the_cell(predictor):
    """30 steps, three moves: 1 + 30 + 3 evaluations, the last for the energy after the move."""
    dyn = dynamics(predictor)
    calls, calculate = [], dyn.atoms.calc.calculate
    dyn.atoms.calc.calculate = lambda *args: calls.append(1) or calculate(*args)
    dyn.run(30)
    assert len(calls) == 34


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
@pytest.mark.parametrize("sizes", ["mean", "sampled"])
def test_mean_pressure_is_the_one_that_was_asked_for(predictor, sizes):
    """3 GPa, kinetic part included, within 3 standard errors (each below 0.3 GPa)."""
    dyn = dynamics(predictor, repeats=3, sizes=sizes, pressure=3 * GPa)
    dyn.run(1000)
    values = []
    for _ in range(1500):
        dyn.run(5)
        values.append(np.trace(dyn.barostat.pressure_tensor(dyn.state)) / 3 / GPa)
    blocks = np.reshape(values, (15, -1)).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert error < 0.3
    assert abs(blocks.mean() - 3.0) < 3 * error, (blocks.mean(), error)


class NoStress(Calculator):
    implemented_properties = ("energy", "forces")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"friction": None}, "a pressure needs the lattice bath.*give friction"),
        ({"pressure_time": 0.0}, r"pressure_time must be a positive number.*got 0\.0"),
        ({"compressibility": -1.0}, r"compressibility must be a positive number"),
        ({"sizes": "typical"}, "sizes must be 'mean', 'sampled' or 'relaxed', got 'typical'"),
        ({"size_time": -1.0}, "size_time must be finite and not negative"),
        ({"sizes": "relaxed"}, "sizes='relaxed' takes the sizes from the calculator, but lsf"),
    ],
)
def test_bad_input(predictor, options, message):
    with pytest.raises(ValueError, match=message):
        dynamics(predictor, **options)


def test_systems_that_have_no_pressure(predictor):
    options = {"temperature_K": 300, "friction": 0.01, "pressure": 0.0}
    atoms = crystal()
    atoms.calc = NoStress()
    with pytest.raises(ValueError, match="NoStress has no stress, which a pressure needs"):
        AsdAimd(atoms, fs, **options)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    atoms.pbc = [True, True, False]
    with pytest.raises(ValueError, match="periodic in three directions, got pbc="):
        AsdAimd(atoms, fs, **options)
    with pytest.raises(ValueError, match="sizes='sampled' needs lsf"):
        AsdAimd(atoms, fs, sizes="sampled")


class Protocol(Calculator):
    """A reference that has what ``ase_mag.reference`` promises, and nothing else."""

    implemented_properties = ("energy", "forces", "stress", "magforces", "magmoms", "moment_error")

    def __init__(self):
        super().__init__()
        self._hidden = reference.ConstrainedModel(models.named("FeHL-1"))

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {
            name: self._hidden.get_property(name, atoms) for name in self.implemented_properties
        }

    def relax_sizes(self, atoms):
        return self._hidden.relax_sizes(atoms)


@pytest.mark.filterwarnings("ignore:the predictor extrapolates")
def test_any_reference_takes_the_place_of_the_model(predictor):
    """NPT with sampled sizes and learning needs the protocol of references only."""
    frames = lsf.snapshots(crystal(), 0.1, directions="random", count=2, rng=1)
    calc = reference.ConstrainedModel(models.named("FeHL-1"))
    table = lsf.landscapes(frames, calc, progress=False)
    runs = []
    for calculator in (calc, Protocol()):
        learning = OnTheFlyLearning(table, threshold=0.02, budget=20, per_frame=4)
        dyn = dynamics(predictor, calculator=calculator, sizes="sampled", learning=learning)
        dyn.run(40)
        runs.append(dyn)
    one, two = runs
    assert two.learning.computed == one.learning.computed > 0
    np.testing.assert_allclose(two.atoms.positions, one.atoms.positions, atol=1e-8)
    np.testing.assert_allclose(two.atoms.cell.array, one.atoms.cell.array, atol=1e-8)
    np.testing.assert_allclose(
        ase_mag.get_moments(two.atoms), ase_mag.get_moments(one.atoms), atol=1e-7
    )
