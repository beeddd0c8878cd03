"""Sums of cubes c_n (R_n - r)^3 theta(R_n - r) whose amplitudes and knots are fitted."""

import numpy as np


def cube_terms(r, knots):
    """Return (R_n - r)^3 theta(R_n - r) and its slope in r, and the derivatives of both by R_n.

    Parameters
    ----------
    r : (n_pairs,) float array, angstrom; knots : (n,) float array, R_n, angstrom.

    Returns
    -------
    four (n, n_pairs) float arrays.
    """
    u = np.maximum(knots[:, None] - r, 0.0)
    square = u * u
    return square * u, -3.0 * square, 3.0 * square, -6.0 * u


def joined_terms(r, knots, start, end):
    """Return what :func:`cube_terms` does, for cubes that a quintic takes to zero.

    Beyond ``end`` these are the cubes; between ``start`` and ``end`` the polynomial of fifth
    degree whose value and two derivatives are those of the cube at the end and zero at the start;
    below, zero. Everything is linear in the values of the cube at the end, so the terms of a pair
    energy stay linear in its amplitudes.

    Parameters
    ----------
    r, knots : see :func:`cube_terms`.
    start, end : float, angstrom.
    """
    out = cube_terms(r, knots)
    inner = np.flatnonzero(r < end)
    if not len(inner):
        return out
    width, u = end - start, np.maximum(knots - end, 0.0)
    # Value, slope and curvature of the cubes at the end, in units of t, and their change with R_n.
    cubes = np.array([u**3, -3.0 * u**2 * width, 6.0 * u * width**2])
    changes = np.array([3.0 * u**2, -6.0 * u * width, 6.0 * (u > 0) * width**2])
    t = np.clip((r[inner] - start) / width, 0.0, None)
    value = t**3 * np.array(
        [10.0 + t * (6.0 * t - 15.0), -4.0 + t * (7.0 - 3.0 * t), 0.5 - t * (1.0 - 0.5 * t)]
    )
    slope = (
        t**2
        / width
        * np.array(
            [30.0 * (1.0 - t) ** 2, -12.0 + t * (28.0 - 15.0 * t), 1.5 - t * (4.0 - 2.5 * t)]
        )
    )
    for into, data, shape in zip(
        out, (cubes, cubes, changes, changes), (value, slope, value, slope), strict=True
    ):
        into[:, inner] = data.T @ shape
    return out


class Knots:
    """Knots between 0 and a cutoff as unbounded numbers q: R = cutoff/(1 + exp(-q))."""

    def __init__(self, cutoff):
        self.cutoff = cutoff

    def radii(self, q):
        """Return R, angstrom."""
        return 0.5 * self.cutoff * (1.0 + np.tanh(0.5 * q))

    def coordinates(self, radii):
        """Return q."""
        return np.log(radii / (self.cutoff - radii))

    def slopes(self, q):
        """Return dR/dq, angstrom."""
        radii = self.radii(q)
        return radii * (1.0 - radii / self.cutoff)
