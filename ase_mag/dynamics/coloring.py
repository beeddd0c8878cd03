"""Colors of moments: neighbors differ, so that all moments of one color can be updated at once."""

import numpy as np

from ase_mag import _kernels


class Coloring:
    """The moments ordered by color, kept as long as the pairs stay the same.

    Sequential updates that visit the moments color by color do not depend on the number of
    threads, because no moment of a color feels another one of the same color.
    """

    def __init__(self):
        self._form = self._result = None

    def __call__(self, form):
        """Return the moments by color and where each color starts, two int32 arrays.

        Parameters
        ----------
        form : ase_mag.core.BilinearForm
        """
        known = self._form is form or (
            self._form is not None
            and np.array_equal(form.offsets, self._form.offsets)
            and np.array_equal(form.neighbors, self._form.neighbors)
        )
        if not known:
            n = form.n_atoms
            colors = np.empty(n, np.intc)
            count = _kernels.sweep.color(
                form.offsets, form.neighbors, colors, np.full(n + 1, -1, np.intc)
            )
            order = np.argsort(colors, kind="stable").astype(np.intc)
            starts = np.searchsorted(colors[order], np.arange(count + 1)).astype(np.intc)
            self._form, self._result = form, (order, starts)
        return self._result
