"""Whether there can be windows: tkinter and a display."""

from importlib import import_module


def require_tkinter():
    """Import tkinter and return it.

    Raises
    ------
    ImportError
        If this Python has no tkinter; the message names the system package.
    """
    try:
        return import_module("tkinter")
    except ModuleNotFoundError as error:
        if error.name not in ("tkinter", "_tkinter"):
            raise
        raise ImportError(
            "windows need tkinter, which this Python lacks: install the system package python3-tk "
            "(Debian, Ubuntu; python3-tkinter on Fedora, python-tk with Homebrew)"
        ) from error


def require_display():
    """Return nothing if a window can be opened.

    Raises
    ------
    ImportError
        As :func:`require_tkinter`.
    RuntimeError
        If there is no display; the message says how to get one.
    """
    tkinter = require_tkinter()
    try:
        root = tkinter.Tk()
    except tkinter.TclError as error:
        raise RuntimeError(
            f"no window can be opened ({error}): log in with ssh -X, set DISPLAY, or start a "
            "virtual display (xvfb-run); ase-mag plot makes figures without one"
        ) from error
    root.destroy()
