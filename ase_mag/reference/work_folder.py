"""Folders in which codes run: one per calculator and process, never shared."""

import itertools
import os
import shutil
import tempfile
import weakref
from pathlib import Path

_copies = itertools.count(1)


class WorkFolder:
    """A folder that belongs to one calculator of one process.

    Without a path it is temporary and removed with this object. With one it is that folder, and
    copies (pickled to another process, or deep copies) get subfolders ``copy-<process>-<number>``,
    so that no two runs write the same files.

    Parameters
    ----------
    path : path or None

    Attributes
    ----------
    kept : whatever the owner wants to remember of files that are here; copies start with None.
    """

    kept = None

    def __init__(self, path=None):
        self.given = None if path is None else Path(path).absolute()
        self._is_copy = False
        self._process = os.getpid()
        self._path = None

    @property
    def path(self):
        """The folder, a Path; made when it is first asked for."""
        if self._process != os.getpid():  # inherited through a fork
            self._become_copy()
        if self._path is None:
            self._path = self._make()
        return self._path

    def _make(self):
        if self.given is None:
            path = Path(tempfile.mkdtemp(prefix="ase_mag_"))
            weakref.finalize(self, _remove, path, os.getpid())
            return path
        path = self.given
        if self._is_copy:
            path = path / f"copy-{os.getpid()}-{next(_copies)}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _become_copy(self):
        self._is_copy, self._process, self._path, self.kept = True, os.getpid(), None, None

    def __getstate__(self):
        return {"given": self.given}

    def __setstate__(self, state):
        self.given = state["given"]
        self._become_copy()

    def __repr__(self):
        return f"WorkFolder({str(self.given) if self.given else 'temporary'})"


def _remove(path, process):
    if process == os.getpid():
        shutil.rmtree(path, ignore_errors=True)
