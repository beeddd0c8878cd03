"""DeltaSpin, a patched VASP whose Lagrange multipliers hold moments without a penalty energy."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ase_mag.reference.base import BadOutput, NotConverged

#: Keywords of its linear (Lagrange) scheme; all can be changed by settings.
DEFAULTS = {"NSC": 100, "NSCMIN": 2, "SCDIFF": 1e-6, "INISC": 0.01, "SCCUT": 3.0, "NELMSCI": 1}


@dataclass(frozen=True)
class DeltaSpin:
    """What a run of DeltaSpin ended with, in the order of POSCAR.

    Attributes
    ----------
    multipliers : (N, 3), lambda, eV/mu_B; zero for free components.
    moments : (N, 3), mu_B: of the final state where it is printed, else of the last inner step.
    targets : (N, 3), mu_B.
    iterations : int, electronic steps.
    """

    multipliers: np.ndarray
    moments: np.ndarray
    targets: np.ndarray
    iterations: int

    @property
    def magforces(self):
        """-dE/dM = -lambda, (N, 3), eV/mu_B."""
        return -self.multipliers


def incar_lines(targets, kinds):
    """Return INCAR keywords that hold the vectors of some atoms and leave others free.

    Raises
    ------
    ValueError
        For directions and magnitudes: DeltaSpin constrains Cartesian components.
    """
    other = [kind for kind in kinds if kind not in ("vector", "free")]
    if other:
        raise ValueError(
            f"DeltaSpin constrains Cartesian components of moments, so {other[0]!r} is not "
            "possible: use constraint='vector' and 'free', or deltaspin=False"
        )
    held = np.array([kind == "vector" for kind in kinds])
    return {
        "I_CONSTRAINED_M": 2,
        "SCTYPE": 1,
        **DEFAULTS,
        "M_CONSTR": np.where(held[:, None], targets, 0.0),
        "CONSTRL": np.repeat(held[:, None], 3, axis=1),
        "LAMBDA": np.zeros((len(targets), 3)),
    }


def read_deltaspin(path):
    """Read the standard output of DeltaSpin.

    The multipliers are those after "final optimal lambda". Where a block "Magnetic Force:" follows,
    it must be minus these; a block "Magnetization:" has the moments of the final state.

    Parameters
    ----------
    path : path, the file with the standard output.

    Returns
    -------
    DeltaSpin

    Raises
    ------
    BadOutput
        If blocks are missing, incomplete, or contradict each other.
    NotConverged
        If the last inner optimization did not meet its criterion.
    """
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise BadOutput(f"DeltaSpin has not written {path}") from None
    parts = text.rpartition("final optimal lambda:")
    if not parts[1]:
        raise BadOutput(
            f"{path} has no 'final optimal lambda': DeltaSpin did not get to its first inner "
            "optimization, or this VASP is not DeltaSpin"
        )
    lines = parts[2].splitlines()
    multipliers = _rows(lines)
    n = len(multipliers)
    before = parts[0]
    targets = _rows(before.rpartition("target spin:")[2].splitlines()[1:])
    moments = _rows(before.rpartition("current spin:")[2].splitlines()[1:])
    if n == 0 or len(targets) != n or len(moments) != n:
        raise BadOutput(
            f"{path}: the last blocks of lambda, target spin and current spin have {n}, "
            f"{len(targets)} and {len(moments)} atoms; the file is incomplete"
        )
    if "Meet convergence criterion" not in before[before.rfind("target spin:") :]:
        raise NotConverged(f"{path}: the last optimization of lambda did not converge")
    final = _block(lines, "Magnetization:", n, path)
    force = _block(lines, "Magnetic Force:", n, path)
    if force is not None and np.abs(force + multipliers).max() > 1e-7 + 1e-6 * np.abs(force).max():
        raise BadOutput(
            f"{path}: 'Magnetic Force' is not minus 'final optimal lambda' (they differ by "
            f"{np.abs(force + multipliers).max():.2g} eV/mu_B): the file was put together wrongly"
        )
    iterations = len(re.findall(r"^\s*(?:DAV|RMM|SDA|CG\w*)\s*:", text, re.M))
    return DeltaSpin(multipliers, moments if final is None else final, targets, iterations)


def _rows(lines):
    """Return the leading lines of three numbers as an array (n, 3)."""
    rows = []
    for line in lines:
        words = line.split()
        try:
            values = [float(word) for word in words]
        except ValueError:
            break
        if len(values) != 3:
            if rows or values:
                break
            continue
        rows.append(values)
    return np.array(rows).reshape(-1, 3)


def _block(lines, title, n, path):
    """Return the (n, 3) numbers of the line after ``title``, or None if it is not there."""
    for k, line in enumerate(lines):
        if line.strip() == title:
            try:
                values = np.array(lines[k + 1].split(), dtype=float)
            except (IndexError, ValueError) as error:
                raise BadOutput(f"{path}: the block {title!r} cannot be read: {error}") from error
            if values.size != 3 * n:
                raise BadOutput(f"{path}: {title!r} has {values.size} numbers for {n} atoms")
            return values.reshape(n, 3)
    return None
