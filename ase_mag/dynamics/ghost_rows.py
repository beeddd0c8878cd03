"""Moments of owned atoms and of ghosts, as the rows that kernels take."""

import numpy as np

from ase_mag.core import LANES, aligned_zeros


class GhostRows:
    """Moments that a process owns and, after them, those of its ghosts, one row of four each.

    The stages of many steps run on them in place, with the ghosts set anew before each stage.

    Parameters
    ----------
    surface : ase_mag.core.Surface with a ``spread_form``.
    state : ase_mag.core.State of the owned atoms.

    Attributes
    ----------
    moments : (n_rows, 4) float array, mu_B; the last column is zero, the number of rows a multiple
        of eight. Kernels work on blocks of eight, the last of which may reach into the ghosts.
    n_owned, n_rows : int
    """

    def __init__(self, surface, state):
        self.surface, self.n_owned = surface, len(state.moments)
        self.n_rows = -(-max(surface.n_rows, 1) // LANES) * LANES
        self.moments = aligned_zeros(self.n_rows)
        self.moments[: self.n_owned, :3] = state.moments
        self._scratch = []

    def scratch(self, k):
        """Return the array number ``k`` of as many rows for the stages of one step."""
        while len(self._scratch) <= k:
            self._scratch.append(aligned_zeros(self.n_rows))
        return self._scratch[k]

    def swap(self, k):
        """Exchange ``moments`` with the scratch array number ``k``."""
        self.moments, self._scratch[k] = self._scratch[k], self.moments

    def refresh(self, rows):
        """Set the rows of the ghosts in ``rows`` by those of their owners."""
        self.surface.refresh(rows)

    def numbers(self, noise):
        """Return the atoms of the rows to which ``noise`` belongs, uint32, or None: 0, 1, 2, ..."""
        if noise.atoms is None:
            return None
        atoms = np.zeros(self.n_rows, dtype=np.uint32)
        atoms[: self.n_owned] = noise.atoms
        return atoms

    def write(self, state):
        """Take the moments of the owned atoms over into ``state``."""
        state.moments[:] = self.moments[: self.n_owned, :3]
        state.moments_changed()
