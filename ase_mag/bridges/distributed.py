"""A model on atoms that are spread over processes."""

from dataclasses import replace

import numpy as np

from ase_mag.core import Response, Surface
from ase_mag.core.extras import require


class DistributedSurface(Surface):
    """The surface of a :class:`Model` whose atoms are spread over the processes of ``comm``.

    Every process evaluates the sites it owns, with the moments of its ghosts brought in before and
    the shares of the ghosts in forces and magnetic forces brought back after (:class:`Halo`). The
    energies and virials of a response are those of the owned sites only: :meth:`total` adds up.

    Where the model has a bilinear form, magnetic forces come from it: M_j is all that B_i needs,
    so that nothing has to be brought back.

    Parameters
    ----------
    model : Model
    comm : mpi4py communicator.

    Attributes
    ----------
    graph : PairGraph of owned atoms and ghosts, which :meth:`renew` sets.
    halo : Halo
    """

    def __init__(self, model, comm):
        self.model, self.comm = model, comm
        self.graph = self.halo = None
        self._form = self._response = self._key = None
        self._formed = False

    def renew(self, graph, halo):
        """Go over to a new geometry."""
        self.graph, self.halo = graph, halo
        self._form, self._formed, self._key = None, False, None

    def total(self, values):
        """Return the sum of an array (or number) over all processes."""
        values = np.asarray(values, dtype=float)
        result = np.empty_like(values)
        self.comm.Allreduce(np.ascontiguousarray(values), result)
        return result

    def maximum(self, value):
        return self.comm.allreduce(float(value), op=require("mpi4py.MPI", "lammps").MAX)

    def response(self, state, *, lattice=True):
        key = (state.serial, *state.version)
        if key != self._key or (lattice and self._response.forces is None):
            self._response = self._evaluate(state, lattice)
            self._key = key
        return self._response

    def response_of_moments(self, state):
        """Return energies and magnetic forces without the lattice, not kept."""
        return self._evaluate(state, lattice=False)

    def _evaluate(self, state, lattice):
        n = self.graph.n_sites
        moments = self.with_ghosts(state.moments)
        form = None if lattice else self.pairwise
        if form is not None:
            return Response(*form.evaluate(moments))
        response = self.model.evaluate(self.graph, moments, lattice=lattice)
        parts = [response.magforces, response.forces] if lattice else [response.magforces]
        columns = np.concatenate(parts, axis=1)
        owned = columns[:n].copy()
        self.halo.reverse(columns[n:], owned)
        response.magforces = owned[:, :3]
        response.forces = owned[:, 3:] if lattice else None
        return response

    def with_ghosts(self, values):
        """Return values of the owned atoms, (n_owned, k), followed by those of the ghosts."""
        return np.concatenate([values, self.halo.forward(values)])

    def turning_fields(self, state):
        form = self.pairwise
        if form is None:
            return super().turning_fields(state)
        moments = self.with_ghosts(state.moments)
        return replace(form, landau=None).evaluate(moments)[1], False

    @property
    def pairwise(self):
        """The bilinear form on the sites of this process, or None; made once per geometry."""
        if not self._formed:
            self._form, self._formed = self.model.bilinear(self.graph), True
        return self._form
