"""What ``ase gui`` lacks for moments: colors, arrows, graphs, and a view of a running job.

Importing this package opens no window and needs no tkinter.
"""

from ase_mag.gui.quantities import Quantity, available, value_range
from ase_mag.gui.startup import install, uninstall

__all__ = ["Quantity", "available", "install", "uninstall", "value_range", "view"]


def view(images, *, color="size", arrows=("moments",), rotations=""):
    """Open the viewer on frames and wait until it is closed.

    Parameters
    ----------
    images : Atoms or list of Atoms; calculators that are attached give effective fields.
    color : str, a quantity (:func:`available`), or None for the colors of elements.
    arrows : kinds of arrows, 'moments' and 'fields'.
    rotations : str, as in ``ase gui --rotations``, for example '-70x,20y'.

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
    from ase_mag.gui.viewer import open_viewer

    gui = open_viewer([images] if isinstance(images, Atoms) else list(images), rotations)
    gui.show_arrows(*arrows)
    gui.color_by(color)
    gui.run()
