"""Gao, Bokdam, Kelly (2024): the statistic of Figs. 2 and 3, and what the fields of eq 41 lack."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "paper_soso"
MODULES = ("conditions", "heisenberg", "accuracy", "portability", "parity", "worst", "cusp")
MODULES += ("least_squares",)


@pytest.fixture(scope="module")
def example():
    """The modules of the example, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield {name: __import__(name) for name in MODULES}
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("rounding", [0.0, 10.0])
def test_fields_of_eq_41_jump_where_neighbors_are_parallel(example, rounding):
    """2 (0.6/(n pi)) (F_i.e_i + F_j.e_j)/|M_i|, F = -dE/dM at fixed sizes; zero without the cusp.

    The neighbor j turns by 2 angle through the direction of i, all others are ferromagnetic.
    """
    heisenberg, conditions = example["heisenberg"], example["conditions"]
    case = replace(conditions.CASES["eq41"], rounding=rounding)
    atoms, model = heisenberg.iron(2), heisenberg.exchange(case)
    near = heisenberg.pairs(atoms, heisenberg.FIRST_SHELL)
    site, other = 0, near.neighbors[0]
    angle, found = 1e-5, []
    for sign in (1, -1):
        units = np.tile([0.0, 0.0, 1.0], (16, 1))
        units[:, 0] = 0.3 * (1 - (np.arange(16) == site))  # nobody else is parallel to the site
        units[other] = [sign * angle, 0.0, 1.0]
        units /= np.linalg.norm(units, axis=1)[:, None]
        moments, _, fields = heisenberg.response(case, model, atoms, units)
        found.append(fields[site, 0])
    graph = heisenberg.pairs(atoms, model.cutoff)
    forces = model.evaluate(graph, moments, lattice=False).magforces
    along = np.einsum("ic,ic->i", forces, units)
    size = np.linalg.norm(moments[site])
    jump = 2 * 0.6 / (8 * np.pi) * (along[site] + along[other]) / size
    assert jump > 5e-3  # eV/mu_B, against 0.038 of all fields at 300 K
    if rounding:
        # The field changes by at most the angle over the rounding, and by that of the exchange.
        assert abs(found[0] - found[1]) < 1e-3 * jump
    else:
        assert found[0] - found[1] == pytest.approx(jump, rel=2e-4)


def test_worst_fields_by_hand(example):
    """Two configurations of two fields; a field below a tenth of the rms counts for nothing."""
    labels = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 1.0], [0.01, 0, 0]])
    found = np.array([[1.0, 0, 1.0], [0, 1.0, 0], [0, 0, 2.0], [-5.0, 0, 0]])
    worst = example["worst"].worst_of_each(labels, found, n_atoms=2)
    assert worst[0] == pytest.approx([45.0, 1 / np.sqrt(2), 2.0])
    assert worst[1] == pytest.approx([0.0, 0.5, 0.5])


def test_two_hamiltonians_are_one_in_16_atoms(example):
    """J_1 + 3 J_4 in the place of both: no fit to 16 atoms on their sites can tell.

    Their energies of 54 atoms at 300 K differ by 0.87 meV/atom, so that one of the two is missed
    by at least half of it by whatever is fitted to 16 atoms.
    """
    heisenberg, cases = example["heisenberg"], example["conditions"].CASES
    parts = [heisenberg.thermal(cases["fixed"], 20, cells, 300, 0) for cells in (2, 3)]
    small, large = example["least_squares"].twins(parts)
    assert small < 1e-10 and 0.5 < large < 1.5


@pytest.mark.parametrize(("name", "rank"), [("one", 4), ("three", 9)])
def test_least_squares_in_exchange_constants(example, name, rank):
    """No descriptor, exact energies: cells of three shapes tell what one shape cannot."""
    sizes = replace(example["conditions"].FULL, large_test=10)
    transfer = example["conditions"].TRANSFERS[name]
    found = example["least_squares"].least_squares(transfer, 0, sizes)
    small, large = found["errors"]
    assert found["rank"] == rank + 1  # and the constant
    assert example["portability"].shells_told_apart(transfer) == (rank, 9)
    assert small < 1e-9
    assert large > 1.0 if name == "one" else large < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(("kelvin", "paper", "expected"), [(300, 1.0, 0.0042), (1000, 1.44, 0.045)])
def test_paper_statistic_with_relaxed_sizes(example, kelvin, paper, expected):
    """FeHL-1 in the place of constrained DFT, energies of 25 configurations, products of features.

    Energies (meV/atom) of 16 and 54 atoms, angles and ratios of all fields of all configurations.
    Three repetitions have 0.0042(8) and 0.0034(2) at 300 K, 0.0445(23) and 0.0368(54) at 1000 K.
    """
    sizes = replace(example["conditions"].FULL, field_test=100, large_test=30)
    found = example["worst"].thermal_statistics("FeHL-1", kelvin, 0, sizes)["sparse"]
    small, large = found["energies"]
    assert small < 2 * expected < paper
    # 100 and 30 energies: the logarithm of the ratio has a standard error of 0.15.
    assert large < small * np.exp(3 * 0.15)
    angle, low, high = found["worst"]
    assert angle < 1.0 and 0.985 < low < high < 1.015
    assert found["fields within"] > 0.999 and found["within"] >= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("kelvin", [300, 1000])
def test_fields_of_eq_41_are_missed_at_the_cusp_only(example, kelvin):
    """Beyond 5 degrees: near a parallel neighbor, small fields, and none without the cusp.

    Expected within 5 degrees of a neighbor: 7.5(4) % at 300 K, 5(1) % at 1000 K; beyond 10: 0.04(2)
    and 0; all: 1.7(1) and 0.3(1) %, with 0.13 and 0.01 % of the squares; rounded: 0.01(1) and 0.
    """
    found = example["cusp"].beyond(kelvin, 0, replace(example["conditions"].FULL, field_test=150))
    counts, far = np.transpose(found["edges"])
    assert counts[-1] > 800 and far[-1] <= 2  # no neighbor within 10 degrees
    assert far[:2].sum() / counts[:2].sum() > 0.02
    assert found["10"]["beyond"] < 1.5e-3 < found["0"]["beyond"] < 0.03
    assert found["0"]["power"] < 0.2 * found["0"]["beyond"]
    assert found["0"]["relative"] < 0.03


@pytest.mark.slow
def test_fields_of_eq_41_by_training_configurations(example):
    """Labels of fields and a finer angular resolution matter, more configurations hardly."""
    sizes = replace(example["conditions"].FULL, large_test=60)
    with pytest.MonkeyPatch.context() as patch:
        rows = ((12, 0.25, (25, 100)), (16, 0.15, (25,)))
        patch.setattr(example["cusp"], "RESOLUTIONS", rows)
        found = example["cusp"].curve(300, 0, sizes)
    assert found["12, energies"][1] > found["12, energies"][0] > 0.95
    assert found["12, and fields"][0] > found["12, energies"][0]
    assert found["16, and fields"][0] > found["12, and fields"][1] > 0.97
