"""Unit cell files of VAMPIRE (.ucf) with their materials."""

from pathlib import Path

import numpy as np
from ase import Atoms

from ase_mag import units
from ase_mag.core import set_moments
from ase_mag.core.model import Sum
from ase_mag.io.bond_list import DirectedBonds, easy_axes
from ase_mag.io.text_file import TextFile
from ase_mag.io.vampire.materials import read_materials
from ase_mag.models import NonMagnetic

#: Numbers in a line of interactions, by the type of exchange.
_VALUES = {"isotropic": 1, "vectorial": 3, "tensorial": 9, "normalised-isotropic": 1}
_OLD = {"0": "isotropic", "1": "vectorial", "2": "tensorial", "": "isotropic"}
_JOULE = units.energy_unit("J")


def read_vampire(path, materials=None, rng=None):
    """Read a unit cell file of VAMPIRE and its material file.

    H = -1/2 sum_ij e_i.J_ij.e_j - sum_i K_i (e_i.n_i)^2 in joule, with unit vectors e; the file
    lists a bond in both orders, so that a pair has the energy -J e_1.e_2 (the manual of VAMPIRE,
    "Unit Cell Files", and Evans 2014, eq. 2). It becomes models of moments in eV and mu_B that
    have this energy for moments of the sizes in the material file.

    Parameters
    ----------
    path : path of the .ucf file.
    materials : path of the .mat file, optional; default: the same name with .mat.
    rng : int or numpy Generator, for materials with random initial directions.

    Returns
    -------
    atoms : ase.Atoms, the unit cell, periodic; moments of the materials in their initial direction.
    model : Model; for the cell and any ``atoms.repeat``, without forces.

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    ValueError
        For lines that cannot be understood, naming file and line, files that are cut off, types
        of exchange that are not read, and anisotropies that differ within an element.

    Warns
    -----
    UserWarning
        For terms that are not read (fields, other anisotropies).
    """
    path = Path(path)
    materials = path.with_suffix(".mat") if materials is None else Path(materials)
    for needed, what in ((path, "unit cell file"), (materials, "material file")):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed} does not exist, the {what}")
    kinds = read_materials(materials)
    file = _Lines(path)
    size = file.floats(3, "the size of the unit cell")
    shape = np.array([file.floats(3, "a lattice vector") for _ in range(3)])
    scaled, of = _sites(file, len(kinds))
    chosen = [kinds[k] for k in of]
    atoms = Atoms([m.symbol for m in chosen], cell=size[:, None] * shape, pbc=True)
    atoms.set_scaled_positions(scaled)
    sizes = np.array([m.moment for m in chosen])
    rng = np.random.default_rng(rng)
    directions = [_random(rng) if m.direction is None else m.direction for m in chosen]
    set_moments(atoms, sizes[:, None] * np.array(directions))
    exchange = _bonds(file, of, kinds).model(atoms, sizes)
    terms = [] if exchange is None else [exchange]
    easy = [[(_JOULE * m.constant, m.axis)] for m in chosen]
    terms += easy_axes(path, atoms.symbols, sizes, easy)
    return atoms, Sum([*terms, NonMagnetic(tuple(dict.fromkeys(atoms.symbols)))])


class _Lines(TextFile):
    """A unit cell file: lines with a # anywhere are comments."""

    def words(self, what):
        """Return the words of the next line that is neither empty nor a comment."""
        while not (line := self.next(what)) or "#" in line:
            pass
        return line.split()

    def floats(self, count, what):
        return self.numbers(self.words(what), count, what)


def _random(rng):
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def _sites(file, n_materials):
    """Return scaled positions, (n, 3), and the materials of the sites, (n,)."""
    count = file.whole(file.words("the number of atoms")[0], "the number of atoms", least=1)
    scaled, of = [], []
    for k in range(count):
        words = file.words(f"atom {k + 1} of {count}")
        if file.whole(words[0], "the number of an atom", 0, count - 1) != k:
            raise file.error(f"expected atom {k}, got {words[0]}: atoms are numbered in order")
        scaled.append(file.numbers(words[1:4], 3, "the position of an atom"))
        kind = words[4] if len(words) > 4 else "0"
        of.append(file.whole(kind, "the material of an atom", 0, n_materials - 1))
    return np.array(scaled), of


def _bonds(file, of, kinds):
    words = file.words("the number of interactions")
    count = file.whole(words[0], "the number of interactions")
    name = words[1].replace("normalized", "normalised") if len(words) > 1 else ""
    name = _OLD.get(name, name)
    if name not in _VALUES:
        raise file.error(f"the type of exchange is {name!r}; read are {', '.join(_VALUES)}")
    columns = _VALUES[name]
    bonds = DirectedBonds(file.path)
    for k in range(count):
        words = file.words(f"interaction {k + 1} of {count}")
        if len(words) < 6 + columns:
            raise file.error(
                f"{name} exchange needs {6 + columns} columns (id i j dx dy dz J...), got "
                f"{len(words)}: {' '.join(words)!r}"
            )
        i, j = (file.whole(word, "the number of an atom", 0, len(of) - 1) for word in words[1:3])
        shift = [file.whole(word, "the cell of an atom", -10_000) for word in words[3:6]]
        values = _JOULE * file.numbers(words[6:], columns, "exchange")
        if name == "normalised-isotropic":
            partner = kinds[of[i]].exchange.get(of[j])
            if partner is None:
                raise file.error(
                    f"material[{of[i] + 1}]:exchange-matrix[{of[j] + 1}] is missing, which "
                    "normalised exchange multiplies"
                )
            values = partner * values
        tensor = values.reshape(3, 3) if columns == 9 else values * np.eye(3)
        bonds.add(i, j, shift, tensor, file.place)
    return bonds
