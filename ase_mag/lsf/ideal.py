"""The ideal lattice that displaced atoms belong to."""

from itertools import product

import numpy as np
from ase import Atoms

#: Name of the array that holds the ideal lattice sites of displaced atoms, angstrom.
IDEAL = "ideal_positions"
#: Name in ``atoms.info`` of the cell that these sites belong to, (3, 3), angstrom.
IDEAL_CELL = "ideal_cell"


def set_ideal_lattice(atoms, ideal=None):
    """Note the ideal lattice of ``atoms``, with the cell that its sites belong to.

    ``atoms.arrays['ideal_positions']`` are the sites and ``atoms.info['ideal_cell']`` is their
    cell, so that the cell of ``atoms`` may change afterwards (constant pressure, strain, repeats):
    what counts are the fractional sites. Shells and order of neighbors are those of the lattice
    noted here, also under strain. The extended xyz format keeps both.

    Parameters
    ----------
    atoms : ase.Atoms, changed in place.
    ideal : ase.Atoms with the same atoms in the same order; default: ``atoms`` as they are now.

    Raises
    ------
    ValueError
        If ``ideal`` has other atoms.
    """
    ideal = atoms if ideal is None else ideal
    if not np.array_equal(ideal.numbers, atoms.numbers):
        raise ValueError(
            f"the ideal lattice {ideal.get_chemical_formula()} and the atoms "
            f"{atoms.get_chemical_formula()} differ in number or order of atoms"
        )
    atoms.arrays.pop(IDEAL, None)
    atoms.set_array(IDEAL, ideal.positions.copy())
    atoms.info[IDEAL_CELL] = ideal.cell.array.copy()


def note_ideal_cell(atoms):
    """Note the present cell as that of sites that came without one."""
    if IDEAL in atoms.arrays and IDEAL_CELL not in atoms.info:
        atoms.info[IDEAL_CELL] = atoms.cell.array.copy()


def ideal_lattice(atoms, known=None):
    """Return the ideal lattice of ``atoms``, a reference of the same atoms or their own sites.

    The sites are ``atoms.arrays['ideal_positions']`` in the cell ``atoms.info['ideal_cell']``, else
    those of the reference ``known``, atom by atom. Sites that come without a cell (as older
    versions wrote them) are those of a reference with the same sites, else of the present cell.

    Raises
    ------
    ValueError
        If there is neither, the reference has other atoms, or sites appear several times and the
        repetition cannot be told.
    """
    sites = atoms.arrays.get(IDEAL)
    if sites is not None and IDEAL_CELL in atoms.info:
        return _unfolded(atoms, sites, np.reshape(atoms.info[IDEAL_CELL], (3, 3)))
    same = known is not None and np.array_equal(known.numbers, atoms.numbers)
    if same and (sites is None or np.allclose(sites, known.positions, atol=1e-6)):
        return known
    if sites is not None:
        if _multiplicity(sites) != 1:
            raise ValueError(
                f"the array {IDEAL!r} holds the same sites several times, so the atoms were "
                "repeated, and their cell before is unknown: call lsf.set_ideal_lattice(atoms) "
                "before repeating them, or lsf.set_ideal_lattice(atoms, ideal) now"
            )
        return Atoms(atoms.numbers, sites, cell=atoms.cell, pbc=atoms.pbc)
    if known is None:
        raise ValueError(
            "the ideal lattice is unknown: atoms have no array 'ideal_positions' "
            "(lsf.snapshots and lsf.set_ideal_lattice set it), so give "
            "LsfPredictor(reference=ideal_atoms)"
        )
    raise ValueError(
        f"atoms ({atoms.get_chemical_formula()}) and the reference lattice "
        f"({known.get_chemical_formula()}) differ in number or order of atoms: give atoms the "
        "array 'ideal_positions' by lsf.set_ideal_lattice, or the predictor a reference of this "
        "size"
    )


def in_cell_of(ideal, atoms):
    """Return the sites of an ideal lattice in the present cell of ``atoms``, (N, 3), angstrom."""
    if np.array_equal(ideal.cell.array, atoms.cell.array):
        return ideal.positions.copy()
    return ideal.get_scaled_positions(wrap=False) @ atoms.cell.array


def _multiplicity(sites):
    """Return how often each site appears, a float."""
    return len(sites) / max(1, len(np.unique(sites, axis=0)))


def _unfolded(atoms, sites, cell):
    """Return the lattice of sites in ``cell``, repeated as often as the atoms have been."""
    times = _multiplicity(sites)
    if times == 1:
        return Atoms(atoms.numbers, sites, cell=cell, pbc=atoms.pbc)
    ratio = atoms.cell.lengths() / np.linalg.norm(cell, axis=1)
    choices = [m for m in product(range(1, int(times) + 1), repeat=3) if np.prod(m) == times]
    if choices:
        strain = [np.sum(np.log(ratio / m) ** 2) for m in choices]
        repeats = np.array(choices[int(np.argmin(strain))])
        # The image of each atom, counted from that of the first one.
        fractions = sites @ np.linalg.inv(cell)
        images = atoms.get_scaled_positions(wrap=False) * repeats - fractions
        images = np.rint(images - images[0]) % repeats
        whole = Atoms(
            atoms.numbers,
            sites + images @ cell,
            cell=cell * repeats[:, None],
            pbc=atoms.pbc,
        )
        if _multiplicity(np.column_stack([sites, images])) == 1:
            return whole
    raise ValueError(
        f"the array {IDEAL!r} holds the same sites {times:g} times, but the repetition that made "
        "these atoms cannot be told: call lsf.set_ideal_lattice(atoms, ideal) with their lattice"
    )
