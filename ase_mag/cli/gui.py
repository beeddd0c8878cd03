"""Show frames with moments: ase gui with colors, arrows of moments and fields, and graphs.

    ase-mag gui tc.traj                                 colors by |M|, arrows of the moments
    ase-mag gui tc.traj --color angle --arrows moments fields
    ase-mag gui tc.traj --live                          new frames of a running job appear
    ase-mag gui frames.extxyz@-10: --model FeHL-1       fields of a model for frames without
    ase-mag gui --install                               the menu Moments in the stock ase gui

Colors: size (|M|), mx, my, mz, angle (to the mean moment), field (|B|, B = -dE/dM), torque, energy
and pressure of sites, force, speed, charge, tag, and every array of numbers in the frames by its
name (name:x for a component). Keys in the window: M arrows of moments, B of fields; the menu
Moments has the rest. --install writes some lines to ~/.ase/gui.py, --uninstall removes them.
"""

from pathlib import Path

from ase.io.formats import parse_filename
from ase.utils import rotate

from ase_mag import MagneticCalculator, models
from ase_mag.cli.job import InputError, wrong_input
from ase_mag.gui import install, quantities, startup, uninstall
from ase_mag.gui.display import require_display
from ase_mag.gui.frames import fields_of, moments_of, result

SUMMARY = "a window with colors, arrows and graphs of moments"
#: Errors of readers of broken files, beside those that are wrong input everywhere.
_BROKEN = (IndexError, KeyError, StopIteration, SyntaxError, AttributeError)


def add_arguments(parser):
    """Add the arguments of ``ase-mag gui``."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="frames; FILE@SLICE takes some")
    parser.add_argument("--color", metavar="NAME", help="see above (default: size)")
    parser.add_argument(
        "--arrows", nargs="*", choices=["moments", "fields"], help="(default: moments)"
    )
    parser.add_argument(
        "--range", choices=["all", "frame"], default="all", help="frames that colors span"
    )
    parser.add_argument(
        "--graph",
        nargs="+",
        default=[],
        choices=["magnetization", "histogram", "temperature"],
        help="graphs to open at the start",
    )
    parser.add_argument("--rotations", default="", help="view, for example '-70x,20y'")
    parser.add_argument("--repeat", type=int, nargs=3, metavar="N", help="copies of the cell")
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="parameter set or saved model that gives fields to frames without magforces",
    )
    parser.add_argument("--live", action="store_true", help="show frames as they are written")
    parser.add_argument(
        "--poll", type=float, default=2.0, metavar="SECONDS", help="how often --live looks"
    )
    parser.add_argument("--install", action="store_true", help="add the menu to ase gui")
    parser.add_argument("--uninstall", action="store_true", help="remove it")


def run(arguments):
    """Open the window and wait until it is closed; or change ``~/.ase/gui.py``.

    Raises
    ------
    InputError
        For files that are not there or cannot be read, colors that the frames do not have.
    ImportError
        Without tkinter; it names the system package.
    RuntimeError
        Without a display.
    """
    if arguments.install or arguments.uninstall:
        return _change_stock_program(arguments)
    if not arguments.files:
        raise InputError("give a file to show, or --install")
    gui = open_window(arguments)
    gui.run()
    return 0


def _change_stock_program(arguments):
    if arguments.files or (arguments.install and arguments.uninstall):
        raise InputError("--install and --uninstall stand alone")
    path = startup.startup_file()
    with wrong_input(path):
        if arguments.install:
            told = {
                "added": "the menu Moments was added to ase gui",
                "updated": "the menu Moments was updated",
                "unchanged": "the menu Moments is there already",
            }
            print(f"{told[install()]}: {path}")
        elif uninstall():
            print(f"the menu Moments was removed from ase gui: {path}")
        else:
            print(f"nothing to remove: the menu Moments is not in {path}")
    return 0


def open_window(arguments):
    """Return the viewer that the arguments describe."""
    if not arguments.poll > 0:
        raise InputError(f"--poll is {arguments.poll:g} seconds, but must be positive")
    if arguments.repeat and min(arguments.repeat) < 1:
        raise InputError(f"--repeat is {arguments.repeat}, but must be at least 1 1 1")
    if arguments.live and len(arguments.files) != 1:
        raise InputError(f"--live follows one file, but there are {len(arguments.files)}")
    images = _read(arguments)
    with wrong_input(arguments.files[0]):
        moments = [moments_of(atoms) for atoms in images]
        if all(found is None for found in moments):
            _refuse_what_needs_moments(arguments)
        attach = _fields_of_model(arguments.model)
        for atoms in images:
            attach(atoms)
        for name in filter(None, [arguments.color]):
            quantities.find(images[-1], name)
        if "fields" in (arguments.arrows or ()) and fields_of(images[-1]) is None:
            raise InputError(
                "the last frame has no magforces (-dE/dM) to draw: --model NAME calculates them"
            )
    with wrong_input(f"--rotations {arguments.rotations}"):
        rotate(arguments.rotations)
    require_display()
    gui = make_window(images, arguments)
    gui.new_frame = attach
    return gui


def make_window(images, arguments):
    """Return the viewer on ``images``; see :func:`open_window`."""
    from ase_mag.gui.viewer import open_viewer

    if arguments.repeat:
        images.repeat_images(arguments.repeat)
    gui = open_viewer(images, arguments.rotations)
    gui.set_color_range(arguments.range)
    if arguments.color is not None:
        gui.color_by(arguments.color)
    if arguments.arrows is not None:
        gui.show_arrows(*arguments.arrows)
    for name in arguments.graph:
        with wrong_input(arguments.files[0]):
            gui.graph(name)
    if arguments.live:
        gui.follow(arguments.files[0], arguments.poll)
    return gui


def _read(arguments):
    from ase_mag.gui.images import MagneticImages

    images = MagneticImages()
    for name in arguments.files:
        path, index = parse_filename(name, None)
        if not Path(path).exists():
            raise InputError(f"{path} does not exist")
        if arguments.live and index is not None:
            raise InputError(f"--live follows a whole file, so give {path} without @{index}")
    with wrong_input(", ".join(arguments.files)):
        try:
            images.read(arguments.files)
        except _BROKEN as error:
            raise InputError(
                f"{', '.join(arguments.files)} cannot be read ({type(error).__name__}): {error}"
            ) from error
    return images


def _refuse_what_needs_moments(arguments):
    files = ", ".join(arguments.files)
    if arguments.arrows or arguments.graph:
        raise InputError(f"{files}: no frame has moments, so there are no arrows or graphs of them")
    print(f"ase-mag gui: no frame of {files} has moments: atoms have the colors of elements")


def _fields_of_model(name):
    """Return a function that gives a frame without magnetic forces those of a model."""
    if name is None:
        return lambda atoms: None
    with wrong_input(f"--model {name}"):
        model = models.load(name) if Path(name).exists() else models.named(name)
    calculator = MagneticCalculator(model)

    def attach(atoms):
        if result(atoms, "magforces") is None:
            model.check_species(atoms.numbers)
            atoms.calc = calculator

    return attach
