"""Landau energies against closed forms, a numpy twin and published numbers."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.optimize import minimize_scalar

from ase_mag import models, testing, units
from ase_mag.core import PairGraph
from ase_mag.models import EmbeddedAtom, Landau, SquareRootEmbedding
from ase_mag.models.radial_forms import cubic


def graph_of(atoms, model):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, max(model.cutoff, 1.0)
    )


def response(atoms, moments, model, **options):
    return model.evaluate(graph_of(atoms, model), np.array(moments, dtype=float), **options)


def lattice():
    return EmbeddedAtom(
        ("Fe", "Al"),
        density={"Fe": cubic(1.0, 4.0), "Al": cubic(2.0, 3.5)},
        embedding=SquareRootEmbedding(),
    )


def test_one_moment():
    model = Landau("Fe", a=-0.15, b=0.0192, c=1e-4)
    atoms = Atoms("Fe", cell=[3, 3, 3])
    m = np.array([0.3, -1.1, 1.7])
    size = m @ m
    result = response(atoms, [m], model)
    assert abs(result.energy - (-0.15 * size + 0.0192 * size**2 + 1e-4 * size**3)) < 1e-15
    slope = -0.3 + 4 * 0.0192 * size + 6e-4 * size**2
    np.testing.assert_allclose(result.magforces, [-slope * m], rtol=1e-14)
    assert (result.forces == 0).all()
    assert model.cutoff == 0
    # The minimum of a m^2 + b m^4: m = sqrt(-a/2b), E = -a^2/4b.
    best = response(atoms, [[0, 0, np.sqrt(0.15 / 0.0384)]], Landau("Fe", a=-0.15, b=0.0192))
    assert abs(best.energy - -(0.15**2) / (4 * 0.0192)) < 1e-15
    assert np.abs(best.magforces).max() < 1e-15
    nothing = response(atoms, [[0, 0, 0]], model)
    assert (nothing.energy, np.abs(nothing.magforces).max()) == (0.0, 0.0)


def test_spilady_set():
    model = models.named("Fe-SPILADY-Landau")
    atoms = Atoms("Fe", cell=[3, 3, 3])

    def energy(m):
        return response(atoms, [[0, m, 0]], model).energy

    best = minimize_scalar(energy, bracket=(1.5, 2.5), tol=1e-12)
    assert abs(best.x - 2.1207) < 5e-5
    assert abs(best.fun - -0.412168) < 5e-7
    # Spins S = -M/(g mu_B).
    s = 1.3
    expected = -0.744824 * s**2 + 0.345295 * s**4 - 0.00790205 * s**6
    assert abs(energy(s * units.g_electron) - expected) < 1e-14
    assert energy(20.0) < -100  # not bounded below


@pytest.mark.parametrize(
    "model",
    [
        Landau("Fe", a=-0.15, b=0.0192),
        Landau(("Fe", "Al"), a={"Fe": -0.1, "Al": 0.1}, b=0.01, c={"Fe": 0.0, "Al": 0.002}),
        Landau("Fe", a=[-0.1, 0.02, 1e-3], b=[0.02, 3e-3], c=1e-3, density=cubic(2.0, 4.0)),
        Landau(
            ("Al", "Fe"),
            a={"Fe": [-0.1, 0.02, 1e-3], "Al": 0.1},
            b={"Fe": [0.02, 3e-3], "Al": [0.01]},
            density={("Fe", "Al"): cubic(2.0, 4.0), "Fe": cubic(1.0, 3.5)},
            reference_density=0.3,
        ),
        Landau("Al", a=[-0.1, 0.02], b=0.02, density=lattice()),
    ],
)
def test_contract(model):
    testing.check_model(model, testing.example(("Fe", "Al"), 3))


def test_density_dependent_coefficients_equal_a_twin():
    density = lattice()
    model = Landau(
        "Fe", a=[-0.1, 0.02, 1e-3], b=[0.02, 3e-3], c=[1e-3], density=density, reference_density=0.3
    )
    atoms = bulk("Fe", a=2.87, cubic=True) * (3, 3, 3)
    rng = np.random.default_rng(2)
    atoms.positions += rng.normal(scale=0.1, size=(54, 3))
    atoms.symbols[:] = rng.choice(["Fe", "Al", "Cu"], 54)
    moments = rng.normal(size=(54, 3))
    graph = graph_of(atoms, model)
    f = np.where(graph.numbers[graph.neighbors] == 26, 1.0, 2.0)
    radius = np.where(graph.numbers[graph.neighbors] == 26, 4.0, 3.5)
    psi = f * np.clip(1 - graph.distances / radius, 0, None) ** 3
    magnetic = np.isin(graph.numbers, [26, 13])
    psi *= magnetic[graph.neighbors]
    x = np.bincount(graph.centers, weights=psi, minlength=54) - 0.3
    coefficients = np.array([-0.1 + 0.02 * x + 1e-3 * x**2, 0.02 + 3e-3 * x, np.full(54, 1e-3)]).T
    iron = graph.numbers == 26
    coefficients[~iron] = 0
    np.testing.assert_allclose(model.coefficients(graph), coefficients, rtol=1e-12, atol=1e-16)
    m2 = (moments**2).sum(axis=1)
    expected = (coefficients * np.array([m2, m2**2, m2**3]).T).sum(axis=1)
    result = model.evaluate(graph, moments)
    np.testing.assert_allclose(result.energies, expected, rtol=1e-12, atol=1e-16)
    form = model.bilinear(graph)
    np.testing.assert_array_equal(form.landau, model.coefficients(graph))
    assert model.evaluate(graph, moments, lattice=False).forces is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": -0.1, "b": 0.01, "c": -1e-3}, r"m\^6, must have a positive coefficient, which c is"),
        ({"a": -0.1, "b": -0.01}, r"Fe is not bounded below \(a = -0.1, b = -0.01, c = 0\).*m\^4"),
        ({"a": -0.1, "b": 0.0}, r"m\^2, must have a positive coefficient, which a is not"),
        ({"a": 0.1, "b": 0.01, "c": -1e-9}, "allow_unbounded=True where all moments stay small"),
        (
            {"a": 0.1, "b": [0.02, -1e-3], "density": cubic(1, 3)},
            r"b = \[0.02, -0.001\].* which b is not at some density rho >= 0",
        ),
        (
            {"a": 0.1, "b": [0.01, 1e-3], "density": cubic(1, 3), "reference_density": 11.0},
            "not at some density rho >= 0",
        ),
        (
            {"a": 0.1, "b": [1.0, -2.0, 1.0], "density": cubic(1, 3)},
            "not at some density rho >= 0",
        ),
        ({"a": [0.1, 0.2], "b": 0.1}, "depend on the density, and reference_density, need density"),
        ({"a": 0.1, "b": 0.1, "reference_density": 3.0}, "need density=..., the embedded-atom"),
        ({"a": np.nan, "b": 0.1}, "a must be a finite number or a list of them.* got .nan"),
        ({"a": 0.1, "b": []}, "b must be a finite number or a list of them"),
        ({"a": {"Al": 0.1}, "b": 0.1}, "a must have one entry for each of Fe, got Al"),
        (
            {"a": 0.1, "b": 0.1, "density": EmbeddedAtom("Fe", pair=cubic(1, 3))},
            "density is a pair potential: it has no density functions",
        ),
        (
            {
                "a": 0.1,
                "b": 0.1,
                "density": EmbeddedAtom("Al", cubic(1, 3), None, SquareRootEmbedding()),
            },
            "the density describes Al, not Fe: give one for all species",
        ),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Landau("Fe", **arguments)


def test_bounds_are_not_too_strict():
    density = cubic(1, 3)
    Landau("Fe", a=0.1, b=0.0)
    Landau("Fe", a=0.0, b=0.0)
    Landau("Fe", a=-0.1, b=-0.1, c=1e-3)
    Landau("Fe", a=[-0.1, -3.0], b=0.02, density=density)
    Landau("Fe", a=0.1, b=[1.0, -1.9, 1.0], density=density)  # no real root
    Landau("Fe", a=0.1, b=[0.01, 1e-3], density=density, reference_density=9.0)
    model = Landau("Fe", a=-0.1, b=-0.01, allow_unbounded=True)
    assert response(Atoms("Fe"), [[2.0, 0, 0]], model).energy == pytest.approx(-0.56, abs=1e-15)
