"""FeAlHL-1 against FeHL-1, its formula and its phases."""

import numpy as np
import pytest
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS

import ase_mag
from ase_mag import models, testing
from ase_mag.core import PairGraph, storage
from ase_mag.models import FeAlHL1, FeHL1


def alloy(kind):
    """Return 16 atoms of bcc with aluminum on no, one, half or all of the body centers."""
    atoms = bulk("Fe", a=2.86, cubic=True) * 2
    places = np.rint(atoms.get_scaled_positions() * 4).astype(int)
    centers = (places % 2).all(axis=1)
    chosen = {
        "Fe": centers & False,
        "Fe15Al": np.arange(16) == np.flatnonzero(centers)[0],
        "D0_3": centers & ((places // 2).sum(axis=1) % 2 == 0),
        "B2": centers,
    }[kind]
    atoms.numbers[chosen] = 13
    return atoms


def evaluate(model, atoms, moments):
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    return graph, model.evaluate(graph, moments)


def test_contract():
    testing.check_model(FeAlHL1())


def test_iron_alone_is_fehl1():
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    moments = np.random.default_rng(1).normal(scale=1.3, size=(16, 3))
    _, first = evaluate(FeAlHL1(), atoms, moments)
    _, second = evaluate(FeHL1(), atoms, moments)
    np.testing.assert_allclose(first.energies, second.energies, rtol=0, atol=1e-12)
    np.testing.assert_allclose(first.forces, second.forces, rtol=0, atol=1e-12)
    np.testing.assert_allclose(first.magforces, second.magforces, rtol=0, atol=1e-13)


def test_energy_equals_the_formula():
    atoms = bulk("Fe", a=2.9, cubic=True) * 3
    rng = np.random.default_rng(2)
    atoms.numbers[rng.permutation(54)[:20]] = 13
    atoms.rattle(0.1, rng=rng)
    moments = rng.normal(scale=1.2, size=(54, 3))
    graph, result = evaluate(FeAlHL1(), atoms, moments)
    i, j, r = graph.centers, graph.neighbors, graph.distances
    iron = atoms.numbers == 26
    bare = atoms.copy()
    bare.numbers[:] = 26
    _, lattice = evaluate(models.mendelev_2003(), bare, moments)

    def q(s, inner, outer):
        t = np.clip((r - inner) / (outer - inner), 0, 1)
        return s * (1 - t**3 * (10 - 15 * t + 6 * t**2))

    both, none = iron[i] & iron[j], ~iron[i] & ~iron[j]
    mixed = ~(both | none)
    energy = 0.5 * (mixed * (q(0.28, 1.8, 3.2) + q(-0.08, 2.6, 4.2)) + none * q(0.25, 2.0, 3.5))
    decay = np.clip(1 - r / 3.75, 0, None) ** 3
    product = (moments[i] * moments[j]).sum(axis=1)
    energy -= 0.5 * decay * product * (0.191248 * both - 0.12 * mixed)
    energy += 0.5 * decay * 0.191248 * both * 2.2**2
    psi = (
        11.686859407970 * np.clip(2.4 - r, 0, None) ** 3
        - 0.014710740098830 * np.clip(3.2 - r, 0, None) ** 3
        + 0.47193527075943 * np.clip(4.2 - r, 0, None) ** 3
    )
    x = np.bincount(i, weights=psi * np.where(iron[j], 1.0, 2.2), minlength=54) - 25.35187
    a, b, m2 = -0.150 + 0.0060 * x - 2e-5 * x**2, 0.0192 + 0.0004 * x, (moments**2).sum(axis=1)
    own = a * (m2 - 2.2**2) + b * (m2**2 - 2.2**4)
    expected = lattice.energies + np.bincount(i, weights=energy, minlength=54)
    expected += np.where(iron, own, 0.8 * m2 + 0.1 * m2**2)
    np.testing.assert_allclose(result.energies, expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "a", "moment"),
    [("Fe", 2.8494, 2.145), ("Fe15Al", 2.851, 2.017), ("D0_3", 2.858, 1.523), ("B2", 2.900, 0.866)],
)
def test_phases_of_the_docstring(kind, a, moment):
    atoms = alloy(kind)
    ase_mag.set_moments(atoms, np.where(atoms.numbers == 26, 2.0, -0.05))
    atoms.calc = ase_mag.MagneticCalculator(FeAlHL1(), moments="relaxed")
    assert LBFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-3, steps=100)
    assert (atoms.get_volume() / 8) ** (1 / 3) == pytest.approx(a, abs=6e-4)
    moments = atoms.get_magnetic_moments()[:, 2]
    assert moments[atoms.numbers == 26].mean() == pytest.approx(moment, abs=2e-3)
    assert (moments[atoms.numbers == 13] < 0).all()


def test_saved_and_loaded_is_the_same(tmp_path):
    storage.save(FeAlHL1(), tmp_path / "alloy.npz")
    atoms = alloy("D0_3")
    atoms.rattle(0.1, seed=3)
    moments = np.random.default_rng(3).normal(size=(16, 3))
    _, first = evaluate(FeAlHL1(), atoms, moments)
    _, second = evaluate(models.load(tmp_path / "alloy.npz"), atoms, moments)
    np.testing.assert_array_equal(first.forces, second.forces)
