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
