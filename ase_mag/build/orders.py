"""Initial moments of structures: ferromagnetic, antiferromagnetic, random, spiral."""

import numpy as np

from ase_mag.build.alternation import alternating, layered
from ase_mag.build.arguments import sizes_of, three_numbers, unit_vector
from ase_mag.core import set_moments


def set_ferromagnetic(atoms, sizes=None, *, axis=(0.0, 0.0, 1.0)):
    """Set parallel moments |M_i| n.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place.
    sizes : float, (N,) array, or dict from symbol to float, mu_B; default: the present sizes.
    axis : three numbers, the direction n.

    Raises
    ------
    ValueError
        For sizes that are negative, not finite or missing for a species, atoms without moments and
        no sizes, or an axis of zero length.
    """
    set_moments(atoms, sizes_of(atoms, sizes)[:, None] * unit_vector(axis, "axis"))


def set_antiferromagnetic(
    atoms, sizes=None, *, axis=(0.0, 0.0, 1.0), layers=None, pattern=(1, -1), cutoff=None
):
    """Set moments +-|M_i| n with alternating signs.

    Between nearest neighbors (default): neighbors have opposite moments. Every connected part
    begins with + at its first atom. With ``layers``: layers of atoms across a direction have the
    signs of ``pattern``, the lowest one first.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place. Atoms of size zero are left out of the order.
    sizes, axis : see :func:`set_ferromagnetic`.
    layers : three numbers, optional; the direction across the layers, Cartesian.
    pattern : sequence of 1, -1 and 0, the signs of successive layers; (1, 1, -1, -1): double
        layers.
    cutoff : float, angstrom, optional; neighbors up to it are opposite. Default: 1.1 times the
        shortest distance of each atom, for pairs in which both agree.

    Raises
    ------
    ValueError
        If not all neighbors can be opposite (a triangle of neighbors, as in fcc, or an odd number
        of cells in a periodic box), if the layers of a periodic box do not hold whole patterns;
        and as :func:`set_ferromagnetic`.
    """
    found = sizes_of(atoms, sizes)
    if layers is None:
        signs = alternating(atoms, found > 0, cutoff)
    else:
        signs = layered(atoms, layers, pattern)
    set_moments(atoms, (signs * found)[:, None] * unit_vector(axis, "axis"))


def set_random(atoms, sizes=None, *, rng):
    """Set moments in random directions, uniform on the sphere.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place.
    sizes : see :func:`set_ferromagnetic`.
    rng : int or numpy.random.Generator

    Raises
    ------
    ValueError
        As :func:`set_ferromagnetic`.
    """
    found, rng = sizes_of(atoms, sizes), np.random.default_rng(rng)
    directions = rng.normal(size=(len(atoms), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    set_moments(atoms, found[:, None] * directions)


def set_spiral(
    atoms, q, sizes=None, *, axis=(0.0, 0.0, 1.0), start=None, cone=90.0, open_ends=False
):
    """Set the moments of a spin spiral.

    M_i = |M_i| [sin(c) (u cos(q.r_i) + v sin(q.r_i)) + cos(c) n] with u, v, n right-handed: seen
    with n towards the eye the moments turn counterclockwise along q.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place.
    q : three numbers, wave vector, 1/angstrom, Cartesian, with the factor 2 pi:
        ``2 * pi * (k @ cell.cell.reciprocal())`` for k in reciprocal lattice vectors of ``cell``.
    sizes : see :func:`set_ferromagnetic`.
    axis : three numbers, n, the axis around which moments turn.
    start : three numbers, optional; u is its part across n. Default: x, or y where n is along x.
    cone : float, degrees, the angle c between moments and n; 90: a flat spiral.
    open_ends : bool; True allows a spiral that does not fit into the periodic box.

    Raises
    ------
    ValueError
        If the spiral does not close across a periodic boundary; for numbers that are not finite;
        and as :func:`set_ferromagnetic`.
    """
    q = three_numbers(q, "q")
    if not np.isfinite(cone):
        raise ValueError(f"cone must be a finite angle in degrees, got {cone!r}")
    turns = atoms.cell.array[atoms.pbc] @ q / (2 * np.pi)
    if not open_ends and abs(turns - np.rint(turns)).max(initial=0.0) > 1e-6:
        raise ValueError(
            f"the spiral makes {np.round(turns, 4).tolist()} turns along the periodic cell "
            "vectors, which are not whole numbers: take a supercell, another q, or open_ends=True"
        )
    u, v, n = _frame(axis, start)
    phase, c = atoms.positions @ q, np.radians(cone)
    flat = np.cos(phase)[:, None] * u + np.sin(phase)[:, None] * v
    set_moments(atoms, sizes_of(atoms, sizes)[:, None] * (np.sin(c) * flat + np.cos(c) * n))


def _frame(axis, start):
    n = unit_vector(axis, "axis")
    if start is None:
        start = (1.0, 0.0, 0.0) if abs(n[0]) < 0.9 else (0.0, 1.0, 0.0)
    u = three_numbers(start, "start")
    u = u - (u @ n) * n
    if np.linalg.norm(u) < 1e-6:
        raise ValueError(f"start must not be along the axis {n.tolist()}, got {start!r}")
    u /= np.linalg.norm(u)
    return u, np.cross(n, u), n
