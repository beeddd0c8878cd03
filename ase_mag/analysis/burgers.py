"""Burgers vectors from circuits through a crystal."""

import numpy as np
from matscipy.neighbours import neighbour_list

#: Bonds up to here take part in circuits, in lattice constants (first and second neighbors of bcc).
REACH = 1.2
#: A bond may differ by this from the ideal one that it stands for, in lattice constants.
LARGEST_MISFIT = 0.36
#: Ideal bonds of bcc in lattice constants.
BONDS = np.array(
    [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    + [row for axis in np.eye(3) for row in (axis, -axis)]
)


def burgers_vector(atoms, lattice, waypoints):
    """Return the Burgers vector that a closed circuit encloses, angstrom: the sum of ideal bonds.

    The circuit goes from atom to atom, each time to the neighbor next to the straight line to the
    next waypoint, and back to the first one. Every bond stands for the ideal one (1/2<111> or
    <100>) next to it. The real bonds add up to zero; the ideal ones to what the circuit passes
    more on one way than on the other: once along b through an interstitial loop and back outside of
    it, to +b; through a vacancy loop, to -b. Atoms must vibrate less than about a tenth of the
    lattice constant: take positions averaged over time.

    Parameters
    ----------
    atoms : ase.Atoms, bcc with dislocations.
    lattice : ase_mag.build.BccLattice of the perfect crystal.
    waypoints : (n, 3) array of places in the cell, angstrom, n >= 3, away from dislocation cores.

    Returns
    -------
    (3,) float array, Cartesian, angstrom.

    Raises
    ------
    ValueError
        If the circuit does not close, or passes a bond that is like none of the crystal.
    """
    waypoints = np.asarray(waypoints, dtype=float)
    if waypoints.ndim != 2 or waypoints.shape[1] != 3 or len(waypoints) < 3:
        raise ValueError(f"a circuit needs three waypoints or more, got {waypoints.tolist()}")
    i, j, vectors = neighbour_list("ijD", atoms, REACH * lattice.a)
    first = np.searchsorted(i, np.arange(len(atoms) + 1))
    inverse = np.linalg.inv(atoms.cell.array)

    def shortest(vector):
        scaled = vector @ inverse
        return (scaled - np.rint(scaled)) @ atoms.cell.array

    def nearest(place):
        return int(np.linalg.norm(shortest(atoms.positions - place), axis=1).argmin())

    stops = [nearest(place) for place in waypoints]
    here, total, real = stops[0], np.zeros(3), np.zeros(3)
    for stop in [*stops[1:], stops[0]]:
        left = shortest(atoms.positions[stop] - atoms.positions[here])
        while here != stop:
            bonds = slice(first[here], first[here + 1])
            distances = np.linalg.norm(left - vectors[bonds], axis=1)
            step = int(distances.argmin())
            if distances[step] >= np.linalg.norm(left):
                raise ValueError(
                    f"the circuit is stuck at atom {here}, {np.linalg.norm(left):.1f} angstrom "
                    "from the next waypoint: keep it away from dislocation cores"
                )
            vector = vectors[bonds][step]
            total += _ideal(vector, lattice, here)
            real += vector
            here, left = int(j[bonds][step]), left - vector
    if np.linalg.norm(real) > 0.5 * lattice.a:
        raise ValueError(
            f"the circuit goes around the periodic box (its bonds add up to {real.round(2)} "
            "angstrom): put its waypoints closer together, less than half a box apart"
        )
    return total @ lattice.axes * lattice.a


def _ideal(vector, lattice, atom):
    """Return the ideal bond next to a real one, in lattice constants."""
    seen = lattice.axes @ vector / lattice.a
    misfits = np.linalg.norm(BONDS - seen, axis=1)
    if misfits.min() > LARGEST_MISFIT:
        raise ValueError(
            f"a bond of atom {atom}, {np.linalg.norm(vector):.2f} angstrom long, is like none of "
            "bcc: the circuit passes a core, or the atoms vibrate too much (take time averages)"
        )
    return BONDS[misfits.argmin()]


def loop_circuit(atoms, lattice):
    """Return waypoints of a circuit through a loop of :func:`ase_mag.build.prismatic_loop`.

    Along b through the center of the loop, and back half-way between the loop and its periodic
    images, over most of the box, so that the loop may have glided. With it :func:`burgers_vector`
    gives b of an interstitial loop.

    Parameters
    ----------
    atoms : ase.Atoms with the ``info`` of that function.
    lattice : ase_mag.build.BccLattice

    Returns
    -------
    (8, 3) float array, angstrom.

    Raises
    ------
    ValueError
        If ``atoms.info`` says nothing about a loop.
    """
    if "burgers_vector" not in atoms.info:
        raise ValueError(
            "atoms.info has no 'burgers_vector': the loop must be one of ase_mag.build."
            "prismatic_loop; else give the waypoints of the circuit yourself"
        )
    burgers, center = np.array(atoms.info["burgers_vector"]), np.array(atoms.info["loop_center"])
    along = burgers / np.linalg.norm(burgers)
    axes = lattice.axes
    sides = np.array([*axes, axes[0] - axes[1], axes[0] + axes[1]])
    side = next(vector for vector in sides if abs(vector @ along) < 0.1)
    widths = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    out = 0.5 * widths.min() * side / np.linalg.norm(side)
    up = 0.4 * widths.min() * along
    # Legs shorter than half a box, so that none goes around it.
    there = np.array([-up, 0 * up, up])
    return center + np.array([*there, up + out / 2, *(out + there[::-1]), out / 2 - up])
