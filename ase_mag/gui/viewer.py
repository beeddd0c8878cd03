"""The viewer: ``ase gui`` with colors, arrows and graphs of vector moments."""

from pathlib import Path

import numpy as np
from ase.gui import ui
from ase.gui.gui import GUI

from ase_mag.gui import arrows, colors, overlay, quantities, series
from ase_mag.gui.color_window import ArrowWindow, ColorWindow
from ase_mag.gui.follow import Follower
from ase_mag.gui.frames import appendable, fields_of, moments_of
from ase_mag.gui.graphs import GRAPHS
from ase_mag.gui.images import MagneticImages
from ase_mag.gui.legend import number
from ase_mag.gui.menu import with_moments
from ase_mag.gui.modify import ModifyMoments
from ase_mag.gui.overlay import KINDS
from ase_mag.gui.picture import SUFFIXES, write_picture
from ase_mag.gui.save import ask_filename, save_frames
from ase_mag.gui.status import status_text

#: Spheres are drawn smaller while there are arrows.
_SMALLER = 0.36


class MagneticGUI(GUI):
    """``ase.gui.gui.GUI`` for vector moments.

    Parameters
    ----------
    images : list of Atoms, or :class:`MagneticImages`.
    rotations : str, as in ``ase gui --rotations``.
    show_bonds, expr : as in ASE; no graph is opened at the start unless ``expr`` is given.
    """

    def __init__(self, images=None, rotations="", show_bonds=False, expr=""):
        if not isinstance(images, MagneticImages):
            images = MagneticImages(images)
        super().__init__(images, rotations, show_bonds, expr)

    def prepare(self):
        """Set what belongs to this class; ASE asks for the menu before anything else."""
        self.quantity = None
        self.range_mode = "all"
        self.graph_windows = []
        #: Colors from low to high values.
        self.color_scale = None
        self._fixed_range = (0.0, 1.0)
        self._range = {}
        self._arrow_scales = {}
        self._followed = None
        #: Called with every new frame of a followed file.
        self.new_frame = lambda atoms: None

    def get_menu_data(self):
        self.prepare()
        return with_moments(super().get_menu_data(), self)

    # Colors

    @property
    def colormode(self):
        """The way in which the stock program colors; setting it ends coloring by a quantity."""
        return self._colormode

    @colormode.setter
    def colormode(self, mode):
        self._colormode = mode
        self.quantity = None

    def color_by(self, name, color_map=None):
        """Color atoms by a quantity of :mod:`ase_mag.gui.quantities`.

        Parameters
        ----------
        name : str, or None for the colors of the stock program.
        color_map : str, of matplotlib; None: one that suits the quantity.

        Raises
        ------
        ValueError
            For a quantity that the present frame does not have, or an unknown color map.
        """
        quantity = None if name is None else quantities.find(self.atoms, name)
        if quantity is not None:
            suits = colors.DIVERGING if quantity.signed else colors.SEQUENTIAL
            self.color_scale = colors.palette(color_map or suits)
        self.quantity = quantity
        if self.range_mode == "fixed":
            self.range_mode = "all"
        self.draw()

    def set_color_range(self, mode):
        """Let colors span 'all' frames, the present 'frame', or (low, high)."""
        if mode in ("all", "frame"):
            self.range_mode = mode
        else:
            self.range_mode, self._fixed_range = "fixed", tuple(mode)
        self.draw()

    def color_range(self):
        """Return the values at the ends of the color scale, (low, high)."""
        if self.range_mode == "fixed":
            return self._fixed_range
        if self.range_mode == "frame":
            return quantities.value_range([self.atoms], self.quantity)
        if self.quantity.name not in self._range:
            self._range[self.quantity.name] = quantities.value_range(self.images, self.quantity)
        return self._range[self.quantity.name]

    def get_colors(self, rgb=False):
        if rgb or self.quantity is None:
            return super().get_colors(rgb)
        values = self.quantity.values(self.atoms)
        values = np.full(len(self.atoms), np.nan) if values is None else values
        return colors.colors_of(values, *self.color_range(), self.color_scale)

    def get_color_scalars(self, frame=None):
        if self.colormode != "magmom":
            return super().get_color_scalars(frame)
        atoms = self.atoms if frame is None else self.images[frame]
        moments = moments_of(atoms)
        if moments is None:
            return np.zeros(len(atoms))
        collinear = not moments[:, :2].any()
        return moments[:, 2] if collinear else quantities.sizes(moments)

    def moment_colors_window(self):
        """Open the window that chooses quantity, color map and range."""
        return ColorWindow(self)

    # Arrows

    def shows(self, kind):
        """Return whether arrows of 'moments' or 'fields' are shown."""
        return bool(self.window[f"toggle-arrows-of-{kind}"])

    def show_arrows(self, *kinds):
        """Show arrows of these kinds ('moments', 'fields') and no others."""
        for kind in KINDS:
            self.window[f"toggle-arrows-of-{kind}"] = kind in kinds
        self.draw()

    def toggle_arrows_of_moments(self, key=None):
        """Show or hide arrows of the moments."""
        self.draw()

    def toggle_arrows_of_fields(self, key=None):
        """Show or hide arrows of the effective fields."""
        if self.shows("fields") and fields_of(self.atoms) is None:
            self.window["toggle-arrows-of-fields"] = False
            ui.error(
                "Effective fields",
                "The frame has no magforces (-dE/dM): write them with a calculator of ase_mag, or "
                "start ase-mag gui --model NAME.",
            )
        self.draw()

    def toggle_legend(self, key=None):
        """Show or hide the legend."""
        self.draw()

    def arrow_scale(self, kind):
        """Return the length of arrows in angstrom per mu_B, or per eV/mu_B for 'fields'."""
        if kind not in self._arrow_scales:
            self._arrow_scales[kind] = self._natural_scale(kind)
        return self._arrow_scales[kind]

    def set_arrow_scale(self, kind, scale):
        """Set :meth:`arrow_scale`; None: the longest arrow is about as long as a bond.

        The longest is that of all frames for moments, and of the present frame for fields.
        """
        self._arrow_scales.pop(kind, None)
        if scale is not None:
            if not (np.isfinite(scale) and scale >= 0):
                raise ValueError(f"the length of arrows per unit is {scale}, but must be positive")
            self._arrow_scales[kind] = scale
        self.draw()

    def arrow_window(self):
        """Open the window for the lengths of arrows."""
        return ArrowWindow(self)

    def _natural_scale(self, kind):
        frames = [self.atoms] if kind == "fields" else self.images
        found = [quantities.sizes(KINDS[kind].vectors(atoms)) for atoms in frames]
        found = [values.max(initial=0.0) for values in found if values is not None]
        longest = max(found, default=0.0)
        length = arrows.natural_length(self.images.covalent_radii[self.atoms.numbers])
        factor = self.config["magmom_vector_scale"] if kind == "moments" else 1.0
        return factor * length / longest if longest > 0 else 1.0

    def get_covalent_radii(self, atoms=None):
        radii = super().get_covalent_radii(atoms)
        drawn = atoms is None and any(self.shows(kind) for kind in KINDS)
        return _SMALLER * radii if drawn else radii

    # Drawing

    def draw(self, status=True):
        self.window.update = self._finish  # called by ASE when all atoms are drawn
        super().draw(status=False)
        if status:
            self.show_status()

    def _finish(self):
        overlay.draw_arrows(self)
        if self.window["toggle-legend"]:
            overlay.draw_legend(self)
        self.window.canvas.update_idletasks()

    def show_status(self):
        """Write the status line."""
        indices = np.flatnonzero(self.images.selected[: len(self.atoms)])
        text = status_text(self.atoms, indices)
        if text is None:
            self.status.status(self.atoms)
        else:
            self.window.update_status_line(text)

    def get_labels(self):
        index = self.window["show-labels"]
        moments = moments_of(self.atoms) if index in (2, 5) else None
        if moments is not None and index == 2:
            return [f"{size:.2f}" for size in quantities.sizes(moments)]
        if moments is not None:
            return ["{:.1f} {:.1f} {:.1f}".format(*(moment + 0.0)) for moment in moments]
        if index == 6 and self.quantity is not None:
            values = self.quantity.values(self.atoms)
            return None if values is None else [number(value) for value in values]
        return super().get_labels() if index < 5 else None

    # Frames

    def set_frame(self, frame=None, focus=False):
        if self.movie_window is not None and not self.movie_window.win.exists:
            self.movie_window = None  # ASE would move its slider
        super().set_frame(frame, focus)
        for window in list(self.graph_windows):
            window.frame_changed()

    def open(self, button=None, filename=None):
        before = self.images.filenames
        self._range.clear()
        super().open(button, filename)
        if self.images.filenames is not before:
            self._followed = None
            self.images.history.initialize_history()
            self.moments_changed()

    def update_history(self, mask=None):
        super().update_history(mask)
        self.moments_changed()

    def undo_history(self, key=None):
        self._range.clear()
        super().undo_history(key)
        self.moments_changed()

    def redo_history(self, key=None):
        self._range.clear()
        super().redo_history(key)
        self.moments_changed()

    def add_atoms_and_select(self, new_atoms):
        self._range.clear()
        super().add_atoms_and_select(appendable(self.atoms, new_atoms))
        self.moments_changed()

    def moments_changed(self):
        """Forget what was computed from the frames, and draw the graphs again."""
        self._range.clear()
        for window in list(self.graph_windows):
            window.redraw()

    def graph(self, name):
        """Open a graph: 'magnetization', 'histogram' or 'temperature'; returns its window.

        Raises
        ------
        ValueError
            If the frames do not have what is drawn.
        """
        if not self.images.has_moments():
            raise ValueError("the frames have no moments")
        window = GRAPHS[name](self)
        self.graph_windows.append(window)
        return window

    def modify_atoms(self, key=None):
        return ModifyMoments(self)

    def save(self, key=None, filename=None):
        """Save frames with moments, or the picture with arrows (png, pdf, svg, eps)."""
        filename = filename or ask_filename(self.window.win)
        if filename and Path(filename.partition("@")[0]).suffix in SUFFIXES:
            write_picture(self.window.canvas, self.window.size, filename)
        elif filename:
            save_frames(self.images, self.frame, filename)

    def save_window(self, key=None):
        """Ask for a name and save; errors in a window."""
        return self.try_to(self.save)

    def try_to(self, function, *arguments, **options):
        """Call a function; what the input does not allow is shown in a window."""
        try:
            return function(*arguments, **options)
        except (ValueError, OSError, ImportError) as error:
            ui.error("ase-mag gui", str(error))
            return None

    def frame_times(self):
        """Return the times of the frames, fs, or None where the files do not know them."""
        step = series.time_between(self.images.filenames)
        return None if step is None else step * np.arange(len(self.images))

    # A running job

    def follow(self, path, seconds=2.0):
        """Show frames that are added to ``path`` from now on, looked for every ``seconds``."""
        self._followed, self._followed_name = Follower(path, len(self.images)), str(path)
        self.repeat_poll(self.look_for_frames, int(1000 * seconds), ensure_update=False)

    def look_for_frames(self, gui=None):
        """Add new frames of the followed file; at the last frame the viewer goes on with them."""
        if self._followed is None:
            return
        frames = self._followed.new_frames()
        if self._followed.problem:
            self.window.update_status_line(f"{self._followed_name}: {self._followed.problem}")
        if not frames:
            return
        first = self._followed.seen - len(frames)
        names = [f"{self._followed_name}@{first + k}" for k in range(len(frames))]
        for atoms in frames:
            self.new_frame(atoms)
        at_the_end = self.frame == len(self.images) - 1
        if self._followed.restarted:
            repeat = self.images.repeat
            self.images.initialize(frames, names)
            if (repeat > 1).any():
                self.images.repeat_images(repeat)
            self.images.history.initialize_history()
            at_the_end = True
        else:
            self.images.extend(frames, names)
        if self.movie_window is not None and self.movie_window.win.exists:
            self.movie_window.frame_number.scale.configure(to=len(self.images) - 1)
        self.frame = len(self.images) - 1 if at_the_end else self.frame
        self.moments_changed()
        self.set_frame()


def open_viewer(images, rotations=""):
    """Return a viewer with arrows, colored by the size of the moments.

    Parameters
    ----------
    images : :class:`MagneticImages` or list of Atoms.
    rotations : str
    """
    gui = MagneticGUI(images, rotations)
    if moments_of(gui.atoms) is not None:
        gui.show_arrows("moments")
        gui.color_by("size")
    gui.focus()
    return gui
