"""Embedded-atom models against a double loop over atoms and closed forms."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from ase_mag import models, testing
from ase_mag.core import NeighborList, storage
from ase_mag.models import EmbeddedAtom, Landau, MagneticEmbedding, Radial, SquareRootEmbedding
from ase_mag.models.eam_tables import OverDistance
from ase_mag.models.radial_forms import cubic


def graph_of(atoms, model, skin=0.0):
    neighbor_list = NeighborList(atoms.numbers, atoms.pbc, model.cutoff, skin)
    return neighbor_list.graph(atoms.positions, atoms.cell.array)


def response(atoms, model):
    return model.evaluate(graph_of(atoms, model), np.zeros((len(atoms), 3)))


def rattled(species=("Fe",), a=2.87, repeats=3, scale=0.1, seed=1):
    atoms = bulk("Fe", a=a, cubic=True) * (repeats, repeats, repeats)
    rng = np.random.default_rng(seed)
    atoms.positions += rng.normal(scale=scale, size=(len(atoms), 3))
    atoms.symbols[:] = rng.choice(species, len(atoms))
    return atoms


def alloy():
    """Iron and aluminum with a different function for every ordered pair."""
    return EmbeddedAtom(
        ("Fe", "Al"),
        density={
            ("Fe", "Fe"): cubic(1.0, 4.0),
            ("Fe", "Al"): cubic(2.0, 3.5),
            ("Al", "Fe"): cubic(0.5, 4.2),
            ("Al", "Al"): cubic(1.5, 3.0),
        },
        pair={("Al", "Fe"): cubic(1.0, 3.2), "Fe": cubic(0.7, 4.4)},
        embedding={
            "Fe": SquareRootEmbedding(1.2, 1e-3, 1e-5),
            "Al": MagneticEmbedding(1.0, 0.4),
        },
    )


def test_contract_of_an_alloy():
    testing.check_model(alloy())


def test_alloy_equals_a_double_loop():
    model = alloy()
    atoms = rattled(("Fe", "Al", "Cu"), repeats=2)
    images = np.array(list(np.ndindex(5, 5, 5))) - 2
    expected = np.zeros(len(atoms))
    for i, a in enumerate(atoms.get_chemical_symbols()):
        if a == "Cu":
            continue
        rho = 0.0
        for j, b in enumerate(atoms.get_chemical_symbols()):
            if b == "Cu":
                continue
            d = atoms.positions[j] - atoms.positions[i] + images @ atoms.cell.array
            r = np.linalg.norm(d, axis=1)
            r = r[r > 1e-9]
            ka, kb = model.species.index(a), model.species.index(b)
            rho += model.density[ka, kb](r).sum()
            if model.pair[ka, kb] is not None:
                expected[i] += 0.5 * model.pair[ka, kb](r).sum()
        if a == "Fe":
            expected[i] += -1.2 * rho**0.5 + 1e-3 * rho**2 + 1e-5 * rho**4
        else:
            magnetic = 0.4 / np.log(2) * (1 - rho**0.5) * np.log(2 - rho) if rho < 1 else 0.0
            expected[i] += -(rho**0.5) - magnetic
    np.testing.assert_allclose(response(atoms, model).energies, expected, rtol=1e-13, atol=1e-13)


def test_dimer_and_single_atom():
    model = models.mendelev_2003()
    moments = np.zeros((2, 3))
    (psi, dpsi), (v, dv) = (f[0, 0].evaluate(np.array([2.3])) for f in (model.density, model.pair))
    f, df = model.embedding[0].evaluate(psi)
    dimer = Atoms("Fe2", positions=[[0, 0, 0], [0, 2.3, 0]])
    result = model.evaluate(graph_of(dimer, model), moments)
    assert abs(result.energy - (2 * f + v)[0]) < 1e-13
    slope = (2 * df * dpsi + dv)[0]
    np.testing.assert_allclose(result.forces, [[0, slope, 0], [0, -slope, 0]], atol=1e-13)
    # F' is infinite at rho = 0: an atom without neighbors has F(0) and no force.
    far = Atoms("Fe2", positions=[[0, 0, 0], [0, 9.0, 0]])
    for iron, energy in (
        (model, 0.0),
        (models.dudarev_derlet_2005(), -2 * 1.565647547483517),
    ):
        result = response(far, iron)
        assert abs(result.energy - energy) < 1e-14
        assert (result.forces == 0).all()
    # Within reach of V (5.3) but not of psi (4.2).
    near = response(Atoms("Fe2", positions=[[0, 0, 0], [0, 4.8, 0]]), model)
    assert np.isfinite(near.forces).all()
    assert abs(near.energy - -0.0070294963048689 * 0.5**3) < 1e-15


class Counted(Radial):
    """cubic(1, 4), counting its evaluations; it cannot be saved."""

    def __init__(self):
        self.function, self.cutoff, self.calls = cubic(1.0, 4.0), 4.0, 0

    def evaluate(self, r):
        self.calls += 1
        return self.function.evaluate(r)

    def to_dict(self):
        raise TypeError("not meant to be saved")


def test_geometry_is_evaluated_once():
    psi, v = Counted(), Counted()
    lattice = EmbeddedAtom("Fe", psi, v, SquareRootEmbedding())
    model = lattice + Landau("Fe", a=[-0.1, 0.01], b=0.02, density=lattice)
    atoms = rattled(repeats=2)
    graph = graph_of(atoms, model)
    rng = np.random.default_rng(3)
    for lattice_too in (False, True, True):
        model.evaluate(graph, rng.normal(size=(len(atoms), 3)), lattice=lattice_too)
        assert (psi.calls, v.calls) == (1, 1)
    model.evaluate(graph_of(atoms, model), np.zeros((len(atoms), 3)))
    assert (psi.calls, v.calls) == (2, 2)


def test_equal_densities_share_one_evaluation_after_loading(tmp_path):
    lattice = models.mendelev_2003()
    model = lattice + Landau("Fe", a=[-0.1, 0.01], b=0.02, density=lattice)
    model.save(tmp_path / "model.npz")
    loaded, _ = storage.load(tmp_path / "model.npz")
    assert loaded.terms[0].density is not loaded.terms[1].density
    assert loaded.terms[0].density.key == loaded.terms[1].density.key == lattice.density.key
    assert lattice.density.key != models.dudarev_derlet_2005().density.key
    graph = graph_of(rattled(repeats=2), loaded)
    loaded.evaluate(graph, np.zeros((16, 3)))
    rho = [term.density.sums(graph) for term in loaded.terms[:2]]
    assert rho[0] is rho[1]


def test_results_are_the_callers_own():
    model = models.mendelev_2003()
    graph = graph_of(rattled(repeats=2), model)
    moments = np.zeros((16, 3))
    first = model.evaluate(graph, moments)
    energies, forces = first.energies.copy(), first.forces.copy()
    first.energies += 1.0
    first.forces += 1.0
    second = model.evaluate(graph, moments)
    assert (second.energies == energies).all()
    assert (second.forces == forces).all()
    with pytest.raises(ValueError, match="read-only"):
        model.densities(graph)[0] = 0.0


def test_pair_potential_alone():
    model = EmbeddedAtom("Fe", pair=cubic(1.0, 4.0))
    testing.check_model(model)
    atoms = Atoms("Fe2", positions=[[0, 0, 0], [0, 0, 3.0]])
    assert abs(response(atoms, model).energy - 0.25**3) < 1e-16
    assert (model.densities(graph_of(atoms, model)) == 0).all()


def test_division_by_distance():
    f = OverDistance(cubic(2.0, 4.0))
    r = np.linspace(0.5, 4.5, 50)
    value, slope = f.evaluate(r)
    expected = 2 * np.clip(1 - r / 4, 0, None) ** 3 / r
    np.testing.assert_allclose(value, expected, atol=1e-15)
    derivative = -6 / 4 * np.clip(1 - r / 4, 0, None) ** 2 / r - expected / r
    np.testing.assert_allclose(slope, derivative, atol=1e-14)


FE, AL = SquareRootEmbedding(), SquareRootEmbedding(2.0)


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        (ValueError, {}, "needs a density, a pair energy, or both"),
        (ValueError, {"density": cubic(1, 3)}, "density and embedding belong together"),
        (ValueError, {"pair": cubic(1, 3), "embedding": FE}, "density and embedding belong"),
        (ValueError, {"pair": {}}, "pair is empty: give at least one function"),
        (ValueError, {"pair": {("Fe", "Cu"): cubic(1, 3)}}, "not a pair of the species Fe, Al"),
        (
            ValueError,
            {"pair": {("Fe", "Al"): cubic(1, 3), ("Al", "Fe"): cubic(2, 3)}},
            "pair of Al-Fe is given twice",
        ),
        (TypeError, {"pair": {"Fe": 3.0}}, "pair of 'Fe' must be a Radial, got float"),
        (TypeError, {"pair": 3.0}, "pair must be a Radial or a dict .* got float"),
        (
            ValueError,
            {"density": cubic(1, 3), "embedding": {"Fe": FE}},
            "embedding must have one function for each of Fe, Al, got Fe",
        ),
        (
            TypeError,
            {"density": cubic(1, 3), "embedding": np.sqrt},
            "embedding must be an Embedding or a dict from symbol to Embedding, got ufunc",
        ),
        (
            ValueError,
            {"density": models.mendelev_2003().density, "embedding": FE},
            "density describes Fe, but the model is made for Fe, Al",
        ),
    ],
)
def test_bad_arguments(error, arguments, message):
    with pytest.raises(error, match=message):
        EmbeddedAtom(("Fe", "Al"), **arguments)
    with pytest.raises(ValueError, match="'Xx' is not a chemical symbol"):
        EmbeddedAtom("Xx", pair=cubic(1, 3))
