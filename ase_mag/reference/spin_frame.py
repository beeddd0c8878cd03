"""The frame of spin space in which a code is run: without spin-orbit coupling any one will do."""

import numpy as np

#: Moments (mu_B) closer than this to a line are collinear.
COLLINEAR = 1e-6


def is_collinear(moments, tolerance=COLLINEAR):
    """Return whether all moments (N, 3) lie on one line, within ``tolerance`` (mu_B)."""
    moments = np.asarray(moments, dtype=float)
    axis = _longest(moments)
    return bool(np.abs(moments - np.outer(moments @ axis, axis)).max(initial=0.0) <= tolerance)


def spin_frame(moments):
    """Return the rotation (3, 3) of moments into the frame in which a code is run.

    ``moments @ rotation.T`` have their sum along +z and lie in the x-z plane as well as possible
    (exactly for two moments). Collinear moments lie along z; those that already do are left alone.
    Without spin-orbit coupling the energy, forces and stress are the same in every frame, and
    moments and magnetic forces rotate with it: ``magforces @ rotation`` brings them back.

    Parameters
    ----------
    moments : (N, 3) array, mu_B.
    """
    moments = np.asarray(moments, dtype=float)
    if np.abs(moments[:, :2]).max(initial=0.0) == 0.0:
        return np.eye(3)
    total = moments.sum(axis=0)
    longest = _longest(moments)
    if is_collinear(moments):
        # Along the line, with the sum up; the sign of the first moments if the sum vanishes.
        return _turn_to_z(longest if total @ longest >= 0 else -longest)
    if np.linalg.norm(total) <= COLLINEAR:
        total = longest  # the sum vanishes, so that any axis will do
    rotation = _turn_to_z(total / np.linalg.norm(total))
    planar = (moments @ rotation.T)[:, :2]
    _, axes = np.linalg.eigh(planar.T @ planar)
    x, y = axes[:, 1]  # the direction with the largest components
    return np.array([[x, y, 0.0], [-y, x, 0.0], [0.0, 0.0, 1.0]]) @ rotation


def _longest(moments):
    """Return the direction of the longest moment, or z."""
    sizes = np.linalg.norm(moments, axis=1)
    if not sizes.any():
        return np.array([0.0, 0.0, 1.0])
    i = int(np.argmax(sizes))
    return moments[i] / sizes[i]


def _turn_to_z(axis):
    """Return a rotation that turns the unit vector ``axis`` to +z."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    x = np.cross(helper, axis)
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(axis, x), axis])
