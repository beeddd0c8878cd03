"""Scalars to colors."""

import matplotlib
import numpy as np
import pytest

from ase_mag.gui.colors import WHITE, colors_of, palette


def test_palettes_are_those_of_matplotlib():
    colors = palette("viridis", 5)
    expected = [matplotlib.colors.rgb2hex(matplotlib.colormaps["viridis"](k / 4)) for k in range(5)]
    assert colors == expected and len(set(colors)) == 5
    with pytest.raises(ValueError, match="the color map 'rainbowdash' is unknown: try viridis"):
        palette("rainbowdash")


def test_equal_parts_of_the_range():
    scale = list("abcd")
    values = [0.0, 0.49, 0.51, 1.5, 2.0, -7.0, 9.0, np.nan]
    assert "".join(colors_of(values, 0.0, 2.0, scale)) == "aabddad" + WHITE
    # against the edges of numpy's histogram
    random = np.random.default_rng(0).uniform(-3, 5, size=500)
    counts = np.histogram(random, bins=4, range=(-3, 5))[0]
    found = colors_of(random, -3, 5, scale)
    assert [found.count(color) for color in scale] == counts.tolist()


def test_a_range_without_width_has_the_middle_color():
    assert colors_of([2.0, np.nan], 2.0, 2.0, list("abc")) == ["b", WHITE]
    assert colors_of([], 0.0, 1.0, list("abc")) == []
