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
MANY = 1500
#: Parts of arrows.
TAIL, HEAD, DOT, CROSS = range(4)
#: Width of the border, pixels.
_BORDER = 1.5


@dataclass(frozen=True)
class Parts:
    """Parts of arrows on the canvas, from far to near; rows are parts.

    Attributes
    ----------
    atoms : (n,) int array.
    kinds : (n,) int array, TAIL, HEAD, DOT or CROSS.
    starts, ends : (n, 2) float arrays, pixels; those of dots and crosses are the same.
    depths : (n,) float array, pixels towards the viewer.
    """

    atoms: np.ndarray
    kinds: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    depths: np.ndarray


def parts_of(centers, vectors):
    """Return the parts of arrows.

    Parameters
    ----------
    centers : (N, 3) float array, pixels: x, y, and z towards the viewer.
    vectors : (N, 3) float array, pixels; those without length are left out.
    """
    arrows = np.flatnonzero(np.linalg.norm(vectors, axis=1) > 0)
    seen = np.hypot(*vectors[arrows, :2].T) >= SHORTEST
    long, along_view = arrows[seen], arrows[~seen]
    middle, half = centers[long], 0.5 * vectors[long]
    symbols = np.where(vectors[along_view, 2] > 0, DOT, CROSS)
    starts = np.concatenate([middle - half, middle, centers[along_view]])
    ends = np.concatenate([middle, middle + half, centers[along_view]])
    kinds = np.concatenate([np.full(len(long), TAIL), np.full(len(long), HEAD), symbols])
    # In the plane a head lies above its tail; a symbol is on the near side of its atom.
    depths = 0.5 * (starts[:, 2] + ends[:, 2]) + np.where(kinds == TAIL, 0.0, 1e-6)
    order = np.argsort(depths, kind="stable")
    atoms = np.concatenate([long, long, along_view])[order]
    return Parts(atoms, kinds[order], starts[order, :2], ends[order, :2], depths[order])


def outlines(parts, lengths, width, grow=0.0):
    """Return the corners of all parts on the canvas, a list of (n_corners, 2) float arrays, pixels.

    Parameters
    ----------
    parts : Parts
    lengths : (N,) float array, pixels, of the arrows as they are seen.
    width : float, pixels, of the shafts.
    grow : float, pixels, width of a border; there is none where two halves meet.
    """
    result = [None] * len(parts.kinds)
    half = 0.5 * width + grow
    lines = np.flatnonzero(parts.kinds <= HEAD)
    step = parts.ends[lines] - parts.starts[lines]
    along = step / np.linalg.norm(step, axis=1, keepdims=True)
    across = along[:, ::-1] * (-1.0, 1.0)
    start, end = parts.starts[lines], parts.ends[lines]
    head = np.minimum(0.4 * lengths[parts.atoms[lines]], 3.2 * width)[:, None]
    neck, wing = end - (head + grow) * along, 0.42 * head + 0.5 * width + 1.5 * grow
    back = start - grow * along
    tails = np.stack([back + half * across, end + half * across,
                      end - half * across, back - half * across], axis=1)  # fmt: skip
    heads = np.stack([start + half * across, neck + half * across, neck + wing * across,
                      end + 2 * grow * along, neck - wing * across, neck - half * across,
                      start - half * across], axis=1)  # fmt: skip
    for row, line in enumerate(lines):
        result[line] = tails[row] if parts.kinds[line] == TAIL else heads[row]
    for index in np.flatnonzero(parts.kinds > HEAD):
        result[index] = parts.starts[index] + symbol(parts.kinds[index], width, grow)
    return result


def symbol(kind, width, grow=0.0):
    """Return the corners of a DOT or a CROSS around the origin, (n, 2) float array, pixels."""
    if kind == DOT:
        angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        return (1.4 * width + grow) * np.column_stack([np.cos(angles), np.sin(angles)])
    arm, half = 1.8 * width + grow, 0.35 * width + grow
    corner = [(half, half), (half, arm), (-half, arm), (-half, half), (-arm, half), (-arm, -half)]
    cross = np.array([*corner, *(-np.array(corner))])
    return (cross + cross[:, ::-1] * (1, -1)) / np.sqrt(2)


def above(depths, sphere_depths):
    """Return how many spheres (depths in ascending order) lie behind each of ``depths``.

    At equal depth the arrow is in front.
    """
    return np.searchsorted(sphere_depths, depths, side="right")


def natural_length(radii):
    """Return the length of the longest arrow in angstrom for atoms of these covalent radii."""
    return 1.7 * float(np.mean(radii)) if len(radii) else 2.0


def draw(canvas, centers, vectors, spheres, visible, color, width):
    """Draw arrows on a canvas of tkinter that shows the atoms already.

    Parameters
    ----------
    canvas : tkinter.Canvas
    centers, vectors : as in :func:`parts_of`.
    spheres : list of (depth, canvas item), from far to near; None draws on top of everything.
    visible : (N,) bool array.
    color : str
    width : float, pixels.
    """
    parts = parts_of(centers, np.where(visible[:, None], vectors, 0.0))
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    layers = [(outlines(parts, lengths, width), color)]
    if len(parts.kinds) <= 2 * MANY:
        layers.insert(0, (outlines(parts, lengths, width, _BORDER), "white"))
    depths = [] if spheres is None else [depth for depth, _ in spheres]
    behind = above(parts.depths, np.array(depths)) if spheres else np.zeros(len(parts.kinds), int)
    create, name, hidden = canvas.tk.call, str(canvas), {}
    for index, place in enumerate(behind.tolist()):
        tags = ("moments",)
        if spheres and place < len(spheres):
            tags = ("moments", f"below{place}")
            hidden[place] = tags[1]
        for shapes, fill in layers:
            points = shapes[index].ravel().tolist()
            create(name, "create", "polygon", points, "-fill", fill, "-outline", "", "-tags", tags)
    for place, tag in hidden.items():
        canvas.tag_lower(tag, spheres[place][1])
        canvas.dtag(tag, tag)  # the next kind of arrows has places of its own
