"""``exchange.xml`` of TB2J (the format of Multibinit)."""

from xml.etree import ElementTree

import numpy as np
from ase import Atoms
from ase import units as ase_units
from ase.data import atomic_masses, chemical_symbols

from ase_mag.core import set_moments
from ase_mag.core.model import Sum
from ase_mag.io.bond_list import DirectedBonds, easy_axes
from ase_mag.models import NonMagnetic, dmi_tensors
from ase_mag.units import exchange_factor

#: Lists of bonds and the numbers of each bond.
_LISTS = {"spin_exchange": 3, "spin_DMI": 3, "spin_bilinear": 9}
#: What the lists are called in ``exchange.out``.
_TERMS = {"spin_exchange": "J_iso", "spin_DMI": "DMI", "spin_bilinear": "J_ani"}


def read_xml(path, terms):
    """Return atoms and model of ``exchange.xml``, see :func:`ase_mag.io.read_tb2j`."""
    file = _Xml(path)
    cell = file.numbers(file.child(file.root, "unit_cell", "unitcell"), 9, "bohrradius")
    cell = ase_units.Bohr * cell.reshape(3, 3)
    symbols, positions, moments, spins = [], [], [], []
    for place, atom in enumerate(file.root.findall("atom"), start=1):
        file.where = f"atom {place}"
        symbols.append(file.element(atom))
        position = file.numbers(file.child(atom, "position"), 3, "bohrradius")
        positions.append(ase_units.Bohr * position)
        moments.append(file.numbers(file.child(atom, "spinat"), 3))
        if int(atom.get("index_spin", "0")) > 0:
            spins.append(place - 1)
    if not symbols:
        raise ValueError(f"{path} holds no atoms")
    atoms = Atoms(symbols, positions, cell=cell, pbc=True)
    set_moments(atoms, np.array(moments))
    sizes = np.linalg.norm(moments, axis=1)
    tensors = {}
    for name, count in _LISTS.items():
        if _TERMS[name] not in terms:
            continue
        for i, j, shift, values in file.bonds(name, count, spins):
            if name == "spin_exchange":
                tensor = np.diag(values)
            elif name == "spin_DMI":
                tensor = dmi_tensors(values[None])[0]
            else:
                tensor = values.reshape(3, 3)
            tensors[i, j, shift] = tensors.get((i, j, shift), 0.0) + tensor
    factor, bonds = exchange_factor("TB2J", "eV", (1.0, 1.0)), DirectedBonds(path)
    for (i, j, shift), tensor in tensors.items():
        bonds.add(i, j, shift, factor * tensor, "of a list of bonds")
    exchange = bonds.model(atoms, sizes)
    models = [] if exchange is None else [exchange]
    models += easy_axes(path, atoms.symbols, sizes, file.anisotropies(spins, len(atoms)))
    return atoms, Sum([*models, NonMagnetic(tuple(dict.fromkeys(symbols)))])


class _Xml:
    """The elements of a file, with messages that say where."""

    def __init__(self, path):
        self.path, self.where = path, "the file"
        try:
            self.root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError as error:
            raise ValueError(f"{path} is damaged or cut off: {error}") from error
        if self.root.tag != "System_definition":
            raise ValueError(f"{path} is no file of TB2J: it holds <{self.root.tag}>")

    def error(self, message):
        return ValueError(f"{self.path}, {self.where}: {message}")

    def child(self, parent, *names):
        for name in names:
            found = parent.find(name)
            if found is not None:
                return found
        raise self.error(f"there is no <{names[0]}>")

    def numbers(self, element, count, unit=None):
        """Return the numbers in an element, a float array."""
        if unit is not None and element.get("units", unit) != unit:
            raise self.error(f"<{element.tag}> is in {element.get('units')!r}, read is {unit!r}")
        try:
            values = np.array([float(word) for word in (element.text or "").split()])
        except ValueError:
            values = np.zeros(0)
        if len(values) != count or not np.isfinite(values).all():
            raise self.error(
                f"<{element.tag}> needs {count} numbers, got {(element.text or '').strip()!r}"
            )
        return values

    def element(self, atom):
        """Return the chemical symbol of the mass of an atom."""
        try:
            mass = float(atom.get("mass", ""))
        except ValueError:
            mass = np.nan
        found = np.flatnonzero(np.abs(atomic_masses - mass) < 1e-4 * atomic_masses)
        if not len(found):
            raise self.error(f"mass {atom.get('mass')!r} is that of no element")
        return chemical_symbols[found[0]]

    def terms(self, name):
        """Yield the terms of a list, setting ``where``; checks that all are there."""
        listed = self.root.find(f"{name}_list")
        if listed is None:
            return
        if listed.get("units", "eV") != "eV":
            raise self.error(f"<{name}_list> is in {listed.get('units')!r}, read is 'eV'")
        found = listed.findall(f"{name}_term")
        self.where = f"{name}_list"
        count = int(self.numbers(self.child(listed, "nterms"), 1)[0])
        if count != len(found):
            raise self.error(f"nterms is {count}, but there are {len(found)} terms")
        for place, term in enumerate(found, start=1):
            self.where = f"term {place} of {name}_list"
            yield term

    def bonds(self, name, count, spins):
        """Yield (i, j, cell of j, numbers) of a list."""
        for term in self.terms(name):
            i, j, *shift = self.numbers(self.child(term, "ijR"), 5).astype(int).tolist()
            values = self.numbers(self.child(term, "data"), count)
            yield self.spin(i, spins), self.spin(j, spins), tuple(shift), values

    def anisotropies(self, spins, n_atoms):
        """Return the lists of (K, n) of all atoms, eV."""
        if next(self.terms("spin_sia_tensor"), None) is not None:
            raise self.error("tensors of single-ion anisotropy are not read")
        out = [[] for _ in range(n_atoms)]
        for term in self.terms("spin_uniaxial_SIA"):
            site = self.spin(int(self.numbers(self.child(term, "i"), 1)[0]), spins)
            axis = self.numbers(self.child(term, "direction"), 3)
            constant = self.numbers(self.child(term, "amplitude"), 1)[0]
            if constant and not axis.any():
                raise self.error("the direction of an anisotropy is zero")
            out[site].append((constant, axis / (np.linalg.norm(axis) or 1.0)))
        return out

    def spin(self, index, spins):
        if not 1 <= index <= len(spins):
            raise self.error(f"there are {len(spins)} spins, got number {index}")
        return spins[index - 1]
