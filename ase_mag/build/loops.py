"""Prismatic interstitial dislocation loops in bcc crystals."""

import numpy as np
from matscipy.neighbours import neighbour_list

from ase_mag.build.bcc import BccLattice, central_atom, relative_positions, single_moment
from ase_mag.build.solid_angle import solid_angle
from ase_mag.core import set_moments

#: Largest width of a loop, in widths of the box.
LARGEST = 0.8
#: Corners of the polygon that stands for a circle.
CORNERS = 36


def prismatic_loop(crystal, burgers, *, n_atoms=None, radius=None, direction=None, moment=None):
    """Return a bcc crystal with an interstitial loop, a platelet across its Burgers vector.

    ``'<100>'``: b = a<100>, a square with edges along <100>; complete squares have k^2 + (k - 1)^2
    atoms (1, 5, 13, 25, ..., 265). ``'1/2<111>'``: b = a/2<111>, a circle; complete shells around a
    row are 1, 7, 13, 19, 31, 37, ..., around other centers 3, 6, 12, ...; the center (a row, a
    bond or a triangle of rows) is chosen so that ``n_atoms`` fill complete shells if they can.

    Every row of atoms along b inside of the loop gets one atom more, in a platelet that continues
    the stacking (two or three layers). The crystal opens by

        u(r) = b w(r) Omega(r)/(4 pi)

    with the solid angle Omega of the loop (see :mod:`ase_mag.build.solid_angle`) and a window w
    that is 1 around the loop and goes to zero on the sides of the box. Away from the edge of the
    loop the crystal is only strained; edge and volume are left to the relaxation.

    Parameters
    ----------
    crystal : ase.Atoms, perfect bcc, periodic, of any orientation.
    burgers : '<100>' or '1/2<111>'.
    n_atoms : int, inserted atoms; or
    radius : float, angstrom, of the circle, or half the edge of the square; all rows within it.
    direction : three numbers, Cartesian; b is the member of its family next to it. Default: z (and
        of several members equally near to z, that with the largest sum of components).
    moment : number (along z) or three numbers, mu_B, of inserted atoms; default: those of their
        rows, parallel to the bulk.

    Returns
    -------
    ase.Atoms
        The inserted atoms are the last ones. ``info`` has 'burgers_vector' and 'loop_center'
        (three numbers, angstrom), 'loop_atoms' (int) and 'loop_radius' (float, angstrom; of the
        equal area, half the edge of a square).

    Raises
    ------
    ValueError
        For an unknown Burgers vector, a crystal that is not bcc, both or none of ``n_atoms`` and
        ``radius``, or a loop wider than 0.8 of the box.
    """
    if burgers not in ("<100>", "1/2<111>"):
        raise ValueError(f"burgers must be '<100>' or '1/2<111>', got {burgers!r}")
    if (n_atoms is None) == (radius is None):
        raise ValueError(
            f"one of n_atoms and radius is needed, got n_atoms={n_atoms!r}, radius={radius!r}"
        )
    lattice = BccLattice.of(crystal)
    frame, length = _frame(lattice, burgers, (0, 0, 1) if direction is None else direction)
    start = crystal.positions[central_atom(crystal)]
    layer = length / (2 if burgers == "<100>" else 3)
    rows = _rows(crystal, start, frame, length, layer)
    shift, picked = _pick(rows, burgers, lattice.a, n_atoms, radius)
    center = start + (np.array([*shift, layer / 2])) @ frame
    area = lattice.a**3 / 2 / length
    polygon, size = _outline(burgers, len(picked) * area)
    seen = relative_positions(crystal, center)
    window = _window(crystal, seen, polygon @ frame[:2], len(picked))
    opening = length * window * solid_angle(seen @ frame.T, polygon) / (4 * np.pi)
    atoms = crystal.copy()
    atoms.positions += opening[:, None] * frame[2]
    above = rows["index"][picked]
    added = crystal[above]
    added.positions = center + (seen[above] - 0.5 * length * frame[2])
    if moment is not None:
        set_moments(added, np.tile(single_moment(moment), (len(added), 1)))
    atoms += added
    _check_distances(atoms, len(added), lattice.a)
    atoms.info.update(
        burgers_vector=length * frame[2],
        loop_center=center,
        loop_atoms=len(added),
        loop_radius=float(size),
    )
    return atoms


def _frame(lattice, burgers, direction):
    """Return unit vectors (two in the plane, one along b) in rows and the length of b."""
    if burgers == "<100>":
        along = lattice.direction((0, 0, 1), direction)
        side = next(axis for axis in lattice.axes if abs(axis @ along) < 0.5)
        length = lattice.a
    else:
        along = lattice.direction((1, 1, 1), direction)
        side = next(
            vector
            for vector in np.array([(1, -1, 0), (1, 1, 0)]) @ lattice.axes / np.sqrt(2)
            if abs(vector @ along) < 0.1
        )
        length = np.sqrt(3) / 2 * lattice.a
    return np.array([side, np.cross(along, side), along]), length


def _rows(crystal, start, frame, length, layer):
    """Return index and place in the plane of the first atom of every row above the cut."""
    local = relative_positions(crystal, start) @ frame.T
    above = np.flatnonzero((local[:, 2] > layer / 2) & (local[:, 2] < layer / 2 + length))
    return {"index": above, "place": local[above, :2]}


def _pick(rows, burgers, a, n_atoms, radius):
    """Return the center in the plane, and which rows belong to the loop."""
    if n_atoms is not None and (int(n_atoms) != n_atoms or not 1 <= n_atoms <= len(rows["index"])):
        raise ValueError(
            f"n_atoms must be a whole number from 1 to {len(rows['index'])}, the rows of this box, "
            f"got {n_atoms!r}"
        )
    centers = [np.zeros(2)]
    if burgers == "1/2<111>":
        spacing = a * np.sqrt(2 / 3)
        # Rows are a triangular net, with one of its bonds across the first axis.
        nearest = rows["place"][
            abs(np.linalg.norm(rows["place"], axis=1) - spacing) < 0.01 * spacing
        ]
        bond = nearest[np.lexsort(nearest.round(6).T)[-1]]
        turn = np.array([[0.5, -np.sqrt(0.75)], [np.sqrt(0.75), 0.5]])
        centers += [bond / 2, (bond + turn @ bond) / 3]
    best = None
    for center in centers:
        place = rows["place"] - center
        norm = abs(place).max(axis=1) if burgers == "<100>" else np.linalg.norm(place, axis=1)
        norm = norm.round(6)
        angle = np.arctan2(place[:, 1], place[:, 0]).round(6)
        order = np.lexsort((angle, np.linalg.norm(place, axis=1).round(6), norm))
        count = int(n_atoms) if radius is None else int((norm <= radius).sum())
        ends = norm[order[count - 1 : count + 1]]
        gap = np.ptp(ends) if len(ends) == 2 else 0.0
        if best is None or (radius is None and gap > 1e-3 and best[0] <= 1e-3):
            best = gap, center, order[:count]
    if not len(best[2]):
        raise ValueError(f"radius {radius!r} angstrom holds no row of atoms: take a larger one")
    return best[1], best[2]


def _outline(burgers, area):
    """Return a polygon of that area around zero, and its radius or half its edge."""
    if burgers == "<100>":
        half = np.sqrt(area) / 2
        return half * np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], dtype=float), half
    size = np.sqrt(2 * area / (CORNERS * np.sin(2 * np.pi / CORNERS)))
    angles = 2 * np.pi * np.arange(CORNERS) / CORNERS
    return size * np.column_stack([np.cos(angles), np.sin(angles)]), np.sqrt(area / np.pi)


def _window(crystal, seen, corners, count):
    """Return w of every atom: 1 up to the distance of the loop from the sides, 0 on the sides."""
    inverse = np.linalg.inv(crystal.cell.array)
    reach = abs(2 * corners @ inverse).max()
    if reach > LARGEST:
        raise ValueError(
            f"a loop of {count} atoms is {reach:.2f} times as wide as the box, but at most "
            f"{LARGEST} are allowed: take a larger crystal or fewer atoms"
        )
    scaled = abs(2 * seen @ inverse).max(axis=1)
    beyond = np.clip((scaled - reach) / (1 - reach), 0.0, 1.0)
    return (1 - beyond**2) ** 2


def _check_distances(atoms, count, a):
    closest = neighbour_list("d", atoms, 0.7 * a).min(initial=np.inf)
    if closest < 0.45 * a:
        raise ValueError(
            f"atoms of the loop of {count} are {closest:.2f} angstrom apart: such a shape cannot "
            "be built; take a number of atoms that fills complete shells"
        )
