"""Trainable models that are linear in their parameters."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag import models, testing
from ase_mag.core import PairGraph
from ase_mag.core.storage import load
from ase_mag.models import AtomicEnergies, Landau, SeriesExchange, cubic
from ase_mag.models.linear_model import LinearModel

DENSITY = {"density": cubic(2.0, 4.0), "reference_density": 0.3}
TRAINABLE = [
    Landau("Fe", a=-0.15, b=0.0192),
    Landau("Fe", a=-0.15, b=0.0192, c=0.0),
    Landau(("Al", "Fe"), a={"Fe": [-0.1, 0.02], "Al": 0.1}, b=[0.01, 0.0, 1e-4], **DENSITY),
    SeriesExchange("Fe", 4.0, 3, coefficients=[[0.1, 0.02, 0.01]]),
    SeriesExchange(("Fe", "Al"), 4.0, 2, coefficients=[[0.1, 0.02], [0.05, 0.01], [0.02, 0.1]]),
    AtomicEnergies({"Fe": -8.0, "Al": 1.5}),
]


@pytest.mark.parametrize("model", TRAINABLE)
def test_contracts(model):
    atoms = testing.example(model.species if len(model.species) > 1 else ("Fe", "Al"), 3)
    testing.check_trainable(model, atoms)
    testing.check_model(model, atoms)
    assert isinstance(model, LinearModel) and len(model.linear) == len(model.parameters)


@pytest.mark.parametrize("model", TRAINABLE)
def test_new_parameters_are_seen_on_a_known_graph_and_saved(model, tmp_path):
    atoms = testing.example(("Fe", "Al"), 3)
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 4.0)
    moments = np.random.default_rng(1).normal(size=(len(atoms), 3))
    before, start = model.evaluate(graph, moments), model.parameters
    model.parameters = 2 * start
    try:
        after = model.evaluate(graph, moments)
        np.testing.assert_allclose(after.energies, 2 * before.energies, rtol=1e-13, atol=1e-15)
        model.save(tmp_path / "model.npz")
        again, _ = load(tmp_path / "model.npz")
        np.testing.assert_array_equal(again.parameters, 2 * start)
        np.testing.assert_array_equal(again.evaluate(graph, moments).forces, after.forces)
    finally:
        model.parameters = start


def test_which_landau_coefficients_are_parameters():
    assert Landau("Fe", a=-0.15, b=0.02).parameters.tolist() == [-0.15, 0.02]
    assert Landau("Fe", a=-0.15, b=0.02, c=0.0).parameters.tolist() == [-0.15, 0.02, 0.0]
    model = Landau("Fe", a=[-0.1, 0.02], b=0.02, **DENSITY)
    assert model.parameters.tolist() == [-0.1, 0.02, 0.02]
    model.parameters = [0.0, 0.0, -1.0]  # a fit may pass an unbounded energy
    assert model.polynomials.tolist() == [[[0.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]]
    with pytest.raises(ValueError, match=r"has 3 parameters, got an array of shape \(2,\)"):
        model.parameters = [1.0, 2.0]
    with pytest.raises(ValueError, match=r"parameters must be finite numbers, got \[nan"):
        model.parameters = np.full(len(model.parameters), np.nan)


def test_one_function_is_heisenberg_with_a_cube():
    atoms = bulk("Fe", a=2.85, cubic=True) * 2
    atoms.rattle(0.1, seed=1)
    moments = np.random.default_rng(1).normal(size=(16, 3))
    graph = PairGraph.build(atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, 3.75)
    expected = models.Heisenberg("Fe", cubic(0.19, cutoff=3.75)).evaluate(graph, moments)
    series = SeriesExchange("Fe", 3.75, 1, coefficients=[[0.19]])
    actual = series.evaluate(graph, moments)
    for part in ("energies", "forces", "magforces", "virials"):
        np.testing.assert_allclose(
            getattr(actual, part), getattr(expected, part), rtol=1e-12, atol=1e-14
        )


def test_series_by_hand():
    """Two atoms: E = -J(r) M1.M2 with J written out for three functions."""
    rc, r0, r = 5.0, 2.0, 2.6
    c = np.array([[0.3, -0.1, 0.05]])
    x = 2 * (r - r0) / (rc - r0) - 1
    j = (1 - r / rc) ** 3 * (0.3 - 0.1 * x + 0.05 * (2 * x**2 - 1))
    model = SeriesExchange("Fe", rc, 3, start=r0, coefficients=c)
    assert abs(model.exchange(r) - j) < 1e-15
    pair = Atoms("Fe2", [[0, 0, 0], [0, r, 0]])
    graph = PairGraph.build(pair.positions, pair.cell.array, pair.pbc, pair.numbers, rc)
    moments = np.array([[1.0, 2.0, 0.0], [0.5, 0.0, 1.0]])
    assert abs(model.evaluate(graph, moments).energy + j * 0.5) < 1e-15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Fe", 0.0), "0 <= start < cutoff, got 1.5 and 0.0"),
        (("Fe", 4.0, 0), "n_functions must be a positive integer, got 0"),
        (("Fe", 4.0, 2, 5.0), "got 5.0 and 4.0"),
        (("Fe", 4.0, 2, 1.0, [[1.0]]), r"have shape \(1, 2\), got \(1, 1\)"),
        (("Fe", 4.0, 1, 1.0, [[np.nan]]), "must be finite"),
    ],
)
def test_bad_series(arguments, message):
    with pytest.raises(ValueError, match=message):
        SeriesExchange(*arguments)


def test_bad_energies():
    with pytest.raises(ValueError, match="must be finite numbers in eV"):
        AtomicEnergies({"Fe": np.inf})
