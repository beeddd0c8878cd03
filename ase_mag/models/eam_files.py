"""Tabulated embedded-atom potentials: files in the eam/alloy (setfl) and eam/fs formats."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_masses, atomic_numbers


@dataclass
class EamTables:
    """The numbers of an eam/alloy or eam/fs file, as they stand in the file.

    Attributes
    ----------
    species : tuple of n chemical symbols.
    kind : ``"alloy"`` (the density that j gives depends on j) or ``"fs"`` (on i and j).
    cutoff : float, angstrom.
    density_step, radius_step : float, grid spacings of rho and of r (angstrom); grids start at 0.
    embedding : (n, n_density) float array, F_a(rho), eV.
    density : (n, n, n_radius) float array, ``density[a, b]`` is psi_ab(r), what an atom b gives to
        the density at an atom a.
    charge : (n, n, n_radius) float array, r V_ab(r), eV angstrom.
    """

    species: tuple
    kind: str
    cutoff: float
    density_step: float
    radius_step: float
    embedding: np.ndarray
    density: np.ndarray
    charge: np.ndarray


class _Lines:
    """The lines of a file with their numbers; errors name file, line and what was expected."""

    def __init__(self, path):
        self.path = Path(path)
        try:
            text = self.path.read_bytes().decode("utf-8", errors="replace")
        except OSError as error:
            raise type(error)(
                f"the potential file {path} cannot be read: {error.strerror}"
            ) from error
        self.lines = text.splitlines()
        self.at = 0

    def fail(self, expected, found):
        raise ValueError(
            f"{self.path}, line {self.at}: expected {expected}, found {found}; "
            "readable are files in the eam/alloy (setfl) and eam/fs formats"
        )

    def peek(self):
        """Return the words of the next line that is not blank, or None at the end."""
        while self.at < len(self.lines):
            words = self.lines[self.at].split()
            if words:
                return words
            self.at += 1
        return None

    def words(self, expected, at_least=1):
        words = self.peek()
        self.at += 1
        if words is None:
            self.at = len(self.lines)
            self.fail(expected, "the end of the file (is it truncated?)")
        if len(words) < at_least:
            self.fail(expected, repr(" ".join(words)))
        return words

    def numbers(self, words, types, expected):
        try:
            values = [kind(word) for kind, word in zip(types, words, strict=False)]
        except ValueError:
            self.fail(expected, repr(" ".join(words)[:60]))
        if not np.isfinite(values).all():
            self.fail(expected, repr(" ".join(words)[:60]))
        return values

    def table(self, n, name):
        """Return n numbers from as many lines as they fill."""
        values = []
        while len(values) < n:
            words = self.peek()
            self.at += 1
            if words is None:
                self.at = len(self.lines)
                self.fail(
                    f"{n} values of {name}",
                    f"the end of the file after {len(values)} of them (is it truncated?)",
                )
            values += self.numbers(words, [float] * len(words), f"values of {name}")
        if len(values) > n:
            self.fail(f"{n} values of {name}", f"{len(values)}")
        return np.array(values)


def read_eam(path):
    """Read a tabulated potential in the eam/alloy (setfl) or eam/fs format.

    The atomic numbers, masses and lattices in the file are not used (some files hold wrong ones).
    The two formats differ in one thing: after the embedding function of each element comes one
    density function (alloy) or one per element that receives it (fs). Which of the two it is, is
    recognized by the line that follows the first density function; with one element they agree.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    EamTables

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is not such a file, is damaged or truncated: the message names file, line and what
        was expected there.
    """
    file = _Lines(path)
    file.at = min(3, len(file.lines))
    words = file.words("the number of elements and their symbols after three comment lines")
    (n,) = file.numbers(words, [int], "the number of elements and their symbols")
    species = tuple(words[1:])
    if n < 1 or len(species) != n or not all(symbol in atomic_numbers for symbol in species):
        file.fail(f"{n} chemical symbols", repr(" ".join(words)))
    header = "n_density, density step, n_radius, radius step and cutoff"
    words = file.words(header, at_least=5)
    if len(words) > 5 and _is_number(words[5]):
        file.fail(f"{header}, 5 numbers (6 are in eam/he files)", repr(" ".join(words)))
    n_density, density_step, n_radius, radius_step, cutoff = file.numbers(
        words, [int, float, int, float, float], header
    )
    if min(n_density, n_radius) < 5 or min(density_step, radius_step, cutoff) <= 0:
        file.fail(f"{header}, positive and with at least 5 points", repr(" ".join(words)))

    kind = "alloy"
    embedding = np.empty((n, n_density))
    density = np.empty((n, n, n_radius))
    for b, symbol in enumerate(species):
        element = f"atomic number, mass, lattice constant and lattice of {symbol}"
        file.numbers(file.words(element, at_least=3), [float, float, float], element)
        embedding[b] = file.table(n_density, f"the embedding function of {symbol}")
        density[:, b] = file.table(n_radius, f"the density function of {symbol}")
        if b == 0 and n > 1 and not _is_element(file.peek()):
            kind = "fs"
        if kind == "fs":
            for a in range(1, n):
                name = f"the density function of {symbol} at {species[a]}"
                density[a, b] = file.table(n_radius, name)
    charge = np.empty((n, n, n_radius))
    for a in range(n):
        for b in range(a + 1):
            name = f"r*V(r) of {species[a]}-{species[b]}"
            charge[a, b] = charge[b, a] = file.table(n_radius, name)
    return EamTables(species, kind, cutoff, density_step, radius_step, embedding, density, charge)


def _is_element(words):
    """Whether this is an element line (number, mass, lattice constant, lattice name)."""
    return words is not None and len(words) > 3 and not _is_number(words[3])


def _is_number(word):
    try:
        float(word)
    except ValueError:
        return False
    return True


def write_eam(path, model, *, max_density, n_density=2000, n_radius=2000, kind="fs", comment=""):
    """Tabulate an :class:`EmbeddedAtom` model and write it in eam/fs or eam/alloy format.

    Parameters
    ----------
    path : str or Path
    model : EmbeddedAtom, with densities, pair energies and embedding functions.
    max_density : float, end of the rho table, in the unit of the density; the programs that read
        the file extrapolate larger densities linearly.
    n_density, n_radius : int, numbers of points; the radii cover 0 <= r < cutoff.
    kind : ``"fs"`` or ``"alloy"``.
    comment : str, goes into the first line.

    Raises
    ------
    ValueError
        For a model without densities or pair energies, another kind, ``"alloy"`` with densities
        that depend on the receiving atom, fewer than 5 points, or a ``max_density`` that is not
        positive.
    """
    if kind not in ("fs", "alloy"):
        raise ValueError(f"kind must be 'fs' or 'alloy', got {kind!r}")
    if model.density is None or model.pair is None:
        raise ValueError("only models with densities and pair energies can be tabulated")
    if not max_density > 0:
        raise ValueError(f"max_density must be positive, got {max_density}")
    if min(n_density, n_radius) < 5:
        raise ValueError(
            f"tables need at least 5 points, got n_density={n_density}, n_radius={n_radius}"
        )
    n, cutoff = len(model.species), model.cutoff
    rho = np.linspace(0.0, max_density, n_density)
    r = np.arange(n_radius) * (cutoff / n_radius)
    inner = r.copy()
    inner[0] = 1e-3 * r[1]  # r*V(r) has a limit at 0, V(r) need not have one
    functions = [[_values(model.density[a, b], r) for a in range(n)] for b in range(n)]
    if kind == "alloy" and any(
        not np.array_equal(functions[b][a], functions[b][0]) for b in range(n) for a in range(n)
    ):
        raise ValueError(
            "eam/alloy files hold densities that depend on the giving atom only, but those of "
            f"{', '.join(model.species)} depend on both: write kind='fs'"
        )
    lines = [
        " ".join(f"{comment} UNITS: metal".split()),
        f"format eam/{kind}",
        "written by ase_mag",
        f"{n} {' '.join(model.species)}",
        f"{n_density} {rho[1]:.17g} {n_radius} {r[1]:.17g} {cutoff:.17g}",
    ]
    for b, symbol in enumerate(model.species):
        number = atomic_numbers[symbol]
        lines.append(f"{number} {atomic_masses[number]:.10g} 0.0 none")
        lines += _rows(model.embedding[b].evaluate(rho)[0])
        for table in functions[b] if kind == "fs" else functions[b][:1]:
            lines += _rows(table)
    for a in range(n):
        for b in range(a + 1):
            lines += _rows(inner * _values(model.pair[a, b], inner))
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _values(function, r):
    return np.zeros_like(r) if function is None else function.evaluate(r)[0]


def _rows(values, width=5):
    return [
        " ".join(f"{value:.17g}" for value in values[k : k + width])
        for k in range(0, len(values), width)
    ]
