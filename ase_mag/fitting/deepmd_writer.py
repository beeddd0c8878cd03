"""Data sets as folders of DeePMD-kit with spins."""

from pathlib import Path

import numpy as np
from ase.stress import voigt_6_to_full_3x3_stress

from ase_mag.core import get_moments
from ase_mag.fitting.readers import read

#: Name of the file of each label.
_LABELS = {"energy": "energy", "forces": "force", "stress": "virial", "magforces": "force_mag"}


def write_deepmd(folder, source, *, frames_per_set=None):
    """Write frames with moments and labels as a folder of DeePMD-kit (``type.raw``, ``set.*``).

    energy eV, coord and box angstrom, force eV/angstrom, virial = -volume x stress eV, spin mu_B,
    force_mag = -dE/dM in eV/mu_B, 64-bit numbers. Frames with the same atoms in the same order
    and the same boundaries make one system; several systems become folders ``system.000``,
    ``system.001``, ... inside, which :func:`read` takes together.

    In this format a species whose moments are zero in all frames of a system has no spin: its
    magnetic forces are written as zeros, and count as not known when they are read.

    Parameters
    ----------
    folder : path, made if needed.
    source : Dataset, or what :func:`read` takes.
    frames_per_set : int, optional; default: all frames of a system in ``set.000``.

    Raises
    ------
    FileExistsError
        If there are files of this format in the folder.
    ValueError
        If some frames of a system have a label and others do not, labels are not known (NaN) for
        atoms with spins, or boundaries are periodic in one or two directions.
    """
    folder = Path(folder)
    if frames_per_set is not None and frames_per_set < 1:
        raise ValueError(f"frames_per_set must be a positive number, got {frames_per_set}")
    found = [*folder.glob("type*.raw"), *folder.glob("set.*"), *folder.glob("system.*")]
    if found:
        raise FileExistsError(f"{folder} holds {found[0].name}: give an empty folder")
    systems = {}
    for frame in read(source, duplicates="keep"):
        pbc = frame.atoms.pbc
        if pbc.any() != pbc.all():
            raise ValueError(
                f"{frame.where} is periodic in some directions only; DeePMD-kit knows all or none"
            )
        systems.setdefault((tuple(frame.atoms.symbols), bool(pbc.all())), []).append(frame)
    species = tuple(dict.fromkeys(s for symbols, _ in systems for s in symbols))
    written = []
    for (symbols, periodic), frames in systems.items():
        written.append((symbols, periodic, len(frames), _arrays(frames, np.array(symbols))))
    for k, (symbols, periodic, count, arrays) in enumerate(written):
        path = folder if len(written) == 1 else folder / f"system.{k:03d}"
        path.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{species.index(symbol)}\n" for symbol in symbols)
        (path / "type.raw").write_text(lines, encoding="utf-8")
        (path / "type_map.raw").write_text("\n".join(species) + "\n", encoding="utf-8")
        if not periodic:
            (path / "nopbc").touch()
        size = frames_per_set or count
        for number, start in enumerate(range(0, count, size)):
            place = path / f"set.{number:03d}"
            place.mkdir()
            for name, array in arrays.items():
                np.save(place / f"{name}.npy", array[start : start + size])


def _arrays(frames, symbols):
    """Return {name: (frames, columns) array} of a system."""
    moments = np.array([get_moments(frame.atoms) for frame in frames])
    moving = np.isin(symbols, symbols[(moments != 0).any(axis=(0, 2))])
    arrays = {
        "coord": np.array([frame.atoms.positions.ravel() for frame in frames]),
        "box": np.array([frame.atoms.cell.array.ravel() for frame in frames]),
        "spin": moments.reshape(len(frames), -1),
    }
    for label, name in _LABELS.items():
        have = [frame.has(label) for frame in frames]
        if not any(have):
            continue
        if not all(have):
            lacking = frames[have.index(False)]
            raise ValueError(
                f"{lacking.where} has no {label}, but other frames of its system do: DeePMD-kit "
                "wants all or none; remove the label (Dataset.without) or the frame"
            )
        values = np.array([_value(frame, label, moving) for frame in frames])
        bad = np.flatnonzero(np.isnan(values.reshape(len(frames), -1)).any(axis=1))
        if len(bad):
            raise ValueError(
                f"{frames[bad[0]].where}: {label} is not known (NaN) for some atoms, which "
                "DeePMD-kit cannot store"
            )
        arrays[name] = values.reshape(len(frames), -1) if label != "energy" else values
    return arrays


def _value(frame, label, moving):
    value = np.array(frame.labels[label], dtype=float)
    if label == "stress":
        return -frame.volume * voigt_6_to_full_3x3_stress(value)
    if label == "magforces":
        value[~moving] = 0.0
    return value
