"""The box of LAMMPS for cells of all shapes."""

import pytest


@pytest.mark.parametrize("n", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_cells_of_all_shapes(ranks, n):
    errors = ranks(n, "cells")
    assert len(errors) == 21
    # The rounding of coordinates of thousands of angstrom.
    for far in ("more turns than image flags count", "undisplaced, many turns"):
        assert errors.pop(far) < 1e-11
    assert max(errors.values()) < 1e-12, max(errors, key=errors.get)
