"""What ``ase gui`` lacks for moments: colors, arrows, graphs, and a view of a running job.

Importing this package opens no window and needs no tkinter.
"""

from ase_mag.gui.quantities import Quantity, available, value_range
from ase_mag.gui.startup import install, uninstall

__all__ = ["Quantity", "available", "install", "uninstall", "value_range", "view", "view_ase_mag"]


def view(images, *, color="size", arrows=("moments",), rotations="", repeat=None):
    """Open the viewer on frames and wait until it is closed.

    Parameters
    ----------
    images : Atoms or list of Atoms; calculators that are attached give effective fields. What is
        changed in the window is a copy.
    color : str, a quantity (:func:`available`), or None for the colors of elements.
    arrows : kinds of arrows, 'moments' and 'fields'.
    rotations : str, as in ``ase gui --rotations``, for example '-70x,20y'.
    repeat : three int, copies of the cell, or None.

    Raises
    ------
    ImportError
        Without tkinter; it names the system package.
    RuntimeError
        Without a display.
    ValueError
        For a quantity that the frames do not have.
    """
    from ase import Atoms

    from ase_mag.gui.display import require_display

    require_display()
    from ase_mag.gui.images import MagneticImages
    from ase_mag.gui.viewer import open_viewer

    images = [images] if isinstance(images, Atoms) else list(images)
    frames = MagneticImages([atoms.copy() for atoms in images])
    for shown, atoms in zip(frames, images, strict=True):
        shown.calc = atoms.calc
    if repeat is not None:
        frames.repeat_images(repeat)
    gui = open_viewer(frames, rotations)
    gui.show_arrows(*arrows)
    gui.color_by(color)
    gui.run()


def view_ase_mag(atoms, data=None, repeat=None, **options):
    """Show frames for ``ase.visualize.view(atoms, viewer='ase_mag')``; options of :func:`view`.

    Raises
    ------
    ValueError
        For ``data``, which this viewer does not show, and as :func:`view`.
    """
    if data is not None:
        raise ValueError("the viewer ase_mag shows no volumetric data: give data=None")
    view(atoms, repeat=repeat, **options)
