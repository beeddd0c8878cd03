"""What colors and arrows mean, drawn into the picture."""

_BAR_WIDTH, _BAR_HEIGHT, _MARGIN = 14, 150, 12


def number(value):
    """Return a number as text with three digits."""
    return f"{0.0 if abs(value) < 1e-12 else value:.3g}"


def draw_scale(canvas, right, top, title, low, high, scale):
    """Draw a color scale with its ends and its middle.

    Parameters
    ----------
    canvas : tkinter.Canvas
    right, top : int, pixels, the corner of the picture.
    title : str, the quantity with its unit.
    low, high : float, values at the ends.
    scale : list of colors.
    """
    x1, x0 = right - _MARGIN, right - _MARGIN - _BAR_WIDTH
    y0 = top + _MARGIN + 20
    y1 = y0 + _BAR_HEIGHT
    _text(canvas, x1, y0 - 16, title, "e")
    step = _BAR_HEIGHT / len(scale)
    for index, color in enumerate(scale):
        bottom = y1 - index * step
        canvas.create_rectangle(
            x0, bottom - step, x1, bottom, fill=color, outline="", tags="legend"
        )
    canvas.create_rectangle(x0, y0, x1, y1, outline="black", tags="legend")
    for share in (0.0, 0.5, 1.0):
        y = y1 - share * _BAR_HEIGHT
        canvas.create_line(x0 - 4, y, x0, y, tags="legend")
        _text(canvas, x0 - 7, y, number(low + share * (high - low)), "e")


def draw_arrow_key(canvas, top, label, color, width):
    """Draw one line of the key of arrows at the left; returns the y below it."""
    y, x = top + _MARGIN, _MARGIN
    head = ((x + 18, y - 6), (x + 30, y), (x + 18, y + 6))
    canvas.create_line(x, y, x + 20, y, fill=color, width=width, tags="legend")
    canvas.create_polygon(*head, fill=color, outline="", tags="legend")
    _text(canvas, x + 36, y, label, "w")
    return y + 8


def _text(canvas, x, y, text, anchor):
    """Write text on a light ground, so that it can be read above atoms."""
    item = canvas.create_text(x, y, text=text, anchor=anchor, fill="black", tags="legend")
    x0, y0, x1, y1 = canvas.bbox(item)
    ground = canvas.create_rectangle(
        x0 - 1, y0, x1 + 1, y1, fill=canvas["background"], outline="", tags="legend"
    )
    canvas.tag_lower(ground, item)
