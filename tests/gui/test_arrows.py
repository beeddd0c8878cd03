"""Where arrows go on the canvas and what hides them."""

import numpy as np
import pytest

from ase_mag.gui.arrows import (
    CROSS,
    DOT,
    HEAD,
    SHORTEST,
    TAIL,
    Parts,
    above,
    natural_length,
    outlines,
    parts_of,
    symbol,
)


def test_arrows_are_centered_and_halved():
    centers = np.array([[100.0, 50, 0], [10, 20, 30]])
    vectors = np.array([[20.0, 0, 40], [0, 0, 0]])  # the second has no length
    parts = parts_of(centers, vectors)
    assert parts.kinds.tolist() == [TAIL, HEAD] and parts.atoms.tolist() == [0, 0]
    assert parts.starts.tolist() == [[90, 50], [100, 50]]
    assert parts.ends.tolist() == [[100, 50], [110, 50]]
    assert np.allclose(parts.depths, [-10, 10], atol=1e-5)


def test_parts_come_from_far_to_near():
    rng = np.random.default_rng(0)
    parts = parts_of(rng.normal(size=(9, 3)) * 50, rng.normal(size=(9, 3)) * 40)
    assert (np.diff(parts.depths) >= 0).all()
    assert np.bincount(parts.atoms).max() == 2 and set(parts.atoms) == set(range(9))


def test_what_points_away_is_behind_its_atom():
    depths = np.array([-5.0, 0.0, 7.0])
    assert above([-9, -1, 0, 1, 7, 9], depths).tolist() == [0, 1, 2, 2, 3, 3]
    for z, expected in ((-8.0, {HEAD: 1, TAIL: 2}), (8.0, {HEAD: 2, TAIL: 1})):
        parts = parts_of(np.zeros((1, 3)), np.array([[20.0, 0, z]]))
        assert dict(zip(parts.kinds, above(parts.depths, depths[:2]), strict=True)) == expected


def test_arrows_along_the_view_are_symbols_in_front():
    centers = np.array([[1.0, 2, 3], [4, 5, 6]])
    parts = parts_of(centers, np.array([[0.5 * SHORTEST, 0, -80], [0, 0, 80]]))
    assert parts.kinds.tolist() == [CROSS, DOT]
    assert np.array_equal(parts.starts, centers[:, :2]) and np.all(parts.depths > centers[:, 2])
    cross, dot = outlines(parts, np.zeros(2), 4.0)
    assert np.allclose(np.hypot(*(dot - [4, 5]).T), 5.6)
    assert np.allclose(cross.mean(axis=0), [1, 2]) and len(cross) == 12
    extent = np.abs(symbol(CROSS, 4.0)).max(axis=0)
    assert np.allclose(extent, extent[0])


def one(kind):
    """Return one part that goes from (10, 0) to (60, 0)."""
    ends = np.array([[10.0, 0], [60.0, 0]])
    return Parts(np.array([0]), np.array([kind]), ends[:1], ends[1:], np.zeros(1))


def test_the_shape_of_an_arrow():
    (corners,) = outlines(one(HEAD), np.array([100.0]), 8.0)
    assert corners[3].tolist() == [60, 0]  # the tip
    assert np.ptp(corners[[0, -1], 1]) == 8.0  # the shaft
    assert np.allclose(corners[:, 1], -corners[::-1, 1])
    assert corners[2, 0] == pytest.approx(60 - 3.2 * 8)  # the head of a long arrow
    (short,) = outlines(one(HEAD), np.array([20.0]), 8.0)
    assert short[2, 0] == pytest.approx(60 - 0.4 * 20)
    (grown,) = outlines(one(HEAD), np.array([100.0]), 8.0, grow=1.0)
    assert grown[0, 0] == 10 and grown[3, 0] == 62 and np.ptp(grown[[0, -1], 1]) == 10.0
    (tail,) = outlines(one(TAIL), np.array([100.0]), 8.0, grow=1.0)
    assert tail[:, 0].tolist() == [9, 60, 60, 9]  # no border where the halves meet


def test_arrows_that_turn_keep_their_shape():
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    straight = one(HEAD)
    turned = Parts(
        straight.atoms, straight.kinds, straight.starts @ turn, straight.ends @ turn, np.zeros(1)
    )
    for grow in (0.0, 1.5):
        (first,), (second,) = (
            outlines(parts, np.array([80.0]), 6.0, grow) for parts in (straight, turned)
        )
        assert np.allclose(first @ turn, second)


def test_the_longest_arrow_is_about_a_bond():
    assert natural_length(np.array([1.32, 1.32])) == pytest.approx(2.244)  # iron: 2.48 angstrom
    assert natural_length(np.zeros(0)) == 2.0
