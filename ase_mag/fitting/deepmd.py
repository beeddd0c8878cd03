"""Folders of DeePMD-kit with spins (``type.raw``, ``type_map.raw``, ``set.*/*.npy``)."""

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

#: Name in ``atoms.info`` of the mask of atoms whose magnetic forces are not known.
UNLABELLED = "_unlabelled"
#: File, columns per atom (0: per frame), and whether every folder has it.
_FILES = {
    "coord": (3, True),
    "box": (0, True),
    "energy": (0, False),
    "force": (3, False),
    "virial": (0, False),
    "spin": (3, False),
    "force_mag": (3, False),
}


def is_deepmd(folder):
    """Return whether a path is a folder of this format."""
    return (Path(folder) / "type.raw").is_file()


def read_deepmd(folder):
    """Yield the frames of a folder as ase.Atoms with the names that :func:`read` looks for.

    energy eV, coord and box angstrom, force eV/angstrom, virial eV (the sign of -volume x stress),
    spin mu_B, force_mag -dE/dM in eV/mu_B. Species whose spins are zero in all frames carry no
    spin in this format: their magnetic forces are NaN (not known), not the zeros in the file.

    Raises
    ------
    ValueError
        For a missing or damaged file, arrays whose lengths disagree, and types without a symbol.
    """
    folder = Path(folder)
    symbols = _symbols(folder)
    n = len(symbols)
    sets = sorted(path for path in folder.glob("set.*") if path.is_dir())
    if not sets:
        raise ValueError(f"{folder} has a type.raw, but no folders set.000, set.001, ...")
    tables = [_arrays(path, n) for path in sets]
    periodic = not (folder / "nopbc").exists()
    spins = [table["spin"] for table in tables if "spin" in table]
    numbers = np.array([atomic_numbers[symbol] for symbol in symbols])
    moving = np.zeros(n, dtype=bool)
    for spin in spins:
        moving |= (spin.reshape(-1, n, 3) != 0).any(axis=(0, 2))
    silent = ~np.isin(numbers, numbers[moving])
    for table in tables:
        for k in range(len(table["coord"])):
            yield _frame(table, k, symbols, periodic, silent)


def _frame(table, k, symbols, periodic, silent):
    n = len(symbols)
    atoms = Atoms(
        symbols, table["coord"][k].reshape(n, 3), cell=table["box"][k].reshape(3, 3), pbc=periodic
    )
    if "energy" in table:
        atoms.info["REF_energy"] = float(table["energy"][k, 0])
    if "virial" in table:
        atoms.info["REF_virial"] = table["virial"][k].reshape(3, 3)
    if "force" in table:
        atoms.arrays["REF_forces"] = table["force"][k].reshape(n, 3).astype(float)
    if "spin" in table:
        atoms.arrays["REF_magmom"] = table["spin"][k].reshape(n, 3).astype(float)
    if "force_mag" in table:
        magforces = table["force_mag"][k].reshape(n, 3).astype(float)
        atoms.info[UNLABELLED] = silent
        atoms.arrays["REF_magforces"] = magforces
    return atoms


def _symbols(folder):
    try:
        types = np.loadtxt(folder / "type.raw", dtype=int, ndmin=1)
        names = (folder / "type_map.raw").read_text(encoding="utf-8").split()
    except FileNotFoundError as error:
        raise ValueError(
            f"{folder} has no {Path(error.filename).name}: write one symbol per line, in the order "
            "of the numbers in type.raw"
        ) from None
    unknown = [name for name in names if name not in atomic_numbers]
    if unknown or types.max(initial=-1) >= len(names) or types.min(initial=0) < 0:
        raise ValueError(
            f"{folder}: type.raw has the types {np.unique(types).tolist()}, type_map.raw the names "
            f"{', '.join(names)}: every type needs the symbol of an element"
        )
    return [names[t] for t in types]


def _arrays(folder, n):
    """Return the arrays of a set, (frames, columns)."""
    out = {}
    for name, (columns, needed) in _FILES.items():
        path = folder / f"{name}.npy"
        if not path.exists():
            if needed:
                raise ValueError(f"{folder} has no {path.name}")
            continue
        try:
            array = np.load(path, allow_pickle=False)
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        width = columns * n if columns else {"energy": 1}.get(name, 9)
        if array.size % width or not array.size:
            raise ValueError(f"{path} has shape {array.shape}, not (frames, {width})")
        out[name] = array.reshape(-1, width)
    counts = {name: len(array) for name, array in out.items()}
    if len(set(counts.values())) > 1:
        raise ValueError(f"the arrays in {folder} have different numbers of frames: {counts}")
    return out
