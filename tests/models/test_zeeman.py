"""Moments in an external field, and species without interaction."""

import numpy as np
import pytest

from ase_mag.core import PairGraph
from ase_mag.models import Heisenberg, NonMagnetic, Zeeman, cubic
from ase_mag.testing import assert_close, check_model, example


def respond(model, moments, numbers):
    n = len(numbers)
    graph = PairGraph.build(np.zeros((n, 3)), np.zeros((3, 3)), False, numbers, 0.0)
    return model.evaluate(graph, np.array(moments, dtype=float))


def test_contract_of_zeeman():
    field = np.array([10.0, -200.0, 3000.0])
    check_model(
        Zeeman("Fe", field),
        spin_rotation=False,
        time_reversal=False,
        rotated=lambda R: Zeeman("Fe", R @ field),
    )


def test_contract_of_nonmagnetic():
    check_model(NonMagnetic(("Al", "O")))
    model = Heisenberg("Fe", cubic(0.2, cutoff=3.75)) + NonMagnetic("Al")
    assert model.species == ("Fe", "Al")
    check_model(model)


def test_energy_in_tesla():
    """2.2 mu_B along 1000 T: -2.2 x 5.788e-2 eV (CODATA 2018 Bohr magneton)."""
    result = respond(Zeeman("Fe", (0, 0, 1000)), [[0, 0, 2.2], [0, 0, -2.2], [9, 9, 0]], [26] * 3)
    energy = -2.2 * 1000 * 5.7883818060e-5
    assert_close(result.energies, [energy, -energy, 0], "energies", rtol=1e-15)
    assert_close(result.magforces, np.tile([0, 0, 5.7883818060e-2], (3, 1)), "B", rtol=1e-15)
    assert not result.forces.any()


def test_other_species_feel_nothing():
    result = respond(Zeeman("Fe", (0, 0, 10)), np.ones((2, 3)), [26, 27])
    assert result.energies[1] == 0 and not result.magforces[1].any()
    result = respond(NonMagnetic("Co"), np.ones((2, 3)), [26, 27])
    assert not result.energies.any() and not result.magforces.any()


def test_sums_name_all_their_species():
    model = Zeeman("Fe", (0, 0, 10))
    atoms = example(("Fe", "Al"))
    with pytest.raises(ValueError, match=r"structure holds Al.*models\.NonMagnetic\('Al'\)"):
        model.check_species(atoms.numbers)
    (model + NonMagnetic("Al")).check_species(atoms.numbers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Zeeman("Fe", 10.0), r"three finite numbers in tesla.*got 10\.0"),
        (lambda: Zeeman("Fe", (0, 0, np.nan)), "three finite numbers in tesla"),
        (lambda: Zeeman("ferrum", (0, 0, 1)), "'ferrum' is not a chemical symbol"),
        (lambda: NonMagnetic(("Al", "Al")), r"different chemical symbols, got \('Al', 'Al'\)"),
        (lambda: NonMagnetic("X"), "'X' is not a chemical symbol"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
