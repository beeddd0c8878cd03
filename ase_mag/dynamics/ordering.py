"""Atoms sorted in space, so that the moments of neighbors lie close to each other in memory."""

from dataclasses import replace

import numpy as np

from ase_mag import _kernels
from ase_mag.core import threads_for

#: Distance in memory between neighbors, in atoms of 32 bytes, up to which the cache holds them.
_NEAR = 16_384
#: Steps at the same positions after which sorting has paid.
_PATIENCE = 10
#: Bits of the space-filling curve along each direction.
_BITS = 10


class SpatialOrder:
    """Forms whose atoms are sorted in space, where their own order is so bad that it pays.

    Sorting costs about as much as ten steps. It does not change a bit of the results: the pairs
    of each atom keep their order, and noise belongs to the atom.
    """

    def __init__(self):
        self._form = self._result = None
        self._steps = 0

    def __call__(self, form, state, n_steps):
        """Return the sorted form and the atoms in its order (int32), or the form and None.

        Parameters
        ----------
        form : ase_mag.core.BilinearForm
        state : ase_mag.core.State, of the same atoms.
        n_steps : int, steps that are to be made.
        """
        if self._form is not form:
            self._form, self._steps = form, 0
            self._result = None if scattered(form) else (form, None)
        self._steps += n_steps
        if self._result is None and self._steps >= _PATIENCE:
            order = along_curve(state.positions, state.cell, state.pbc)
            self._result = permuted(form, order), order
        return self._result or (form, None)


def scattered(form):
    """Return whether most neighbors lie far from each other in memory."""
    if form.n_atoms <= 2 * _NEAR or not len(form.neighbors):
        return False
    rows = np.arange(0, form.n_atoms, max(1, form.n_atoms // 500))
    apart = [
        np.abs(form.neighbors[form.offsets[i] : form.offsets[i + 1]] - np.int64(i)) for i in rows
    ]
    return bool(np.median(np.concatenate(apart)) > _NEAR)


def along_curve(positions, cell, pbc):
    """Return the atoms along a space-filling curve (Morton), (n_atoms,) int32.

    Parameters
    ----------
    positions : (n_atoms, 3) float array, angstrom.
    cell : (3, 3) float array, rows are cell vectors, angstrom.
    pbc : three bool; positions are folded into the cell if all are True.
    """
    if np.all(pbc):
        fractions = positions @ np.linalg.inv(cell)
        places = (fractions - np.floor(fractions)) * np.linalg.norm(cell, axis=1)
    else:
        places = positions - positions.min(axis=0)
    grid = (places * ((1 << _BITS) - 1) / max(places.max(initial=0.0), 1e-300)).astype(np.int64)
    code = np.zeros(len(grid), dtype=np.int64)
    for bit in range(_BITS):
        for axis in range(3):
            code |= ((grid[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable").astype(np.intc)


def permuted(form, order):
    """Return ``form`` of the atoms ``order``, each of its pairs in the same place.

    Parameters
    ----------
    form : ase_mag.core.BilinearForm
    order : (n_atoms,) int32 array, a permutation.
    """
    place = np.empty_like(order)
    place[order] = np.arange(len(order), dtype=order.dtype)
    offsets = np.zeros_like(form.offsets)
    np.cumsum(np.diff(form.offsets)[order], out=offsets[1:])
    pairs = {
        name: None if getattr(form, name) is None else np.empty_like(getattr(form, name))
        for name in ("neighbors", "exchange", "tensors")
    }
    _kernels.ordering.permute(
        form.offsets,
        form.neighbors,
        form.exchange,
        form.tensors,
        order,
        place,
        offsets,
        *pairs.values(),
        threads_for(len(form.neighbors)),
    )
    sites = {
        name: None if getattr(form, name) is None else getattr(form, name)[order]
        for name in ("constant", "field", "landau", "quadric", "cubic", "axes")
    }
    return replace(form, offsets=offsets, **pairs, **sites)
