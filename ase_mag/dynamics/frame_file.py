"""The trajectory file of a run, kept open between two frames."""

import weakref

from ase.io.trajectory import TrajectoryWriter


class FrameFile:
    """Writes frames to an ASE trajectory file that is opened once, at the first frame.

    ASE opens the file anew for every frame and then reads the first one in it, which takes longer
    than writing. Every frame is complete on the disk when :meth:`write` returns.

    Parameters
    ----------
    path : str or Path
    append : bool, keep the frames that are there.
    **options : of ``ase.io.trajectory.TrajectoryWriter`` (master, comm).
    """

    def __init__(self, path, append=False, **options):
        self.path = path
        self.append = append
        self.options = options
        self.description = {}
        #: Where the run comes from, a JSON-able dict, beside its settings; None: not known.
        self.origin = None
        #: Returns what is written as ``info`` of a frame beside its own, a dict; None: nothing.
        self.frame_info = None
        self._writer = None

    def set_description(self, description):
        """Set what the file says about the run; written with the first frame."""
        self.description = description

    def write(self, atoms):
        """Append one frame."""
        for image in atoms.iterimages():  # ASE's dynamics hands over a view of its atoms
            own = image.info
            if self.frame_info is not None:
                image.info = own | self.frame_info()
            try:
                self._open().write(image)
            finally:
                image.info = own

    def __len__(self):
        return len(self._open())

    def _open(self):
        if self._writer is None:
            mode = "a" if self.append else "w"
            self._writer = TrajectoryWriter(self.path, mode, **self.options)
            origin = {} if self.origin is None else {"origin": self.origin}
            self._writer.set_description(self.description | origin)
            # Dynamics that nobody closes are collected in any order: close the file before that.
            self._close = weakref.finalize(self, self._writer.close)
        return self._writer

    def close(self):
        """Close the file; the next frame opens it again."""
        if self._writer is not None:
            self._close()
            self._writer, self.append = None, True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FrameCount:
    """How many frames (and lines of the log) a run has at its present step.

    Every ``interval`` steps there is one, and one of step 0. A run that goes on from a checkpoint
    may have another interval, which counts from there: what is before stays as it is.

    Parameters
    ----------
    dynamics : object with ``nsteps``.
    interval : int, steps between two frames.

    Attributes
    ----------
    before : int, the number of frames at the checkpoint; those of step 0 are written anew.
    """

    def __init__(self, dynamics, interval):
        self.dynamics, self.interval = dynamics, interval
        self.before, self._start = 0, -1

    def get_state(self):
        """Return what a checkpoint keeps."""
        own = self.dynamics.nsteps // self.interval - self._start // self.interval
        return {"count": self.before + own}

    def set_state(self, state):
        """Go on from a checkpoint, whose step the dynamics has taken over already."""
        nsteps = self.dynamics.nsteps
        self.before, self._start = 0, -1
        if nsteps:
            # Earlier versions kept no count.
            self.before = state.get("count", nsteps // self.interval + 1)
            self._start = nsteps
