"""The window: colors, arrows, clicks, Repeat, Save, Modify and graphs, as a user has them."""

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import ase_mag.gui
from ase_mag.gui import colors, quantities
from ase_mag.gui.frames import fields_of, moments_of


def click(gui, atom):
    """Click on the middle of an atom."""
    canvas = gui.window.canvas
    x, y = (round(float(value)) for value in gui.P[atom])
    canvas.event_generate("<ButtonPress-1>", x=x, y=y, time=1)
    canvas.event_generate("<ButtonRelease-1>", x=x, y=y, time=2)
    return gui.window.status["text"]


def invoke(gui, *labels):
    """Choose from the menus; versions of ASE differ in capital letters."""
    menu = gui.window.win.nametowidget(gui.window.win["menu"])
    for label in labels:
        entries = [k for k in range(menu.index("end") + 1) if menu.type(k) != "separator"]
        (found,) = (k for k in entries if label_of(menu, k).lower() == label.lower())
        if label is not labels[-1]:
            menu = gui.window.win.nametowidget(menu.entrycget(found, "menu"))
    menu.invoke(found)
    gui.window.win.update()


def label_of(menu, index):
    return "" if menu.type(index) == "tearoff" else menu.entrycget(index, "label")


def fills(gui, kind="oval"):
    canvas = gui.window.canvas
    return [canvas.itemcget(i, "fill") for i in canvas.find_all() if canvas.type(i) == kind]


def texts(gui):
    canvas = gui.window.canvas
    return [canvas.itemcget(i, "text") for i in canvas.find_all() if canvas.type(i) == "text"]


NAMES = ["size", "mx", "mz", "angle", "field", "torque", "energy", "pressure", "force"]


@pytest.mark.parametrize("name", NAMES)
def test_colors_are_those_of_the_values(open_gui, make_frames, name):
    frames = make_frames(2)
    gui = open_gui(frames)
    gui.color_by(name)
    gui.set_frame(0)
    quantity = quantities.BUILT_IN[name]
    low, high = quantities.value_range(frames, quantity)
    assert gui.color_range() == (low, high)
    scale = colors.palette("coolwarm" if quantity.signed else "viridis")
    expected = colors.colors_of(quantity.values(frames[0]), low, high, scale)
    order = [atom for atom in gui.indices if atom < 2]
    assert fills(gui) == [expected[atom] for atom in order]
    gui.set_color_range("frame")
    assert gui.color_range() == quantities.value_range(frames[:1], quantity)
    assert quantity.title in texts(gui)


def test_the_window_of_colors(open_gui, make_frames):
    frames = make_frames(2)
    for atoms in frames:
        atoms.set_array("site", np.arange(2.0))
    gui = open_gui(frames)
    window = gui.moment_colors_window()
    assert window.quantity.value == "size"
    window.quantity.widget.current(window.names.index("site"))
    window.choose(window.quantity.value)
    assert gui.quantity.name == "site" and len(set(fills(gui))) == 2
    assert (window.low.value, window.high.value) == (0.0, 1.0)
    window.map.widget.current(4)
    window.choose_map(window.map.value)
    assert set(fills(gui)) == set(colors.palette("plasma")[:: colors.STEPS - 1])
    window.low.value, window.high.value = 5.0, 7.0
    window.choose_range("fixed")
    assert gui.color_range() == (5.0, 7.0) and len(set(fills(gui))) == 1
    window.stock()
    assert gui.quantity is None


def test_the_stock_window_of_colors_works_for_vectors(open_gui, make_frames):
    gui = open_gui(make_frames(2))
    window = gui.colors_window()
    window.toggle("magmom")
    sizes = [np.linalg.norm(moments_of(atoms), axis=1) for atoms in gui.images]
    assert gui.colormode_data[1:] == (np.min(sizes), np.max(sizes))
    assert gui.quantity is None and len(fills(gui)) == 2
    gui.color_by("mz")
    window.toggle("jmol")  # and back
    assert gui.quantity is None


def test_menus_and_keys(open_gui, make_frames, errors):
    gui = open_gui(make_frames(2, n=2))
    arrows = gui.window.canvas.find_withtag
    assert len(arrows("moments")) == 16 * 4  # two halves, each with a border
    gui.window.win.focus_force()
    gui.window.win.update()
    gui.window.win.event_generate("<m>")
    assert not gui.shows("moments") and arrows("moments") == ()
    invoke(gui, "Moments", "Arrows of effective fields")
    assert gui.shows("fields") and len(arrows("moments")) == 16 * 4
    invoke(gui, "Moments", "Color by", "Mx (μB)")
    assert gui.quantity.name == "mx"
    invoke(gui, "Moments", "Color range", "This frame")
    assert gui.range_mode == "frame"
    invoke(gui, "Moments", "Legend")
    assert arrows("legend") == ()
    invoke(gui, "View", "Show labels", "Magnetic moments")
    moment = moments_of(gui.atoms)[3]
    assert f"{np.linalg.norm(moment):.2f}" in texts(gui)
    invoke(gui, "View", "Show labels", "Moment vectors")
    assert gui.get_labels()[3] == "{:.1f} {:.1f} {:.1f}".format(*(moment + 0.0))
    invoke(gui, "View", "Show labels", "Color values")
    assert float(gui.get_labels()[3]) == pytest.approx(moment[0], rel=5e-3)
    assert errors == []


def test_hidden_atoms_have_no_arrows(open_gui, make_frames):
    gui = open_gui(make_frames(1))
    gui.images.selected[0] = True
    gui.hide_selected()
    assert len(gui.window.canvas.find_withtag("moments")) == 4


def test_arrows_lie_at_their_depth_among_the_atoms(open_gui, make_frames):
    gui = open_gui(make_frames(1, n=2), rotations="-70x,20y")
    gui.show_arrows("moments", "fields")
    canvas, z = gui.window.canvas, gui.scale * (gui.atoms.positions @ gui.axes)[:, 2]
    counts, behind = {"#111111": [], "#E8601C": []}, 0
    for item in canvas.find_all():
        if canvas.type(item) == "oval":
            behind += 1
        elif canvas.itemcget(item, "fill") in counts and "moments" in canvas.gettags(item):
            counts[canvas.itemcget(item, "fill")].append(behind)
    for name, color in (("moments", "#111111"), ("fields", "#E8601C")):
        vectors = {"moments": moments_of, "fields": fields_of}[name](gui.atoms)
        half = 0.25 * gui.arrow_scale(name) * gui.scale * (vectors @ gui.axes)[:, 2]
        depths = np.sort(np.concatenate([z - half, z + half]))
        assert counts[color] == [(z <= depth).sum() for depth in depths]
        assert len(set(counts[color])) > 5


def test_lengths_of_arrows(open_gui, make_frames):
    frames = make_frames(2)
    gui = open_gui(frames)
    longest = max(np.linalg.norm(moments_of(atoms), axis=1).max() for atoms in frames)
    assert gui.arrow_scale("moments") == pytest.approx(1.7 * 1.32 / longest)
    window = gui.arrow_window()
    window.boxes["moments"].value = 0.25
    window.change()
    assert gui.arrow_scale("moments") == 0.25
    window.reset()
    assert gui.arrow_scale("moments") == pytest.approx(1.7 * 1.32 / longest)
    with pytest.raises(ValueError, match="length of arrows per unit is -1, but must be positive"):
        gui.set_arrow_scale("moments", -1)


def test_a_click_tells_the_moment(open_gui, make_frames):
    frames = make_frames(1)
    atoms = frames[0]
    gui = open_gui(frames, rotations="-80x,20y")
    ase_mag.set_moments(atoms, [[1, 2, 2], [0, 0, -3]])
    gui.set_frame()
    text = click(gui, 0)
    mean = np.array([0.5, 1, -0.5])
    angle = np.degrees(np.arccos(np.dot([1, 2, 2], mean) / 3 / np.linalg.norm(mean)))
    assert text.startswith("#0 Iron (Fe): 0.000, 0.000, 0.000 Å")
    assert "M = (1.000, 2.000, 2.000) μB   |M| = 3.000 μB" in text
    assert f"{angle:.1f}° to the mean" in text and "B =" not in text  # fields are of another state
    gui.set_selected_atoms([0, 1])
    assert gui.window.status["text"].endswith("131.8° between them")  # cos = -2/3
    gui.set_selected_atoms([])
    assert "|⟨M⟩| = 1.225 μB   ⟨|M|⟩ = 3.000 μB" in gui.window.status["text"]


def test_fields_are_told_too(open_gui, make_frames):
    gui = open_gui(make_frames(1), rotations="-80x,20y")
    size = np.linalg.norm(gui.atoms.calc.results["magforces"][1])
    assert f"|B| = {size:.3f} eV/μB" in click(gui, 1)


def test_repeat_and_save(open_gui, make_frames, tmp_path):
    frames = make_frames(2)
    expected = [atoms.calc.results["magmoms"] for atoms in frames]
    fields = [atoms.calc.results["magforces"] for atoms in frames]
    gui = open_gui(frames)
    window = gui.repeat_window()
    for box, count in zip(window.repeat, (2, 1, 3), strict=True):
        box.value = count
    window.change()
    assert len(gui.atoms) == 12
    assert np.array_equal(moments_of(gui.atoms), np.tile(expected[1], (6, 1)))
    assert len(gui.window.canvas.find_withtag("moments")) == 12 * 4
    window.change()  # once more, from the repeated state
    window.set_unit_cell()
    name = str(tmp_path / "a.traj")
    gui.save(filename=name + "@:")
    for atoms, moments, field in zip(ase.io.read(name, ":"), expected, fields, strict=True):
        assert np.array_equal(atoms.arrays["initial_magmoms"], np.tile(moments, (6, 1)))
        assert np.array_equal(atoms.calc.results["magmoms"], np.tile(moments, (6, 1)))
        assert np.array_equal(atoms.calc.results["magforces"], np.tile(field, (6, 1)))
        assert atoms.get_potential_energy() == pytest.approx(-8 * 12)
        assert np.allclose(atoms.cell.lengths(), [5.74, 2.87, 8.61])
    gui.save(filename=str(tmp_path / "b.extxyz"))
    one = ase.io.read(tmp_path / "b.extxyz", ":")
    assert len(one) == 1 and np.allclose(one[0].calc.results["magmoms"], moments_of(gui.atoms))
    with pytest.raises(ValueError, match=r"b.vasp holds one frame, but 2 are selected"):
        gui.save(filename=str(tmp_path / "b.vasp@:"))
    with pytest.raises(ValueError, match="selects none of the 2 frames"):
        gui.save(filename=name + "@7")


def test_saving_from_the_menu_tells_what_is_wrong(open_gui, make_frames, errors, monkeypatch):
    gui = open_gui(make_frames(2))
    monkeypatch.setattr("ase_mag.gui.viewer.ask_filename", lambda window: "/nowhere/a.traj")
    invoke(gui, "File", "Save")
    assert len(errors) == 1 and "No such file or directory" in errors[0]


SLOW = [pytest.param(suffix, marks=pytest.mark.slow) for suffix in ("pdf", "eps")]


@pytest.mark.parametrize("suffix", ["png", "svg", *SLOW])
def test_pictures_have_arrows(open_gui, make_frames, tmp_path, suffix):
    gui = open_gui(make_frames(1))
    sizes = {}
    for kinds in (["moments"], []):
        gui.show_arrows(*kinds)
        path = tmp_path / f"a{len(kinds)}.{suffix}"
        gui.save(filename=str(path))
        sizes[len(kinds)] = path.stat().st_size
    if suffix != "png":
        assert sizes[1] > sizes[0] + 300 > 1000
    else:
        from matplotlib.image import imread

        images = [np.rint(255 * imread(tmp_path / f"a{k}.png")[..., :3]) for k in (0, 1)]
        arrows = [(image == 0x11).all(axis=2).sum() for image in images]
        assert arrows[1] > arrows[0] + 2000


def test_modify(open_gui, make_frames, errors):
    gui = open_gui(make_frames(2))
    gui.modify_atoms()
    assert errors == [None] or "No atoms selected" in str(errors)
    errors.clear()
    click(gui, 1)
    before = moments_of(gui.atoms)
    window = gui.modify_atoms()
    assert [box.value for box in window.components] == before[1].round(4).tolist()
    for box, value in zip(window.components, (0.0, 1.5, -2.0), strict=True):
        box.value = value
    window.set_moment()
    assert np.array_equal(moments_of(gui.atoms), [before[0], [0, 1.5, -2]])
    assert "|M| = 2.500 μB" in gui.window.status["text"]
    window.size.value = 5.0
    window.set_size()
    window.flip()
    assert np.allclose(moments_of(gui.atoms), [before[0], [0, -3, 4]])
    gui.undo_history()
    assert np.allclose(moments_of(gui.atoms), [before[0], [0, 3, -4]])
    window.size.value = -1
    window.set_size()
    assert errors == ["the size of a moment is -1.0 mu_B, but must not be negative"]


def test_other_files_and_atoms(open_gui, make_frames, tmp_path):
    gui = open_gui(make_frames(3))
    gui.movie_window.close()
    gui.set_frame(0)  # without its slider
    gui.color_by("size")
    gui.add_atoms_and_select(bulk("Fe"))  # 2.3 mu_B, collinear
    assert np.array_equal(moments_of(gui.atoms)[2], [0, 0, 2.3])
    sizes = [np.linalg.norm(moments_of(atoms), axis=1).max() for atoms in gui.images]
    assert gui.color_range()[1] == max(sizes)
    other = make_frames(1, n=2, seed=5)
    ase.io.write(tmp_path / "b.traj", other)
    graph = gui.graph("magnetization")
    gui.follow(tmp_path / "b.traj")
    gui.open(filename=str(tmp_path / "b.traj"))
    expected = np.linalg.norm(other[0].calc.results["magmoms"], axis=1)
    assert gui.color_range() == (expected.min(), expected.max())
    assert len(graph.axes.lines[0].get_xdata()) == 1
    gui.look_for_frames()  # another file is shown now
    assert len(gui.images) == 1
    gui.quick_info_window()


def test_graphs_follow_the_frames(open_gui, make_frames, errors):
    gui = open_gui(make_frames(4))
    magnetization, histogram, temperature = (
        gui.graph(name) for name in ("magnetization", "histogram", "temperature")
    )
    lines = {line.get_label(): line.get_ydata() for line in magnetization.axes.lines}
    means = np.array([moments_of(atoms).mean(axis=0) for atoms in gui.images])
    assert np.allclose(lines[r"$\langle M_y \rangle$"], means[:, 1])
    assert np.allclose(lines[r"$|\langle M \rangle|$"], np.linalg.norm(means, axis=1))
    assert temperature.axes.lines[0].get_ydata().tolist() == [100, 150, 200, 250]
    gui.set_frame(1)
    assert magnetization._line.get_xdata() == [1, 1]
    assert "frame 1: mean" in histogram.axes.get_legend().get_texts()[1].get_text()
    histogram.groups.value = "temperature"
    histogram.redraw()
    labels = [text.get_text() for text in histogram.axes.get_legend().get_texts()]
    assert [label.split(":")[0] for label in labels] == ["125 K", "200 K", "250 K"]
    assert histogram.axes.get_legend().get_title().get_text() == "spin temperature"
    for window in (magnetization, histogram, temperature):
        window.close()
    assert gui.graph_windows == [] and errors == []


def test_what_frames_without_moments_cannot_do(open_gui, errors):
    gui = open_gui([bulk("Cu", cubic=True)])
    assert gui.quantity is None and not gui.shows("moments")
    invoke(gui, "Moments", "Color by", "|M| (μB)")
    assert "atoms cannot be colored by 'size': the frame has nothing" in errors.pop()
    invoke(gui, "Moments", "Graphs", "Magnetization")
    assert errors.pop() == "the frames have no moments"
    invoke(gui, "Moments", "Arrows of effective fields")
    assert "The frame has no magforces" in errors.pop() and not gui.shows("fields")
    assert "Copper" in click(gui, 2)  # the status line of ASE
    gui = open_gui([bulk("Fe")])
    invoke(gui, "Moments", "Graphs", "Spin temperature")
    assert "no frame has a spin temperature" in errors.pop() and gui.graph_windows == []


def test_frames_of_different_sizes_and_kinds(open_gui, make_frames):
    collinear = bulk("Fe", cubic=True)
    collinear.set_initial_magnetic_moments([2.0, -1.0])
    frames = [Atoms(pbc=True), *make_frames(1), bulk("Cu"), *make_frames(1, n=2), collinear]
    gui = open_gui(frames)
    for frame, items in enumerate(
        (0, 8, 0, 64, 4)
    ):  # along z, arrows of collinear moments are dots
        gui.set_frame(frame)
        assert len(gui.window.canvas.find_withtag("moments")) == items
        assert len(fills(gui)) == len(gui.atoms)
    gui.set_frame(2)
    assert fills(gui) == [colors.WHITE]
    gui.graph("histogram")
    gui.set_frame(4)
    assert gui.get_colors(rgb=True)[0] != gui.get_colors(rgb=True)[1]


def test_the_screen_shows_arrows_and_colors(open_gui, make_frames, pixels):
    gui = open_gui(make_frames(1, n=2), rotations="-70x,20y")
    gui.window["toggle-legend"] = False
    gui.draw()
    with_both = pixels(gui)
    shown = set(fills(gui))
    assert len(shown) > 8 and all(with_both[color] > 30 for color in shown)
    assert with_both["#111111"] > 500  # arrows
    gui.show_arrows()
    assert pixels(gui)["#111111"] == 0
    gui.show_arrows("fields")
    assert pixels(gui)["#e8601c"] > 200
    gui.color_by(None)
    plain, iron = pixels(gui), gui.colors[26].lower()
    assert not any(plain[color] for color in shown) and plain[iron] > 1000
