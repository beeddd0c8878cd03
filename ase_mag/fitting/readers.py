"""Reading frames with labels from whatever ASE reads, and from folders of DeePMD-kit."""

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import iread
from ase.io.formats import filetype, string2index

from ase_mag.fitting.dataset import Dataset
from ase_mag.fitting.deepmd import UNLABELLED, is_deepmd, read_deepmd
from ase_mag.fitting.keys import Reader
from ase_mag.io import read_database


def read(
    source,
    *,
    keys=None,
    moments="auto",
    nan="error",
    duplicates="error",
    groups=None,
    check_units=True,
    index=":",
):
    """Read frames with energies, forces, stresses, moments and magnetic forces.

    Labels are looked for under MACE's names (``REF_energy``, ``REF_forces``, ``REF_stress``,
    ``REF_virials``, ``REF_magmom``, ``REF_magforces``), then among the results of ASE's
    calculators. The energy is the free energy where both are known, since forces, stress and
    magnetic forces are its derivatives. A frame or an atom without a label is not fitted to it.

    The moments are the state at which a frame was computed: ``REF_magmom``, else the array
    ``target_magmoms``, else ``initial_magmoms``; collinear ones (N,) are along z. If the
    calculation also says which moments it ended with (``magmoms``) and these differ by more than
    0.01 mu_B, then without magnetic forces the initial moments were a guess, and those reached
    count; with magnetic forces it is an error, unless ``moments`` decides. Frames without any
    moments have zero moments.

    Parameters
    ----------
    source : path, ase.Atoms, Dataset, or an iterable of these
        A file that ``ase.io`` reads (extxyz, traj, ase.db, ...), the labelled file of a campaign,
        or a DeePMD folder with spins (or a folder of such folders). Outputs of VASP and ABINIT:
        ``fitting.read(reference.read_outputs(folder))``.
    keys : dict, optional
        From 'energy', 'forces', 'stress', 'virial', 'magforces', 'moments' to the name in
        ``atoms.info``, ``atoms.arrays`` or the calculator's results; None: leave this label out.
    moments : 'auto', 'initial' or 'results', see above.
    nan : 'error' or 'missing'; the latter does not fit numbers that are NaN.
    duplicates : 'error', 'drop' or 'keep', what to do with equal structures with equal moments.
        'drop' keeps the first, and refuses duplicates whose labels contradict each other. Equal
        is what differs by less than 1e-6 angstrom and mu_B, as after rounding by text files.
    groups : None, 'source', or a name in ``atoms.info`` (e.g. 'landscape'); frames of one group
        stay together in splits and folds. None: every frame is a group, with its repetitions.
    check_units : bool, whether values that are evidently in other units are errors.
    index : str, frames of a file, as in ``ase.io.read``.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For no frames, files that cannot be read, labels of a wrong shape or unit, NaN, duplicate
        frames, and the cases above; messages name file and frame.
    FileNotFoundError
        If a file does not exist.
    """
    if duplicates not in ("error", "drop", "keep"):
        raise ValueError(f"duplicates must be 'error', 'drop' or 'keep', got {duplicates!r}")
    reader = Reader(keys, moments, nan, check_units, groups)
    frames = list(_frames(source, reader, index))
    if not frames:
        raise ValueError(f"there are no frames in {source!r}")
    return Dataset(frames).without_duplicates(duplicates)


def _frames(source, reader, index):
    if isinstance(source, Dataset):
        yield from source
    elif isinstance(source, Atoms):
        yield _frame(reader, source, "memory", 0)
    elif isinstance(source, str | Path):
        yield from _from_path(Path(source), reader, index)
    else:
        try:
            items = iter(source)
        except TypeError:
            raise TypeError(
                f"frames are read from paths, ase.Atoms or iterables of them, not from "
                f"{type(source).__name__}"
            ) from None
        for place, item in enumerate(items):
            if isinstance(item, Atoms):
                yield _frame(reader, item, "memory", place)
            else:
                yield from _frames(item, reader, index)


def _from_path(path, reader, index):
    if path.is_dir():
        folders = [path] if is_deepmd(path) else sorted(f for f in path.iterdir() if is_deepmd(f))
        if not folders:
            raise ValueError(
                f"{path} is a folder, but not one of DeePMD-kit (it has no type.raw): give files, "
                "or reference.read_outputs(folder) for outputs of VASP and ABINIT"
            )
        for folder in folders:
            for place, atoms in enumerate(read_deepmd(folder)):
                yield _frame(reader, atoms, str(folder), place)
        return
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    place = -1
    frames = _opened(path, index)
    while True:
        try:
            atoms = next(frames)
        except StopIteration:
            return
        except Exception as error:
            raise ValueError(
                f"{path} cannot be read after {place + 1} frames: {type(error).__name__}: {error}"
            ) from error
        place += 1
        yield _frame(reader, atoms, str(path), place)


def _opened(path, index):
    """Yield the atoms of a file; those of databases with their ``data``."""
    if filetype(str(path)) not in ("db", "json", "postgresql", "mysql"):
        yield from iread(str(path), index=index)
        return
    rows = read_database(path)
    chosen = string2index(index) if isinstance(index, str) else index
    yield from rows[chosen] if isinstance(chosen, slice) else [rows[chosen]]


def _frame(reader, atoms, source, place):
    frame = reader.frame(atoms, source, place)
    silent = atoms.info.get(UNLABELLED)
    if silent is not None and "magforces" in frame.labels:
        frame.labels["magforces"][silent] = np.nan
    return frame
