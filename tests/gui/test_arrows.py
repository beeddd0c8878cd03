"""Where arrows go on the canvas and what hides them."""

import numpy as np
import pytest

from ase_mag.gui.arrows import SHORTEST, Half, above, halves, natural_length, outline, symbol


def test_arrows_are_centered_and_halved():
    centers = np.array([[100.0, 50, 0], [10, 20, 30]])
    vectors = np.array([[20.0, 0, 40], [0, 0, 0]])  # the second has no length
    tail, head = halves(centers, vectors)
    assert tail.ends.tolist() == [90, 50, 100, 50] and not tail.head
    assert head.ends.tolist() == [100, 50, 110, 50] and head.head
    assert (tail.depth, head.depth) == pytest.approx((-10, 10), abs=1e-5)


def test_halves_come_from_far_to_near():
    rng = np.random.default_rng(0)
    parts = halves(rng.normal(size=(9, 3)) * 50, rng.normal(size=(9, 3)) * 40)
    depths = [part.depth for part in parts]
    assert len(parts) == 18 and depths == sorted(depths)


def test_what_points_away_is_behind_its_atom():
    depths = np.array([-5.0, 0.0, 7.0])
    assert [above(depth, depths) for depth in (-9, -1, 0, 1, 7, 9)] == [0, 1, 2, 2, 3, 3]
    for z, expected in ((-8.0, {True: 1, False: 2}), (8.0, {True: 2, False: 1})):
        parts = halves(np.zeros((1, 3)), np.array([[20.0, 0, z]]))
        assert {part.head: above(part.depth, depths[:2]) for part in parts} == expected


def test_arrows_along_the_view_are_symbols_in_front():
    (part,) = halves(np.array([[1.0, 2, 3]]), np.array([[0.5 * SHORTEST, 0, -80]]))
    assert part.depth == 3 and part.ends.tolist() == [1, 2, 1, 2]
    dot, cross = symbol(np.zeros(2), True, 4.0), symbol(np.zeros(2), False, 4.0)
    assert np.allclose(np.hypot(*dot.T), 5.6)
    assert cross.shape == (12, 2) and np.allclose(cross.mean(axis=0), 0)
    assert np.allclose(np.sort(np.abs(cross).max(axis=0)), np.abs(cross).max())


def test_the_shape_of_an_arrow():
    part = Half(0, np.array([10.0, 0, 60, 0]), 0.0, True)
    corners = outline(part, 100.0, 8.0)
    assert corners[3].tolist() == [60, 0]  # the tip
    assert np.ptp(corners[[0, -1], 1]) == 8.0  # the shaft
    assert np.allclose(corners[:, 1], -corners[::-1, 1])
    assert corners[2, 0] == pytest.approx(60 - 3.2 * 8)  # the head of a long arrow
    assert outline(part, 20.0, 8.0)[2, 0] == pytest.approx(60 - 0.4 * 20)  # of a short one
    grown = outline(part, 100.0, 8.0, grow=1.0)
    assert grown[0, 0] == 10 and grown[3, 0] == 62 and np.ptp(grown[[0, -1], 1]) == 10.0
    tail = outline(Half(0, np.array([10.0, 0, 60, 0]), 0.0, False), 100.0, 8.0, grow=1.0)
    assert tail[:, 0].tolist() == [9, 60, 60, 9]  # no border where the halves meet


def test_the_longest_arrow_is_about_a_bond():
    assert natural_length(np.array([1.32, 1.32])) == pytest.approx(2.244)  # iron: 2.48 angstrom
    assert natural_length(np.zeros(0)) == 2.0
