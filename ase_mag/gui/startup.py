"""The menu in the stock program: lines in ``~/.ase/gui.py``, which ``ase gui`` executes.

The lines stand between two marks; everything else in the file belongs to the user and is not
touched. ASE executes the file more than once per start, so the lines may be executed any number of
times; where ``ase_mag`` is missing they say so once, and the stock program goes on.
"""

import shutil
from pathlib import Path

from ase_mag.core.durable import replacing

BEGIN = "# >>> ase_mag: menu Moments in ase gui (ase-mag gui --uninstall removes these lines) >>>"
END = "# <<< ase_mag <<<"
BLOCK = f"""{BEGIN}
try:
    from ase_mag.gui.stock import extend as _extend_ase_gui

    _extend_ase_gui()
except Exception as _error:
    if not gui_default_settings.setdefault("ase_mag_is_missing", False):
        gui_default_settings["ase_mag_is_missing"] = True
        import sys as _sys

        print(f"~/.ase/gui.py: no menu Moments of ase_mag: {{_error}}", file=_sys.stderr)
{END}
"""


def startup_file():
    """Return the path of the file that the stock program executes."""
    return Path.home() / ".ase" / "gui.py"


def install(path=None):
    """Add the menu to the stock program.

    Parameters
    ----------
    path : str or Path, default :func:`startup_file`; made if it is not there.

    Returns
    -------
    str, what was done: 'added', 'updated' or 'unchanged'.

    Raises
    ------
    ValueError
        If the marks in the file are damaged, or its own Python code is (which would be executed
        together with the lines).
    """
    path = startup_file() if path is None else Path(path)
    text = _read(path) if path.exists() else ""
    _check(text, path)
    before, block, after = _parts(text, path)
    if block == BLOCK:
        return "unchanged"
    if block:
        new, done = before + BLOCK + after, "updated"
    else:
        space = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        new, done = text + space + BLOCK, "added"
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, new)
    return done


def uninstall(path=None):
    """Remove the menu from the stock program; returns whether it was there.

    The rest of the file stays as it is; a file that holds nothing else is removed.

    Parameters
    ----------
    path : path or None; None: the start file of ``ase gui``.

    Raises
    ------
    ValueError
        If the marks in the file are damaged.
    """
    path = startup_file() if path is None else Path(path)
    if not path.exists():
        return False
    before, block, after = _parts(_read(path), path)
    if not block:
        return False
    if before.endswith("\n\n"):
        before = before[:-1]
    if (before + after).strip():
        _write(path, before + after)
    else:
        path.unlink()
    return True


def _read(path):
    return path.read_bytes().decode()  # line ends as they are


def _write(path, text):
    target = path.resolve()
    with replacing(target) as temporary:
        temporary.write_bytes(text.encode())
        if target.exists():
            shutil.copymode(target, temporary)


def _check(text, path):
    try:
        compile(text, str(path), "exec")
    except SyntaxError as error:
        raise ValueError(
            f"{path} is no valid Python, and ase gui does not start with it: {error}; correct it "
            "first"
        ) from error


def _parts(text, path):
    """Return the text before the lines, the lines, and the text after them."""
    before, begin, rest = text.partition(BEGIN + "\n")
    inside, end, after = rest.partition(END + "\n")
    if not begin and not end and END not in text:
        return text, "", ""
    if not begin or not end or BEGIN in inside or BEGIN in after or END in before + after:
        raise ValueError(
            f"the marks of ase_mag in {path} are damaged: remove the lines from {BEGIN!r} to "
            f"{END!r} by hand"
        )
    return before, begin + inside + end, after
