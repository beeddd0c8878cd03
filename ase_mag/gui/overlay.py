"""What the viewer draws above the atoms of ASE: arrows and legend."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ase_mag.gui import arrows
from ase_mag.gui.frames import fields_of, moments_of
from ase_mag.gui.legend import draw_arrow_key, draw_scale, number


@dataclass(frozen=True)
class Kind:
    """A kind of arrows.

    Attributes
    ----------
    vectors : function of ``Atoms`` that returns (N, 3) vectors or None.
    unit, color : str
    width : float, angstrom, of the shaft.
    """

    vectors: Callable
    unit: str
    color: str
    width: float


KINDS = {
    "moments": Kind(moments_of, "μB", "#111111", 0.14),
    "fields": Kind(fields_of, "eV/μB", "#E8601C", 0.07),
}


def draw_arrows(gui):
    """Draw the arrows that are shown, each half at its depth among the atoms."""
    kinds = [name for name in KINDS if gui.shows(name)]
    if not kinds or not len(gui.atoms):
        return
    axes = gui.scale * gui.axes * (1, -1, 1)  # as in ase.gui.view.View.draw
    offset = np.dot(gui.center, axes)
    offset[:2] -= 0.5 * gui.window.size
    centers = gui.X_pos @ axes - offset
    visible = gui.images.visible[: len(gui.atoms)]
    circles = spheres(gui, centers[:, 2], visible)
    for name in kinds:
        kind = KINDS[name]
        vectors = kind.vectors(gui.atoms)
        if vectors is not None:
            vectors = gui.arrow_scale(name) * vectors @ axes
            width = max(1.5, min(kind.width * gui.scale, 9.0))
            arrows.draw(gui.window.canvas, centers, vectors, circles, visible, kind.color, width)


def spheres(gui, depths, visible):
    """Return depth and canvas item of the atoms from far to near.

    None where ASE draws more than one circle per atom (partly occupied or moving ones).
    """
    canvas = gui.window.canvas
    order = [atom for atom in gui.indices if atom < len(depths) and visible[atom]]
    items = [item for item in canvas.find_all() if canvas.type(item) == "oval"]
    if len(items) != len(order):
        return None
    return [(depths[atom], item) for atom, item in zip(order, items, strict=True)]


def draw_legend(gui):
    """Draw the color scale at the right and the key of arrows at the left."""
    canvas, y = gui.window.canvas, 0
    if gui.quantity is not None:
        right, ends = int(gui.window.size[0]), gui.color_range()
        draw_scale(canvas, right, 0, gui.quantity.title, *ends, gui.color_scale)
    for name, kind in KINDS.items():
        if gui.shows(name):
            per_angstrom = number(1 / max(gui.arrow_scale(name), 1e-9))
            label = f"{name}: {per_angstrom} {kind.unit} per Å"
            y = draw_arrow_key(canvas, y, label, kind.color, 4)
