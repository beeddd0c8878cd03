"""Solid angles against closed forms and a sum over small areas."""

import numpy as np
import pytest

from ase_mag.build.solid_angle import solid_angle

SQUARE = np.array([(1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)])


def test_on_the_axis_of_a_square():
    """Omega = 4 arcsin(a^2/(a^2 + h^2)), edges 2a at the height h; a cube has six equal sides."""
    heights = np.array([0.05, 1.0, 7.0, -1.0])
    points = np.outer(heights, [0, 0, 1])
    expected = np.sign(heights) * 4 * np.arcsin(1 / (1 + heights**2))
    np.testing.assert_allclose(solid_angle(points, SQUARE), expected, rtol=1e-12)
    assert solid_angle(points[1:2], SQUARE)[0] == pytest.approx(4 * np.pi / 6)


def test_jump_across_the_polygon():
    above, below = solid_angle(np.array([[0.9, -0.3, 1e-9], [0.9, -0.3, -1e-9]]), SQUARE)
    assert above - below == pytest.approx(4 * np.pi, abs=1e-6)
    outside = solid_angle(np.array([[1.4, 0.2, 1e-9], [1.4, 0.2, -1e-9]]), SQUARE)
    np.testing.assert_allclose(outside, 0, atol=1e-6)


def test_anywhere_against_a_sum():
    rng = np.random.default_rng(1)
    points = rng.uniform(-2, 2, size=(5, 3)) + [0, 0, 3]
    x = (np.arange(400) + 0.5) / 200 - 1
    places = np.stack([*np.meshgrid(x, x), np.zeros((400, 400))], axis=-1).reshape(-1, 3)
    for point, value in zip(points, solid_angle(points, SQUARE), strict=True):
        r = point - places
        assert value == pytest.approx(
            (r[:, 2] / np.linalg.norm(r, axis=1) ** 3).sum() * (2 / 400) ** 2, rel=1e-5
        )
