"""Main output files (``.abo``) of ABINIT 9.6 to 10: everything that constrained runs need.

ASE's reader returns runs that did not converge, and no moments; this one raises. Numbers are read
in hartree and bohr and converted with ``ase.units`` (the eV of ABINIT 9 are 1e-7 smaller or larger,
half a meV at these energies).
"""

import re
from dataclasses import dataclass

import numpy as np
from ase.units import Bohr, Hartree

from ase_mag.reference.base import BadOutput, NotConverged

_END = r"-outvars: echo values of variables after computation"
_NUMBER = r"[-+]?\d+\.\d*(?:[EeDd][-+]?\d+)?"


@dataclass
class AbinitOutput:
    """Results of one run, in ASE units.

    Attributes
    ----------
    version : str
    energy : float, eV; the free energy E - TS of smeared electrons.
    forces : (N, 3) array, eV/angstrom. stress : (6,) array, eV/angstrom^3, ASE's sign and order.
    moments : (N, 3) array, mu_B, integrated in the spheres.
    gradient : (N, 3) array, +dE/d(target), eV/mu_B; zero for free atoms.
    total_moment : (3,) array, mu_B, of the whole cell.
    types : (N,) int array, type numbers. atomic_numbers : (N,) int array.
    positions : (N, 3) array, angstrom.
    constrained : bool, whether the gradient was computed.
    iterations : int. residual : str, the line that says it converged.
    """

    version: str
    energy: float
    forces: np.ndarray
    stress: np.ndarray
    moments: np.ndarray
    gradient: np.ndarray
    total_moment: np.ndarray
    types: np.ndarray
    atomic_numbers: np.ndarray
    positions: np.ndarray
    constrained: bool
    iterations: int
    residual: str


def parse_output(text, origin="the output"):
    """Return the AbinitOutput of the text of a main output file with one data set.

    Parameters
    ----------
    text : str
    origin : str, how messages call it.

    Raises
    ------
    NotConverged
        If the cycle of self-consistency ended without convergence (ABINIT exits with 0 then).
    BadOutput
        If the run was not finished, or something is missing or unreadable.
    """
    if not text.strip():
        raise BadOutput(f"{origin} is empty: ABINIT did not start, or the disk is full")
    version = re.search(r"^\.Version\s+(\S+)\s+of ABINIT", text, re.M)
    if version is None:
        raise BadOutput(f"{origin} is not a main output of ABINIT: it has no line '.Version'")
    failed = re.search(
        r"nstep=\s*(\d+)\s+was not enough SCF cycles to converge;\s*\n([^\n]*)", text
    )
    if failed:
        raise NotConverged(
            f"{origin}: not converged after {failed.group(1)} iterations "
            f"({' '.join(failed.group(2).split())})"
        )
    reader = _Reader(text, origin)
    converged = reader.search(r"^ At SCF step\s+(\d+).*=>\s*converged\.", "a converged SCF step")
    end = reader.search(_END, "the end echo")
    echo = text[end.start() :]
    if "================" not in echo:
        raise BadOutput(f"{origin} ends within the echo of the results: the run was interrupted")
    n = int(reader.search(r"^\s+natom =\s*(\d+)\s", "number of atoms").group(1))
    types = reader.echoed(echo, "typat", n).astype(int)
    number_of_types = types.max()
    znucl = np.rint(reader.echoed(echo, "znucl", number_of_types)).astype(int)
    energy = reader.search(
        r"^--- !EnergyTerms\s*\n(?:.*\n)*?total_energy\s*:\s*(\S+)", "the total energy"
    )
    gradient = np.zeros(3 * n)
    constrained = re.search(r"^\s*grspin\s", echo, re.M) is not None
    if constrained:
        gradient = reader.echoed(echo, "grspin", 3 * n)
    elif re.search(r"^\s*constraint_kind\s.*[1-9]", echo, re.M):
        raise BadOutput(f"{origin} has constraints but no gradient (grspin) of them")
    moments, total = _moments(reader, n)
    return AbinitOutput(
        version=version.group(1),
        energy=reader.number(energy.group(1)) * Hartree,
        forces=_table(reader, r"cartesian forces \(hartree/bohr\) at end:", n) * Hartree / Bohr,
        stress=reader.echoed(echo, "strten", 6) * Hartree / Bohr**3,
        moments=moments,
        gradient=gradient.reshape(n, 3) * Hartree,
        total_moment=total,
        types=types,
        atomic_numbers=znucl[types - 1],
        positions=_positions(reader, echo, n),
        constrained=constrained,
        iterations=int(converged.group(1)),
        residual=" ".join(converged.group(0).split()),
    )


def parse_cell(text, origin="the output"):
    """Return the cell vectors (rows, angstrom) of a main output file, (3, 3).

    Raises
    ------
    BadOutput
        If they are not in the echo of the results.
    """
    reader = _Reader(text, origin)
    start = reader.search(_END, "the end echo")
    echo = text[start.end() :]
    lengths, vectors = reader.echoed(echo, "acell", 3), np.eye(3)
    if re.search(r"^\s*rprim\s", echo, re.M):  # a unit matrix is not echoed
        vectors = reader.echoed(echo, "rprim", 9).reshape(3, 3)
    return lengths[:, None] * vectors * Bohr


def _positions(reader, echo, n):
    """Return the positions, (n, 3), angstrom; a single atom at the origin is not echoed."""
    if n == 1 and not re.search(r"^\s*xcart\s", echo, re.M):
        return np.zeros((1, 3))
    return reader.echoed(echo, "xcart", 3 * n).reshape(n, 3) * Bohr


class _Reader:
    """Finds things in a text, or raises BadOutput."""

    def __init__(self, text, origin):
        self.text, self.origin = text, origin

    def search(self, pattern, what):
        match = re.search(pattern, self.text, re.M)
        if match is None:
            raise BadOutput(
                f"{self.origin} has no {what}: the run was interrupted or the file is damaged"
            )
        return match

    def number(self, word):
        try:
            value = float(word.replace("D", "E").replace("d", "e"))
        except ValueError:
            raise BadOutput(f"{self.origin}: {word!r} is not a number") from None
        if not np.isfinite(value):
            raise BadOutput(f"{self.origin} contains {word!r} where a finite number should be")
        return value

    def echoed(self, echo, name, count):
        """Return ``count`` numbers after ``name`` in an echo of variables."""
        match = re.search(rf"^[-P ]\s*{name}\s+(.*(?:\n {{15,}}[-+.\d].*)*)", echo, re.M)
        if match is None:
            raise BadOutput(f"{self.origin} has no {name} in the echo of the results")
        words = [word for word in match.group(1).split() if word not in ("Bohr", "Hartree")]
        if len(words) < count:
            raise BadOutput(
                f"{self.origin}: {name} has {len(words)} values instead of {count}; the file is "
                "damaged"
            )
        return np.array([self.number(word) for word in words[:count]])


def _rows(reader, start, n):
    """Return the n lines of numbers, without the number of the atom, that follow ``start``."""
    lines = reader.text[start:].split("\n", n)[:n]
    rows = []
    for k, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0] != str(k):
            raise BadOutput(
                f"{reader.origin}: expected the values of atom {k}, found {line.strip()!r}; the "
                "file is damaged"
            )
        rows.append([reader.number(word) for word in words[1:]])
    if len(rows) < n or len({len(row) for row in rows}) != 1:
        raise BadOutput(f"{reader.origin} has a table with lines of different lengths")
    return np.array(rows)


def _table(reader, title, n):
    header = reader.search(title + r"[^\n]*\n", f"table {title}".replace("\\", ""))
    rows = _rows(reader, header.end(), n)
    if rows.shape[1] != 3:
        raise BadOutput(f"{reader.origin}: {header.group(0).strip()} has {rows.shape[1]} columns")
    return rows


def _moments(reader, n):
    """Return the moments in the spheres, (N, 3), and that of the cell, (3,)."""
    title = "Integrated electronic and magnetization densities in atomic spheres:"
    reader.search(re.escape(title), "moments in atomic spheres")
    block = reader.text[reader.text.rindex(title) :]  # the last one is the final state
    header = re.search(r"^ Atom .*\n", block, re.M)
    if header is None:
        raise BadOutput(f"{reader.origin}: the table of moments has no header")
    part = _Reader(block, reader.origin)
    rows = _rows(part, header.end(), n)
    moments, total = np.zeros((n, 3)), np.zeros(3)
    if "Diff(up-dn)" in header.group(0):
        moments[:, 2] = rows[:, 4]
        found = part.search(rf"\(exact up - dn\):\s*({_NUMBER})", "total magnetization")
        total[2] = reader.number(found.group(1))
    elif "mag(x)" in header.group(0):
        moments[:] = rows[:, 2:5]
        found = part.search(
            rf"Total magnetization \(exact\)\s+({_NUMBER})\s+({_NUMBER})\s+({_NUMBER})",
            "total magnetization",
        )
        total[:] = [reader.number(word) for word in found.groups()]
    else:
        raise BadOutput(
            f"{reader.origin}: unknown columns of moments: {' '.join(header.group(0).split())}"
        )
    return moments, total


def error_message(log):
    """Return the error messages of a log (``!ERROR`` blocks, checks of input), or its end."""
    blocks = re.findall(r"^ *\w+: ERROR -\s*\n(.*?)\n\s*\n", log, re.M | re.S)
    for block in re.findall(r"^--- !(?:ERROR|BUG)\s*\n(.*?)^\.\.\.", log, re.M | re.S):
        found = re.search(r"message:\s*\|?\s*\n?(.*)", block, re.S)
        blocks.append(found.group(1) if found else block)
    messages = [" ".join(block.split()) for block in blocks]
    return " | ".join(messages) if messages else " ".join(log.split()[-60:])
