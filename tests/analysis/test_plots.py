"""Figures show the numbers they are given, with units on their axes."""

import sys

import numpy as np
import pytest

from ase_mag.analysis import plots

pytest.importorskip("matplotlib")
TIME = np.linspace(0.0, 10.0, 21)


def test_landscapes_show_every_curve_and_the_mean_of_all():
    rng = np.random.default_rng(1)
    a, b = rng.normal(-0.15, 0.02, 100), rng.normal(0.02, 0.001, 100)
    axes = plots.landscapes(a, b, largest=2.0, curves=7).axes[0]
    assert len([line for line in axes.lines if len(line.get_xdata()) == 200]) == 7 + 1
    m, mean = next(line for line in axes.lines if line.get_label() == "mean").get_data()
    np.testing.assert_allclose(mean, a.mean() * m**2 + b.mean() * m**4, rtol=1e-12)
    assert "eV" in axes.get_ylabel()
    assert "mu" in axes.get_xlabel()


def test_parity_writes_the_mean_absolute_errors():
    a, b = np.array([0.1, 0.2]), np.array([0.01, 0.03])
    left, right = plots.parity(a, a + [0.01, -0.03], b, b + 0.002).axes
    assert "0.02" in left.get_title()
    assert "0.002" in right.get_title()
    assert left.get_xlim() == left.get_ylim()


def test_moments_show_the_size_of_the_mean_and_the_mean_of_the_sizes():
    magnetization = np.tile([0.3, 0.0, 0.4], (21, 1))
    sizes = np.tile([2.0, 2.4], (21, 1))
    axes = plots.moments(TIME, magnetization, sizes).axes[0]
    np.testing.assert_allclose([line.get_ydata()[3] for line in axes.lines], [2.2, 0.5])


@pytest.mark.parametrize("plot", [plots.pressure, plots.mean_square_displacement])
def test_series_show_each_run_and_its_cumulative_average(plot):
    values = {"one": np.arange(21.0), "two": np.ones(21)}
    axes = plot(TIME, values).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["one", "two"]
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.5 * np.arange(21.0))
    assert axes.get_xlabel() == "time (fs)"


def test_histogram_is_a_density():
    sizes = np.random.default_rng(2).normal(2.0, 0.2, (50, 54))
    axes = plots.moment_histogram(sizes).axes[0]
    area = sum(patch.get_height() * patch.get_width() for patch in axes.patches)
    assert area == pytest.approx(1.0, rel=1e-9)


def test_axes_come_row_by_row():
    def draw(*axes):
        for number, panel in enumerate(axes):
            panel.set_title(str(number))

    figure = plots.make(draw, columns=3, rows=2, width=2.0, height=1.5)
    assert [panel.get_title() for panel in figure.axes] == list("012345")
    assert [panel.get_subplotspec().rowspan.start for panel in figure.axes] == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(figure.get_size_inches(), [6.0, 3.0])


def test_small_pictures_have_a_palette_that_keeps_every_color(tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(3)
    values = {str(k): rng.normal(k, 0.1, 21) for k in range(6)}
    figure = plots.pressure(TIME, values)
    figure.savefig(tmp_path / "full.png", dpi=120)
    plots.save(figure, tmp_path / "small.png")
    assert (tmp_path / "small.png").stat().st_size < 0.5 * (tmp_path / "full.png").stat().st_size
    full, small = (image_module.open(tmp_path / f"{name}.png") for name in ("full", "small"))
    assert small.mode == "P" and small.size == full.size
    off = np.array(full.convert("RGB"), int) - np.array(small.convert("RGB"), int)
    assert np.abs(off).max() < 32


def test_figures_are_written_without_a_display(tmp_path):
    path = tmp_path / "figure.png"
    plots.moment_histogram([1.0, 2.0, 2.5]).savefig(path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_without_matplotlib_the_message_names_the_extra(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install \"ase-mag\[plot\]\""):
        plots.moment_histogram([1.0])


def test_timings_show_shares_and_milliseconds_per_step():
    axes = plots.timings({"forces": 3.0, "spins": 1.0}, steps=500).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["spins", "forces"]
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], [2.0, 6.0])
    assert [text.get_text().strip() for text in axes.texts] == ["25%", "75%"]
    assert axes.get_xlabel() == "time per step (ms)"
    assert plots.timings({"forces": 3.0}).axes[0].get_xlabel() == "time (s)"
