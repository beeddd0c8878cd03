"""One list of all models; every one keeps every promise of ``ase_mag.testing.check_model``.

A new model adds a line to ``CASES``: a name, the model, and options of ``check_model`` where a
promise does not hold (external field, spin-orbit terms, a step that was asked for).
"""

from itertools import combinations

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import models, testing
from ase_mag.descriptors import InvariantDescriptor
from ase_mag.models import cubic
from ase_mag.regressors import LinearFunction
from ase_mag.testing.comparison import PARTS, assert_close
from ase_mag.testing.structures import Structure

BCC = bulk("Fe", a=2.87)
R = np.linspace(2.0, 4.2, 12)
J = cubic(0.19, cutoff=3.75)
BONDS = 1.435 * np.array(list(np.ndindex(2, 2, 2))) * 2 - 1.435
SPIN_ORBIT = {"spin_rotation": False}


def heisenberg(function, **conversion):
    return models.Heisenberg("Fe", function, **conversion)


def zeeman(rotation=None):
    field = np.array([200.0, -100.0, 300.0])
    return models.Zeeman("Fe", field if rotation is None else rotation @ field)


def uniaxial(fourth):
    def make(rotation=None):
        axis = np.array([1.0, 2.0, -1.0])
        axis = axis if rotation is None else rotation @ axis
        return models.UniaxialAnisotropy("Fe", 0.01, axis, moment=2.2, fourth=fourth)

    return make


def cubic_anisotropy(rotation=None):
    axes = testing.structures.random_rotation(np.random.default_rng(3))
    axes = axes if rotation is None else axes @ rotation.T
    return models.CubicAnisotropy("Fe", 0.01, -0.02, moment=2.2, axes=axes)


def tensor(rotation=None):
    matrix = np.array([[1.0, 0.2, 0.0], [0.2, 0.7, -0.3], [0.0, -0.3, 1.3]])
    matrix = matrix if rotation is None else rotation @ matrix @ rotation.T
    return models.TensorExchange("Fe", J, 0.5 * (matrix + matrix.T))


def interfacial(rotation=None):
    normal = np.array([0.3, -0.2, 1.0])
    normal = normal if rotation is None else rotation @ normal
    return models.DzyaloshinskiiMoriya("Fe", cubic(0.02, 3.75), rule="interfacial", normal=normal)


def bonds(rotation=None):
    tensors = np.random.default_rng(0).normal(scale=0.01, size=(4, 3, 3))
    vectors = BONDS[:4]
    if rotation is not None:
        vectors, tensors = vectors @ rotation.T, rotation @ tensors @ rotation.T
    return models.BondExchange("Fe", vectors, tensors, complete=False)


def isotropic_bonds(rotation=None):
    vectors = BONDS[:4] if rotation is None else BONDS[:4] @ rotation.T
    tensors = np.array([0.02, 0.01, -0.01, 0.03])[:, None, None] * np.eye(3)
    return models.BondExchange("Fe", vectors, tensors, complete=False)


def embedded_iron_in_a_field(rotation=None):
    return models.named("FeHL-1") + zeeman(rotation) + uniaxial(0.0)(rotation)


def two_species():
    exchange = {("Fe", "Fe"): J, ("Co", "Fe"): cubic(0.1, 3.5), ("Co", "Co"): cubic(0.15, 4.0)}
    return (
        models.Heisenberg(("Fe", "Co"), exchange)
        + models.Landau(("Fe", "Co"), a={"Fe": -0.15, "Co": -0.1}, b={"Fe": 0.0192, "Co": 0.03})
        + models.DzyaloshinskiiMoriya("Co", cubic(0.01, 3.0))
        + models.NonMagnetic("Al")
    )


def partial_species():
    """Magnetism on one species of two, on an embedded-atom lattice of the other."""
    return models.mendelev_2003() + models.Heisenberg("Co", J) + models.Landau("Co", a=-0.1, b=0.02)


def collinear(cutoff_power):
    def make(rotation=None):
        axis = np.array([1.0, 2.0, -2.0]) / 3.0
        axis = axis if rotation is None else rotation @ axis
        return models.MomentTensorPotential(
            ("Fe", "Al"), cutoff=4.6, axis=axis, max_moment=8.0, cutoff_power=cutoff_power
        )

    return make


def noncollinear(species, **options):
    return models.NoncollinearMomentTensorPotential(
        species, cutoff=4.6, max_moment=8.0, cutoff_power=3, **options
    )


def linear_invariants():
    descriptor = InvariantDescriptor("Fe", cutoff=4.2, n_radial=4, powers=2)
    coefficients = 0.1 * np.random.default_rng(0).normal(size=descriptor.n_features + 1)
    function = LinearFunction(descriptor.n_features, parameters=coefficients)
    return models.DescriptorModel(descriptor, function)


def orientations(species, **options):
    """A potential of spin orientations with random coefficients."""
    potential = models.SpinOrientationPotential(species, 4.6, 4, 2, **options)
    rng = np.random.default_rng(0)
    if options.get("regressor") == "sparse_gp":
        for function in potential.functions:
            function.prepare(np.abs(rng.normal(size=(6, function.n_features))))
    potential.parameters = 0.1 * rng.normal(size=potential.n_parameters)
    return potential


def spin_lattice(species):
    """Return an MSLP whose network is at work."""
    model = models.SpinLatticePotential(species, hidden=(5, 4), activation="tanh")
    structure = Structure.of(testing.example(model.species, 5))
    model.prepare([(structure.graph(model), structure.moments)])
    parameters = model.parameters
    rng = np.random.default_rng(1)
    parameters[model.linear[-5:]] = 0.1 * rng.normal(size=5)
    model.parameters = parameters
    return model


def rotating(make, **options):
    return make(), {"rotated": make, "spin_rotation": False, **options}


CASES = {
    "Heisenberg, cubic": (heisenberg(J), {}),
    "Heisenberg, quintic": (heisenberg(models.quintic(0.05, 4.0, inner=2.2)), {}),
    "Heisenberg, Bethe-Slater": (
        heisenberg(
            models.bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4),
            convention="LAMMPS",
            moment=2.2,
        ),
        {},
    ),
    "Heisenberg, Bethe-Slater with a step": (
        heisenberg(models.bethe_slater(0.02726, 0.2171, 1.841, cutoff=3.4, step=True)),
        {"smooth": False},
    ),
    "Heisenberg, double exchange": (heisenberg(models.double_exchange()), {}),
    "Heisenberg, tabulated": (heisenberg(models.tabulated(R, np.exp(-R), smooth=0.5)), {}),
    "Heisenberg, shells": (heisenberg(models.shells([0.02, 0.01, -0.005], reference=BCC)), {}),
    "tensor exchange": rotating(tensor),
    "Dzyaloshinskii-Moriya, bulk": (
        models.DzyaloshinskiiMoriya("Fe", cubic(0.02, 3.75)),
        SPIN_ORBIT,
    ),
    "Dzyaloshinskii-Moriya, interfacial": rotating(interfacial),
    "bond exchange": rotating(bonds, smooth=False),
    "bond exchange, isotropic": (
        isotropic_bonds(),
        {"rotated": isotropic_bonds, "smooth": False},
    ),
    "uniaxial anisotropy": rotating(uniaxial(0.0)),
    "uniaxial anisotropy, fourth order": rotating(uniaxial(0.02)),
    "cubic anisotropy": rotating(cubic_anisotropy),
    "Zeeman": rotating(zeeman, time_reversal=False),
    "Landau, constant": (models.Landau("Fe", a=-0.15, b=0.0192, c=1e-4), {}),
    "Landau, density-dependent": (
        models.Landau(
            "Fe",
            a=[-0.150, 0.0060, -2e-5],
            b=[0.0192, 0.0004],
            density=models.mendelev_2003(),
            reference_density=25.35187,
        ),
        {},
    ),
    "atomic energies": (models.AtomicEnergies({"Fe": -8.3}), {}),
    "exchange series": (
        models.SeriesExchange("Fe", 4.0, 4, start=2.0, coefficients=[[0.1, 0.02, -0.03, 0.01]]),
        {},
    ),
    "EAM, Mendelev 2003": (models.mendelev_2003(), {}),
    "EAM, Dudarev-Derlet 2005": (models.dudarev_derlet_2005(), {}),
    "non-magnetic": (models.NonMagnetic("Al"), {}),
    "FeHL-1": (models.FeHL1(), {}),
    "FeHL-1, anisotropy and field": rotating(embedded_iron_in_a_field, time_reversal=False),
    "two magnetic species and a third one": (two_species(), SPIN_ORBIT),
    "magnetism on one species of two": (partial_species(), {}),
    "moment tensors, collinear": (collinear(2)(), {"rotated": collinear(2)}),
    "moment tensors, collinear, smoother cutoff": (collinear(3)(), {"rotated": collinear(3)}),
    "moment tensors, vectors": (noncollinear("Fe"), {}),
    "moment tensors, vectors, two species": (
        noncollinear(("Co", "Fe"), level=8, magnetic_basis=3),
        {},
    ),
    "descriptor and linear function": (linear_invariants(), {}),
    "spin orientations": (orientations("Fe"), {}),
    "spin orientations, two species": (orientations(("Co", "Fe")), {}),
    "spin orientations, sparse Gaussian process": (
        orientations("Fe", regressor="sparse_gp", n_sparse=5),
        {},
    ),
    "three-site exchange": (models.ThreeSiteExchange("Fe", cubic(1.0, 3.75), 0.01), {}),
    "MSLP": (spin_lattice("Fe"), {}),
    "MSLP, two species": (spin_lattice(("Fe", "Cr")), {}),
    "MSLP, its network": (spin_lattice("Fe").network, {}),
    "MSLP, its lattice": (models.HoppingEmbeddedAtom(("Fe", "Cr")), {}),
    "MSLP, its exchange and Landau energy": (
        models.HeisenbergLandau(models.HoppingEmbeddedAtom(("Fe", "Cr"))),
        {},
    ),
    **{f"named: {name}": (models.named(name), {}) for name in models.named()},
}


@pytest.mark.parametrize("name", CASES)
def test_contract(name):
    model, options = CASES[name]
    testing.check_model(model, **options)


@pytest.mark.parametrize("name", CASES)
def test_contract_on_a_slab(name):
    """The promises that hold without three periodic directions, on another structure."""
    model, options = CASES[name]
    slab = testing.example(model.species, rng=7, displacement=0.15, axis=model.moment_axis)
    slab.pbc = (True, False, True)
    testing.check_response(model, slab)
    testing.check_forces(model, slab)
    testing.check_magforces(model, slab)
    testing.check_newton(model, slab)
    testing.check_translation(model, slab)
    testing.check_permutation(model, slab)
    testing.check_supercell(model, slab)
    testing.check_bilinear(model, slab)
    testing.check_ghosts(model, slab)
    if options.get("time_reversal", True):
        testing.check_time_reversal(model, slab)


@pytest.mark.parametrize(
    "model",
    [
        models.MomentTensorPotential(("Fe", "Al"), 8, cutoff=4.6, max_moment=8.0, cutoff_power=3),
        models.MomentTensorPotential("Fe", 6, 3, cutoff=4.6, max_moment=8.0, onsite=2),
        noncollinear(("Fe", "Al"), level=6),
        noncollinear("Fe", level=10, magnetic_basis=3),
        orientations(("Co", "Fe")),
        orientations("Fe", regressor="sparse_gp", n_sparse=5),
    ],
    ids=[
        "collinear",
        "collinear, on-site terms",
        "vectors",
        "vectors, basis 3",
        "spin orientations",
        "spin orientations, sparse Gaussian process",
    ],
)
def test_trainable_contract(model):
    testing.check_trainable(model)


def test_every_model_is_in_the_list():
    """Every public model class appears in CASES, alone or in a sum."""
    from ase_mag.core import Model, Sum

    def classes(model):
        parts = model.terms if isinstance(model, Sum) else ()
        return {type(model)}.union(*map(classes, parts))

    tested = set().union(*(classes(model) for model, _ in CASES.values()))
    public = {
        value
        for value in vars(models).values()
        if isinstance(value, type) and issubclass(value, Model)
    }
    assert public <= tested, f"not in CASES: {public - tested}"


def test_models_do_not_disturb_each_other_on_one_graph():
    """The response of a sum is the sum of the responses: cache entries do not collide."""
    iron = {n: m for n, (m, _) in CASES.items() if m.species == ("Fe",) and n != "bond exchange"}
    structure = Structure.of(testing.example(("Fe",), rng=3))
    alone = {name: structure.response(model) for name, model in iron.items()}
    for a, b in combinations(iron, 2):
        both = structure.response(iron[a] + iron[b])
        for part in PARTS:
            expected = getattr(alone[a], part) + getattr(alone[b], part)
            what = f"{part} of ({a}) + ({b})"
            assert_close(getattr(both, part), expected, what, rtol=1e-11, atol=1e-11)
