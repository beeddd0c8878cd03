"""Saving frames with vector moments."""

from pathlib import Path

import ase.io
from ase.gui import ui
from ase.io.formats import filetype, get_ioformat, parse_filename, string2index

_HELP = """\
Frames: name.traj or name.extxyz saves this frame, name.traj@: all of them, name.traj@-1 the last.
Moments, magnetic forces and all other results are kept where the format can.
Picture with arrows: name.png, name.pdf, name.svg, name.eps"""


def ask_filename(window):
    """Ask the user for a name; returns a str or None."""
    dialog = ui.SaveFileDialog(window, "Save ...")
    ui.Text(_HELP).pack(dialog.top)
    return dialog.go()


def save_frames(images, frame, filename):
    """Write frames to a file of ASE.

    Parameters
    ----------
    images : :class:`ase_mag.gui.images.MagneticImages`
    frame : int, written if the name has no index.
    filename : str, ``name`` or ``name@index``.

    Raises
    ------
    ValueError
        For an index that selects nothing, several frames in a format of one, or what the format
        refuses.
    """
    name, index = parse_filename(filename)
    index = string2index(index) if isinstance(index, str) else index
    numbers = range(len(images))
    try:
        chosen = [frame] if index is None else numbers[index]
    except IndexError:
        chosen = []
    chosen = [chosen] if isinstance(chosen, int) else list(chosen)
    if not chosen:
        raise ValueError(f"{filename} selects none of the {len(images)} frames")
    if len(chosen) > 1 and get_ioformat(filetype(name, read=False)).single:
        raise ValueError(
            f"{Path(name).name} holds one frame, but {len(chosen)} are selected: save each alone, "
            "or choose another format (traj, extxyz)"
        )
    ase.io.write(name, [images.get_atoms(number) for number in chosen])
