"""Heisenberg exchange against double loops, published sums of exchange, and the contract."""

import itertools

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import units
from ase_mag.core import PairGraph, get_moments, storage
from ase_mag.models import Heisenberg, NonMagnetic, bethe_slater, cubic, double_exchange, shells
from ase_mag.testing import assert_close, check_model, example

mRy = 13.605693123e-3
# UppASD examples, mRy (H = -sum_{i!=j} J e_i.e_j): bcc Fe, m = 2.23, and fcc Co, m = 1.56.
BCC_FE = [1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658]
FCC_CO = [0.918607, 0.069227, 0.106665, -0.095576, 0.029369]


def graph_of(atoms, model):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )


def double_loop(atoms, moments, pair_energy, cutoff, images=3):
    """Sum of pair_energy(i, j, r, M_i, M_j) over all ordered pairs and images."""
    total = 0.0
    for shift in itertools.product(range(-images, images + 1), repeat=3):
        for i, j in itertools.product(range(len(atoms)), repeat=2):
            r = np.linalg.norm(
                atoms.positions[j] - atoms.positions[i] + np.array(shift) @ atoms.cell.array
            )
            if 0 < r < cutoff:
                total += pair_energy(i, j, r, moments[i], moments[j])
    return total


@pytest.mark.parametrize(
    "model",
    [
        Heisenberg("Fe", cubic(0.191248, cutoff=3.75)),
        Heisenberg("Fe", bethe_slater(0.02726, 0.2171, 1.841, 3.4), "eV", "LAMMPS", 2.2),
        Heisenberg("Fe", double_exchange()),
        Heisenberg("Fe", shells(BCC_FE, bulk("Fe", a=2.87), "mRy", "UppASD", 2.23)),
    ],
    ids=["cubic", "Bethe-Slater", "double exchange", "shells"],
)
def test_contract(model):
    check_model(model)


def test_contract_of_an_alloy():
    functions = {
        ("Fe", "Fe"): cubic(0.2, cutoff=3.5),
        ("Co", "Fe"): cubic(-0.1, cutoff=4.0),
        "Co": cubic(0.3, cutoff=3.2),
    }
    model = Heisenberg(("Fe", "Co"), functions)
    assert model.cutoff == 4.0
    check_model(model)
    check_model(model + NonMagnetic("Al"), example(("Fe", "Al", "Co"), rng=3))


def test_pair_that_is_not_named_has_no_exchange():
    model = Heisenberg(("Fe", "Co"), {("Fe", "Co"): cubic(0.2, cutoff=3.75)})
    check_model(model)
    atoms = example(("Fe", "Fe"))
    response = model.evaluate(graph_of(atoms, model), get_moments(atoms))
    assert not response.forces.any() and not response.energies.any()


def test_alloy_against_a_double_loop():
    functions = {
        ("Fe", "Fe"): cubic(0.2, cutoff=3.5),
        ("Co", "Fe"): cubic(-0.1, cutoff=4.0),
        ("Co", "Co"): cubic(0.3, cutoff=3.2),
    }
    model = Heisenberg(("Fe", "Co"), functions)
    atoms = example(("Fe", "Co", "Al"), rng=1, repeats=(1, 1, 2))
    moments = np.random.default_rng(1).normal(size=(len(atoms), 3))
    symbols = atoms.get_chemical_symbols()

    def energy(i, j, r, a, b):
        pair = (symbols[i], symbols[j])
        f = functions.get(pair) or functions.get(pair[::-1])
        return 0.0 if f is None else -0.5 * f(r) * (a @ b)

    expected = double_loop(atoms, moments, energy, model.cutoff)
    result = model.evaluate(graph_of(atoms, model), moments)
    assert_close(result.energy, expected, "energy", rtol=1e-13)
    aluminum = np.array(symbols) == "Al"
    assert not result.magforces[aluminum].any() and not result.energies[aluminum].any()
    assert not result.forces[aluminum].any()


@pytest.mark.parametrize("unit", ["eV", "meV", "mRy"])
@pytest.mark.parametrize("convention", ["inside", "MSLP", "UppASD", "TB2J", "LAMMPS", "SPILADY"])
def test_conventions_against_double_loops(convention, unit):
    """The energy is that of the code's own Hamiltonian, written out with its own variables."""
    f = cubic(0.2, cutoff=3.75)
    size = {"Fe": 2.2, "Co": 1.6}
    unit_vectors = convention in ("UppASD", "TB2J", "LAMMPS")
    model = Heisenberg(("Fe", "Co"), f, unit, convention, size if unit_vectors else None)
    atoms = example(("Fe", "Co"), rng=2, repeats=(1, 2, 1))
    rng = np.random.default_rng(2)
    moments = rng.normal(size=(len(atoms), 3))
    m = np.array([size[s] for s in atoms.get_chemical_symbols()])
    if unit_vectors:
        moments *= (m / np.linalg.norm(moments, axis=1))[:, None]
    g = 2.00231930436256
    factor, variables = {
        "inside": (0.5, moments),
        "MSLP": (0.5, moments),
        "SPILADY": (0.5, -moments / g),
        "UppASD": (1.0, moments / m[:, None]),
        "TB2J": (1.0, moments / m[:, None]),
        "LAMMPS": (1.0, moments / m[:, None]),
    }[convention]
    eV = {"eV": 1.0, "meV": 1e-3, "mRy": mRy}[unit]
    expected = double_loop(
        atoms, variables, lambda i, j, r, a, b: -factor * f(r) * (a @ b), f.cutoff
    )
    energy = model.evaluate(graph_of(atoms, model), moments).energy
    assert_close(energy, eV * expected, f"energy in convention {convention}", rtol=1e-13)


def test_sum_of_exchange_of_uppasd_iron():
    """J0 = sum_j J_0j = 12.409800659 mRy; the ferromagnet has -J0 per atom, the field 2 J0/m."""
    bcc = bulk("Fe", a=2.8665)
    model = Heisenberg("Fe", shells(BCC_FE, bcc, unit="mRy", convention="UppASD", moment=2.23))
    result = model.evaluate(graph_of(bcc, model), [[0, 0, 2.23]])
    assert abs(result.energy / mRy + 12.409800659) < 5e-10
    assert_close(result.magforces, [[0, 0, 2 * 12.409800659 * mRy / 2.23]], "magforces", rtol=1e-9)
    # The slope of J vanishes at every shell: no pressure from exchange at the reference lattice.
    assert_close(result.virial, np.zeros((3, 3)), "virial", atol=1e-14)


def test_mean_field_curie_temperature_of_uppasd_cobalt():
    """kB Tc = 2/3 J0 = m^2/3 sum_j J_0j (inside): 1427 K."""
    fcc = bulk("Co", "fcc", a=3.52)
    model = Heisenberg("Co", shells(FCC_CO, fcc, unit="mRy", convention="UppASD", moment=1.56))
    exchange = model.bilinear(graph_of(fcc, model)).exchange
    assert abs(1.56**2 / 3 * exchange.sum() / units.kB - 1427) < 0.5
    # z = 12, 6, 24, 12, 24 pairs have exchange; J is zero at the next shell.
    assert np.count_nonzero(np.abs(exchange) > 1e-12) == 78


def test_collinear_energies_of_spilady_iron():
    """-1/2 sum J S.S at a = 2.8665: 8 x 33.598 and 6 x 11.377 meV, S = M/g."""
    atoms = bulk("Fe", a=2.8665, cubic=True)
    model = Heisenberg("Fe", cubic(0.870, cutoff=3.75), convention="SPILADY")
    s = 2.2 / units.g_electron
    graph = graph_of(atoms, model)
    for sign in (1, -1):
        energy = model.evaluate(graph, [[0, 0, 2.2], [0, 0, sign * 2.2]]).energy
        assert abs(energy - -(s**2) * (sign * 8 * 33.598 + 6 * 11.377) * 1e-3) < 1e-5


def test_values_are_kept_on_the_graph():
    class Counted(type(cubic(1.0, cutoff=3.0))):
        calls = 0

        def evaluate(self, r):
            Counted.calls += 1
            return super().evaluate(r)

    f = cubic(0.2, cutoff=3.75)
    model = Heisenberg("Fe", Counted(f.knots, f.coefficients))
    atoms = example(("Fe",))
    graph = graph_of(atoms, model)
    for seed in range(3):
        model.evaluate(graph, np.random.default_rng(seed).normal(size=(len(atoms), 3)))
    model.bilinear(graph)
    assert Counted.calls == 1


def test_no_pair_gradients_without_lattice():
    model = Heisenberg("Fe", cubic(0.2, cutoff=3.75))
    atoms = example(("Fe",))
    moments = get_moments(atoms)
    assert model.gradients(graph_of(atoms, model), moments, lattice=False).pairs is None


def test_molecules_have_no_periodic_images():
    model = Heisenberg("Fe", cubic(0.2, cutoff=3.75))
    positions = np.array([[0, 0, 0], [0, 0, 2.0], [0, 0, 8.0]])
    graph = PairGraph.build(positions, np.zeros((3, 3)), False, [26] * 3, model.cutoff)
    moments = np.array([[1.0, 0, 0], [2.0, 1.0, 0], [5.0, 5.0, 5.0]])
    result = model.evaluate(graph, moments)
    j = 0.2 * (1 - 2 / 3.75) ** 3
    slope = -3 * 0.2 / 3.75 * (1 - 2 / 3.75) ** 2
    assert_close(result.energies, [-j, -j, 0], "energies", rtol=1e-14)
    assert_close(result.magforces, j * moments[[1, 0, 2]] * [[1], [1], [0]], "B", rtol=1e-14)
    force = [[0, 0, -2 * slope], [0, 0, 2 * slope], [0, 0, 0]]
    assert_close(result.forces, force, "forces", rtol=1e-13)


def test_saved_alloy(tmp_path):
    f = shells(BCC_FE, bulk("Fe", a=2.87), "mRy", "UppASD", 2.23)
    model = Heisenberg(("Fe", "Co"), {("Fe", "Co"): f, ("Fe", "Fe"): cubic(0.2, cutoff=3.0)})
    model.save(tmp_path / "model.npz")
    loaded, _ = storage.load(tmp_path / "model.npz")
    atoms = example(("Fe", "Co"))
    moments = get_moments(atoms)
    a, b = (m.evaluate(graph_of(atoms, m), moments) for m in (model, loaded))
    np.testing.assert_array_equal(a.forces, b.forces)
    np.testing.assert_array_equal(a.energies, b.energies)
    assert repr(loaded) == repr(model) == "Heisenberg(Fe, Co; cutoff 4.97099 angstrom)"


CONVERTED = shells([1.0], bulk("Fe"), unit="mRy", convention="UppASD", moment=2.2)
J = cubic(0.2, cutoff=3.75)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Heisenberg("Xx", J), ValueError, "'Xx' is not a chemical symbol"),
        (lambda: Heisenberg("iron", J), ValueError, "'iron' is not a chemical symbol"),
        (lambda: Heisenberg(("Fe", 26), J), ValueError, "26 is not a chemical symbol"),
        (lambda: Heisenberg((), J), ValueError, "one or more different chemical symbols"),
        (lambda: Heisenberg(("Fe", "Fe"), J), ValueError, "different chemical symbols"),
        (lambda: Heisenberg("Fe", 0.2), TypeError, "must be a Radial or a dict.*got float"),
        (lambda: Heisenberg("Fe", {("Fe", "Fe"): 1}), TypeError, "must be a Radial, got int"),
        (lambda: Heisenberg("Fe", {("Fe", "Co"): J}), ValueError, "not a pair of the species Fe"),
        (lambda: Heisenberg("Fe", {}), ValueError, "exchange is empty: give at least one function"),
        (
            lambda: Heisenberg(("Fe", "Co"), {("Fe", "Co"): J, ("Co", "Fe"): CONVERTED}),
            ValueError,
            "Co-Fe is given twice",
        ),
        (lambda: Heisenberg("Fe", J, unit="erg"), ValueError, "energy unit 'erg' is unknown"),
        (lambda: Heisenberg("Fe", J, convention="VAMPIRE"), ValueError, "'VAMPIRE' is unknown"),
        (lambda: Heisenberg("Fe", J, convention="UppASD"), ValueError, "give the moment size"),
        (lambda: Heisenberg("Fe", J, moment=2.2), ValueError, "would have no effect"),
        (
            lambda: Heisenberg("Fe", J, convention="TB2J", moment=0.0),
            ValueError,
            "moment sizes must be positive",
        ),
        (
            lambda: Heisenberg(("Fe", "Co"), J, convention="TB2J", moment={"Fe": 2.2}),
            ValueError,
            "moment names Fe, but the species are Fe, Co",
        ),
        (
            lambda: Heisenberg("Fe", CONVERTED, unit="mRy", convention="UppASD", moment=2.2),
            ValueError,
            "give unit, convention and moment once",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
