"""New frames of a file that a running job writes."""

import os
from pathlib import Path

import ase.io
from ase.io.trajectory import Trajectory


class Follower:
    """Reads the frames that were added to a file since the last look.

    A frame that is only half written is left for the next look. A file that has become shorter was
    started anew: :attr:`restarted` is True after the look that has found it, and the frames are all
    of the new file.

    Parameters
    ----------
    path : str or Path, a ``.traj`` file (only new frames are read) or another format of ASE that
        holds many frames (read as a whole when the file has changed).
    seen : int, frames that are known already.
    """

    def __init__(self, path, seen=0):
        self.path = Path(path)
        self.seen = seen
        self.restarted = False
        #: What the last look could not read, a str; None: nothing.
        self.problem = None
        self._stamp = None

    def new_frames(self):
        """Return the new frames, a list of Atoms; empty where there are none or no file."""
        self.restarted, self.problem = False, None
        try:
            status = os.stat(self.path)
        except OSError as error:
            self.problem = str(error)
            return []
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if stamp == self._stamp:
            return []
        try:
            total, frames = self._read()
        except Exception as error:  # what readers raise on half a frame is not specified
            self.problem = f"{type(error).__name__}: {error}"
            return []
        self.restarted = total < self.seen
        self.seen, self._stamp = total, stamp
        return frames

    def _read(self):
        """Return how many frames the file has and those that are new (all after a restart)."""
        if self.path.suffix == ".traj":
            with Trajectory(self.path) as file:
                total = len(file)
                start = self.seen if total >= self.seen else 0
                return total, [file[k] for k in range(start, total)]
        frames = ase.io.read(self.path, index=":")
        return len(frames), frames[self.seen if len(frames) >= self.seen else 0 :]
