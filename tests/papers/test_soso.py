"""Gao, Bokdam, Kelly (2024): GAP-SOSO on Heisenberg iron, Sec. III B, with the paper's numbers."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ase_mag import fitting, models

FOLDER = Path(__file__).parents[2] / "examples" / "paper_soso"
#: Over the range of spin widths that is accepted.
WIDTHS = (1e-3, 1e-2, 0.1, 0.3, 0.7, 1.0, 3.0, 10.0, 100.0, 1e3)
MODULES = ("conditions", "heisenberg", "accuracy", "portability", "spins")


@pytest.fixture(scope="module")
def example():
    """The modules of the example, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield {name: __import__(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def sizes(example):
    """50 training configurations as in the paper, and fewer to be judged by."""
    return replace(example["conditions"].FULL, test=100, large_test=30, width_test=100)


def test_exchange_is_that_of_the_paper(example):
    """Eq 43 at a = 2.83 angstrom: J1 18.749, J2 10.075 meV; the energy counts both orders."""
    heisenberg, cases = example["heisenberg"], example["conditions"].CASES
    one, two = 2.83 * np.sqrt(0.75), 2.83
    for case, function in (("d007", models.double_exchange()), ("d007hard", None)):
        atoms = heisenberg.iron(2)
        units = np.tile([0.0, 0.0, 1.0], (16, 1))
        model = heisenberg.exchange(cases[case])
        energy = heisenberg.response(cases[case], model, atoms, units)[1]
        if function is None:
            assert energy / 16 == pytest.approx(-(8 * 18.749e-3 + 6 * 10.075e-3), rel=1e-4)
        else:
            values = function(np.array([one, two]))
            assert values == pytest.approx([18.749e-3, 10.075e-3], rel=1e-4)
            assert energy / 16 == pytest.approx(-(8 * values[0] + 6 * values[1]), rel=1e-12)


def test_fields_of_eq_41_against_differences(example):
    """Moments that follow the directions: -dE/de across e, divided by |M|."""
    heisenberg, case = example["heisenberg"], example["conditions"].CASES["eq41"]
    rng = np.random.default_rng(0)
    atoms, model = heisenberg.iron(2), heisenberg.exchange(case)
    units = rng.normal(size=(16, 3))
    units /= np.linalg.norm(units, axis=1)[:, None]
    moments, _, fields = heisenberg.response(case, model, atoms, units)
    sizes = np.linalg.norm(moments, axis=1)
    assert 1.6 < sizes.min() < sizes.max() < 2.2
    for site in (0, 5):
        axis = np.cross(units[site], rng.normal(size=3))
        axis /= np.linalg.norm(axis)
        energies = []
        for angle in (1e-4, -1e-4):
            turned = units.copy()
            turned[site] = np.cos(angle) * units[site] + np.sin(angle) * axis
            energies.append(heisenberg.response(case, model, atoms, turned)[1])
        slope = -(energies[0] - energies[1]) / 2e-4 / sizes[site]
        assert slope == pytest.approx(fields[site] @ axis, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("fixed", 0.0, 0.07), ("eq41", 0.5, 1.2), ("d007", 0.0, 0.2)],
)
def test_energies_of_fits_to_50_configurations(example, sizes, name, lowest, highest):
    """RMSE in meV/atom; the paper has 0.07 with fixed moments, 0.84 with those of eq 41."""
    found = only_linear(example, name, "case_errors", sizes)
    assert lowest <= found["linear"] <= highest


@pytest.mark.parametrize("name", ["fixed", "d007"])
def test_effective_fields_of_fits_to_energies(example, sizes, name):
    """In the paper, on constrained DFT: at most 5 degrees, ratios of the sizes from 1.0 to 1.2."""
    found = only_linear(example, name, "case_fields", replace(sizes, field_test=50))["linear"]
    assert found["angle"][2] < 2.0
    assert 0.97 < found["ratio"][0] < found["ratio"][2] < 1.03
    assert found["used"] > 0.7


def only_linear(example, name, function, sizes):
    """Results of the linear fit of one case."""
    accuracy, cases = example["accuracy"], example["conditions"].CASES
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cases, name, replace(cases[name], fits=("linear",)))
        return getattr(accuracy, function)(name, 0, sizes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("fixed", 0.0, 0.07),
        ("eq41", 0.5, 1.2),
        ("d007", 0.0, 0.2),
        ("d025", 0.0, 1.5),
        ("d007hard", 0.5, 3.0),
        ("d025hard", 0.8, 7.0),
    ],
)
def test_energies_of_2500_configurations(example, name, lowest, highest):
    """As above with all configurations, also cut hard: pairs of the third shell jump in and out."""
    full = example["conditions"].FULL
    assert (full.train, full.test) == (50, 2500)
    found = only_linear(example, name, "case_errors", full)
    assert lowest <= found["linear"] <= highest


@pytest.mark.parametrize(
    ("regressor", "widths"),
    [
        ("linear", (1e-3, 1e3)),
        pytest.param("linear", WIDTHS, marks=pytest.mark.slow),
        pytest.param("sparse_gp", WIDTHS, marks=pytest.mark.slow),
    ],
)
def test_no_spin_width_fails(example, regressor, widths):
    """The potential as it comes, over the whole range of widths: 0.07 and 0.2 meV/atom.

    With j_l instead of i_l a whole channel l vanishes where j_l(1/width^2) does; with i_l, l = 1 is
    1e-13 of l = 0 at a width of 1000.
    """
    for name, largest in (("fixed", 0.07), ("d007", 0.2)):
        case = example["conditions"].CASES[name]
        data = example["heisenberg"].configurations(case, 90, np.random.default_rng(0))
        for width in widths:
            potential = models.SpinOrientationPotential("Fe", spin_width=width, regressor=regressor)
            fitting.fit(potential, data[:50], {"energy": 1.0}, progress=False)
            assert fitting.compare(potential, data[50:])["energy"].rmse < largest


@pytest.mark.parametrize("name", ["sites", "displaced"])
def test_16_atoms_carry_over_to_54(example, sizes, name):
    """Short-ranged exchange (eq 43), cutoff 7 angstrom: images are told apart by the decay.

    30 frames each: standard errors of 13 % of either RMSE if errors are normal.
    """
    found = example["portability"].portability(name, 0, sizes)
    small, large = found["errors"]
    assert found["shells"] == (4, 9)
    assert large < 0.07 if name == "sites" else large < small * np.exp(3 * np.sqrt(2) * 0.13)
    assert max(small, large) < 0.2


def test_without_a_decay_they_do_not(example, sizes):
    """On perfect sites: the data are the same, and the posterior says that they do not suffice."""
    found = example["portability"].portability("sites, even", 0, sizes)
    small, large = found["errors"]
    assert small < 1e-3 and large > 100 * small
    # The prior allows far neighbors as much as near ones; the reference has none.
    assert found["undetermined"] > 0.99 and found["predicted"] > large


def test_larger_cells_after_an_ambiguous_one(example, sizes):
    """Four shells: 16 atoms of a perfect crystal hold the sum of the first and the fourth only.

    Energies of 54 atoms at 300 K are still those of the paper's test: below 1 meV/atom.
    """
    portability = example["portability"].portability
    small, large = portability("thermal", 0, sizes)["errors"]
    assert small < 0.07 and 10 * small < large < 1.0
    found = portability("one", 0, sizes)
    assert found["errors"][1] > 0.5 and found["undetermined"] > 0.9


@pytest.mark.slow
def test_cells_of_three_shapes_tell_all_shells_apart(example, sizes):
    """Nine shells within 7 angstrom, four of which have exchange; the prior of largest evidence."""
    found = example["portability"].portability("three, evidence", 0, sizes)
    assert found["shells"] == (9, 9)
    assert max(found["errors"]) < 0.02


def test_shells_of_a_cell_by_hand(example):
    """8 bcc neighbors at 2.45 and 24 at 4.69 angstrom are the same 8 atoms of 16, and so on."""
    transfers = example["conditions"].TRANSFERS
    told = example["portability"].shells_told_apart
    # Cutoff 5 angstrom, shells (1/2 1/2 1/2), (100), (110), (3/2 1/2 1/2), (111).
    assert told(replace(transfers["one"], cutoff=5.0)) == (4, 5)
    # 54 atoms, half of the edge 4.24 angstrom: (3/2 1/2 1/2) is (-3/2 1/2 1/2), in its own class.
    assert told(replace(transfers["one"], cutoff=5.0, cells=((3, 3, 3),))) == (5, 5)
    assert told(replace(transfers["one"], cutoff=2.5, cells=((1, 1, 1),))) == (1, 1)


@pytest.mark.parametrize("temperature", [300, 1000])
def test_fields_of_thermal_configurations(example, sizes, temperature):
    """Fig. 2: 25 configurations of a temperature; at most 5 degrees, ratios from 1.0 to 1.2."""
    accuracy = example["accuracy"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(accuracy.THERMAL_CASES, "eq41", ("sparse, fields",))
        few = replace(sizes, field_test=30)
        found = accuracy.thermal_fields("eq41", temperature, 0, few)["sparse, fields"]
        fixed = accuracy.thermal_fields("fixed", temperature, 0, few)["linear"]
    assert fixed["largest angle"] < 5.0 and 0.95 < fixed["ratio"][0] < fixed["ratio"][2] < 1.05
    # Cusps of eq 41 at parallel moments: a few fields of nearly ordered neighborhoods at 300 K.
    assert found["within 5 degrees"] > (0.94 if temperature == 300 else 0.985)
    assert 1 / 1.2 < found["ratio"][0] < found["ratio"][2] < 1.2


@pytest.mark.slow
def test_magnetization_in_the_learned_field(example):
    """The same M(T) by the Hamiltonian and by the learned field, 16 atoms."""
    full = replace(
        example["conditions"].FULL, temperatures_K=(600,), replicas=4, reference_replicas=8
    )
    spins = example["spins"]
    potential = spins.learned(full)
    means, errors = [], []
    for which, count in (("reference", 8), ("learned", 4)):
        runs = [spins.magnetization(which, 600, k, full, potential)[0] for k in range(count)]
        means.append(np.mean(runs))
        errors.append(np.std(runs, ddof=1) / np.sqrt(count))
    assert abs(means[1] - means[0]) < 3.5 * np.hypot(*errors)
    assert np.hypot(*errors) < 0.02


@pytest.mark.slow
def test_predicted_errors_of_energies(example, sizes):
    """Moments of eq 41: the share of errors within one predicted deviation, over six fits."""
    found = [
        example["accuracy"].coverage(seed, replace(sizes, width_test=100))["inside"]
        for seed in range(6)
    ]
    error = np.std(found, ddof=1) / np.sqrt(6)
    assert abs(np.mean(found) - 0.683) < max(3 * error, 0.03)


def test_fits_to_fields_need_fields(example):
    heisenberg, case = example["heisenberg"], example["conditions"].CASES["fixed"]
    data = heisenberg.configurations(case, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="the weight of magforces is 1, but 2 of 2 frames have no"):
        fitting.fit(models.SpinOrientationPotential("Fe"), data, {"magforces": 1.0})
