"""The frame of spin space: sum along +z, as planar as can be, a proper rotation."""

import numpy as np
import pytest

from ase_mag.reference.spin_frame import is_collinear, spin_frame


def random_moments(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 3))


@pytest.mark.parametrize("n", [1, 2, 3, 7])
@pytest.mark.parametrize("seed", range(5))
def test_sum_lies_along_z(n, seed):
    moments = random_moments(n, seed)
    frame = spin_frame(moments)
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(frame) == pytest.approx(1.0, abs=1e-14)
    rotated = moments @ frame.T
    np.testing.assert_allclose(
        rotated.sum(axis=0), [0, 0, np.linalg.norm(moments.sum(axis=0))], atol=1e-13
    )
    np.testing.assert_allclose(rotated @ frame, moments, atol=1e-14)
    x, y = np.linalg.norm(rotated[:, :2], axis=0)
    assert y <= x + 1e-14


@pytest.mark.parametrize("seed", range(5))
def test_two_moments_have_no_y_component(seed):
    moments = random_moments(2, seed)
    assert np.abs((moments @ spin_frame(moments).T)[:, 1]).max() < 1e-13


def test_collinear_moments_go_to_z():
    axis = np.array([1.0, -2.0, 2.0]) / 3
    moments = np.outer([2.2, -1.0, 0.0], axis)
    assert is_collinear(moments)
    np.testing.assert_allclose(
        moments @ spin_frame(moments).T, np.outer([2.2, -1.0, 0.0], [0, 0, 1]), atol=1e-14
    )
    np.testing.assert_allclose(
        -moments @ spin_frame(-moments).T, np.outer([2.2, -1.0, 0.0], [0, 0, 1]), atol=1e-14
    )


def test_moments_along_z_and_zeros_stay():
    np.testing.assert_array_equal(spin_frame([[0, 0, -2.0], [0, 0, 1.0]]), np.eye(3))
    np.testing.assert_array_equal(spin_frame(np.zeros((3, 3))), np.eye(3))


def test_sum_that_vanishes():
    angles = np.radians([0, 120, 240])
    moments = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    assert not is_collinear(moments)
    rotated = moments @ spin_frame(moments).T
    np.testing.assert_allclose(rotated[:, 1], 0, atol=1e-14)  # coplanar: in the x-z plane
    np.testing.assert_allclose(np.linalg.norm(rotated, axis=1), 1)


def test_is_collinear_within_tolerance():
    assert is_collinear([[0, 0, 2.0], [0, 1e-7, -1.0]])
    assert not is_collinear([[0, 0, 2.0], [0, 1e-3, -1.0]])
