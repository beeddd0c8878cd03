"""The menu Moments, and what it changes in the menus of ASE."""

from functools import partial

from ase.gui.ui import MenuItem

from ase_mag.gui.quantities import BUILT_IN

TITLE = "M_oments"
#: Quantities in the menu; others are in the window of colors.
_IN_MENU = ("size", "mx", "my", "mz", "angle", "field", "torque")


def with_moments(menus, gui):
    """Return the menus of ASE with the menu Moments before the last one.

    Saving is that of vector moments, and atoms can be labelled with them.
    """
    for _, items in menus:
        for item in items:
            if item.callback is not None and _name(item) == "save":
                items[items.index(item)] = MenuItem("_Save", gui.save_window, "Ctrl+S")
            if item.choices and _name(item) == "show_labels":
                item.choices.extend(["Moment _vectors", "_Color values"])
    menus.insert(len(menus) - 1, (TITLE, _items(gui)))
    return menus


def _name(item):
    return getattr(item.callback, "__name__", "")


def _items(gui):
    M, tried, shown = MenuItem, partial(partial, gui.try_to), gui.config.get
    by = [M("_Element (stock colors)", tried(gui.color_by, None))]
    by += [M(BUILT_IN[name].title, tried(gui.color_by, name)) for name in _IN_MENU]
    graphs = [
        M("_Magnetization", tried(gui.graph, "magnetization")),
        M("_Histogram of |M|", tried(gui.graph, "histogram")),
        M("_Spin temperature", tried(gui.graph, "temperature")),
    ]
    scale = [
        M("_All frames", tried(gui.set_color_range, "all")),
        M("_This frame", tried(gui.set_color_range, "frame")),
    ]
    moments, fields = bool(shown("show_moments")), bool(shown("show_fields"))
    return [
        M("Arrows of _moments", gui.toggle_arrows_of_moments, "M", value=moments),
        M("Arrows of effective _fields", gui.toggle_arrows_of_fields, "B", value=fields),
        M("Arrow _lengths ...", gui.arrow_window),
        M("---"),
        M("_Color by", submenu=by),
        M("Color _range", submenu=scale),
        M("Colors _of moments ...", gui.moment_colors_window),
        M("Le_gend", gui.toggle_legend, value=True),
        M("---"),
        M("Gra_phs", submenu=graphs),
        M("Modify moments ...", gui.modify_atoms),
    ]
