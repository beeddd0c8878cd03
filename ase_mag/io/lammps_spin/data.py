"""Data files of LAMMPS, atom style spin."""

import numpy as np
from ase import Atoms
from ase import units as ase_units
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from ase_mag.core import get_moments, set_moments
from ase_mag.io.lammps_spin.box import Box

#: Velocities of units metal, angstrom/ps, in ASE's unit.
VELOCITY = 1.0 / (1000.0 * ase_units.fs)
_SECTIONS = ("Masses", "Atom Type Labels", "Atoms", "Velocities")
_NO_MOMENT = np.array([0.0, 0.0, 1.0])


def read_data(file, species=None, pbc=True):
    """Return the atoms of a data file, ase.Atoms; see :func:`read_lammps_spin`."""
    counts, limits, tilts, general = _header(file)
    tables, labels = {}, {}
    while not file.ended():
        line = file.next_filled("a section")
        name, _, hint = (part.strip() for part in line.partition("#"))
        if name not in _SECTIONS:
            _skip(file)
            continue
        if name in tables:
            raise file.error(f"the section {name} appears twice")
        if name == "Atoms" and hint and hint != "spin":
            raise file.error(f"the atom style is {hint!r}; spins are in atom style spin")
        count = counts["atoms" if name in ("Atoms", "Velocities") else "atom types"]
        if file.next(f"an empty line of {name}"):
            raise file.error(f"an empty line must follow {name}")
        if name == "Atoms":
            tables[name] = file.table(count, (9, 12), "an atom (id type x y z spx spy spz sp)")
        elif name == "Velocities":
            tables[name] = file.table(count, (4,), "a velocity (id vx vy vz)")
        else:
            tables[name] = labels[name] = _types(file, count)
    if "Atoms" not in tables:
        raise ValueError(f"{file.path} has no section Atoms")
    box = _box(file, limits, tilts, general, pbc)
    return _atoms(file, tables, _symbols(file, labels, counts["atom types"], species), box)


def _header(file):
    counts, limits, tilts, general = {}, {}, np.zeros(3), {}
    file.next("a first line")
    while not file.ended():
        line = file.next_filled("the header").partition("#")[0].strip()
        words = line.split()
        if words and words[0][0].isalpha():
            file.place -= 1
            break
        name = " ".join(word for word in words if word[0].isalpha())
        if name in ("atoms", "atom types"):
            counts[name] = file.whole(words[0], f"the number of {name}", least=1)
        elif name in ("xlo xhi", "ylo yhi", "zlo zhi"):
            limits[name[0]] = file.numbers(words, 2, name)
        elif name == "xy xz yz":
            tilts = file.numbers(words, 3, name)
        elif name in ("avec", "bvec", "cvec", "abc origin"):
            general[name] = file.numbers(words, 3, name)
    for name in ("atoms", "atom types"):
        if name not in counts:
            raise ValueError(f"{file.path} has no line '<number> {name}'")
    return counts, limits, tilts, general


def _box(file, limits, tilts, general, pbc):
    if len(general) == 4:
        return Box([general[k] for k in ("avec", "bvec", "cvec")], general["abc origin"], pbc)
    missing = [k for k in "xyz" if k not in limits]
    if missing:
        raise ValueError(f"{file.path} has no line '<lo> <hi> {missing[0]}lo {missing[0]}hi'")
    return Box.from_limits([limits[k] for k in "xyz"], tilts, np.zeros(3, bool) | pbc)


def _skip(file):
    """Go on to the next section."""
    while not file.ended():
        if file.next_filled("a section")[0].isalpha():
            file.place -= 1
            return


def _types(file, count):
    """Return {type: words of its line, with the comment as the last}."""
    out = {}
    for _ in range(count):
        line, _, comment = file.next("a type").partition("#")
        words = line.split()
        if len(words) != 2:
            raise file.error(f"expected a type and one value, got {line.strip()!r}")
        out[file.whole(words[0], "the type", 1, count)] = [words[1], comment.strip()]
    return out


def _symbols(file, labels, count, species):
    """Return the chemical symbols of the types 1, 2, ..."""
    if species is not None:
        species = (species,) if isinstance(species, str) else tuple(species)
        if len(species) != count or not set(species) <= set(atomic_numbers):
            raise ValueError(
                f"{file.path} has {count} types: species must be as many chemical symbols, got "
                f"{species}"
            )
        return species
    out = []
    for kind in range(1, count + 1):
        label = labels.get("Atom Type Labels", {}).get(kind, ["", ""])[0]
        mass, comment = labels.get("Masses", {}).get(kind, ["nan", ""])
        found = [name for name in (label, *comment.split()[:1]) if name in atomic_numbers]
        if not found:
            gaps = np.abs(atomic_masses - float(mass))
            found = [chemical_symbols[k] for k in np.flatnonzero(gaps < 0.02)]
        if not found:
            raise ValueError(
                f"{file.path}: the element of type {kind} (mass {mass}) is not clear: give "
                "species=('Fe', ...), one symbol for each type"
            )
        out.append(found[0])
    return tuple(out)


def _atoms(file, tables, symbols, box):
    rows = tables["Atoms"]
    ids, kinds = rows[:, 0].astype(int), rows[:, 1].astype(int)
    if len(set(ids)) != len(ids) or kinds.min() < 1 or kinds.max() > len(symbols):
        raise ValueError(
            f"{file.path}: the atoms must have different ids and types from 1 to {len(symbols)}"
        )
    order = np.argsort(ids)
    rows, kinds = rows[order], kinds[order]
    positions = rows[:, 2:5]
    if rows.shape[1] == 12:
        positions = positions + rows[:, 9:12] @ box.vectors
    atoms = Atoms(
        [symbols[k - 1] for k in kinds],
        positions,
        cell=box.vectors,
        pbc=box.periodic,
        celldisp=box.origin,
    )
    set_moments(atoms, moments_of(file, ids[order], rows[:, 5:8], rows[:, 8]))
    if "Velocities" in tables:
        table = tables["Velocities"]
        if set(table[:, 0].astype(int)) != set(ids):
            raise ValueError(f"{file.path}: Velocities and Atoms have different ids")
        atoms.set_velocities(VELOCITY * table[np.argsort(table[:, 0]), 1:])
    return atoms


def data_text(atoms, species=None):
    """Return the text of a data file; see :func:`write_lammps_spin`."""
    species = tuple(dict.fromkeys(atoms.symbols)) if species is None else tuple(species)
    missing = set(atoms.symbols) - set(species)
    if missing:
        raise ValueError(f"species {species} lack {', '.join(sorted(missing))} of the atoms")
    box, rotation = Box.of(atoms)
    lines = [
        "LAMMPS data file, units metal, atom style spin, moments in Bohr magnetons (ase_mag)",
        "",
        f"{len(atoms)} atoms",
        f"{len(species)} atom types",
        "",
        *(f"{digits(*pair)} {k}lo {k}hi" for k, pair in zip("xyz", box.limits, strict=True)),
    ]
    if box.tilts.any():
        lines.append(f"{digits(*box.tilts)} xy xz yz")
    lines += ["", "Masses", ""]
    lines += [
        f"{k} {digits(atomic_masses[atomic_numbers[s]])} # {s}" for k, s in enumerate(species, 1)
    ]
    lines += ["", "Atoms # spin", ""]
    directions, sizes = spins(get_moments(atoms) @ rotation)
    columns = zip(atoms.symbols, atoms.positions @ rotation, directions, sizes, strict=True)
    lines += [
        f"{k} {species.index(symbol) + 1} {digits(*position, *direction, size)}"
        for k, (symbol, position, direction, size) in enumerate(columns, 1)
    ]
    if atoms.has("momenta"):
        velocities = atoms.get_velocities() @ rotation / VELOCITY
        lines += ["", "Velocities", ""]
        lines += [f"{k} {digits(*velocity)}" for k, velocity in enumerate(velocities, 1)]
    return "\n".join(lines) + "\n"


def digits(*numbers):
    """Return numbers as text that reads back as the same numbers."""
    return " ".join(f"{x:.17g}" for x in numbers)


def spins(moments):
    """Return unit vectors (z without a moment), (n, 3), and sizes, (n,)."""
    sizes = np.linalg.norm(moments, axis=1)
    safe = np.where(sizes > 0, sizes, 1.0)[:, None]
    return np.where(sizes[:, None] > 0, moments / safe, _NO_MOMENT), sizes


def moments_of(file, ids, directions, sizes):
    """Return sizes times unit vectors along ``directions`` (LAMMPS scales them too), (n, 3)."""
    lengths = np.linalg.norm(directions, axis=1)
    bad = np.flatnonzero((lengths == 0) & (sizes != 0))
    if len(bad):
        raise ValueError(f"{file.path}: the spin of atom {ids[bad[0]]} has no direction")
    return (sizes / np.where(lengths > 0, lengths, 1.0))[:, None] * directions
