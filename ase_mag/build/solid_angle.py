"""The solid angle of a flat polygon, which is the opening of a dislocation loop."""

from itertools import pairwise

import numpy as np


def solid_angle(points, polygon):
    """Return the solid angles of a polygon in the plane z = 0, (n,), between -2 pi and 2 pi.

    Positive for points with z > 0. Sum over the triangles of a fan of 2 atan2(a.(b x c),
    abc + (a.b) c + (b.c) a + (c.a) b) with the vectors from the point to the corners (van Oosterom
    and Strackee, IEEE Trans. Biomed. Eng. 30, 125 (1983)).

    The displacement b Omega/(4 pi) has a jump of b across the polygon and is continuous elsewhere.
    It is the first term of Burgers' formula for a dislocation loop in an isotropic continuum; the
    line integrals of the other terms are continuous.

    Parameters
    ----------
    points : (n, 3) float array, none of them in the plane of the polygon.
    polygon : (m, 2) float array, corners in counterclockwise order, of a convex polygon.
    """
    corners = np.column_stack([polygon, np.zeros(len(polygon))])
    total = np.zeros(len(points))
    first = corners[0] - points
    for second, third in pairwise(corners[1:]):
        a, b, c = first, second - points, third - points
        lengths = [np.linalg.norm(vectors, axis=1) for vectors in (a, b, c)]
        volume = np.einsum("ij,ij->i", a, np.cross(b, c))
        below = lengths[0] * lengths[1] * lengths[2]
        for (u, v), length in zip(
            ((a, b), (b, c), (c, a)), np.roll(lengths, -2, axis=0), strict=True
        ):
            below = below + np.einsum("ij,ij->i", u, v) * length
        total += 2 * np.arctan2(volume, below)
    # Seen from above, a counterclockwise fan has a negative triple product.
    return -total
