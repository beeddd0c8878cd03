"""Reading and writing of LAMMPS data and dump files."""

from collections import deque
from itertools import islice
from pathlib import Path

from ase import Atoms

from ase_mag.core.durable import replacing
from ase_mag.io.lammps_spin.data import data_text, read_data
from ase_mag.io.lammps_spin.dump import dump_text, read_frames
from ase_mag.io.text_file import TextFile, TextStream


def read_lammps_spin(path, index=-1, *, species=None, columns=None, moment=None, pbc=True):
    """Read a data file (atom style spin) or a dump file (style custom) of LAMMPS with spins.

    Units metal; a moment is sp times the unit vector (spx, spy, spz), in mu_B. Atoms are sorted
    by their ids. Image flags of data files are added to the positions; velocities, and forces and
    masses (column ``mass``) of dumps, are read where they are.

    Parameters
    ----------
    path : path; a file whose first line begins with "ITEM:" is a dump.
    index : int or slice, of the frames of a dump.
    species : sequence of str, optional; chemical symbols of the types 1, 2, ... Default: the
        column ``element`` of a dump; type labels, comments or masses of a data file.
    columns : three or four str, optional; the columns of a dump with the directions and the
        sizes. Default: spx spy spz sp, or the one compute (``c_name[1]`` ...) whose values 1-3 or
        2-4 are unit vectors, with the size in the fourth or first.
    moment : float or dict from symbol to float, mu_B, for dumps without sizes.
    pbc : bool or three bool, for data files (dumps have their own).

    Returns
    -------
    ase.Atoms, or list of them for a slice; ``info['step']`` (and ``info['time_ps']``) of dumps.

    Raises
    ------
    ValueError
        For lines that cannot be understood, naming file and line; files that are cut off, other
        atom styles and units, and what is missing.
    IndexError
        If there is no such frame.
    """
    with Path(path).open(encoding="utf-8") as start:
        dump = start.readline().startswith("ITEM:")
    if not dump:
        return [read_data(TextFile(path), species, pbc)][index]
    with TextStream(path) as file:
        frames = read_frames(file, species, columns, moment)
        if isinstance(index, slice):
            return list(frames)[index]
        if index >= 0:
            found = list(islice(frames, index, index + 1))
        else:
            last = deque(frames, maxlen=-index)
            found = list(last)[:1] if len(last) == -index else []
    if not found:
        raise IndexError(f"{path} has no frame {index}")
    return found[0]


def write_lammps_spin(path, images, *, style=None, species=None):
    """Write a data file (atom style spin) or a dump file with spins, units metal.

    LAMMPS wants the first cell vector along x and the second in the plane of x and y: other cells
    are turned, with positions, velocities, forces and moments alike. All numbers are written so
    that they read back as the same numbers.

    Parameters
    ----------
    path : path
    images : ase.Atoms with moments, or sequence of them for a dump.
    style : ``"data"`` or ``"dump"``; default: data for ase.Atoms, dump for a sequence.
    species : sequence of str, optional; the elements of the types 1, 2, ... Default: in the order
        in which they appear.

    Raises
    ------
    ValueError
        For an unknown style, several images in a data file, species that lack an element, and
        cells that are left-handed.
    """
    single = isinstance(images, Atoms)
    style = ("data" if single else "dump") if style is None else style
    images = [images] if single else list(images)
    if style not in ("data", "dump"):
        raise ValueError(f"style must be 'data' or 'dump', got {style!r}")
    if style == "data" and len(images) != 1:
        raise ValueError(f"a data file holds one structure, got {len(images)}: use style='dump'")
    if style == "data":
        texts = [data_text(images[0], species)]
    else:
        if species is None:
            species = tuple(dict.fromkeys(s for atoms in images for s in atoms.symbols))
        texts = [dump_text(a, a.info.get("step", k), species) for k, a in enumerate(images)]
    with replacing(path) as temporary:
        temporary.write_text("".join(texts), encoding="utf-8")
