"""The window that chooses colors."""

from ase.gui import ui

from ase_mag.gui import quantities
from ase_mag.gui.colors import MAPS

#: The choice that leaves colors to the stock program.
STOCK = "element (stock colors)"


class ColorWindow:
    """Quantity, color map, and range of the colors of the viewer."""

    def __init__(self, gui):
        self.gui = gui
        self.window = ui.Window("Colors of moments")
        found = quantities.available(gui.atoms)
        self.names = [None, *found]
        labels = [STOCK, *(quantity.title for quantity in found.values())]
        self.quantity = ui.ComboBox(labels, self.names, self.choose)
        self.window.add(["Quantity", self.quantity])
        self.map = ui.ComboBox(["automatic", *MAPS], [None, *MAPS], self.choose_map)
        self.window.add(["Color map", self.map])
        self.range = ui.RadioButtons(
            ["all frames", "this frame", "fixed:"], ["all", "frame", "fixed"], self.choose_range
        )
        self.window.add(["Range", self.range])
        low, high = gui.color_range() if gui.quantity else (0.0, 1.0)
        self.low = ui.SpinBox(low, -1e6, 1e6, 0.1, self.fix, rounding=4, width=10)
        self.high = ui.SpinBox(high, -1e6, 1e6, 0.1, self.fix, rounding=4, width=10)
        self.window.add(["from", self.low, "to", self.high])
        self.window.add(ui.Button("Other colors of ASE ...", self.stock))
        if gui.quantity is not None and gui.quantity.name in found:
            self.quantity.widget.current(self.names.index(gui.quantity.name))
        self.range.value = gui.range_mode

    def choose(self, name):
        """Color by the quantity ``name``; None: by element."""
        self.gui.color_by(name, self.map.value)
        self._show_range()

    def choose_map(self, name):
        """Use the color map ``name`` of matplotlib; None: the one that suits the quantity."""
        self.gui.color_by(self.quantity.value, name)

    def choose_range(self, mode):
        """Let colors span all frames, the present frame, or what stands in the window."""
        if mode == "fixed":
            self.fix()
        else:
            self.gui.set_color_range(mode)
            self._show_range()

    def fix(self):
        """Let colors span the two numbers in the window."""
        self.range.value = "fixed"
        self.gui.set_color_range((float(self.low.value), float(self.high.value)))

    def stock(self):
        """Open the color window of the stock program."""
        self.window.close()
        self.gui.color_by(None)
        return self.gui.colors_window()

    def _show_range(self):
        if self.gui.quantity is not None:
            self.low.value, self.high.value = self.gui.color_range()


class ArrowWindow:
    """Lengths of the arrows, in angstrom per unit."""

    def __init__(self, gui):
        self.gui = gui
        self.window = ui.Window("Arrow lengths")
        self.boxes = {}
        for kind, unit in (("moments", "Å per μB"), ("fields", "Å per eV/μB")):
            value = round(gui.arrow_scale(kind), 4)
            self.boxes[kind] = ui.SpinBox(
                value, 0, 1e6, max(value / 10, 1e-4), self.change, rounding=4, width=10
            )
            self.window.add([f"{kind.capitalize()}:", self.boxes[kind], unit])
        self.window.add(ui.Button("Automatic", self.reset))

    def change(self):
        """Use the lengths in the window."""
        for kind, box in self.boxes.items():
            self.gui.set_arrow_scale(kind, float(box.value))

    def reset(self):
        """Let the longest arrow of all frames be about as long as a bond."""
        for kind, box in self.boxes.items():
            self.gui.set_arrow_scale(kind, None)
            box.value = round(self.gui.arrow_scale(kind), 4)
