"""The picture of the viewer as a file, with arrows and legend."""

from ase_mag.core.extras import require

SUFFIXES = (".png", ".pdf", ".svg", ".eps")


def write_picture(canvas, size, path):
    """Draw all items of a canvas again with matplotlib and write them to a file.

    Parameters
    ----------
    canvas : tkinter.Canvas
    size : two numbers, pixels.
    path : str or Path, .png, .pdf, .svg or .eps.
    """
    figure_module = require("matplotlib.figure", extra="plot")
    width, height = (float(value) for value in size)
    figure = figure_module.Figure(figsize=(width / 100, height / 100), dpi=200)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    axes.axis("off")
    for order, item in enumerate(canvas.find_all()):
        drawn = _DRAWN[canvas.type(item)](canvas, item, axes)
        drawn.set_zorder(order)
    figure.savefig(path, facecolor=canvas["background"])


def _points(pixels):
    """Return pixels of the canvas as points of matplotlib, at 100 pixels per inch."""
    return 0.72 * float(pixels)


def _color(canvas, item, option):
    return canvas.itemcget(item, option) or "none"


def _patch(make):
    def draw(canvas, item, axes):
        patch = make(require("matplotlib.patches", extra="plot"), canvas.coords(item))
        patch.set(facecolor=_color(canvas, item, "fill"), clip_on=False)
        patch.set(edgecolor=_color(canvas, item, "outline"))
        patch.set(linewidth=_points(canvas.itemcget(item, "width")))
        return axes.add_patch(patch)

    return draw


def _line(canvas, item, axes):
    x0, y0, x1, y1 = canvas.coords(item)
    color, width = _color(canvas, item, "fill"), _points(canvas.itemcget(item, "width"))
    dashed = (0, (4, 4)) if canvas.itemcget(item, "dash") else "solid"
    (line,) = axes.plot([x0, x1], [y0, y1], color=color, lw=width, ls=dashed)
    line.set_solid_capstyle("butt")
    return line


def _text(canvas, item, axes):
    x, y = canvas.coords(item)
    anchor = canvas.itemcget(item, "anchor")
    horizontal = "right" if "e" in anchor else "left" if "w" in anchor else "center"
    vertical = "bottom" if "s" in anchor else "top" if "n" in anchor else "center"
    text = canvas.itemcget(item, "text").replace("$", r"\$")
    return axes.text(
        x, y, text, ha=horizontal, va=vertical, color=_color(canvas, item, "fill"), fontsize=8
    )


_DRAWN = {
    "oval": _patch(
        lambda patches, c: patches.Ellipse(
            ((c[0] + c[2]) / 2, (c[1] + c[3]) / 2), c[2] - c[0], c[3] - c[1]
        )
    ),
    "arc": _patch(
        lambda patches, c: patches.Ellipse(
            ((c[0] + c[2]) / 2, (c[1] + c[3]) / 2), c[2] - c[0], c[3] - c[1]
        )
    ),
    "rectangle": _patch(
        lambda patches, c: patches.Rectangle((c[0], c[1]), c[2] - c[0], c[3] - c[1])
    ),
    "polygon": _patch(lambda patches, c: patches.Polygon(list(zip(c[::2], c[1::2], strict=True)))),
    "line": _line,
    "text": _text,
}
