"""Undamped spin dynamics that conserves the energy to rounding: sequential rotations."""

from dataclasses import replace

import numpy as np

from ase_mag import _kernels, units
from ase_mag.core import padded, threads_for
from ase_mag.dynamics.coloring import Coloring
from ase_mag.dynamics.propagators import SpinPropagator


class SequentialPrecession(SpinPropagator):
    """Undamped precession dM/dt = -gamma M x B by rotations of one moment after the other.

    While the others stand still a moment turns about its own field, which conserves the energy
    of exchange and external field exactly. A step is a sweep over all moments by dt/2 and the
    same sweep backwards (Suzuki-Trotter; Omelyan, Mryglod, Folk, Phys. Rev. Lett. 86, 898
    (2001)): symplectic, reversible, second order in dt, at the cost of two field evaluations.
    The rotations are Cayley rotations; anisotropy is turned by the implicit midpoint rule, which
    conserves the energy of the uniaxial kind, and of the cubic kind to third order.

    The moments are visited color by color, where neighbors differ in color, so the result does
    not depend on the number of threads. The total moment is conserved to second order only
    (:class:`Precession` with ``method="implicit"`` conserves both exactly, at more cost).

    Parameters
    ----------
    surface, timestep : see :class:`SpinPropagator`. There is no bath.

    Raises
    ------
    ValueError
        When run on a model without a bilinear form.
    """

    def __init__(self, surface, timestep=None):
        super().__init__(surface, timestep=timestep)
        self._colors = Coloring()

    def run(self, state, duration, n_steps):
        form = self.surface.form(state)
        if form is None:
            raise ValueError(
                "sequential precession needs a model with a bilinear form; use Precession with "
                "method='implicit' for this one"
            )
        form = replace(form, landau=None)  # terms of the size exert no torque
        moments = padded(state.moments)
        order, starts = self._colors(form)
        if self.moving is not None:
            colors = np.repeat(np.arange(len(starts) - 1), np.diff(starts))[self.moving[order]]
            order = order[self.moving[order]]
            starts = np.searchsorted(colors, np.arange(len(starts))).astype(np.intc)
        # Rows in the order of the visits save more than they cost from a few sweeps on.
        ranked = n_steps > 2 and form.exchange is not None and form.tensors is None
        work = (len(form.neighbors) + 10 * form.n_atoms) // max(1, len(starts) - 1)
        _kernels.sweep.sweep(
            (_ranked(form, order) if ranked else form).arrays,
            moments,
            order,
            starts,
            ranked,
            units.gamma,
            duration / n_steps,
            n_steps,
            threads_for(work),
        )
        state.moments[:] = moments[: form.n_atoms, :3]
        state.moments_changed()


def _ranked(form, order):
    """Return ``form`` with the pairs of the sites in the order of ``order``."""
    offsets = np.empty(len(order) + 1, np.intc)
    neighbors, exchange = np.empty_like(form.neighbors), np.empty_like(form.exchange)
    _kernels.sweep.rank_rows(
        form.offsets, form.neighbors, form.exchange, order, offsets, neighbors, exchange
    )
    return replace(form, offsets=offsets, neighbors=neighbors, exchange=exchange)
