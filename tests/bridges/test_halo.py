"""The halo on several processes, beside sums over all atoms."""

import pytest


@pytest.mark.parametrize("n", [1, 2, 4])
def test_values_travel_to_ghosts_and_back(ranks, n):
    answers = ranks(n, "halo")
    assert len(answers) == n
    for forward, error, message in answers:
        assert forward
        assert error < 1e-13
        assert "no process owns the atoms with the tags [10005]" in message
