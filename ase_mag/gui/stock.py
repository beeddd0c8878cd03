"""The menu Moments in the stock program ``ase gui``."""

import sys


def extend():
    """Let windows of ``ase gui`` be those of :class:`ase_mag.gui.viewer.MagneticGUI`.

    ASE executes ``~/.ase/gui.py``, which calls this, when it reads the frames, and again when it
    makes the window; both calls, and any more, have the effect of one. Windows are not imported
    before ASE does, so that ``ase gui --terminal`` works without tkinter. A window becomes one of
    ``ase_mag`` when it asks for its menu, the first thing that it does.
    """
    from ase.gui.images import Images

    from ase_mag.gui.images import MagneticImages

    Images.repeat_results = MagneticImages.repeat_results  # ase gui --repeat comes before windows
    stock = sys.modules.get("ase.gui.gui")
    if stock is None or hasattr(stock.GUI, "stock_menu_data"):
        return
    stock.GUI.stock_menu_data = stock.GUI.get_menu_data
    stock.GUI.get_menu_data = _menu_data


def _menu_data(gui):
    """Return the menus; a window of the stock program gets those of ``ase_mag``."""
    from ase.gui.gui import GUI
    from ase.gui.images import Images

    if type(gui) is GUI and type(gui.images) is Images:
        from ase_mag.gui.images import MagneticImages
        from ase_mag.gui.viewer import MagneticGUI

        gui.__class__ = MagneticGUI
        gui.images.__class__ = MagneticImages
        return gui.get_menu_data()
    return gui.stock_menu_data()
