"""Neighbor pairs of LAMMPS with images as translations."""

import pytest


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_pairs_are_those_of_matscipy(ranks, n):
    results = ranks(n, "pairs")
    assert len(results) == 10
    for name, found in results.items():
        assert found["same"], name
        assert found["pairs"] >= 14 or "pbc" in name
        assert found["difference"] < 1e-12, name
        assert found["repeated"] == 0, name
        assert found["ghosts"] == 0 or n > 1, name
