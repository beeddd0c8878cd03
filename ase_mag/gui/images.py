"""The frames of the viewer, with vector moments kept when they are repeated, saved or added to."""

import numpy as np
from ase.gui.images import Images

from ase_mag.gui.frames import moments_of, repeated_results, saved


class MagneticImages(Images):
    """``ase.gui.images.Images`` that repeats and saves vector moments, and can grow.

    The stock class repeats (N, 3) moments to (N, 3 n), and its copies for files keep energy and
    forces only.
    """

    def repeat_results(self, atoms, repeat=None, oldprod=None):
        """Return the results of the repeated frame; see :func:`.frames.repeated_results`."""
        count = int(np.prod(self.repeat if repeat is None else repeat))
        return repeated_results(atoms, count, int(oldprod or self.repeat.prod()))

    def get_atoms(self, frame, remove_hidden=False):
        """Return a copy of a frame for a file, with moments and all results."""
        atoms = self[frame]
        return saved(atoms, self.visible[: len(atoms)] if remove_hidden else None)

    def has_moments(self):
        """Return whether any frame has moments."""
        return any(moments_of(atoms) is not None for atoms in self)

    def extend(self, frames, filenames):
        """Add frames at the end; they are repeated as the others are, the selection stays."""
        if (self.repeat > 1).any():
            added = type(self)(frames)
            added.repeat_images(self.repeat)
            frames = list(added)
        for atoms in frames:
            self._images.append(atoms)
            self.history.append_image(atoms)
            self.have_varying_species |= not np.array_equal(self[0].numbers, atoms.numbers)
        self.filenames.extend(filenames)
        missing = max(len(atoms) for atoms in self) - self.maxnatoms
        if missing > 0:
            self.maxnatoms += missing
            self.selected = np.append(self.selected, np.zeros(missing, dtype=bool))
            self.visible = np.append(self.visible, np.ones(missing, dtype=bool))
