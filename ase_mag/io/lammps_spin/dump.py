"""Dump files of LAMMPS (style custom) with spins."""

import re

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers

from ase_mag.core import get_moments, set_moments
from ase_mag.io.lammps_spin.box import Box
from ase_mag.io.lammps_spin.data import VELOCITY, digits, moments_of, spins

_POSITIONS = (("x", "y", "z"), ("xu", "yu", "zu"), ("xs", "ys", "zs"), ("xsu", "ysu", "zsu"))


def read_frames(file, species, columns, moment):
    """Yield the frames of a dump file, ase.Atoms; see :func:`read_lammps_spin`."""
    while not file.ended():
        frame = {}
        while "ATOMS" not in frame:
            line = file.next_filled("a frame")
            if not line.startswith("ITEM: "):
                raise file.error(f"expected a line 'ITEM: ...', got {line!r}")
            _item(file, line[6:], frame)
        yield _atoms(file, frame, species, columns, moment)


def _item(file, line, frame):
    """Read one item of a frame."""
    words = line.split()
    if line == "TIMESTEP":
        frame["step"] = file.whole(file.next("the time step"), "the time step")
    elif line == "NUMBER OF ATOMS":
        frame["count"] = file.whole(file.next("the number of atoms"), "the number of atoms")
    elif words[:2] == ["BOX", "BOUNDS"]:
        frame["box"] = _box(file, words[2:])
    elif line == "TIME":
        frame["time"] = float(file.numbers(file.next("the time").split(), 1, "the time")[0])
    elif line == "UNITS":
        style = file.next("the units")
        if style != "metal":
            raise file.error(f"units are {style!r}; spins of LAMMPS are in units metal")
    elif words[0] == "ATOMS":
        missing = [name for name in ("step", "count", "box") if name not in frame]
        if missing:
            raise file.error(f"ITEM: ATOMS before the items for {', '.join(missing)}")
        frame["ATOMS"], frame["line"] = words[1:], file.place
        what = f"the rest of {frame['count']} atoms"
        frame["rows"] = [file.next(what).split() for _ in range(frame["count"])]
        for k, row in enumerate(frame["rows"]):
            if len(row) != len(frame["ATOMS"]):
                file.place = frame["line"] + k + 1
                raise file.error(
                    f"an atom needs {len(frame['ATOMS'])} columns ({' '.join(frame['ATOMS'])}), "
                    f"got {len(row)}: {' '.join(row)!r}"
                )
    else:
        raise file.error(f"the item {line!r} is not known")


def _box(file, words):
    flags = [word for word in words if re.fullmatch("[pfsm]{2}", word)]
    periodic = [flag == "pp" for flag in flags] if len(flags) == 3 else [True] * 3
    general = words[:2] == ["abc", "origin"]
    tilted = words[:3] == ["xy", "xz", "yz"]
    count = 4 if general else 3 if tilted else 2
    rows = np.array(
        [file.numbers(file.next("the box").split(), count, "a line of the box") for _ in range(3)]
    )
    if general:
        return Box(rows[:, :3], rows[:, 3], periodic)
    return Box.from_limits(rows[:, :2], rows[:, 2] if tilted else np.zeros(3), periodic, tilted)


def _atoms(file, frame, species, columns, moment):
    table = _Table(file, frame)
    order = np.argsort(table["id"]) if "id" in table else slice(None)
    if "id" in table and len(set(table["id"])) != frame["count"]:
        raise file.error(f"step {frame['step']} has an id twice")
    symbols = _symbols(table, species)
    for names in _POSITIONS:
        if all(name in table for name in names):
            positions = table.columns(names)
            break
    else:
        raise table.lacks("positions (x y z, xu yu zu, xs ys zs or xsu ysu zsu)")
    box = frame["box"]
    if "s" in names[0]:
        positions = box.origin + positions @ box.vectors
    atoms = Atoms(symbols, positions, cell=box.vectors, pbc=box.periodic, celldisp=box.origin)
    set_moments(atoms, _moments(table, columns, moment, symbols))
    if "mass" in table:
        atoms.set_masses(table["mass"])
    if all(name in table for name in ("vx", "vy", "vz")):
        atoms.set_velocities(VELOCITY * table.columns(("vx", "vy", "vz")))
    atoms = atoms[order]
    atoms.set_celldisp(box.origin)
    atoms.info["step"] = frame["step"]
    if "time" in frame:
        atoms.info["time_ps"] = frame["time"]
    if all(name in table for name in ("fx", "fy", "fz")):
        forces = table.columns(("fx", "fy", "fz"))[order]
        atoms.calc = SinglePointCalculator(atoms, forces=forces)
    return atoms


class _Table:
    """The columns of a frame by name."""

    def __init__(self, file, frame):
        self.file, self.names, self.step = file, frame["ATOMS"], frame["step"]
        self.rows, self.first = frame["rows"], frame["line"]

    def __contains__(self, name):
        return name in self.names

    def text(self, name):
        k = self.names.index(name)
        return [row[k] for row in self.rows]

    def __getitem__(self, name):
        column = self.names.index(name)
        try:
            values = np.array([float(row[column]) for row in self.rows])
        except ValueError:
            values = np.array([np.nan])
        if not np.isfinite(values).all():
            for k, text in enumerate(self.text(name)):
                self.file.place = self.first + k + 1
                self.file.numbers([text], 1, f"column {name}")
        return values

    def columns(self, names):
        return np.column_stack([self[name] for name in names])

    def lacks(self, what):
        self.file.place = self.first
        return self.file.error(f"the dump has no {what}, its columns are {' '.join(self.names)}")


def _symbols(table, species):
    if "element" in table and species is None:
        symbols = table.text("element")
        unknown = set(symbols) - set(atomic_numbers)
        if unknown:
            raise table.lacks(f"chemical symbols in column element, but {sorted(unknown)}")
        return symbols
    if "type" not in table:
        raise table.lacks("column element or type")
    kinds = table["type"].astype(int)
    if species is None:
        raise table.lacks(
            "column element: give species=('Fe', ...), the chemical symbols of the types 1, 2, ..."
        )
    species = (species,) if isinstance(species, str) else tuple(species)
    if kinds.min(initial=1) < 1 or kinds.max(initial=1) > len(species):
        raise table.lacks(f"symbol for type {kinds.max(initial=1)} in species {species}")
    return [species[k - 1] for k in kinds]


def _moments(table, columns, moment, symbols):
    """Return the moments, (n, 3), mu_B."""
    names = _spin_columns(table) if columns is None else tuple(columns)
    lost = [name for name in names if name not in table]
    if len(names) not in (3, 4) or lost:
        raise table.lacks(f"columns {' '.join(names)} (three of directions, one of sizes)")
    directions = table.columns(names[:3])
    ids = table["id"].astype(int) if "id" in table else np.arange(1, len(symbols) + 1)
    if len(names) == 4:
        return moments_of(table.file, ids, directions, table[names[3]])
    if moment is None:
        raise table.lacks("sizes of moments (sp): give moment=2.2 or moment={'Fe': 2.2, ...}")
    sizes = moment if isinstance(moment, dict) else dict.fromkeys(symbols, moment)
    lost = set(symbols) - set(sizes)
    if lost:
        raise ValueError(f"moment has no size for {', '.join(sorted(lost))}")
    sizes = np.array([sizes[symbol] for symbol in symbols], dtype=float)
    return moments_of(table.file, ids, directions, sizes)


def _spin_columns(table):
    """Return the names of the columns of directions and sizes."""
    if all(name in table for name in ("spx", "spy", "spz")):
        return ("spx", "spy", "spz", "sp")[: 3 + ("sp" in table)]
    found = {}
    for name in table.names:
        match = re.fullmatch(r"(c_\w+)\[(\d+)\]", name)
        if match:
            found.setdefault(match[1], set()).add(int(match[2]))
    orders = []
    for name, numbers in found.items():
        for order in ((1, 2, 3, 4), (2, 3, 4, 1)):
            if numbers >= set(order):
                columns = tuple(f"{name}[{k}]" for k in order)
                lengths = np.linalg.norm(table.columns(columns[:3]), axis=1)
                if (np.abs(lengths - 1) < 1e-3).all():
                    orders.append(columns)
    if len(orders) != 1:
        raise table.lacks(
            "spx spy spz, and its computes hold unit vectors in "
            + ("no place" if not orders else f"{len(orders)} places")
            + ": name the columns, columns=('c_outsp[1]', 'c_outsp[2]', 'c_outsp[3]', 'c_outsp[4]')"
        )
    return orders[0]


def dump_text(atoms, step, species=None):
    """Return the text of one frame; see :func:`write_lammps_spin`."""
    species = tuple(dict.fromkeys(atoms.symbols)) if species is None else tuple(species)
    box, rotation = Box.of(atoms)
    flags = " ".join("pp" if p else "ff" for p in atoms.pbc)
    lines = ["ITEM: TIMESTEP", str(int(step)), "ITEM: NUMBER OF ATOMS", str(len(atoms))]
    if box.tilts.any():
        rows = np.column_stack([box.bounds(), box.tilts])
        lines.append(f"ITEM: BOX BOUNDS xy xz yz {flags}")
    else:
        rows = box.limits
        lines.append(f"ITEM: BOX BOUNDS {flags}")
    lines += [digits(*row) for row in rows]
    names = ["id", "type", "element", "xu", "yu", "zu", "spx", "spy", "spz", "sp"]
    directions, sizes = spins(get_moments(atoms) @ rotation)
    table = [atoms.positions @ rotation, directions, sizes[:, None]]
    if atoms.has("masses"):
        names.append("mass")
        table.append(atoms.get_masses()[:, None])
    if atoms.has("momenta"):
        names += ["vx", "vy", "vz"]
        table.append(atoms.get_velocities() @ rotation / VELOCITY)
    if atoms.calc is not None and not atoms.calc.calculation_required(atoms, ["forces"]):
        names += ["fx", "fy", "fz"]
        table.append(atoms.get_forces(apply_constraint=False) @ rotation)
    lines.append(f"ITEM: ATOMS {' '.join(names)}")
    rows = zip(atoms.symbols, np.hstack(table), strict=True)
    lines += [
        f"{k} {species.index(s) + 1} {s} {digits(*row)}" for k, (s, row) in enumerate(rows, 1)
    ]
    return "\n".join(lines) + "\n"
