"""The window Modify for vector moments."""

from functools import partial

import numpy as np
from ase.gui import ui
from ase.gui.i18n import _
from ase.gui.widgets import Element

from ase_mag.gui.frames import change_moments, moments_of


class ModifyMoments:
    """Element, tag and vector moment of the selected atoms."""

    def __init__(self, gui):
        self.gui = gui
        mask = self.mask()
        if not mask.any():
            ui.error(_("No atoms selected!"))
            return
        atoms = gui.atoms
        win = self.window = ui.Window(_("Modify"))
        element = Element(callback=self.set_element)
        win.add(element)
        win.add(ui.Button(_("Change element"), partial(self.set_element, element)))
        symbols = set(atoms.symbols[mask])
        if len(symbols) == 1:
            element.symbol = symbols.pop()
        tags = atoms.get_tags()[mask]
        tag = int(tags[0]) if np.ptp(tags) == 0 else 0
        self.tag = ui.SpinBox(tag, -1000, 1000, 1, self.set_tag)
        win.add([_("Tag"), self.tag])

        moments = moments_of(atoms)
        mean = np.zeros(3) if moments is None else moments[mask].mean(axis=0)
        self.components = [
            ui.SpinBox(round(float(value), 4), -20, 20, 0.1, self.set_moment, width=9)
            for value in mean
        ]
        win.add(["Moment x, y, z (μB)", *self.components])
        size = 0.0 if moments is None else np.linalg.norm(moments[mask], axis=1).mean()
        self.size = ui.SpinBox(round(float(size), 4), 0, 20, 0.1, self.set_size, width=9)
        win.add(["Size |M| (μB), direction kept", self.size])
        win.add(ui.Button("Turn moments around", self.flip))

    def mask(self):
        """Return which atoms are selected, (N,) bool array."""
        return self.gui.images.selected[: len(self.gui.atoms)]

    def set_element(self, element):
        """Change the element of the selected atoms."""
        self.gui.atoms.numbers[self.mask()] = element.Z
        self._done()

    def set_tag(self):
        """Change the tags of the selected atoms."""
        tags = self.gui.atoms.get_tags()
        tags[self.mask()] = self.tag.value
        self.gui.atoms.set_tags(tags)
        self._done()

    def set_moment(self):
        """Give the selected atoms the vector in the window."""
        self._change(moment=[float(component.value) for component in self.components])

    def set_size(self):
        """Give the selected moments the size in the window."""
        self._change(size=float(self.size.value))

    def flip(self):
        """Turn the selected moments around."""
        self._change(flip=True)

    def _change(self, **how):
        try:
            change_moments(self.gui.atoms, self.mask(), **how)
        except ValueError as error:
            ui.error("Moments", str(error))
        else:
            self._done()

    def _done(self):
        self.gui.update_history()
        self.gui.draw()
