"""Runs on several processes beside those of the serial class."""

import pytest

CASES = (
    "constant energy",
    "baths",
    "sub-steps, field",
    "pressure",
    "pressure, cell",
    "pressure, upright cell, dump",
    "longitudinal",
    "longitudinal, no form",
    "field of time",
    "field of time, no form",
    "damping of atoms",
    "rates of atoms",
    "isotopes",
    "fixed atoms",
    "fixed atoms, isotopes, field of time",
    "inertial",
    "inertial, baths",
)


@pytest.mark.parametrize(
    ("n", "name", "steps"),
    [
        (1, "pressure, cell", 30),
        (1, "pressure, upright cell, dump", 30),
        (2, "baths", 100),
        (2, "fixed atoms, isotopes, field of time", 30),
        (2, "inertial, baths", 30),
        *(pytest.param(n, name, 100, marks=pytest.mark.slow) for n in (1, 2) for name in CASES),
        pytest.param(4, "pressure, cell", 100, marks=pytest.mark.slow),
    ],
)
def test_trajectories_equal_serial_ones(ranks, n, name, steps):
    result = ranks(n, "trajectories", name, steps)
    if steps >= 100:
        assert result["rebuilds"] > 3
    if n > 1:
        assert result["moved"] > 0  # atoms went to other processes
    errors = result["errors"]
    spin = errors.pop("spin temperature", 0.0)
    assert spin < 1e-6  # K
    assert max(errors.values()) < 1e-10, errors


@pytest.mark.parametrize(
    "name",
    [
        "inertial, baths",
        pytest.param("fixed atoms, isotopes, field of time", marks=pytest.mark.slow),
        pytest.param("rates of atoms", marks=pytest.mark.slow),
    ],
)
def test_another_number_of_processes_goes_on_with_all_that_atoms_have(ranks, name):
    errors = ranks(2, "trajectories", name, 30, "resumed")["errors"]
    assert errors.pop("spin temperature", 0.0) < 1e-6  # K
    assert max(errors.values()) < 1e-10, errors


def test_images_of_an_atom_itself_exert_no_torque(ranks):
    errors = ranks(1, "trajectories", "own images", 20)["errors"]
    assert errors.pop("spin temperature") < 1e-6  # K
    assert max(errors.values()) < 1e-10, errors


@pytest.mark.slow
def test_more_turns_through_the_box_than_image_flags_count(ranks):
    errors = ranks(1, "trajectories", "many turns", 700)["errors"]
    assert errors.pop("spin temperature") < 1e-6  # K
    assert errors["positions"] < 1e-10, errors


@pytest.mark.parametrize("n", [1, 2])
def test_longitudinal_baths_leave_nonmagnetic_species_alone(ranks, n):
    found = ranks(n, "sizes")
    assert found["aluminum"] == 0.0
    assert found["iron"] > 0.01
    (ours, serial), *others = found["words"]
    assert ours == serial
    assert "the time step of the spins is too long" in ours[0]
    assert others == [[[], []]] * (n - 1)
    if n == 1:
        assert "is unbounded below" in found["message"]
        words = "nothing bounds the moment of atom 1 (Fe): SpinOrientationPotential knows direct"
        assert found["loose"].startswith(words)
    assert 1.0 < found["held"] < 4.0
