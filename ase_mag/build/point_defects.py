"""Vacancies and self-interstitials in bcc crystals."""

import numpy as np
from ase.geometry import find_mic

from ase_mag.build.bcc import BccLattice, central_atom, single_moment
from ase_mag.core import get_moments, set_moments

#: Directions of dumbbells, a member of each family.
DUMBBELLS = {"<110>": (1, 1, 0), "<111>": (1, 1, 1), "<100>": (0, 0, 1)}
#: Places of single interstitials from a site, in lattice constants.
HOLES = {"octahedral": (0.5, 0.5, 0.0), "tetrahedral": (0.5, 0.25, 0.0)}
#: All kinds of :func:`point_defect`.
POINT_DEFECTS = ("vacancy", *DUMBBELLS, *HOLES)
#: Distance of the two atoms of a dumbbell at the start, in lattice constants.
SEPARATION = 0.65
#: Neighbors nearer to an interstitial than this are pushed away from it, in lattice constants.
ROOM = 0.68
#: Sites nearer to an interstitial than this count as compressive, in lattice constants.
COMPRESSIVE = 0.75
#: Shells of neighbors of a site, in lattice constants; beyond the sixth all is bulk-like.
SHELLS = {"1NN": np.sqrt(3) / 2, "2NN": 1.0, "3NN": np.sqrt(2), "near": 2.0}


def point_defect(crystal, kind, *, direction=None, moment=None):
    """Return a copy of a bcc crystal with one point defect next to the center of its cell.

    The atoms that are too near to an interstitial are pushed away, nothing else is relaxed. An
    inserted atom is the last one. ``arrays['site']`` names the place of every atom in the perfect
    lattice around the defect:

    * ``'core'``: the two atoms of a dumbbell, the single interstitial;
    * ``'compressive'``: sites nearer than 0.75 a to a core atom (<110>: 4, <111>: 2, <100>: 8
      + 2, octahedral: 2 + 4, tetrahedral: 4);
    * ``'tensile'``: the other four nearest neighbors of the <110> dumbbell;
    * ``'1NN'``, ``'2NN'``, ``'3NN'``: shells around the site of a vacancy or dumbbell;
    * ``'near'``: other sites up to 2 a (the sixth shell), ``'bulk-like'``: all beyond.

    Parameters
    ----------
    crystal : ase.Atoms, perfect bcc, periodic, at least three lattice constants wide.
    kind : 'vacancy', '<110>', '<111>', '<100>' (dumbbells), 'octahedral' or 'tetrahedral'.
    direction : three numbers, Cartesian; the dumbbell is along the member of its family next to
        it. Default: [110], [111] and [001] for a box along x, y, z.
    moment : number (along z) or three numbers, mu_B, of the inserted atom and its partner; default:
        those of the atom at the site, parallel to the bulk.

    Returns
    -------
    ase.Atoms
        ``info`` has 'defect' (the kind) and 'defect_position' (three numbers, angstrom).

    Raises
    ------
    ValueError
        For an unknown kind, a crystal that is not bcc or too small, a direction or moment for a
        defect that has none.
    """
    if kind not in POINT_DEFECTS:
        raise ValueError(f"kind must be one of {', '.join(POINT_DEFECTS)}, got {kind!r}")
    if direction is not None and kind not in DUMBBELLS:
        raise ValueError(f"a direction is given, but {kind!r} is no dumbbell: leave it out")
    if moment is not None and kind == "vacancy":
        raise ValueError("a moment is given, but a vacancy has no inserted atom: leave it out")
    lattice = BccLattice.of(crystal)
    _check_width(crystal, lattice.a)
    site = central_atom(crystal)
    center = crystal.positions[site].copy()
    if kind in HOLES:
        center = center + lattice.a * np.array(HOLES[kind]) @ lattice.axes
    seen, _ = find_mic(crystal.positions - center, crystal.cell, crystal.pbc)
    seen /= lattice.a
    atoms, core = crystal.copy(), np.zeros((0, 3))
    if kind in HOLES:
        core = np.zeros((1, 3))
    elif kind in DUMBBELLS:
        family = DUMBBELLS[kind]
        along = lattice.direction(family, family if direction is None else direction)
        core = 0.5 * SEPARATION * np.array([along, -along])
    labels = _labels(kind, seen, core)
    if len(core):
        _make_room(atoms, seen, core, lattice.a)
        added = crystal[[site]]
        added.positions[0] = center + lattice.a * core[-1]
        if kind in DUMBBELLS:
            atoms.positions[site] = center + lattice.a * core[0]
            labels[site] = "core"
        atoms += added
        labels = [*labels, "core"]
        if moment is not None:
            _set_core_moment(atoms, [k for k, name in enumerate(labels) if name == "core"], moment)
    else:
        del atoms[site]
        del labels[site]
    atoms.set_array("site", np.array(labels, dtype="U12"))
    atoms.info.update(defect=kind, defect_position=center)
    return atoms


def _check_width(crystal, a):
    widths = 1 / np.linalg.norm(np.linalg.inv(crystal.cell.array), axis=0)
    if widths.min() < 2.999 * a:
        raise ValueError(
            f"the crystal is {widths.min() / a:.3g} lattice constants wide; a point defect needs "
            "at least 3, so that some atoms are like those of the bulk: repeat the crystal"
        )


def _labels(kind, seen, core):
    distances = np.linalg.norm(seen, axis=1)
    names = [*SHELLS, "bulk-like"]
    shell = np.searchsorted(np.array(list(SHELLS.values())) + 0.01, distances)
    labels = [names[k] for k in shell]
    if kind in HOLES:
        labels = [name if name in ("near", "bulk-like") else "near" for name in labels]
    if len(core):
        to_core = np.linalg.norm(seen[:, None] - core, axis=2).min(axis=1)
        for k in np.flatnonzero(to_core < COMPRESSIVE):
            labels[k] = "compressive"
    if kind == "<110>":
        labels = ["tensile" if name == "1NN" else name for name in labels]
    return labels


def _make_room(atoms, seen, core, a):
    """Push the atoms that are too near to the inserted ones away from the nearest of them."""
    vectors = seen[:, None] - core
    distances = np.linalg.norm(vectors, axis=2)
    nearest, rows = distances.argmin(axis=1), np.arange(len(seen))
    distance, vector = distances[rows, nearest], vectors[rows, nearest]
    # The atom at the site of a dumbbell becomes one of its two.
    for k in np.flatnonzero((distance < ROOM) & (np.linalg.norm(seen, axis=1) > 0.01)):
        atoms.positions[k] += a * vector[k] * (ROOM / distance[k] - 1)


def _set_core_moment(atoms, members, moment):
    moments = get_moments(atoms)
    moments[members] = single_moment(moment)
    set_moments(atoms, moments)
