"""Joined, sorted and repeated systems that keep vector moments and recorded results."""

import numpy as np
from ase import Atom, Atoms
from ase.build import make_supercell
from ase.calculators.singlepoint import SinglePointCalculator

from ase_mag.build.arguments import three_numbers, unit_vector
from ase_mag.core import get_moments, set_moments

#: Results of a system whose values belong to atoms.
_PER_ATOM = ("energies", "forces", "magforces", "magmoms", "charges", "moment_error")
#: Results that grow with the system, and those that do not.
_EXTENSIVE, _INTENSIVE = ("energy", "free_energy", "magmom"), ("stress",)


def join(first, *others):
    """Return ``first`` with the atoms of others behind its own, all moments as vectors.

    Cell, pbc, info and constraints are those of ``first``. ASE's ``+``, ``append`` and ``extend``
    refuse to mix moments along z, (N,), with vectors, (N, 3), or write [m, m, m].

    Parameters
    ----------
    first : ase.Atoms
    others : ase.Atoms or ase.Atom; without moments: zero.

    Returns
    -------
    ase.Atoms, without a calculator.
    """
    atoms = first.copy()
    extend_with_moments(atoms, *others)
    return atoms


def extend_with_moments(atoms, *others):
    """Append atoms in place, like :func:`join`; a calculator stays and computes anew.

    Raises
    ------
    TypeError
        For other things than atoms.
    """
    parts = []
    for other in others:
        if not isinstance(other, Atom | Atoms):
            raise TypeError(f"ase.Atoms or ase.Atom can be appended, got {other!r}")
        parts.append(Atoms([other]) if isinstance(other, Atom) else other.copy())
    if any("initial_magmoms" in part.arrays for part in (atoms, *parts)):
        for part in (atoms, *parts):
            set_moments(part, get_moments(part))
    for part in parts:
        atoms.extend(part)
    if isinstance(atoms.calc, SinglePointCalculator):
        atoms.calc = None


def sort_with_results(atoms, key=None):
    """Return the atoms in another order, with moments, constraints and recorded results.

    (``ase.build.sort`` and ``atoms[order]`` drop recorded results.)

    Parameters
    ----------
    atoms : ase.Atoms
    key : sequence of N values to sort by (stable), or None: chemical symbols. An array of all
        indices 0 to N - 1 as ``key=np.argsort(order)`` gives ``atoms[order]``.

    Returns
    -------
    ase.Atoms, with the recorded results of these atoms, if there are any.

    Raises
    ------
    ValueError
        For another number of values, or recorded results that are neither known to belong to
        atoms nor to the whole.
    """
    values = atoms.get_chemical_symbols() if key is None else list(key)
    if len(values) != len(atoms):
        raise ValueError(f"key has {len(values)} values, but there are {len(atoms)} atoms")
    order = sorted(range(len(atoms)), key=lambda k: values[k])
    return _with_results(atoms[order], atoms, lambda array: array[order], 1)


def magnetic_supercell(atoms, repeats, q=None, *, axis=(0.0, 0.0, 1.0)):
    """Return a supercell in which the moments turn from cell to cell.

    The moments of the image at lattice vector T are those of the cell turned by 2 pi q.T around
    the axis: ferromagnetic for q = 0, alternating for q = 1/2, a spiral else.

    Parameters
    ----------
    atoms : ase.Atoms, the cell.
    repeats : three int, or a (3, 3) matrix of int whose rows are the new cell vectors.
    q : three numbers, the propagation vector in reciprocal lattice vectors of the cell; None: 0,
        which also keeps recorded results (energies grow, vectors are repeated).
    axis : three numbers, around which the moments turn.

    Returns
    -------
    ase.Atoms, cells one after the other; with the info of the cell.

    Raises
    ------
    ValueError
        For repeats that are not whole numbers or enclose no volume, and a q that does not fit:
        q.T must be a whole number for the cell vectors T of the supercell in periodic directions.
    """
    matrix = np.asarray(repeats)
    whole = matrix.dtype.kind in "iu" and matrix.shape in ((3,), (3, 3))
    matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
    if not whole or round(abs(np.linalg.det(matrix))) < 1:
        raise ValueError(
            "repeats must be three positive whole numbers or a (3, 3) matrix of whole numbers with "
            f"a determinant, got {repeats!r}"
        )
    if not atoms.cell.volume > 0:
        raise ValueError("a cell with a volume is needed to repeat it: set atoms.cell")
    big = make_supercell(atoms, matrix, wrap=False)
    count = len(big) // len(atoms)
    big.info = dict(atoms.info)
    if q is None:
        return _with_results(big, atoms, lambda array: np.concatenate([array] * count), count)
    q = three_numbers(q, "q")
    turns = (matrix @ q)[atoms.pbc]
    if abs(turns - np.rint(turns)).max(initial=0.0) > 1e-6:
        raise ValueError(
            f"q = {q.tolist()} makes {np.round(turns, 4).tolist()} turns along the periodic "
            "vectors of the supercell, which are not whole numbers: take other repeats or another q"
        )
    shifts = big.positions - np.tile(atoms.positions, (count, 1))
    phases = 2 * np.pi * np.linalg.solve(atoms.cell.array.T, shifts.T).T @ q
    n, moments = unit_vector(axis, "axis"), get_moments(big)
    along = (moments @ n)[:, None] * n
    set_moments(
        big,
        along
        + np.cos(phases)[:, None] * (moments - along)
        + np.sin(phases)[:, None] * np.cross(n, moments),
    )
    return big


def _with_results(new, old, arranged, count):
    """Give ``new`` the recorded results of ``old``, if they belong to it."""
    calc = old.calc
    if not isinstance(calc, SinglePointCalculator) or calc.check_state(old):
        return new
    results = {}
    for name, value in calc.results.items():
        if name in _PER_ATOM:
            results[name] = arranged(np.asarray(value))
        elif name == "stresses":
            results[name] = arranged(np.asarray(value)) / count
        elif name in _EXTENSIVE:
            results[name] = count * value
        elif name in _INTENSIVE or count == 1:
            results[name] = value
        else:
            raise ValueError(
                f"it is not known whether the recorded result {name!r} grows with the cell: remove "
                "it from atoms.calc.results first"
            )
    new.calc = SinglePointCalculator(new)
    new.calc.results.update(results)
    new.calc.name = getattr(calc, "name", None)
    return new
