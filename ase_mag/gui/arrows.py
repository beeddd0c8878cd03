"""Arrows through atoms: where they go on the canvas, and what hides them.

An arrow is centered on its atom and drawn in two halves, each at its own depth among the spheres,
so that the half that points away from the viewer is hidden by the atom. An arrow along the view is
a dot (towards the viewer) or a cross (away).
"""

from dataclasses import dataclass

import numpy as np

#: Shorter projections are dots and crosses, pixels.
SHORTEST = 5.0
#: Above so many arrows there is no white border, which doubles the work.
MANY = 3000


@dataclass(frozen=True)
class Half:
    """A line on the canvas, at a depth among the atoms.

    Attributes
    ----------
    atom : int
    ends : (4,) float array, pixels: x, y of the start and of the end.
    depth : float, pixels towards the viewer.
    head : bool, whether the arrow head is at its end; it is for the symbol of an arrow along the
        view, whose ends are the same.
    """

    atom: int
    ends: np.ndarray
    depth: float
    head: bool


def halves(centers, vectors):
    """Return the halves of arrows, a list of :class:`Half` from far to near.

    Parameters
    ----------
    centers : (N, 3) float array, pixels: x, y, and z towards the viewer.
    vectors : (N, 3) float array, pixels; those without length are left out.
    """
    found = []
    for atom in np.flatnonzero(np.linalg.norm(vectors, axis=1) > 0):
        center, half = centers[atom], 0.5 * vectors[atom]
        if np.hypot(*vectors[atom, :2]) < SHORTEST:  # a symbol on the near side of the atom
            ends = np.concatenate([center[:2], center[:2]])
            found.append(Half(int(atom), ends, float(center[2]), True))
            continue
        for start, end, head in ((center - half, center, False), (center, center + half, True)):
            ends = np.concatenate([start[:2], end[:2]])
            # The head lies above the other half of an arrow in the plane.
            depth = 0.5 * (start[2] + end[2]) + (1e-6 if head else 0.0)
            found.append(Half(int(atom), ends, float(depth), head))
    return sorted(found, key=lambda part: part.depth)


def above(depth, sphere_depths):
    """Return how many spheres (depths in ascending order) lie behind a depth.

    At equal depth the arrow is in front.
    """
    return int(np.searchsorted(sphere_depths, depth, side="right"))


def natural_length(radii):
    """Return the length of the longest arrow in angstrom for atoms of these covalent radii."""
    return 1.7 * float(np.mean(radii)) if len(radii) else 2.0


def draw(canvas, centers, vectors, spheres, visible, color, width):
    """Draw arrows on a canvas of tkinter that shows the atoms already.

    Parameters
    ----------
    canvas : tkinter.Canvas
    centers, vectors : as in :func:`halves`.
    spheres : list of (depth, canvas item), from far to near; None draws on top of everything.
    visible : (N,) bool array.
    color : str
    width : float, pixels.
    """
    depths = None if spheres is None else np.array([depth for depth, _ in spheres])
    shown = np.where(visible[:, None], vectors, 0.0)
    border = len(shown) <= MANY
    for part in halves(centers, shown):
        items = _items(canvas, part, vectors[part.atom], color, width, border)
        if spheres is not None:
            position = above(part.depth, depths)
            if position < len(spheres):
                for item in items:
                    canvas.tag_lower(item, spheres[position][1])


def _items(canvas, part, vector, color, width, border):
    """Draw one half; returns its canvas items in the order of drawing."""
    if np.hypot(vector[0], vector[1]) < SHORTEST:
        shapes = [symbol(part.ends[:2], vector[2] > 0, width, grow) for grow in (1.5, 0.0)]
    else:
        length = float(np.hypot(vector[0], vector[1]))
        shapes = [outline(part, length, width, grow) for grow in (1.5, 0.0)]
    colored = zip(shapes, ("white", color), strict=True)
    return [
        canvas.create_polygon(*points.ravel().tolist(), fill=fill, outline="", tags="moments")
        for points, fill in colored
        if border or fill == color
    ]


def outline(part, length, width, grow=0.0):
    """Return the corners of one half of an arrow on the canvas, (n, 2) float array, pixels.

    Parameters
    ----------
    part : Half
    length : float, pixels, of the whole arrow as it is seen.
    width : float, pixels, of the shaft.
    grow : float, pixels, width of a border; there is none where the halves meet.
    """
    start, end = part.ends[:2], part.ends[2:]
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    half = 0.5 * width + grow
    if not part.head:
        start = start - grow * along
        return np.array(
            [start + half * across, end + half * across, end - half * across, start - half * across]
        )
    head = min(0.4 * length, 3.2 * width)
    tip, neck = end + 2 * grow * along, end - (head + grow) * along
    wing = 0.42 * head + 0.5 * width + 1.5 * grow
    return np.array(
        [
            start + half * across,
            neck + half * across,
            neck + wing * across,
            tip,
            neck - wing * across,
            neck - half * across,
            start - half * across,
        ]
    )


def symbol(center, towards, width, grow=0.0):
    """Return the corners of the dot (towards the viewer) or cross of an arrow along the view."""
    if towards:
        angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        return center + (1.4 * width + grow) * np.column_stack([np.cos(angles), np.sin(angles)])
    arm, half = 1.8 * width + grow, 0.35 * width + grow
    corner = [(half, half), (half, arm), (-half, arm), (-half, half), (-arm, half), (-arm, -half)]
    cross = np.array([*corner, *(-np.array(corner))])
    return center + (cross + cross[:, ::-1] * (1, -1)) / np.sqrt(2)
