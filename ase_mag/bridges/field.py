"""A uniform magnetic field on atoms that are spread over processes."""

from dataclasses import replace

import numpy as np

from ase_mag.bridges.distributed import DistributedSurface
from ase_mag.core import Response
from ase_mag.dynamics.driven import field_at


class FieldSurface(DistributedSurface):
    """A :class:`DistributedSurface` in a uniform field B: E(M, t) = E(M) - sum_i M_i.B(t).

    Parameters
    ----------
    model, comm : see :class:`DistributedSurface`.
    field : three floats in tesla, or a function of the time (ASE units) that returns them, the
        same ones on every process. The simulation sets ``time``, to the middle of each step.
    """

    def __init__(self, model, comm, field):
        super().__init__(model, comm)
        self.field = field

    def pairwise_at(self, time):
        form = super().pairwise_at(time)
        if form is None:
            return None
        field = np.tile(field_at(self.field, time), (form.n_atoms, 1))
        return replace(form, field=field if form.field is None else form.field + field)

    def response(self, state, *, lattice=True):
        return self._with_field(super().response(state, lattice=lattice), state)

    def response_of_moments(self, state):
        return self._with_field(super().response_of_moments(state), state)

    def _with_field(self, rest, state):
        field = field_at(self.field, self.time)
        energies = None if rest.energies is None else rest.energies - state.moments @ field
        return Response(energies, rest.magforces + field, rest.forces, rest.virials)
