"""Scalars to colors."""

import numpy as np

from ase_mag.core.extras import require

#: Colors of atoms that have no value.
WHITE = "#ffffff"
#: Steps of a color scale.
STEPS = 64
#: Color maps of matplotlib that are offered; the first two are used where none is chosen.
SEQUENTIAL, DIVERGING = "viridis", "coolwarm"
MAPS = (SEQUENTIAL, DIVERGING, "cividis", "plasma", "RdBu_r", "Spectral_r", "twilight", "Greys")


def palette(name, steps=STEPS):
    """Return ``steps`` colors of a color map of matplotlib from its low to its high end, '#rrggbb'.

    Raises
    ------
    ValueError
        For a name that matplotlib does not know.
    """
    matplotlib = require("matplotlib", extra="plot")
    colors = require("matplotlib.colors", extra="plot")
    if name not in matplotlib.colormaps:
        raise ValueError(f"the color map {name!r} is unknown: try {', '.join(MAPS)}")
    return [colors.rgb2hex(color) for color in matplotlib.colormaps[name](np.linspace(0, 1, steps))]


def colors_of(values, low, high, scale):
    """Return one color per value, a list of '#rrggbb'.

    The interval from ``low`` to ``high`` is divided into as many equal parts as ``scale`` has
    colors; values beyond its ends take the colors of the ends, and nan is white. The middle color
    stands for a range without width.

    Parameters
    ----------
    values : (N,) float array.
    low, high : float
    scale : list of '#rrggbb'.
    """
    values = np.asarray(values, dtype=float)
    defined = np.isfinite(values)
    if high > low:
        steps = np.floor((np.where(defined, values, low) - low) / (high - low) * len(scale))
        steps = np.clip(steps, 0, len(scale) - 1).astype(int)
    else:
        steps = np.full(len(values), len(scale) // 2)
    return [scale[step] if ok else WHITE for step, ok in zip(steps, defined, strict=True)]
