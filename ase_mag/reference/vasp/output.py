"""Output of constrained VASP runs: OSZICAR, OUTCAR and vasprun.xml."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.io import read

from ase_mag.reference.base import BadOutput, NotConverged

#: How far sum |lambda M_perp|^2 / lambda may be from E_p; VASP's manual shows 0.14 %.
_PENALTY_TOLERANCE = 0.02
#: MW_int has three decimals.
_ROUNDING = 5.1e-4


@dataclass(frozen=True)
class Penalty:
    """The last constraint block of an OSZICAR, in the order of POSCAR.

    Attributes
    ----------
    energy : float, E_p, eV.
    weight : float, lambda, eV/mu_B^2.
    moments : (N, 3), MW_int, mu_B, three decimals: what the penalty acts on.
    integrated : (N, 3), M_int, mu_B: without the weight function of the spheres.
    perpendicular : (N, 3), lambda*MW_perp, eV/mu_B, or None if there is no such table.
    iterations : int, electronic steps.
    """

    energy: float
    weight: float
    moments: np.ndarray
    integrated: np.ndarray
    perpendicular: np.ndarray
    iterations: int


def read_oszicar(path, n_atoms):
    """Return the last :class:`Penalty` of an OSZICAR.

    Raises
    ------
    BadOutput
        If the blocks of the constraint are missing or incomplete.
    """
    lines = _lines(path)
    penalty = weight = None
    tables = {}
    iterations = 0
    for k, line in enumerate(lines):
        if found := re.search(r"E_p\s*=\s*(\S+)\s+lambda\s*=\s*(\S+)", line):
            penalty, weight = _number(found[1], path), _number(found[2], path)
        elif "MW_int" in line:
            tables["moments"] = _table(lines, k + 1, n_atoms, 6, path)
        elif "lambda*MW_perp" in line:
            tables["perpendicular"] = _table(lines, k + 1, n_atoms, 3, path)
        elif re.match(r"\s*(DAV|RMM|CG|SDA)\w*\s*:", line):
            iterations += 1
    if penalty is None or "moments" not in tables:
        raise BadOutput(
            f"{path} has no complete block of the constraint (E_p, MW_int): VASP stopped early, or "
            "was not asked for a constraint"
        )
    both = tables["moments"]
    return Penalty(
        penalty, weight, both[:, :3], both[:, 3:], tables.get("perpendicular"), iterations
    )


def constrained_moments(penalty, targets, kind, path):
    """Return the moments of a penalty with more digits than MW_int, and lambda (M - T).

    What the constraint leaves over, M - T for I_CONSTRAINED_M = 2 and the part of M perpendicular
    to T for 1, is printed with five digits as lambda*MW_perp. That this is what was printed (sign
    and factor) is checked against E_p and MW_int of the same output.

    Parameters
    ----------
    penalty : Penalty
    targets : (N, 3), mu_B, order of POSCAR; zero: unconstrained.
    kind : int, I_CONSTRAINED_M.
    path : for messages.

    Returns
    -------
    moments (N, 3), mu_B; residual (N, 3), eV/mu_B, or None for I_CONSTRAINED_M = 4, where it is
    not documented what is printed.

    Raises
    ------
    BadOutput
        If lambda*MW_perp is missing, or contradicts E_p or MW_int.
    """
    if kind == 4:
        return penalty.moments, None
    held = np.linalg.norm(targets, axis=1) > 0
    if penalty.perpendicular is None:
        raise BadOutput(f"{path} has no table lambda*MW_perp")
    residual = np.where(held[:, None], penalty.perpendicular, 0.0)
    expected = np.sum(residual**2) / penalty.weight
    if abs(expected - penalty.energy) > _PENALTY_TOLERANCE * penalty.energy + 1e-9:
        raise BadOutput(
            f"{path}: the sum of |lambda*MW_perp|^2 / lambda is {expected:.5g} eV, but E_p is "
            f"{penalty.energy:.5g} eV; this VASP prints something else than lambda (M - M_CONSTR), "
            "so its magnetic forces and moments would be wrong"
        )
    left = residual / penalty.weight
    base = targets.copy()
    if kind == 1:
        units = targets[held] / np.linalg.norm(targets[held], axis=1)[:, None]
        along = np.einsum("ij,ij->i", penalty.moments[held], units)
        base[held] = along[:, None] * units
    moments = np.where(held[:, None], base + left, penalty.moments)
    difference = np.abs(moments - penalty.moments).max()
    if difference > 3 * _ROUNDING:
        worst = int(np.argmax(np.abs(moments - penalty.moments).max(axis=1)))
        raise BadOutput(
            f"{path}: ion {worst + 1} has MW_int {penalty.moments[worst].tolist()}, but M_CONSTR "
            f"and lambda*MW_perp mean {np.round(moments[worst], 5).tolist()}; the sign of "
            "lambda*MW_perp is not that of M - M_CONSTR, or the constraint is another one"
        )
    return moments, residual


@dataclass(frozen=True)
class Run:
    """Energy, forces and moments of a run, in the order of POSCAR.

    Attributes
    ----------
    energy : float, eV, TOTEN: the free energy, with the penalty.
    forces : (N, 3), eV/angstrom. stress : (6,), eV/angstrom^3, or None.
    moments : (N, 3), mu_B, of the tables "magnetization (x)", (y), (z).
    version : str
    """

    energy: float
    forces: np.ndarray
    stress: np.ndarray
    moments: np.ndarray
    version: str


def read_run(directory, atoms):
    """Read OUTCAR and vasprun.xml of a finished run.

    Parameters
    ----------
    directory : path
    atoms : ase.Atoms in the order of POSCAR; the output must be of these.

    Raises
    ------
    NotConverged
        If the electronic steps ended without reaching EDIFF.
    BadOutput
        If a file is missing, incomplete, or of other atoms.
    """
    outcar = Path(directory) / "OUTCAR"
    text = "\n".join(_lines(outcar))
    if "General timing and accounting" not in text:
        raise BadOutput(f"{outcar} does not end as it should: VASP was stopped or crashed")
    if "aborting loop because EDIFF is reached" not in text:
        raise NotConverged(f"{outcar}: the electronic steps ended before EDIFF was reached")
    found = _parsed(outcar, "vasp-out")
    precise = _parsed(Path(directory) / "vasprun.xml", "vasp-xml")
    for file, other in (("OUTCAR", found), ("vasprun.xml", precise)):
        _check_same(Path(directory) / file, other, atoms)
    energy = found.calc.results["free_energy"]
    if abs(precise.calc.results["free_energy"] - energy) > 1e-5:
        raise BadOutput(
            f"OUTCAR and vasprun.xml in {directory} have the energies {energy} and "
            f"{precise.calc.results['free_energy']} eV: they are not of one run"
        )
    moments = found.calc.results.get("magmoms")
    if np.shape(moments) != (len(atoms), 3):
        raise BadOutput(
            f"{outcar} has moments of shape {np.shape(moments)}, not ({len(atoms)}, 3): the run "
            "was not non-collinear, or LORBIT is not 11"
        )
    forces = precise.calc.results["forces"]
    if forces is None or not np.isfinite(forces).all() or not np.isfinite(energy):
        raise BadOutput(f"{directory}: energy or forces are missing or not finite")
    version = re.search(r"vasp\.\S+", text)
    return Run(
        energy,
        forces,
        precise.calc.results.get("stress"),
        np.array(moments, dtype=float),
        version[0] if version else "unknown",
    )


def _parsed(path, form):
    try:
        atoms = read(path, index=-1, format=form)
    except Exception as error:
        raise BadOutput(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    if atoms.calc is None:
        raise BadOutput(f"{path} cannot be read: it has no results, its end is missing")
    return atoms


def _check_same(path, found, atoms):
    if found.get_chemical_symbols() != atoms.get_chemical_symbols():
        raise BadOutput(
            f"{path} is of {found.get_chemical_formula('reduce')}, not of the atoms that were "
            f"written ({atoms.get_chemical_formula('reduce')})"
        )
    shift = np.linalg.solve(atoms.cell.array.T, (found.positions - atoms.positions).T).T
    shift = (shift - np.round(shift)) @ atoms.cell.array
    if np.abs(shift).max(initial=0.0) > 1e-4 or not np.allclose(found.cell, atoms.cell, atol=1e-4):
        raise BadOutput(f"{path} has other positions or another cell than those that were written")


def _lines(path):
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise BadOutput(f"VASP has not written {path}") from None


def _table(lines, start, n_rows, n_columns, path):
    rows = []
    for line in lines[start : start + n_rows]:
        words = line.split()
        if len(words) < n_columns + 1 or words[0] != str(len(rows) + 1):
            break
        rows.append([_number(word, path) for word in words[1 : n_columns + 1]])
    if len(rows) < n_rows:
        raise BadOutput(
            f"{path}: the table after {lines[start - 1].strip()!r} has {len(rows)} rows for "
            f"{n_rows} ions"
        )
    return np.array(rows)


def _number(word, path):
    """Return a number of Fortran, also one without E before a long exponent (0.12424-100)."""
    try:
        return float(re.sub(r"(?<=\d)([+-]\d{3})$", r"E\1", word))
    except ValueError:
        raise BadOutput(f"{path}: {word!r} is not a number") from None
