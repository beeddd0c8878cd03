"""Exchange parameters of TB2J."""

import re
import warnings
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from ase_mag.core import set_moments
from ase_mag.core.model import Sum
from ase_mag.io.bond_list import DirectedBonds
from ase_mag.io.tb2j_xml import read_xml
from ase_mag.io.text_file import TextFile
from ase_mag.models import NonMagnetic, dmi_tensors
from ase_mag.units import exchange_factor

_BOND = re.compile(
    r"(\S+)\s+(\S+)\s*\(\s*(-?\d+),\s*(-?\d+),\s*(-?\d+)\)\s*(\S+)\s*\(([^)]*)\)\s*(\S+)\s*$"
)
#: Versions of TB2J mark these lines with [Testing!] or [Experimental!], or not at all.
_DMI = re.compile(r"(\[[^]]*\]\s*)?DMI:\s*\(([^)]*)\)\s*$")
_ANISOTROPIC = re.compile(r"(\[[^]]*\]\s*)?J_ani:\s*$")
#: Parts of the exchange, as the file calls them.
_TERMS = ("J_iso", "DMI", "J_ani")


def read_tb2j(path, terms=_TERMS):
    """Read ``exchange.out`` or ``exchange.xml`` of TB2J: the cell with moments, the exchange.

    H = -sum_{i!=j} [J_ij e_i.e_j + e_i.A_ij.e_j + D_ij.(e_i x e_j)] in meV, with unit vectors,
    both orders of a pair counted, A symmetric (the manual of TB2J, "Conventions of Heisenberg
    Model"). It becomes a model of moments in eV and mu_B that has this energy for moments of the
    sizes in the file.

    Parameters
    ----------
    path : path of the file, or of the folder that ``exchange.out`` is in (``TB2J_results``). The
        file ``Multibinit/exchange.xml`` has six digits instead of four decimals of meV, and
        uniaxial anisotropies -K (e.n)^2.
    terms : sequence of "J_iso", "DMI", "J_ani"; what is read of the exchange. TB2J's manual
        ("Averaging multiple parameters") says that D and A of one calculation lack the components
        along its moments: they make sense in files merged from several directions, and in none of
        collinear calculations without spin-orbit coupling.

    Returns
    -------
    atoms : ase.Atoms, periodic; with the moments of the Wannier functions in mu_B (along z if
        collinear).
    model : Model; exchange of the sites of ``atoms``, of any ``atoms.repeat`` too, without forces.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    ValueError
        For lines that cannot be understood, naming file and line, for files that are cut off, and
        bonds that do not fit the positions.

    Warns
    -----
    UserWarning
        For single-ion anisotropies of ``exchange.out``, which are not read, and for D and A that
        the file marks as experimental.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "exchange.out"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; give exchange.out or its folder")
    unknown = set(terms) - set(_TERMS)
    if unknown or not terms or isinstance(terms, str):
        raise ValueError(f"terms must be some of {', '.join(_TERMS)}, got {terms!r}")
    if path.suffix == ".xml":
        return read_xml(path, terms)
    file = TextFile(path)
    atoms, names = None, ()
    cell = None
    while not file.ended():
        line = file.next_filled("a section")
        if line.startswith("Cell (Angstrom)"):
            rows = [file.next("a cell vector") for _ in range(3)]
            cell = np.array([file.numbers(row.split(), 3, "a cell vector") for row in rows])
        elif line.startswith("Atoms:"):
            atoms, names = _atoms(file, cell)
        elif line.startswith("Single Ion Anisotropy"):
            warnings.warn(
                f"{path}, line {file.place}: the single-ion anisotropy is not read, energies lack "
                "it",
                UserWarning,
                stacklevel=2,
            )
        elif line.startswith("Exchange:"):
            break
    else:
        raise ValueError(f"{path} has no section 'Exchange:'; is it a file of TB2J, and whole?")
    if atoms is None:
        raise file.error("the sections 'Cell' and 'Atoms' must come before the exchange")
    sizes = np.linalg.norm(atoms.get_initial_magnetic_moments(), axis=1)
    exchange = _bonds(file, atoms, names, terms).model(atoms, sizes)
    models = [exchange] if exchange is not None else []
    return atoms, Sum([*models, NonMagnetic(tuple(dict.fromkeys(atoms.symbols)))])


def _atoms(file, cell):
    if cell is None:
        raise file.error("the section 'Cell' must come before the atoms")
    line = file.next_filled("the table of atoms")
    if line.startswith("("):
        line = file.next_filled("the table of atoms")
    if not line.startswith("Atom"):
        raise file.error(
            f"expected the head of the table of atoms ('Atom_number x ...'), got {line!r}"
        )
    names, rows = [], []
    while not (line := file.next_filled("a line of the table of atoms")).startswith("Total"):
        name, *words = line.split()
        symbol = re.match("[A-Z][a-z]?", name)
        if symbol is None or symbol[0] not in atomic_numbers:
            raise file.error(f"{name!r} does not begin with a chemical symbol")
        if len(words) not in (5, 7) or (rows and len(words) != len(rows[0])):
            raise file.error(
                "an atom needs x y z, charge and one or three components of its moment, got "
                f"{line!r}"
            )
        names.append(name)
        rows.append(file.numbers(words, len(words), "an atom"))
    table = np.array(rows).reshape(len(rows), -1)
    symbols = [re.match("[A-Z][a-z]?", name)[0] for name in names]
    if not names or len(set(names)) != len(names):
        raise file.error("the atoms must have different names")
    atoms = Atoms(symbols, table[:, :3], cell=cell, pbc=True)
    set_moments(atoms, table[:, 4] if table.shape[1] == 5 else table[:, 4:])
    return atoms, names


def _bonds(file, atoms, names, terms):
    """Return the DirectedBonds of the section 'Exchange:'."""
    # J of -sum_{i!=j} J e.e in meV -> T of -1/2 sum e.T.e in eV.
    factor = exchange_factor("TB2J", "meV", (1.0, 1.0))
    bonds, parts_of_first, marked = DirectedBonds(file.path), None, set()
    file.next_filled("the head of the table")
    while not file.ended():
        line = file.next_filled("a bond")
        if set(line) == {"-"}:
            line = file.next_filled("a bond")
        match = _BOND.match(line)
        if match is None:
            raise file.error(
                f"expected a bond 'Fe1 Fe2 (0, 0, 1) J (x, y, z) distance', or dashes, got {line!r}"
            )
        place = file.place
        i, j = (_index(file, names, name) for name in match.group(1, 2))
        shift = np.array(match.group(3, 4, 5), dtype=int)
        vector = file.numbers(match[7].split(","), 3, "the vector of a bond")
        gap = atoms.positions[j] - atoms.positions[i] + shift @ atoms.cell.array - vector
        if np.abs(gap).max() > 0.01:
            raise file.error(
                f"the vector {vector.tolist()} does not lead from {names[i]} to {names[j]} in cell "
                f"{shift.tolist()}"
            )
        tensor, parts = _tensor(file, terms, marked)
        if parts_of_first is None:
            parts_of_first = parts
        if parts != parts_of_first:
            raise file.error(
                f"the bond of line {place} has {', '.join(parts)}, but the first one has "
                f"{', '.join(parts_of_first)}: the file is cut off"
            )
        bonds.add(i, j, shift, factor * tensor, place)
    if not bonds.tensors:
        raise ValueError(f"{file.path} lists no bonds: the file is cut off")
    if marked:
        warnings.warn(
            f"{file.path} marks {' and '.join(sorted(marked))} as experimental; what is not meant "
            "to count can be left out, e.g. terms=('J_iso',)",
            UserWarning,
            stacklevel=4,
        )
    return bonds


def _index(file, names, name):
    if name not in names:
        raise file.error(f"{name!r} is none of the atoms {', '.join(names)}")
    return names.index(name)


def _tensor(file, terms, marked):
    """Return the tensor of the lines up to the next dashes, meV, and the parts that are there.

    Parts that are read, not zero and marked as experimental are added to the set ``marked``.
    """
    total, parts = np.zeros((3, 3)), []
    while not file.ended():
        line = file.next_filled("the exchange of a bond")
        if set(line) == {"-"}:
            file.place -= 1
            break
        mark = None
        if line.startswith("J_iso:"):
            part = "J_iso"
            tensor = file.numbers(line[6:].split(), 1, "J_iso")[0] * np.eye(3)
        elif match := _DMI.match(line):
            part, mark = "DMI", match[1]
            vector = file.numbers(match[2].replace(",", " ").split(), 3, "DMI")
            tensor = dmi_tensors(vector[None])[0]
        elif match := _ANISOTROPIC.match(line):
            part, mark = "J_ani", match[1]
            rows = [file.next("a row of J_ani") for _ in range(3)]
            tensor = np.array(
                [file.numbers(row.strip("[] ").split(), 3, "a row of J_ani") for row in rows]
            )
        else:
            continue
        parts.append(part)
        if part in terms:
            total += tensor
            if "xperimental" in (mark or "") and tensor.any():
                marked.add(part)
    if "J_iso" not in parts:
        raise file.error("the bond has no line 'J_iso: ...': the file is cut off")
    return total, parts
