"""Kinds of constraints per atom, checks of targets, and errors of moments."""

import numpy as np
import pytest

from ase_mag.reference.constraints import check_targets, constraint_kinds, moment_errors

SYMBOLS = ("Fe", "Al", "Fe")


def test_one_for_all_per_species_per_atom():
    assert constraint_kinds("direction", SYMBOLS) == ("direction",) * 3
    assert constraint_kinds({"Fe": "vector"}, SYMBOLS) == ("vector", "free", "vector")
    each = ("vector", "free", "magnitude")
    assert constraint_kinds(each, SYMBOLS) == each


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ("size", "unknown kind of constraint 'size': allowed are vector, direction"),
        ({"Co": "vector"}, "the constraint names Co, but the atoms are Al, Fe"),
        (["vector"], "has 1 kinds for 3 atoms"),
        ({"Fe": "none"}, "unknown kind of constraint 'none'"),
    ],
)
def test_bad_constraints(constraint, message):
    with pytest.raises(ValueError, match=message):
        constraint_kinds(constraint, SYMBOLS)


def test_direction_without_moment():
    targets = np.array([[0, 0, 2.2], [0, 0, 0], [0, 0, 2.2]])
    with pytest.raises(ValueError, match=r"direction of atom 1 \(Al\).*is zero and has no direc"):
        check_targets(targets, ("direction",) * 3, SYMBOLS)
    check_targets(targets, ("direction", "vector", "direction"), SYMBOLS)


def test_target_of_a_species_that_was_forgotten():
    targets = np.array([[0, 0, 2.2], [0, 0, 0.5], [0, 0, 2.2]])
    constraint = {"Fe": "vector"}
    kinds = constraint_kinds(constraint, SYMBOLS)
    with pytest.raises(ValueError, match=r"atom 1 \(Al\) has a target moment of 0.5 mu_B.*only Fe"):
        check_targets(targets, kinds, SYMBOLS, constraint)
    check_targets(targets, kinds, SYMBOLS, constraint | {"Al": "free"})
    targets[1] = 0
    check_targets(targets, kinds, SYMBOLS, constraint)


def test_moment_errors_by_hand():
    moments = [[0, 0, 2.0], [3.0, 4.0, 0], [0.3, 0, -0.4], [3.0, 4.0, 0], [9, 9, 9]]
    targets = [[0, 0.1, 2.0], [0, 1.0, 0], [0, 0, 1.0], [0, 0, 4.5], [0, 0, 1]]
    kinds = ("vector", "direction", "direction", "magnitude", "free")
    # The third one has turned over, so that the nearest point of the ray is its origin.
    np.testing.assert_allclose(moment_errors(moments, targets, kinds), [0.1, 3, 0.5, 0.5, 0])
